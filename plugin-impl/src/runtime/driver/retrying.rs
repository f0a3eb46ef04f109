//! Retry budget: a request's deposits and withdrawals.

use super::Journey;

impl Journey<'_> {
    /// Deposits the share of this request, once.
    pub(super) fn pay_in(&self) {
        if self.dispatch.attempts() == 0 {
            self.crew().budget.deposit(self.generation.config.settings.retry_budget, self.now);
        }
    }

    /// Withdraws a retry; returns whether there was one. An attempt at another provider than the last is no
    /// retry.
    pub(super) fn withdraw(&self) -> bool {
        let here = &self.leg().route.provider.id;
        if self.served.as_ref().is_none_or(|served| served.provider != *here) {
            return true;
        }
        let paid = self.crew().budget.withdraw(self.generation.config.settings.retry_budget, self.now);
        let counters = &self.shared.counters;
        if paid {
            counters.retries.count()
        } else {
            counters.retries_withheld.count()
        }
        paid
    }
}
