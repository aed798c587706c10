//! Input in pieces, as sockets hand it over.

use bytes::Bytes;

/// Cuts `data` into pieces of 1 to some hundred bytes; which, `seed` decides.
///
/// A reader of a byte stream must make the same of every cut.
pub fn pieces(data: &[u8], seed: u8) -> Vec<Bytes> {
    let mut state = u32::from(seed) << 8 | 1;
    let mut rest = Bytes::copy_from_slice(data);
    let mut pieces = Vec::new();
    while !rest.is_empty() {
        // xorshift32 (Marsaglia).
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        let longest = [1, 7, 188, 700][state as usize % 4];
        let len = 1 + (state >> 8) as usize % longest;
        pieces.push(rest.split_to(len.min(rest.len())));
    }
    pieces
}
