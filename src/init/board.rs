//! What the first process knows of its board.

use super::settings::Settings;
use super::voice::Voice;

/// What tasks have to know.
pub struct Board {
    /// The settings.
    pub settings: Settings,
    /// The bundle's directory.
    pub bundle: &'static str,
    /// Our lines.
    pub voice: Voice,
    /// We are the first process of a machine, and not of a pid namespace: it is
    /// ours to end.
    pub whole: bool,
}
