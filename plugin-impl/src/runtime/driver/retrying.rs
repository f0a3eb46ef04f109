//! Retrying: what a request pays into the budget of its provider, and takes out of it.

use super::Journey;

impl Journey<'_> {
    /// Pays the share of this request in, once.
    pub(super) fn pay_in(&self) {
        if self.dispatch.attempts() == 0 {
            self.crew().budget.deposit(self.generation.config.settings.retry_budget, self.now);
        }
    }

    /// Takes a retry out, and says whether there was one. At another provider than the last one nothing was
    /// tried yet, so nothing is tried again there.
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
