//! A number for a long text, sixteen bytes at a time.
//!
//! [`Fnv`](crate::fnv::Fnv) takes one byte after the other, each multiplication waiting for the one before:
//! for the beginning of a long prompt that took longer than to find the prompt's end. What is made here
//! is compared within one process only, and nobody gains by two texts that have the same number.

/// The fractional part of pi, which was chosen by nobody.
const PI: [u64; 2] = [0x243f_6a88_85a3_08d3, 0x1319_8a2e_0370_7344];

/// What the texts so far come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Digest(u64);

impl Default for Digest {
    fn default() -> Self {
        Self(PI[0])
    }
}

impl Digest {
    /// Returns the number of the texts so far and this one. Where one ends and the next begins counts.
    pub(super) fn and(self, text: &[u8]) -> Self {
        let (pairs, rest) = text.as_chunks();
        let mut last = [0; 16];
        last[..rest.len()].copy_from_slice(rest);
        // The length tells zeros at the end of a text from those that fill it up.
        let begun = self.and_pair(text.len() as u64, 0);
        pairs.iter().chain([&last]).map(|pair| u128::from_le_bytes(*pair)).fold(begun, Self::and_sixteen)
    }

    pub(super) const fn number(self) -> u64 {
        self.0
    }

    const fn and_sixteen(self, sixteen: u128) -> Self {
        self.and_pair(sixteen as u64, (sixteen >> 64) as u64)
    }

    /// Every bit of the product depends on all bits below it, so its upper half is folded onto the lower.
    const fn and_pair(self, one: u64, other: u64) -> Self {
        let product = (self.0 ^ one) as u128 * (PI[1] ^ other) as u128;
        Self(product as u64 ^ (product >> 64) as u64)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn of(texts: &[&[u8]]) -> u64 {
        texts.iter().fold(Digest::default(), |digest, text| digest.and(text)).number()
    }

    #[test]
    fn each_bit_of_a_text_counts() {
        let text = [b'x'; 40];
        let changed = |bit: usize| {
            let mut text = text;
            text[bit / 8] ^= 1 << (bit % 8);
            of(&[&text])
        };
        let numbers: BTreeSet<_> = (0..320).map(changed).chain([of(&[&text])]).collect();
        assert_eq!(numbers.len(), 321);
        let halves: BTreeSet<_> = numbers.iter().map(|number| *number as u32).collect();
        assert_eq!(halves.len(), 321, "they are spread");
    }

    #[test]
    fn lengths_and_places_count() {
        let rows: [&[&[u8]]; 7] =
            [&[], &[b""], &[b"\0"], &[b"", b""], &[b"a", b"b"], &[b"ab", b""], &[b"b", b"a"]];
        let numbers: BTreeSet<_> = rows.iter().map(|texts| of(texts)).collect();
        assert_eq!(numbers.len(), rows.len());
    }

    proptest! {
        #[test]
        fn other_texts_have_other_numbers(one in "[ab]{0,40}", other in "[ab]{0,40}") {
            prop_assert_eq!(of(&[one.as_bytes()]) == of(&[other.as_bytes()]), one == other);
        }
    }
}
