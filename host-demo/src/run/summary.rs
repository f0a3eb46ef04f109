//! The last line: what was routed where.

use pointsman_api::{AccountView, Status};

/// Says in one line what became of an agent's requests.
pub(super) fn line(status: &Status) -> String {
    let requests = status.counter("requests");
    if requests == 0 {
        return "no request came; does the agent's own configuration name another way?".to_owned();
    }
    let mut parts = vec![format!("{}{}", many(requests, "request"), served(status))];
    parts.extend(limits(status));
    let failed = status.counter("failed");
    parts.extend((failed > 0).then(|| format!("{failed} failed")));
    parts.join("; ")
}

fn served(status: &Status) -> String {
    let mut shares: Vec<_> =
        status.accounts.iter().map(|account| (share(account), name(account, status))).collect();
    shares.retain(|(count, _)| *count > 0);
    shares.sort_by(|(a, _), (b, _)| b.cmp(a));
    let list: Vec<_> = shares.iter().map(|(count, name)| format!("{name} {count}")).collect();
    if list.is_empty() { ", none answered".to_owned() } else { format!(": {}", list.join(", ")) }
}

fn share(account: &AccountView) -> u64 {
    account.pools.iter().map(|pool| pool.served).sum()
}

/// Returns the label, or the id where two accounts have that label.
fn name<'a>(account: &'a AccountView, status: &'a Status) -> &'a str {
    let alone = status.accounts.iter().filter(|other| other.label == account.label).count() == 1;
    if alone { &account.label } else { &account.id }
}

/// Says how many limits were met, and whether the agent saw any of it.
fn limits(status: &Status) -> Option<String> {
    let (met, refused) = (status.counter("trips"), status.counter("refused"));
    match (met, refused) {
        (0, 0) => None,
        (met, 0) => Some(format!("{} met, none seen", many(met, "limit"))),
        (met, refused) => Some(format!("{} met, {refused} refused", many(met, "limit"))),
    }
}

fn many(count: u64, thing: &str) -> String {
    if count == 1 { format!("1 {thing}") } else { format!("{count} {thing}s") }
}

#[cfg(test)]
pub(super) mod tests {
    use pointsman_api::abi_stable::std_types::{ROption, Tuple2};
    use pointsman_api::{AccountState, Extensions, PoolState, PoolView};

    use super::*;

    pub(crate) fn account(id: &str, format: &str, served: u64) -> AccountView {
        let (provider, label) = id.split_once(':').expect("an id");
        let mut extensions = Extensions::new();
        extensions.set("format", format);
        let pool = PoolView {
            name: "default".into(),
            state: PoolState::OPEN,
            until_unix_ms: ROption::RNone,
            in_flight: 0,
            streak: 0,
            trips: 0,
            served,
            limited: 0,
            extensions: Extensions::new(),
        };
        AccountView {
            id: id.into(),
            provider: provider.into(),
            label: label.into(),
            state: AccountState::READY,
            reason: "".into(),
            until_unix_ms: ROption::RNone,
            pools: vec![pool].into(),
            extensions,
        }
    }

    pub(crate) fn status(accounts: Vec<AccountView>, counters: &[(&str, u64)]) -> Status {
        Status {
            version: "0".into(),
            now_unix_ms: 0,
            accounts: accounts.into(),
            counters: counters.iter().map(|(name, count)| Tuple2((*name).into(), *count)).collect(),
            extensions: Extensions::new(),
        }
    }

    fn check(accounts: &[(&str, u64)], counters: &[(&str, u64)], expected: &str) {
        let accounts = accounts.iter().map(|(id, served)| account(id, "anthropic", *served)).collect();
        assert_eq!(line(&status(accounts, counters)), expected);
    }

    #[test]
    fn the_summary_is_one_line() {
        let two = [("anthropic:home", 4), ("anthropic:work", 8), ("anthropic:idle", 0)];
        check(
            &two,
            &[("requests", 12), ("trips", 3)],
            "12 requests: work 8, home 4; 3 limits met, none seen",
        );
        check(&two[..1], &[("requests", 1)], "1 request: home 4");
        check(
            &two[..1],
            &[("requests", 5), ("trips", 1), ("refused", 1)],
            "5 requests: home 4; 1 limit met, 1 refused",
        );
        check(&two[..1], &[("requests", 5), ("failed", 1)], "5 requests: home 4; 1 failed");
        check(&[("anthropic:a", 0)], &[("requests", 1), ("failed", 1)], "1 request, none answered; 1 failed");
        let same = [("anthropic:env", 1), ("openai:env", 2)];
        check(&same, &[("requests", 3)], "3 requests: openai:env 2, anthropic:env 1");
    }

    #[test]
    fn no_request_at_all_is_told_with_its_likely_cause() {
        check(&[], &[], "no request came; does the agent's own configuration name another way?");
    }
}
