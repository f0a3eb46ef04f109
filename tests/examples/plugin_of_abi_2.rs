//! A library of another time: it says that it speaks ABI 2.0, and has nothing else.

#![expect(unsafe_code, reason = "the version is asked through a plain C function")]

/// Returns 2.0, as `AbiVersion::to_bits` would.
#[unsafe(no_mangle)]
pub extern "C" fn pointsman_abi_version() -> u32 {
    2 << 16
}
