//! What the benchmarks have in common: processes, load, clocks and sums.
//!
//! Each benchmark is a program of its own in `benches/`. The method is that of `docs/PERFORMANCE.md`:
//! all arms of a comparison run in the same process run, in turns, against the same upstream, and what
//! is told is a ratio of neighbours with its spread, since absolute times are those of the machine.

pub mod artifacts;
pub mod caller;
pub mod canned;
pub mod closed;
pub mod fleet;
pub mod histogram;
pub mod nginx;
pub mod open;
pub mod process;
pub mod record;
pub mod rounds;
pub mod servers;
pub mod size;
pub mod table;
pub mod wire;
