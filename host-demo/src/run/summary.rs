//! The last line: what was routed where.

use pointsman_api::{AccountView, Status};

/// Says in one line what became of an agent's requests. The numbers after the colon add up to the first.
pub(super) fn line(status: &Status) -> String {
    let requests = status.counter("requests");
    if requests == 0 {
        return "no request came; does the agent's own configuration name another way?".to_owned();
    }
    let ends = ends(status, requests);
    let told = format!("{}: {}", many(requests, "request"), ends.join(", "));
    limits(status).map_or(told.clone(), |limits| format!("{told}; {limits}"))
}

/// Says how the requests ended: those that accounts served, and all others.
fn ends(status: &Status, requests: u64) -> Vec<String> {
    let served = served(status);
    let by_accounts: u64 = served.iter().map(|(count, _)| count).sum();
    let others = [
        // An upstream's error that says that the request itself is wrong.
        (status.counter("answered").saturating_sub(by_accounts), "answered with an error"),
        (status.counter("refused"), "refused"),
        (status.counter("failed"), "failed"),
        (status.counter("cancelled"), "given up by the agent"),
    ];
    let known = by_accounts + others.iter().map(|(count, _)| count).sum::<u64>();
    let cut = (requests.saturating_sub(known), "cut off");
    let mut ends: Vec<_> = served.iter().map(|(count, name)| format!("{name} {count}")).collect();
    if ends.is_empty() {
        ends.push("none served".to_owned());
    }
    let others = others.into_iter().chain([cut]).filter(|(count, _)| *count > 0);
    ends.extend(others.map(|(count, end)| format!("{count} {end}")));
    ends
}

/// Returns how many requests each account served, the most first.
fn served(status: &Status) -> Vec<(u64, &str)> {
    let mut shares: Vec<_> =
        status.accounts.iter().map(|account| (share(account), name(account, status))).collect();
    shares.retain(|(count, _)| *count > 0);
    shares.sort_by(|(a, _), (b, _)| b.cmp(a));
    shares
}

fn share(account: &AccountView) -> u64 {
    account.pools.iter().map(|pool| pool.served).sum()
}

/// Returns the label, or the id where two accounts have that label.
fn name<'a>(account: &'a AccountView, status: &'a Status) -> &'a str {
    let alone = status.accounts.iter().filter(|other| other.label == account.label).count() == 1;
    if alone { &account.label } else { &account.id }
}

/// Says how many limits were met, and whether the agent saw none of them.
fn limits(status: &Status) -> Option<String> {
    let (met, told) = (status.counter("trips"), status.counter("refused") + status.counter("failed"));
    match (met, told) {
        (0, _) => None,
        (met, 0) => Some(format!("{} met, none seen", many(met, "limit"))),
        (met, _) => Some(format!("{} met", many(met, "limit"))),
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
}
