//! The pure decisions of Pointsman.
//!
//! The core reads no clock, draws no randomness, does no I/O and logs nothing: time is an argument, and
//! effects are returned as values. Each rule is therefore a table test, and the type shared by threads, the
//! [`admission::cell`], fits a model checker.
//!
//! There are four kinds of functions:
//!
//! * questions, with noun names: [`planning::plan::plan`], [`planning::snapshot::Obstacles::closed`],
//!   [`admission::cell::CellState::denial`];
//! * transitions, from a state and an event to the next state: [`admission::cell::CellState::admit`],
//!   [`confirm`](admission::cell::CellState::confirm),
//!   [`settle_limit`](admission::cell::CellState::settle_limit);
//! * readers, from bytes to a type: [`request::intent`], [`request::route`], [`request::session`],
//!   [`formats::body`], [`response::classify`];
//! * one machine, fed with [`dispatch::Dispatch::handle`] and asked with [`dispatch::Dispatch::step`].
//!
//! Read in this order: [`admission::cell`] for concurrency, [`response::outcome`] and [`admission::blame`]
//! for the meaning of an answer, [`request::route`], [`planning::snapshot`] and [`planning::plan`] for the
//! choice of an account, [`dispatch`] for the life of a request, [`reporting::announce`] and
//! [`reporting::notice`] for texts for people.

pub mod admission;
pub mod dispatch;
pub mod formats;
pub mod ids;
pub mod jitter;
pub mod planning;
pub mod quota;
pub mod reporting;
pub mod request;
pub mod response;
pub mod state;
pub mod time;

mod sync;
#[cfg(test)]
mod testing;
