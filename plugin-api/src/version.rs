//! The compatibility of plugin and host.
//!
//! A library exports the plain C function [`VERSION_SYMBOL`]. A host reads the version before anything
//! else, because abi_stable's own report of a mismatch is some hundred kilobytes long.

use std::fmt;

/// The symbol of the function `extern "C" fn() -> u32` with the value [`AbiVersion::CURRENT`] in the
/// form of [`AbiVersion::to_bits`].
pub const VERSION_SYMBOL: &str = "pointsman_abi_version";

/// The version of this interface: `major` breaks, `minor` appends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AbiVersion {
    pub major: u16,
    pub minor: u16,
}

impl AbiVersion {
    /// The version of this crate.
    pub const CURRENT: Self = Self { major: 1, minor: 0 };

    /// Packs the version for [`VERSION_SYMBOL`].
    pub const fn to_bits(self) -> u32 {
        (self.major as u32) << 16 | self.minor as u32
    }

    /// Unpacks the result of [`VERSION_SYMBOL`].
    pub const fn from_bits(bits: u32) -> Self {
        Self { major: (bits >> 16) as u16, minor: bits as u16 }
    }

    /// Checks `plugin` for a host of this version.
    ///
    /// The plugin may be newer than the host, never older: the host ignores later items and needs all
    /// items of its own version.
    ///
    /// # Errors
    /// [`Mismatch`]; the text names the side to replace.
    pub const fn accept(self, plugin: Self) -> Result<(), Mismatch> {
        if self.major == plugin.major && self.minor <= plugin.minor {
            return Ok(());
        }
        Err(Mismatch { host: self, plugin })
    }
}

impl fmt::Display for AbiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// An incompatible plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mismatch {
    pub host: AbiVersion,
    pub plugin: AbiVersion,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, plugin } = self;
        let older = if plugin < host { "plugin" } else { "host" };
        write!(
            f,
            "the plugin speaks ABI {plugin} and this host needs ABI {host}: update the {older}, or take both from one release"
        )
    }
}

impl std::error::Error for Mismatch {}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(host: (u16, u16), plugin: (u16, u16), accepted: bool) {
        let version = |(major, minor)| AbiVersion { major, minor };
        assert_eq!(version(host).accept(version(plugin)).is_ok(), accepted, "{host:?} x {plugin:?}");
    }

    #[test]
    fn a_plugin_may_know_more_than_its_host_but_never_less() {
        check((1, 0), (1, 0), true);
        check((1, 0), (1, 3), true);
        check((1, 3), (1, 0), false);
        check((1, 0), (2, 0), false);
        check((2, 0), (1, 9), false);
    }

    #[test]
    fn the_version_survives_packing() {
        let version = AbiVersion { major: 7, minor: 300 };
        assert_eq!(AbiVersion::from_bits(version.to_bits()), version);
    }

    #[test]
    fn a_mismatch_is_one_sentence_that_names_the_older_side() {
        let host = AbiVersion { major: 2, minor: 0 };
        let mismatch = host.accept(AbiVersion::CURRENT).expect_err("another major");
        assert_eq!(
            mismatch.to_string(),
            "the plugin speaks ABI 1.0 and this host needs ABI 2.0: update the plugin, or take both from one release"
        );
    }

    #[test]
    fn the_abi_version_is_the_version_of_the_crate() {
        let version = format!("{}.0", AbiVersion::CURRENT);
        assert_eq!(version, env!("CARGO_PKG_VERSION"));
    }
}
