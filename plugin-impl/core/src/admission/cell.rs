//! The cell: the shared state that admits requests.
//!
//! A cell guards whatever can be closed for a while: a quota pool of an account, an account, an
//! endpoint. It is one 64-bit word that moves only by compare-and-swap of a pure transition, so that no
//! update is lost and nothing that must change together can be seen half changed.
//!
//! ```text
//!            admit                      settle(limit), same epoch = a trip
//!   open ───────────► open, leased ─────────────────────────────► limited until T, epoch + 1
//!    ▲                                                                    │ time
//!    │ confirm × 3 (1, 2, 4 at a time)                                    ▼
//!    └──────────────────────────────────────────────────────────── opening: one probe
//! ```
//!
//! The probe's place can be taken before a limit has ended: that is a *knock*. The limit goes on for everybody
//! else, and a refusal leaves it as it is; see [`knock`](crate::admission::knock).
//!
//! A lease carries a [`Stamp`] with the epoch it was taken under. Whoever comes back with an older
//! stamp knew less than the cell does: its success changes nothing but the count of leases, and its
//! limit can only make a known limit longer. Hence a late success never lifts a limit, and ten 429s of
//! one burst are one trip.

mod atomic;
mod state;
mod word;

pub use self::atomic::Cell;
pub use self::state::{CellState, Confirmed, Deny, Epoch, Limit, LimitSeen, Opening, Settled, Stamp, Touch};
