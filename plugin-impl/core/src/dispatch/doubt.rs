//! Doubt: an answer that does not prove whose fault it is, and the few calls that find out.
//!
//! ```text
//!  first answer in doubt ──► one other account ──serves──► deliver that; the first account is at fault
//!                               │ answers alike ──► deliver the first answer; nobody is at fault
//!                               │ neither       ──► one more call, the third and last
//!                               └ nobody there  ──► deliver the first answer
//! ```

use crate::planning::plan::Refusal;
use crate::response::evidence::{Accused, Certainty, Evidence};
use crate::response::outcome::Outcome;

/// The most upstream calls of one request that is in doubt.
const MOST_CALLS: u8 = 3;

/// What a request knows of an answer in doubt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Doubt {
    first: Evidence,
    calls: u8,
    /// Nobody else could be asked, so that the same account is asked again.
    repeats: bool,
    verdict: Verdict,
}

/// What came of a doubt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Nothing yet, or nothing at all.
    Open,
    /// Two accounts answered alike: it is the request's or the network's.
    Alike,
    /// Another answer says more than the first: that is delivered.
    Settled,
}

impl Doubt {
    pub(super) fn new(first: Evidence) -> Self {
        Self { first, calls: 1, repeats: false, verdict: Verdict::Open }
    }

    pub(super) const fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// Says whether the account that answered first is left out.
    pub(super) const fn shuns_the_first(&self) -> bool {
        !self.repeats
    }

    /// Takes another answer in doubt. Returns whether one more account is asked.
    pub(super) fn hears(&mut self, other: &Evidence) -> bool {
        self.calls += 1;
        if other.is_like(&self.first) {
            self.verdict = Verdict::Alike;
        }
        self.verdict == Verdict::Open && self.calls < MOST_CALLS
    }

    /// Takes an answer that is in no doubt and serves nobody. Returns whether one more account is asked.
    pub(super) fn hears_of_another(&mut self) -> bool {
        self.calls += 1;
        self.calls < MOST_CALLS
    }

    /// Takes an answer that is delivered in place of the first.
    pub(super) fn is_settled(&mut self) {
        self.verdict = Verdict::Settled;
    }

    /// Nobody else can be asked now. Says whether it is better to wait for one of those who can be asked later: the
    /// answer speaks of the account and of nothing else.
    pub(super) fn yields_to(&self, refusal: &Refusal) -> bool {
        let counts = refusal.counts;
        let is_the_accounts = matches!(self.first.accused, Accused::Credential | Accused::Account);
        let others = counts.limited + counts.busy + counts.protected > 0;
        others && is_the_accounts && self.first.certainty > Certainty::Status
    }

    /// Nobody else can be asked. Returns whether the same account is worth another call: what failed may be over in
    /// a moment, what refused will not.
    pub(super) fn asks_again(&mut self) -> bool {
        let again = !self.repeats && self.calls == 1 && self.first.outcome == Outcome::ServerError;
        self.repeats |= again;
        again
    }
}
