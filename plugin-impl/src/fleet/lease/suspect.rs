//! Suspects: accounts with an answer in doubt, without proof of fault.

use pointsman_core::admission::backoff::Schedule;
use pointsman_core::admission::blame::{
    Blame, BreakerScope, Reason, acquittal, conviction, reason, unwitnessed,
};
use pointsman_core::admission::cell::{Limit, Settled};
use pointsman_core::admission::health_stats::{Rates, Sign};
use pointsman_core::formats::operation::Operation;
use pointsman_core::response::evidence::Evidence;
use pointsman_core::response::outcome::{Outcome, SignIn};
use pointsman_core::time::Millis;

use super::{Gates, Settlement, Target};

/// An account with an answer in doubt. The suspect holds the attempt's permits, so that a verdict counts
/// for the attempt's epoch. The drop gives the permits back without a verdict.
#[derive(Debug)]
#[must_use = "a suspect that is dropped has no verdict"]
pub struct Suspect {
    pub(super) target: Target,
    pub(super) breakers: Gates,
    pub(super) rates: Rates,
    /// Further requests have met an equal answer at the account.
    pub(super) repeated: bool,
}

impl Suspect {
    /// Returns the target of the attempt.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Settles as guilty: another account has served the request.
    pub fn convict(self, evidence: &Evidence, now: Millis) -> Settlement {
        self.follow(conviction(evidence), evidence, now)
    }

    /// Settles as not guilty: another account has given a like answer.
    pub fn acquit(self, evidence: &Evidence, now: Millis) -> Settlement {
        self.follow(acquittal(evidence), evidence, now)
    }

    /// Settles without a witness: no second account could be asked.
    pub fn leave(self, evidence: &Evidence, now: Millis) -> Settlement {
        let repeated = self.repeated;
        self.follow(unwitnessed(evidence, repeated), evidence, now)
    }

    fn follow(mut self, blame: Blame, evidence: &Evidence, now: Millis) -> Settlement {
        match blame {
            Blame::BreakerScope(breaker, limit, Reason::Refused) => {
                // What happens again while nothing good comes in between is taken at its word.
                let again = self.target.with_breaker(breaker, |cell| cell.state().consecutive_trips > 0)
                    == Some(true);
                let why = if again { reason(evidence) } else { Reason::Refused };
                self.close(breaker, limit, why, now)
            }
            Blame::BreakerScope(breaker, limit, reason) => self.close(breaker, limit, reason, now),
            Blame::SignIn => self.sign_in(evidence, now),
            Blame::Nobody | Blame::Request => {
                if self.target.pass(&mut self.breakers) {
                    self.target.account.notifier.notify();
                }
                Settlement::Nothing
            }
            Blame::Nothing | Blame::Limit(..) => Settlement::Nothing,
        }
    }

    pub(super) fn close(
        mut self,
        breaker: BreakerScope,
        limit: Limit,
        reason: Reason,
        now: Millis,
    ) -> Settlement {
        let cell_permit = self.breakers[breaker.index()].take().unwrap_or_default();
        match self.target.close_breaker(breaker, cell_permit, (limit, reason), now) {
            Settled::Tripped { until } => {
                // The fault of a shared endpoint says nothing about the health of this pool.
                if !breaker.is_shared() {
                    self.target.slot().health_stats.mark(Sign::Failed, &self.rates, now);
                }
                Settlement::Closed { breaker, reason, until }
            }
            Settled::Folded => Settlement::Nothing,
        }
    }

    pub(super) fn sign_in(self, evidence: &Evidence, now: Millis) -> Settlement {
        let is_told_to_a_side_path = self.target.operation != Operation::Generating;
        if is_told_to_a_side_path && evidence.outcome != Outcome::NeedsSignIn(SignIn::Revoked) {
            return self.close(
                BreakerScope::Account,
                Limit::Estimated(Schedule::FAULT),
                Reason::Refused,
                now,
            );
        }
        let url = if let Outcome::NeedsSignIn(SignIn::Verification { url }) = &evidence.outcome {
            url.clone()
        } else {
            None
        };
        if self.target.account.require_sign_in(url.clone()) {
            Settlement::SignIn { url }
        } else {
            Settlement::Nothing
        }
    }
}

impl Drop for Suspect {
    fn drop(&mut self) {
        self.target.release(&mut self.breakers);
        self.target.account.notifier.notify();
    }
}
