//! What a router is to the simulator: it is asked, and it is told.
//!
//! Ours and those of the field stand behind the same trait, so that all of them meet the same requests and
//! the same upstream.

use pointsman_core::time::Millis;

use crate::upstream::{Answer, CellId};

/// A request, counted in the order of scheduling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u32);

/// A conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Session(pub u32);

/// What a request may not leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pin {
    Nothing,
    Pool(u16),
    Account(u16),
}

impl Pin {
    /// Says whether a cell is within the pin.
    pub fn allows(self, cell: CellId) -> bool {
        match self {
            Self::Nothing => true,
            Self::Pool(pool) => cell.pool == pool,
            Self::Account(account) => cell.account == account,
        }
    }
}

/// What a request asks for.
#[derive(Clone, Copy, Debug)]
pub struct Ask {
    pub session: Session,
    pub pin: Pin,
}

/// What a router does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It sends it. `probe` says that it tries whether a limit is over.
    Send { cell: CellId, probe: bool },
    /// It holds it until an instant, or until [`Router::woken`] names it.
    Wait { until: Option<Millis> },
    /// Its thread loses the processor between a thought and the deed; ask again a moment later.
    Pause,
    /// It hands the last answer to the caller, good or bad.
    Deliver,
    /// It answers 429 of its own.
    Refuse { retry_at: Option<Millis> },
}

/// Somebody who decides where requests go.
pub trait Router {
    /// A request comes in. What happens to it is asked of [`Router::step`].
    fn arrives(&mut self, request: RequestId, ask: Ask, now: Millis);

    /// Says what is to be done with a request that came in, was answered, or woke.
    fn step(&mut self, request: RequestId, now: Millis) -> Action;

    /// The head of an answer arrived, with its first event.
    fn head(&mut self, request: RequestId, cell: CellId, answer: &Answer, now: Millis);

    /// The last byte of a delivered answer has passed.
    fn stream_ended(&mut self, request: RequestId, now: Millis);

    /// The caller went away, at whatever point.
    fn cancelled(&mut self, request: RequestId, now: Millis);

    /// Returns a waiting request that should be asked again at once. It is called until there is none.
    fn woken(&mut self, now: Millis) -> Option<RequestId>;
}
