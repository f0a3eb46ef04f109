//! Retry budget: a request's deposits and withdrawals.

use super::RequestDriver;

impl RequestDriver<'_> {
    /// Deposits the share of this request, once.
    pub(super) fn pay_in(&self) {
        if self.dispatch.attempts() == 0 {
            self.provider_runtime().budget.deposit(self.generation.config.settings.retry_budget, self.now);
        }
    }

    /// Withdraws a retry from the budget; returns whether the budget allowed the retry. A change of
    /// provider is not a retry.
    pub(super) fn withdraw(&self) -> bool {
        let here = &self.hop().route.provider.id;
        if self.served.as_ref().is_none_or(|served| served.provider != *here) {
            return true;
        }
        let paid =
            self.provider_runtime().budget.withdraw(self.generation.config.settings.retry_budget, self.now);
        let counters = &self.shared.counters;
        if paid {
            counters.retries.count()
        } else {
            counters.retries_withheld.count()
        }
        paid
    }
}
