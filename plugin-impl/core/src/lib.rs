//! The pure decisions of Pointsman.
//!
//! Nothing here reads a clock, draws randomness, does I/O or logs: time comes in as an argument, and what
//! is to be done goes out as a value. So each rule is a table test, and the one type that threads share,
//! the [`cell`], is small enough for a model checker.
//!
//! Functions are of four kinds:
//!
//! * questions, with noun names: [`plan::plan`], [`snapshot::Obstacles::closed`], [`cell::CellState::denial`];
//! * transitions, from a state and an event to the next state: [`cell::CellState::admit`],
//!   [`confirm`](cell::CellState::confirm), [`settle_limit`](cell::CellState::settle_limit);
//! * readings, from bytes to a type that is carried inward: [`intent`], [`route`], [`session`],
//!   [`body`], [`classify`];
//! * one machine, fed with [`dispatch::Dispatch::handle`] and asked with [`dispatch::Dispatch::step`].
//!
//! Read in this order: [`cell`] for how requests cannot undo what others learned, [`outcome`] and
//! [`blame`] for what an answer means and to whom, [`route`], [`snapshot`] and [`plan`] for who is asked,
//! [`dispatch`] for the life of one request, [`announce`] and [`notice`] for what people are told.

pub mod affinity;
pub mod agent;
pub mod allowance;
pub mod announce;
pub mod backoff;
pub mod because;
pub mod blame;
pub mod body;
pub mod bond;
pub mod budget;
pub mod cap;
pub mod catalog;
pub mod cell;
pub mod classify;
pub mod dispatch;
pub mod envelope;
pub mod explain;
pub mod format;
pub mod ids;
pub mod intent;
pub mod jitter;
pub mod knock;
pub mod legs;
pub mod line;
pub mod models;
pub mod notice;
pub mod outcome;
pub mod outlook;
pub mod plan;
pub mod protection;
pub mod reading;
pub mod refusal;
pub mod route;
pub mod sample;
pub mod session;
pub mod settings;
pub mod snapshot;
pub mod strategy;
pub mod suspicion;
pub mod throttle;
pub mod time;
pub mod timetable;
pub mod vitals;

mod fnv;
mod sync;
#[cfg(test)]
mod testing;
