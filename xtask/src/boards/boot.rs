//! `cargo xtask boot`: a bundle on a board.

use super::Board;
use super::bundle;
use super::console::Boot;
use super::image::Image;
use crate::build;
use crate::error::Result;
use crate::process::step;
use std::path::PathBuf;
use std::time::Duration;

/// The command.
pub fn command(mut parser: lexopt::Parser) -> Result<bool> {
    use lexopt::prelude::*;
    let (mut name, mut given, mut parameters) = (None, None, String::new());
    while let Some(argument) = parser.next().map_err(|e| e.to_string())? {
        match argument {
            Short('b') | Long("bundle") => {
                given = Some(PathBuf::from(parser.value().map_err(|e| e.to_string())?));
            }
            Long("parameters") => {
                let value = parser.value().and_then(|v| v.string());
                parameters = value.map_err(|e| e.to_string())?;
            }
            Value(value) if name.is_none() => {
                name = Some(value.string().map_err(|e| e.to_string())?);
            }
            other => return Err(other.unexpected().to_string()),
        }
    }
    let board = Board::find(&name.ok_or("boot takes the name of a board: a folder of boards/")?)?;
    board.install()?;
    let packer = build::release()?.path;
    let bundle = match given {
        Some(bundle) => bundle,
        None => bundle::made(&board)?,
    };
    let kernel = board.kernel()?;
    let image = Image::pack(&board.name, &packer, &board.binary()?, &bundle)?;
    step(format_args!("booting {}, with {} bytes of initramfs", board.name, image.size));
    let boot = Boot {
        board: &board,
        kernel: &kernel.join("image"),
        initramfs: &image.path,
        parameters: &format!("quiet {parameters}"),
        memory: None,
        arguments: &[],
        limit: Duration::MAX,
    };
    boot.attend()
}
