//! Compression in the format of RFC 1951, small rather than strong.
//!
//! The whole stream is one block with the codes that the format fixes, so there
//! is nothing to count, to build or to buffer. Repetitions are found by chains
//! of places with the same three bytes, as zlib does. A tenth is lost against
//! codes made to measure. Memory: the window and two tables, 256 KiB.

use alloc::vec;
use alloc::vec::Vec;

/// How far back a repetition may be, in bytes (RFC 1951, 3.2.5).
const REACH: usize = 32 << 10;
/// The window's size, in bytes: what is in reach, and what is still to be written.
const WINDOW: usize = 3 * REACH;
/// The shortest and the longest repetition, in bytes.
const SHORTEST: usize = 3;
const LONGEST: usize = 258;
/// Bits of a hash of three bytes.
const HASH_BITS: u32 = 14;
/// Places looked at for a repetition.
const TRIES: usize = 48;
/// The code that ends a block.
const END: u32 = 256;

/// A stream that is being compressed.
pub struct Deflate {
    /// What may be repeated, then what is not written yet.
    window: Vec<u8>,
    /// Where in the window the latter begins.
    next: usize,
    /// The place in the stream of the window's first byte. It wraps: a place
    /// says only where to look, and what is found there is compared.
    base: u32,
    /// The last place of each hash, plus one.
    heads: Vec<u32>,
    /// The place before that of the same hash, for each place modulo `REACH`.
    chain: Vec<u32>,
    bits: Bits,
}

/// Bits that are no byte yet, the first one lowest.
struct Bits {
    value: u64,
    count: u32,
}

impl Bits {
    fn put(&mut self, value: u32, count: u32, out: &mut Vec<u8>) {
        self.value |= u64::from(value) << self.count;
        self.count += count;
        while self.count >= 8 {
            out.push(self.value as u8);
            self.value >>= 8;
            self.count -= 8;
        }
    }

    /// A code, whose highest bit comes first.
    fn code(&mut self, code: u32, count: u32, out: &mut Vec<u8>) {
        self.put(code.reverse_bits() >> (32 - count), count, out);
    }

    /// A literal, a length or the end (RFC 1951, 3.2.6).
    fn symbol(&mut self, symbol: u32, out: &mut Vec<u8>) {
        match symbol {
            0..=143 => self.code(0x30 + symbol, 8, out),
            144..=255 => self.code(0x190 + symbol - 144, 9, out),
            256..=279 => self.code(symbol - 256, 7, out),
            _ => self.code(0xc0 + symbol - 280, 8, out),
        }
    }

    fn repetition(&mut self, found: Repetition, out: &mut Vec<u8>) {
        let length = (found.length - SHORTEST) as u32;
        match length {
            0..=7 => self.symbol(257 + length, out),
            255 => self.symbol(285, out),
            _ => {
                let extra = length.ilog2() - 2;
                self.symbol(261 + 4 * extra + (length >> extra & 3), out);
                self.put(length & ((1 << extra) - 1), extra, out);
            }
        }
        let distance = (found.distance - 1) as u32;
        match distance {
            0..=3 => self.code(distance, 5, out),
            _ => {
                let extra = distance.ilog2() - 1;
                self.code(2 * extra + 2 + (distance >> extra & 1), 5, out);
                self.put(distance & ((1 << extra) - 1), extra, out);
            }
        }
    }
}

/// So many bytes are the same as those so far back.
#[derive(Clone, Copy, Default)]
struct Repetition {
    length: usize,
    distance: usize,
}

impl Deflate {
    /// Begins a stream.
    pub fn new(out: &mut Vec<u8>) -> Deflate {
        let mut bits = Bits { value: 0, count: 0 };
        // The last block, with fixed codes.
        bits.put(0b011, 3, out);
        Deflate {
            window: Vec::with_capacity(WINDOW),
            next: 0,
            base: 0,
            heads: vec![0; 1 << HASH_BITS],
            chain: vec![0; REACH],
            bits,
        }
    }

    /// Adds bytes; what is ready is appended to `out`.
    pub fn write(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) {
        while !bytes.is_empty() {
            let room = WINDOW - self.window.len();
            let (now, later) = bytes.split_at(bytes.len().min(room));
            self.window.extend_from_slice(now);
            bytes = later;
            if !bytes.is_empty() {
                // What follows may make a repetition longer.
                self.encode(LONGEST + 1, out);
                self.slide();
            }
        }
    }

    /// Ends the stream.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        self.encode(0, out);
        self.bits.symbol(END, out);
        self.bits.put(0, 7, out);
    }

    /// Writes all but the last `keep` bytes.
    fn encode(&mut self, keep: usize, out: &mut Vec<u8>) {
        let end = self.window.len().saturating_sub(keep);
        let mut now = Repetition::default();
        if self.next < end {
            now = self.find();
        }
        while self.next < end {
            let start = self.next;
            self.note();
            self.next += 1;
            let after = if self.next < end { self.find() } else { Repetition::default() };
            // One that begins a byte later may be longer.
            if now.length < SHORTEST || after.length > now.length {
                self.bits.symbol(u32::from(self.window[start]), out);
                now = after;
                continue;
            }
            self.bits.repetition(now, out);
            while self.next < start + now.length {
                self.note();
                self.next += 1;
            }
            now = if self.next < end { self.find() } else { Repetition::default() };
        }
    }

    /// Drops what is out of reach.
    fn slide(&mut self) {
        let gone = self.next.saturating_sub(REACH);
        self.window.copy_within(gone.., 0);
        self.window.truncate(self.window.len() - gone);
        self.next -= gone;
        self.base = self.base.wrapping_add(gone as u32);
    }

    /// The hash of the three bytes at `next`, where there are so many.
    fn hash(&self) -> Option<usize> {
        let bytes = self.window.get(self.next..self.next + SHORTEST)?;
        let value = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], 0]);
        Some((value.wrapping_mul(0x9e37_79b1) >> (32 - HASH_BITS)) as usize)
    }

    /// Enters the place `next` into its chain.
    fn note(&mut self) {
        let Some(hash) = self.hash() else { return };
        let place = self.base.wrapping_add(self.next as u32);
        self.chain[place as usize % REACH] = self.heads[hash];
        self.heads[hash] = place.wrapping_add(1);
    }

    /// The longest repetition of what is at `next`.
    fn find(&self) -> Repetition {
        let mut best = Repetition::default();
        let Some(hash) = self.hash() else { return best };
        let ahead = &self.window[self.next..];
        let ahead = &ahead[..ahead.len().min(LONGEST)];
        let place = self.base.wrapping_add(self.next as u32);
        let mut entry = self.heads[hash];
        let mut last = 0;
        for _ in 0..TRIES {
            let other = entry.wrapping_sub(1);
            let distance = place.wrapping_sub(other) as usize;
            // Older with each step, or the chain has been written over.
            if entry == 0 || distance <= last || distance > REACH.min(self.next) {
                break;
            }
            last = distance;
            let behind = &self.window[self.next - distance..];
            let length = ahead.iter().zip(behind).take_while(|(a, b)| a == b).count();
            if length > best.length {
                best = Repetition { length, distance };
                if length == ahead.len() {
                    break;
                }
            }
            entry = self.chain[other as usize % REACH];
        }
        best
    }
}
