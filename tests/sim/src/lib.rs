//! The simulator: the real core and fleet against agents and upstreams that never were, in virtual time.
//!
//! A [seed](rng) decides a whole history, so what fails once can be told again. [`world`] draws one,
//! [`engine`] runs it, [`invariants`] and [`hops`] look at every step with the help of a slow
//! [`reference`](mod@reference) model, and [`story`] tells people what led to a failure. [`goodput`] uses the same engine to measure how
//! much of a fleet's allowance is served, by [`ours`] and by the policies of the [`field`].

mod agenda;
pub mod engine;
pub mod field;
pub mod goodput;
pub mod hops;
pub mod invariants;
pub mod latency;
pub mod metrics;
pub mod ours;
pub mod portrait;
pub mod recovery;
pub mod reference;
pub mod rng;
pub mod router;
pub mod story;
pub mod traffic;
pub mod upstream;
pub mod watch;
pub mod world;
