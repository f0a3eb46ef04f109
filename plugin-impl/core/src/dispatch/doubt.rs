//! Doubt: an answer without proof of fault, and the few calls to resolve it.
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

/// The most upstream calls of one request in doubt.
const MOST_CALLS: u8 = 3;

/// A request's knowledge of an answer in doubt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Doubt {
    first: Evidence,
    calls: u8,
    /// Nobody else could be asked, so the first account is asked again.
    repeats: bool,
    verdict: Verdict,
}

/// The verdict on a doubt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// No verdict yet, or none at all.
    Open,
    /// Two accounts answered alike: the fault is the request's or the network's.
    Alike,
    /// Another answer says more than the first, and is delivered.
    Settled,
}

impl Doubt {
    pub(super) fn new(first: Evidence) -> Self {
        Self { first, calls: 1, repeats: false, verdict: Verdict::Open }
    }

    pub(super) const fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// Returns whether the first account is left out.
    pub(super) const fn shuns_the_first(&self) -> bool {
        !self.repeats
    }

    /// Takes another answer in doubt. Returns whether one more account is asked. `has_fallbacks` says whether another
    /// provider may serve the request: rejected credentials of one provider say nothing on those of another.
    pub(super) fn hears(&mut self, other: &Evidence, has_fallbacks: bool) -> bool {
        self.calls += 1;
        if other.is_like(&self.first) {
            self.verdict = Verdict::Alike;
        }
        let goes_elsewhere = has_fallbacks && self.first.outcome == Outcome::Unauthorized;
        (self.verdict == Verdict::Open || goes_elsewhere) && self.calls < MOST_CALLS
    }

    /// Takes an answer without doubt and without service. Returns whether to ask one more account.
    pub(super) fn hears_of_another(&mut self) -> bool {
        self.calls += 1;
        self.calls < MOST_CALLS
    }

    /// Takes an answer delivered in place of the first.
    pub(super) fn is_settled(&mut self) {
        self.verdict = Verdict::Settled;
    }

    /// Nobody else can be asked now. Returns whether to wait for an account available later: the answer is
    /// about the account and nothing else.
    pub(super) fn yields_to(&self, refusal: &Refusal) -> bool {
        let counts = refusal.counts;
        let is_the_accounts = matches!(self.first.accused, Accused::Credential | Accused::Account);
        // Accounts that open again by themselves.
        let others = counts.limited + counts.busy + counts.protected > 0;
        others && is_the_accounts && self.first.certainty > Certainty::Status
    }

    /// Nobody else can be asked. Returns whether the first account is worth another call: a failure may be
    /// over in a moment, a refusal not.
    pub(super) fn asks_again(&mut self) -> bool {
        // Once only, and only for a failure without any second answer.
        let again = !self.repeats && self.calls == 1 && self.first.outcome == Outcome::ServerError;
        self.repeats |= again;
        again
    }
}
