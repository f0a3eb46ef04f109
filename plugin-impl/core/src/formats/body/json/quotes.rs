//! Finds the end of a string.
//!
//! Source code in a prompt has an escape in every line, and often an escaped quote. Going from quote to
//! quote would mean thousands of short jumps, so this search tests 64 bytes at a time, with one bit per
//! byte.

use memchr::memchr;

/// Returns the position of the first unescaped quote at or after `from`. The byte at `from` is not escaped.
pub(super) fn closing(text: &[u8], from: usize) -> Option<usize> {
    // Most strings have no escaped quote in them, and nothing is faster than this.
    let first = from + memchr(b'"', &text[from..])?;
    if is_escaped(&text[from..first]) { in_blocks(text, first + 1) } else { Some(first) }
}

/// Returns whether an odd number of backslashes stands at the end.
fn is_escaped(before: &[u8]) -> bool {
    before.iter().rev().take_while(|&&byte| byte == b'\\').count() % 2 == 1
}

#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "which instructions a processor has is known only where it runs")]
fn in_blocks(text: &[u8], from: usize) -> Option<usize> {
    if !std::arch::is_x86_feature_detected!("avx2") {
        return each_block(text, from, bits_anywhere);
    }
    // SAFETY: the caller has to see to it that the processor has AVX2, and it has just said so.
    unsafe { in_blocks_of_halves(text, from) }
}

#[cfg(not(target_arch = "x86_64"))]
fn in_blocks(text: &[u8], from: usize) -> Option<usize> {
    each_block(text, from, bits_anywhere)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn in_blocks_of_halves(text: &[u8], from: usize) -> Option<usize> {
    each_block(text, from, |block, byte| bits_of_halves(block, byte))
}

/// Walks through the text; `bits` returns a bit per byte of a block: equal to the wanted byte or not.
#[inline(always)]
fn each_block(text: &[u8], from: usize, bits: impl Fn(&[u8; 64], u8) -> u64) -> Option<usize> {
    let (blocks, rest) = text[from..].as_chunks();
    let mut last = [0; 64];
    last[..rest.len()].copy_from_slice(rest);
    let mut is_carried = false;
    for (number, block) in blocks.iter().chain([&last]).enumerate() {
        let closing = bits(block, b'"') & !escaped(bits(block, b'\\'), &mut is_carried);
        if closing != 0 {
            return Some(from + number * 64 + closing.trailing_zeros() as usize);
        }
    }
    None
}

/// Compares 32 bytes with one instruction and gathers the bits with a second; the compiler does not find
/// this by itself.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn bits_of_halves(block: &[u8; 64], byte: u8) -> u64 {
    use std::arch::x86_64::{_mm256_cmpeq_epi8, _mm256_movemask_epi8, _mm256_set1_epi8, _mm256_setr_epi64x};

    let wanted = _mm256_set1_epi8(byte.cast_signed());
    let mut bits = 0;
    for (place, half) in block.as_chunks::<32>().0.iter().enumerate() {
        let [a, b, c, d] = std::array::from_fn(|eight| number(half, 8 * eight));
        let equal = _mm256_cmpeq_epi8(_mm256_setr_epi64x(a, b, c, d), wanted);
        bits |= u64::from(_mm256_movemask_epi8(equal).cast_unsigned()) << (32 * place);
    }
    bits
}

#[cfg(target_arch = "x86_64")]
fn number(half: &[u8; 32], from: usize) -> i64 {
    let eight: [u8; 8] = std::array::from_fn(|place| half[from + place]);
    i64::from_le_bytes(eight)
}

/// Gathers the bits with portable operations.
fn bits_anywhere(block: &[u8; 64], byte: u8) -> u64 {
    let equal: [u8; 64] = std::array::from_fn(|place| u8::from(block[place] == byte));
    let eights = equal.as_chunks().0.iter();
    // The product has the eight bytes, each 0 or 1, as the bits of its highest byte.
    let gathered = eights.map(|eight| u64::from_le_bytes(*eight).wrapping_mul(0x0102_0408_1020_4080) >> 56);
    gathered.enumerate().fold(0, |bits, (place, eight)| bits | eight << (8 * place))
}

/// Returns the bits of escaped bytes, from the bits of backslashes. `is_carried` holds, on entry, whether
/// the previous block escapes this block's first byte; on exit, the same for the next block.
///
/// An odd run of backslashes escapes the next byte. An addition carries a bit through a run to its end, and
/// so separates runs with an odd start from runs with an even start.
fn escaped(backslashes: u64, is_carried: &mut bool) -> u64 {
    const EVEN: u64 = 0x5555_5555_5555_5555;
    let carried = u64::from(*is_carried);
    let backslashes = backslashes & !carried;
    let behind = backslashes << 1 | carried;
    let odd_starts = backslashes & !EVEN & !behind;
    let (ends, overflows) = odd_starts.overflowing_add(backslashes);
    *is_carried = overflows;
    (EVEN ^ (ends << 1)) & behind
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// As it would be written without any haste.
    fn plainly(text: &[u8], from: usize) -> Option<usize> {
        let mut at = from;
        while at < text.len() {
            match text[at] {
                b'"' => return Some(at),
                b'\\' => at += 2,
                _ => at += 1,
            }
        }
        None
    }

    #[test]
    fn a_row_of_backslashes_counts_across_blocks() {
        for before in 0..200 {
            for count in 0..4 {
                let row = "\\".repeat(count);
                let text = format!("\\\"{}{row}\" and \"", "x".repeat(before));
                assert_eq!(closing(text.as_bytes(), 0), plainly(text.as_bytes(), 0), "{before} {count}");
            }
        }
    }

    proptest! {
        #[test]
        fn it_is_what_a_plain_search_finds(text in "[\\\\\"x]{0,300}", from in 0_usize..20) {
            let from = from.min(text.len());
            prop_assert_eq!(closing(text.as_bytes(), from), plainly(text.as_bytes(), from));
            prop_assert_eq!(in_blocks(text.as_bytes(), from), plainly(text.as_bytes(), from));
            prop_assert_eq!(each_block(text.as_bytes(), from, bits_anywhere), plainly(text.as_bytes(), from));
        }
    }
}
