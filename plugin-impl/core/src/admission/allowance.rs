//! The allowance: what a pool's own limits have taught of how much it lets in, and when.
//!
//! A pool that answers 429 says nothing on how many requests it would have taken. But whoever counts knows:
//! what went well between a reset and the next limit is the capacity, and from one reset to the next is the
//! length of the window. From then on requests are held back here, by a *learned* limit, before the
//! upstream has to refuse them. A cell stands beside this and keeps what was told or guessed; see
//! [`cell`](crate::admission::cell).
//!
//! ```text
//!                capacity used up, or a 429                      time
//!   open ──────────────────────────────────► shut until T ────────────► trying: one pilot
//!    ▲                                          ▲      │ explorer            │
//!    │                                          └──────┘ one more than       │
//!    │                                                   the capacity        │
//!    └───────────────────────── its good head: another window ◄──────────────┘
//! ```
//!
//! There are two shapes. In a `window` a number may come at any time, then nobody until the reset. A pool
//! that after a limit lets in one and refuses the next is no window: it fills evenly, and is followed at an
//! even `pace`.
//!
//! What is learned may be wrong or out of date, so it is tried: a *pilot* before anybody else after a
//! predicted reset, and now and then an *explorer*, one more than the capacity. An explorer goes only where
//! a request has no other way, and each that is refused makes the next one rarer.

#[cfg(test)]
mod bed;
mod calendar;
mod pace;
mod shared;
mod state;
mod window;

pub use self::shared::Allowance;
pub use self::state::{AllowanceState, Experience, Ticket};
