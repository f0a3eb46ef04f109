//! Watches how a stream ends: an error or a cut behind the first output is remembered against the account.
//!
//! The caller has the stream as it came. The next request of its session goes to another account.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use pointsman_core::formats::WireFormat;
use pointsman_core::response::classify::{Asked, last_words};
use pointsman_core::response::evidence::Evidence;
use pointsman_core::response::outcome::{NetworkFault, Outcome};

use crate::clock::Clock;
use crate::edges::upstream::StreamFault;
use crate::fleet::Lease;
use crate::fleet::affinity::Affinity;

/// So many bytes are kept of the end of a stream: an error event is its last one, or the last but one.
const MAX_TAIL: usize = 16 * 1024;

/// The lease of a request whose answer is under way, with the end of what has been delivered.
#[derive(Debug)]
pub struct Watch {
    lease: Lease,
    format: WireFormat,
    /// The homes of sessions, and the session of this request.
    affinity: Arc<Affinity>,
    session: Option<u64>,
    clock: Clock,
    /// The last pieces, shared with whoever reads them.
    tail: VecDeque<Bytes>,
    tail_length: usize,
}

impl Watch {
    /// Watches the answer to a request in this format.
    pub fn new(lease: Lease, format: WireFormat, affinity: Arc<Affinity>, clock: Clock) -> Self {
        Self { lease, format, affinity, session: None, clock, tail: VecDeque::new(), tail_length: 0 }
    }

    /// Adds the session that would stay on the account.
    #[must_use]
    pub fn of_session(self, session: Option<u64>) -> Self {
        Self { session, ..self }
    }

    /// Takes the next piece of the answer.
    pub(super) fn note(&mut self, piece: &Bytes) {
        self.tail_length += piece.len();
        self.tail.push_back(piece.clone());
        while self.tail.len() > 1
            && let Some(first) = self.tail.front()
            && self.tail_length - first.len() >= MAX_TAIL
        {
            self.tail_length -= first.len();
            self.tail.pop_front();
        }
    }

    /// Takes an answer of which these are all bytes.
    pub fn end_with(mut self, whole: &Bytes) {
        self.note(whole);
        self.end(None);
    }

    /// Takes the end of the answer, or of the caller's interest in it, and gives the place back.
    pub(super) fn end(self, fault: Option<StreamFault>) {
        let Some(evidence) = self.evidence(fault) else { return };
        let target = self.lease.target().clone();
        tracing::debug!(account = %target.account.id, outcome = ?evidence.outcome, "a stream broke off behind its beginning");
        self.lease.broke(&evidence, self.clock.mono());
        if let Some(session) = self.session {
            self.affinity.leave(session, target.account.ordinal);
        }
    }

    fn evidence(&self, fault: Option<StreamFault>) -> Option<Evidence> {
        let of_network = |fault| match fault {
            StreamFault::Broken => NetworkFault::Reset,
            StreamFault::Silent => NetworkFault::Timeout,
        };
        if let Some(fault) = fault {
            return Some(Evidence::of(Outcome::Unreachable(of_network(fault))));
        }
        // By pieces: byte by byte this was a tenth of the instructions of a short request.
        let tail = self.tail.iter().map(AsRef::as_ref).collect::<Vec<&[u8]>>().concat();
        let target = self.lease.target();
        let (model, operation) = (target.model.as_str(), target.operation);
        let asked = Asked { model, named: model, operation, ..Asked::of(self.format) };
        let evidence = last_words(asked, &tail, self.clock.now())?;
        // What was refused behind the first output says more of the request than of the account.
        let is_of_the_account =
            matches!(evidence.outcome, Outcome::Limited(_) | Outcome::Capacity | Outcome::ServerError);
        is_of_the_account.then_some(evidence)
    }
}
