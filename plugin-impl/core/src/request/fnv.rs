//! FNV-1a with 64 bits: small, and the same in every build and process that shares a store.
//! Source: draft-eastlake-fnv, sections 2 and 5.

/// A hash of the bytes so far.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fnv(pub(crate) u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    pub(crate) fn and(self, bytes: &[u8]) -> Self {
        bytes.iter().fold(self, |hash, &byte| hash.and_byte(byte))
    }

    pub(crate) const fn and_byte(self, byte: u8) -> Self {
        Self((self.0 ^ byte as u64).wrapping_mul(0x100_0000_01b3))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_published_one() {
        assert_eq!(Fnv::default().0, 0xcbf2_9ce4_8422_2325);
        assert_eq!(Fnv::default().and(b"foobar").0, 0x8594_4171_f739_67e8);
    }
}
