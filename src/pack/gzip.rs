//! The gzip format around the compressed stream (RFC 1952), without a name and
//! a time: the same bytes for the same archive.

use super::deflate::Deflate;
use alloc::vec::Vec;

/// The identification, "deflate", no flags, no time, no hint, Unix.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];

/// A gzip file that is being written.
pub struct Gzip {
    deflate: Deflate,
    crc: u32,
    length: u32,
}

impl Gzip {
    /// Begins a file.
    pub fn new(out: &mut Vec<u8>) -> Gzip {
        out.extend(HEADER);
        Gzip { deflate: Deflate::new(out), crc: !0, length: 0 }
    }

    /// Adds bytes; what is ready is appended to `out`.
    pub fn write(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        self.crc = bytes.iter().fold(self.crc, |crc, byte| crc32(crc, *byte));
        self.length = self.length.wrapping_add(bytes.len() as u32);
        self.deflate.write(bytes, out);
    }

    /// Ends the file.
    pub fn finish(mut self, out: &mut Vec<u8>) {
        self.deflate.finish(out);
        out.extend((!self.crc).to_le_bytes());
        out.extend(self.length.to_le_bytes());
    }
}

/// The checksum of ISO 3309 for each half of a byte, the lowest bit first.
const TABLE: [u32; 16] = {
    let mut table = [0; 16];
    let mut index = 0;
    while index < 16 {
        let mut value = index as u32;
        let mut bit = 0;
        while bit < 4 {
            value = (value >> 1) ^ (if value & 1 == 1 { 0xedb8_8320 } else { 0 });
            bit += 1;
        }
        table[index] = value;
        index += 1;
    }
    table
};

fn crc32(crc: u32, byte: u8) -> u32 {
    let crc = crc ^ u32::from(byte);
    let crc = (crc >> 4) ^ TABLE[crc as usize & 15];
    (crc >> 4) ^ TABLE[crc as usize & 15]
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use std::io::Write;
    use std::process::{Command, Stdio};

    fn compressed(data: &[u8], step: usize) -> Vec<u8> {
        let mut out = Vec::new();
        let mut gzip = Gzip::new(&mut out);
        data.chunks(step).for_each(|chunk| gzip.write(chunk, &mut out));
        gzip.finish(&mut out);
        out
    }

    /// What gzip(1) makes of it.
    fn unpacked(data: Vec<u8>) -> Vec<u8> {
        let mut command = Command::new("gzip");
        command.arg("-dc").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("gzip");
        let mut stdin = child.stdin.take().unwrap();
        let writer = std::thread::spawn(move || stdin.write_all(&data).unwrap());
        let out = child.wait_with_output().unwrap();
        writer.join().unwrap();
        assert!(out.status.success(), "gzip -d refuses the file");
        out.stdout
    }

    /// Numbers that repeat only by chance.
    fn noise(length: usize) -> Vec<u8> {
        let mut state = 1u32;
        let next = |_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        (0..length).map(next).collect()
    }

    #[test]
    fn the_checksum_is_the_usual_one() {
        assert_eq!(!b"123456789".iter().fold(!0, |crc, byte| crc32(crc, *byte)), 0xcbf4_3926);
    }

    #[test]
    fn gzip_unpacks_what_is_packed() {
        let noise = noise(300_000);
        let mut far = noise[..32_768].to_vec();
        far.extend_from_within(..);
        // Just too far to be a repetition.
        far.push(0);
        far.extend_from_within(..32_768);
        let mut every_distance = Vec::new();
        for n in 0..2000 {
            every_distance.extend(noise[..n % 300].iter().map(|byte| byte & 3));
        }
        let text = b"one file, one idea; ".repeat(9000);
        for data in [&b""[..], b"a", b"ab", b"abc", &[0; 200_000], &noise, &far, &text] {
            assert!(unpacked(compressed(data, 1 << 20)) == data, "{} bytes", data.len());
        }
        for step in [1, 7, 4096, 98_304] {
            assert!(unpacked(compressed(&every_distance, step)) == every_distance, "{step}");
        }
    }

    #[test]
    fn repetitions_are_found() {
        assert!(compressed(&[0; 200_000], 999).len() < 2000);
        assert!(compressed(&b"one file, one idea; ".repeat(1000), 64).len() < 300);
        // 32,768 bytes back is near enough; how it is cut does not matter.
        let mut twice = noise(32_768);
        let once = compressed(&twice, 4096).len();
        twice.extend_from_within(..);
        assert!(compressed(&twice, 4096).len() < once + 700);
        assert_eq!(compressed(&twice, 4096), compressed(&twice, 1 << 20));
    }
}
