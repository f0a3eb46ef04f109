//! The hash of the sources of the ABI, by which a change of them is noticed.

use std::path::Path;

use crate::tree;

/// Returns the hash of all that `plugin-api/src` says, as 16 hexadecimal digits.
///
/// Tests and line endings count as well: whoever touches the crate has to look at `docs/ABI.md` once.
pub fn abi_hash() -> String {
    let mut hash = Fnv::default();
    for (path, text) in tree::sources("plugin-api/src") {
        hash.take(&name(&path));
        hash.take(&text.replace("\r\n", "\n"));
    }
    format!("{:016x}", hash.0)
}

/// Paths are written the same on every system.
fn name(path: &Path) -> String {
    path.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}

/// FNV-1a of 64 bits: the standard library's hashes may change from release to release.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    /// A text and its end, so that no two lists of texts run together.
    fn take(&mut self, text: &str) {
        for byte in text.bytes().chain([0]) {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_known_one() {
        let mut hash = Fnv::default();
        hash.take("a");
        // FNV-1a of "a", and then of the end.
        assert_eq!(hash.0, 0xaf63_dc4c_8601_ec8c_u64.wrapping_mul(0x0100_0000_01b3));
    }

    #[test]
    fn the_hash_is_the_same_each_time() {
        assert_eq!(abi_hash(), abi_hash());
        assert_eq!(abi_hash().len(), 16);
    }
}
