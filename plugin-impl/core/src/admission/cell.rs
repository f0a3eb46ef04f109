//! The cell: the shared state that admits requests.
//!
//! A cell guards anything with a temporary closure: a quota pool of an account, an account, an endpoint.
//! The cell is one 64-bit word and moves only by compare-and-swap of a pure transition, so no update is
//! lost and no reader sees half a change.
//!
//! ```text
//!            admit                      settle(limit), same epoch = a trip
//!   open ───────────► open, leased ─────────────────────────────► limited until T, epoch + 1
//!    ▲                                                                    │ time
//!    │ confirm × 3 (1, 2, 4 at a time)                                    ▼
//!    └──────────────────────────────────────────────────────────── opening: one probe
//! ```
//!
//! An early probe takes the probe's place before a limit has ended. The limit goes on for everybody else,
//! and a refusal leaves the limit as before; see [`probe`](crate::admission::probe).
//!
//! A lease carries a [`CellPermit`] with the epoch of its admission. A holder of an older stamp knew less than
//! the cell does: a success changes nothing but the count of leases, and a limit can only lengthen a known
//! limit. Hence a late success never lifts a limit, and ten 429s of one burst are one trip.

mod atomic;
mod state;
mod word;

pub use self::atomic::Cell;
pub use self::state::{
    CellPermit, CellState, Confirmed, Deny, Epoch, Limit, LimitSeen, Ramp, Settled, Touch,
};
