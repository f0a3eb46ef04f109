//! The closing line of a run: requests by account.

use pointsman_api::{AccountView, Status};
use serde_json::Value;

/// The counters of a gateway at an instant.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    accounts: Vec<Share>,
    requests: u64,
    /// Upstream answers, including errors about the request itself.
    answered: u64,
    refused: u64,
    failed: u64,
    cancelled: u64,
    limits: u64,
}

/// An account's share.
#[derive(Clone, Debug)]
struct Share {
    id: String,
    label: String,
    served: u64,
}

impl Tally {
    /// Reads a router's counters.
    pub(super) fn of(status: &Status) -> Self {
        let served = |account: &AccountView| account.pools.iter().map(|pool| pool.served).sum();
        let share = |account: &AccountView| Share {
            id: account.id.to_string(),
            label: account.label.to_string(),
            served: served(account),
        };
        Self::counted(status.accounts.iter().map(share).collect(), |name| status.counter(name))
    }

    /// Reads the counters of the page `/account-limits`; missing counters are 0.
    pub(super) fn of_page(page: &Value) -> Self {
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let number = |value: &Value| value.as_u64().unwrap_or_default();
        let share = |account: &Value| Share {
            id: text(&account["id"]),
            label: text(&account["label"]),
            served: list(&account["pools"]).iter().map(|pool| number(&pool["served"])).sum(),
        };
        let accounts = list(&page["accounts"]).iter().map(share).collect();
        Self::counted(accounts, |name| number(&page["counters"][name]))
    }

    fn counted(accounts: Vec<Share>, counter: impl Fn(&str) -> u64) -> Self {
        Self {
            accounts,
            requests: counter("requests"),
            answered: counter("answered"),
            refused: counter("refused"),
            failed: counter("failed"),
            cancelled: counter("cancelled"),
            limits: counter("trips"),
        }
    }

    /// Returns the counters since another instant.
    pub(super) fn since(mut self, before: &Self) -> Self {
        for share in &mut self.accounts {
            let earlier = before.accounts.iter().find(|earlier| earlier.id == share.id);
            share.served = share.served.saturating_sub(earlier.map_or(0, |earlier| earlier.served));
        }
        Self {
            accounts: self.accounts,
            requests: self.requests.saturating_sub(before.requests),
            answered: self.answered.saturating_sub(before.answered),
            refused: self.refused.saturating_sub(before.refused),
            failed: self.failed.saturating_sub(before.failed),
            cancelled: self.cancelled.saturating_sub(before.cancelled),
            limits: self.limits.saturating_sub(before.limits),
        }
    }

    /// Returns a line about an agent's requests. The numbers after the colon add up to the first.
    pub(super) fn line(&self) -> String {
        if self.requests == 0 {
            return "no request came; does the agent's own configuration name another way?".to_owned();
        }
        let told = format!("{}: {}", many(self.requests, "request"), self.ends().join(", "));
        self.limits().map_or(told.clone(), |limits| format!("{told}; {limits}"))
    }

    /// Returns the ends of requests: served by accounts, and all others.
    fn ends(&self) -> Vec<String> {
        let served = self.served();
        let by_accounts: u64 = served.iter().map(|(count, _)| count).sum();
        let others = [
            (self.answered.saturating_sub(by_accounts), "answered with an error"),
            (self.refused, "refused"),
            (self.failed, "failed"),
            (self.cancelled, "given up by the agent"),
        ];
        let known = by_accounts + others.iter().map(|(count, _)| count).sum::<u64>();
        let cut = (self.requests.saturating_sub(known), "cut off");
        let mut ends: Vec<_> = served.iter().map(|(count, name)| format!("{name} {count}")).collect();
        if ends.is_empty() {
            ends.push("none served".to_owned());
        }
        let others = others.into_iter().chain([cut]).filter(|(count, _)| *count > 0);
        ends.extend(others.map(|(count, end)| format!("{count} {end}")));
        ends
    }

    /// Returns the number of requests per account, the largest first.
    fn served(&self) -> Vec<(u64, &str)> {
        let mut shares: Vec<_> =
            self.accounts.iter().map(|account| (account.served, self.name(account))).collect();
        shares.retain(|(count, _)| *count > 0);
        shares.sort_by(|(a, _), (b, _)| b.cmp(a));
        shares
    }

    /// Returns the label, or the id for an ambiguous label.
    fn name<'a>(&self, account: &'a Share) -> &'a str {
        let alone = self.accounts.iter().filter(|other| other.label == account.label).count() == 1;
        if alone { &account.label } else { &account.id }
    }

    /// Returns the number of limits, and whether the agent saw any.
    fn limits(&self) -> Option<String> {
        match (self.limits, self.refused + self.failed) {
            (0, _) => None,
            (met, 0) => Some(format!("{} met, none seen", many(met, "limit"))),
            (met, _) => Some(format!("{} met", many(met, "limit"))),
        }
    }
}

fn many(count: u64, thing: &str) -> String {
    if count == 1 { format!("1 {thing}") } else { format!("{count} {thing}s") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::samples::{account, status};
    use super::*;

    fn check(accounts: &[(&str, u64)], counters: &[(&str, u64)], expected: &str) {
        let accounts = accounts.iter().map(|(id, served)| account(id, "anthropic", *served)).collect();
        assert_eq!(Tally::of(&status(accounts, counters)).line(), expected);
    }

    #[test]
    fn the_summary_is_one_line_whose_numbers_add_up() {
        let two = [("anthropic:home", 4), ("anthropic:work", 8), ("anthropic:idle", 0)];
        check(
            &two,
            &[("requests", 12), ("answered", 12), ("trips", 3)],
            "12 requests: work 8, home 4; 3 limits met, none seen",
        );
        check(&two[..1], &[("requests", 4), ("answered", 4)], "4 requests: home 4");
        check(
            &two[..1],
            &[("requests", 5), ("answered", 4), ("trips", 1), ("refused", 1)],
            "5 requests: home 4, 1 refused; 1 limit met",
        );
        check(
            &two[..1],
            &[("requests", 9), ("answered", 6), ("failed", 1), ("cancelled", 1)],
            "9 requests: home 4, 2 answered with an error, 1 failed, 1 given up by the agent, 1 cut off",
        );
        check(&[("anthropic:a", 0)], &[("requests", 1), ("failed", 1)], "1 request: none served, 1 failed");
        let same = [("anthropic:env", 1), ("openai:env", 2)];
        check(&same, &[("requests", 3), ("answered", 3)], "3 requests: openai:env 2, anthropic:env 1");
    }

    #[test]
    fn no_request_at_all_is_told_with_its_likely_cause() {
        check(&[], &[], "no request came; does the agent's own configuration name another way?");
    }

    #[test]
    fn of_a_gateway_that_others_use_the_difference_is_told() {
        let page = |requests: u64, served: u64| {
            Tally::of_page(&json!({
                "accounts": [{"id": "a:work", "label": "work", "pools": [{"served": served}, {"served": 1}]}],
                "counters": {"requests": requests, "answered": requests},
            }))
        };
        assert_eq!(page(9, 8).since(&page(4, 3)).line(), "5 requests: work 5");
        assert!(page(4, 3).since(&page(4, 3)).line().starts_with("no request came"));
    }
}
