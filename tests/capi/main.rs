//! The C interface: its header, its contract, and programs in four languages that use it.

mod contract;
mod header;
mod listening;
mod programs;
mod valgrind;
