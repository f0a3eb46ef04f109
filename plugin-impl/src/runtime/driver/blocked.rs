//! Blocked accounts: the accounts named by a refusal, with the cause of each.

use pointsman_core::planning::plan::first_to_open;
use pointsman_core::planning::snapshot::AccountView;
use pointsman_core::reporting::blocked::Blocked;

use super::RequestDriver;

impl RequestDriver<'_> {
    /// Returns the closed accounts of every hop, each with the closing to end first.
    pub(super) fn blocked(&self) -> Vec<Blocked> {
        (0..=self.resolved.others()).flat_map(|hop| self.blocked_at(hop)).collect()
    }

    fn blocked_at(&self, hop: usize) -> Vec<Blocked> {
        let (own, hop) = (self.resolved.own_at(hop), self.resolved.hop(hop));
        let provider_runtime = &self.generation.provider_runtimes[hop.provider];
        let roster = &provider_runtime.roster;
        // A fresh snapshot: the refusal names what closes each account now.
        let seen = roster.snapshot_for(own, &hop.route, &hop.model, &self.context, self.now);
        let blocked = |view: &AccountView| {
            let closed = first_to_open(view)?;
            let way = view.ways.iter().find(|way| way.closed == Some(closed))?;
            let account = &roster.member(view.index, own)?.account;
            let endpoint = &roster.endpoints[usize::from(way.pool)][usize::from(way.endpoint)];
            let status = if closed.why.is_owners() { account.diagnostics().status } else { None };
            Some(Blocked {
                account: account.id.clone(),
                why: closed.why,
                status,
                without: provider_runtime.credentials[view.index as usize]
                    .credential
                    .missing()
                    .map(|why| why.to_string()),
                place: endpoint.url.place(),
            })
        };
        seen.accounts.iter().filter_map(blocked).collect()
    }
}
