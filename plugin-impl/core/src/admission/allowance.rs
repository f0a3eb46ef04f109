//! The allowance: what a pool's own limits have taught of how much it lets in, and when.
//!
//! A 429 does not tell how many requests the pool would take. A count does: successes between a reset and
//! the next limit are the capacity, and the time between resets is the length of the window. From then on a
//! *predicted* limit holds requests back, before the upstream refuses. The cell beside the allowance keeps
//! reported and estimated limits; see [`cell`](crate::admission::cell).
//!
//! ```text
//!                capacity used up, or a 429                      time
//!   open ──────────────────────────────────► shut until T ────────────► trying: one probe
//!    ▲                                          ▲      │ over capacity       │
//!    │                                          └──────┘ one more than       │
//!    │                                                   the capacity        │
//!    └───────────────────────── its good head: another window ◄──────────────┘
//! ```
//!
//! There are two models. A `window` takes its capacity at any time, then nothing until the reset. A pool
//! that admits one request after a limit and refuses the next is no window: it refills evenly, and is
//! followed at an even `pace`.
//!
//! Predictions may be wrong or out of date, so [probes](crate::admission::probe) test them: one request before everybody
//! else after a predicted reset, and now and then one request above the capacity. An over-capacity probe goes
//! only without another way for the request; each refusal makes the next probe rarer.

#[cfg(test)]
mod bed;
mod calendar;
mod pace;
mod shared;
mod state;
mod window;

pub use self::shared::Allowance;
pub use self::state::{AllowancePermit, AllowanceState, Experience};
