//! Traffic: who asks for what, and when.

pub mod agents;
pub mod closed_loop;
pub mod open_loop;

use std::time::Duration;

use pointsman_core::time::Millis;

use crate::router::Ask;

/// A request that is to come.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    pub at: Millis,
    /// When the caller asked for the first time; later than that it comes again after a 429.
    pub since: Millis,
    /// How often it came before.
    pub visit: u8,
    pub ask: Ask,
    /// When the caller goes away if nothing was sent for it by then, counted from the arrival.
    pub patience: Option<Duration>,
    /// When it goes away in any case, counted from the arrival.
    pub cancel_after: Option<Duration>,
    /// What chance does to this request, the same whichever router it meets.
    pub seed: u64,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// A good answer was delivered to its last byte.
    Served,
    /// An answer was delivered that is none.
    Failed,
    /// The caller got a 429.
    Refused { retry_at: Option<Millis> },
    /// The caller went away.
    Cancelled,
}

/// Somebody who makes requests. New ones are put into `coming`.
pub trait Traffic {
    /// Begins.
    fn begin(&mut self, coming: &mut Vec<Arrival>);

    /// A request came in; those that do not wait for its end follow.
    fn arrived(&mut self, arrival: &Arrival, coming: &mut Vec<Arrival>);

    /// A request ended; those that waited for it follow.
    fn ended(&mut self, arrival: &Arrival, end: End, now: Millis, coming: &mut Vec<Arrival>);
}
