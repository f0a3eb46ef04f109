//! The C interface: its header, its contract, and programs in four languages that use it.

mod contract;
mod header;
mod listening;
mod programs;
// Valgrind knows other systems badly or not at all.
#[cfg(target_os = "linux")]
mod valgrind;
