//! The pure decisions of Pointsman.
//!
//! Nothing here reads a clock, draws randomness, does I/O or logs: time comes in as an argument, and what
//! is to be done goes out as a value. So each rule is a table test, and the one type that threads share,
//! the [`admission::cell`], is small enough for a model checker.
//!
//! Functions are of four kinds:
//!
//! * questions, with noun names: [`planning::plan::plan`], [`planning::snapshot::Obstacles::closed`], [`admission::cell::CellState::denial`];
//! * transitions, from a state and an event to the next state: [`admission::cell::CellState::admit`],
//!   [`confirm`](admission::cell::CellState::confirm), [`settle_limit`](admission::cell::CellState::settle_limit);
//! * readings, from bytes to a type that is carried inward: [`request::intent`], [`request::route`], [`request::session`],
//!   [`formats::body`], [`response::classify`];
//! * one machine, fed with [`dispatch::Dispatch::handle`] and asked with [`dispatch::Dispatch::step`].
//!
//! Read in this order: [`admission::cell`] for how requests cannot undo what others learned, [`response::outcome`] and
//! [`admission::blame`] for what an answer means and to whom, [`request::route`], [`planning::snapshot`] and [`planning::plan`] for who is asked,
//! [`dispatch`] for the life of one request, [`reporting::announce`] and [`reporting::notice`] for what people are told.

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
pub mod time;

mod sync;
#[cfg(test)]
mod testing;
