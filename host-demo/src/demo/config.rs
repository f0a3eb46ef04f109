//! The configuration of the demo, in the form of a person's own file.

use std::time::Duration;

use pointsman_upstream::{Account, DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, Script};
use serde_json::{Value, json};

use super::scenario::Bases;

/// The longest wait of a request: longer than any window of the upstream.
pub(crate) const MAX_WAIT: Duration = Duration::from_secs(20);

/// The pools of the provider `antigravity`.
const POOLS: [&str; 3] = ["claude", "antigravity", "gemini-cli"];

/// Returns the configuration for the upstream at `base`. JSON is YAML, with simpler quoting.
pub(crate) fn text(script: &Script, base: &str) -> String {
    let config = json!({
        "strategy": "hybrid",
        "quota_fallback": true,
        "max_wait": format!("{}s", MAX_WAIT.as_secs()),
        "store": "memory",
        "providers": {
            "anthropic": {"base_url": base},
            "antigravity": {"oauth": oauth(base), "pools": pools(base)},
        },
        "accounts": script.accounts.iter().map(account).collect::<Vec<_>>(),
    });
    format!("{config:#}")
}

fn oauth(base: &str) -> Value {
    json!({
        "client_id": DEMO_CLIENT_ID,
        "client_secret": DEMO_CLIENT_SECRET,
        "token_url": format!("{base}/token"),
    })
}

fn pools(base: &str) -> Value {
    let pool =
        |name: &&str| ((*name).to_owned(), json!({"base_url": pool_base(base, name), "envelope": "none"}));
    POOLS.iter().map(pool).collect::<serde_json::Map<_, _>>().into()
}

fn pool_base(base: &str, pool: &str) -> String {
    format!("{base}/pool-{pool}")
}

/// Returns the agents' base URLs. The router chooses the pool of a request, independent of the pool in the
/// URL.
pub(crate) fn bases(base: &str) -> Bases {
    Bases { anthropic: base.to_owned(), google: pool_base(base, "gemini-cli") }
}

fn account(account: &Account) -> Value {
    let credentials = [
        ("api_key", account.api_keys.first()),
        ("refresh_token", account.refresh_tokens.first()),
        ("access_token", account.access_tokens.first()),
    ];
    let known = credentials.into_iter().find_map(|(kind, secret)| Some((kind, secret?)));
    let mut entry = json!({"id": format!("{}:{}", provider(account), account.label)});
    if let Some((kind, secret)) = known {
        entry[kind] = json!(secret);
    }
    if let Some(project) = &account.project {
        entry["project"] = json!(project);
    }
    entry
}

/// Only the accounts of `antigravity` have its pools.
fn provider(account: &Account) -> &'static str {
    if POOLS.iter().any(|pool| account.pools.contains_key(*pool)) { "antigravity" } else { "anthropic" }
}

/// Returns the label of the account whose credential is refused.
pub(crate) fn refused(script: &Script) -> String {
    script
        .accounts
        .iter()
        .find(|account| account.refused)
        .map(|account| account.label.clone())
        .unwrap_or_default()
}

/// Returns the upstream's name of a pool: a provider's only pool has different names on the two sides.
pub(crate) fn upstream_pool(script: &Script, label: &str, pool: &str) -> String {
    let account = script.accounts.iter().find(|account| account.label == label);
    let only =
        account.filter(|account| account.pools.len() == 1).and_then(|account| account.pools.keys().next());
    only.map_or_else(|| pool.to_owned(), Clone::clone)
}

#[cfg(test)]
mod tests {
    use pointsman_upstream::Pool;

    use super::*;

    fn script() -> Script {
        let team = Account::new("team").api_key("sk-team").pool("default", Pool::unlimited());
        let work = Account::new("work").refresh_token("1//work").project("p");
        let work = work.pool("claude", Pool::unlimited()).pool("gemini-cli", Pool::unlimited());
        Script::new(1).account(team).account(work.default_pool("claude").refused())
    }

    #[test]
    fn every_account_has_its_provider_and_one_credential() {
        let config: Value = serde_json::from_str(&text(&script(), "http://u")).expect("JSON");
        let team = json!({"id": "anthropic:team", "api_key": "sk-team"});
        let work = json!({"id": "antigravity:work", "refresh_token": "1//work", "project": "p"});
        assert_eq!(config["accounts"], json!([team, work]));
        let pools = &config["providers"]["antigravity"]["pools"];
        assert_eq!(pools["claude"]["base_url"], "http://u/pool-claude");
    }

    #[test]
    fn the_only_pool_of_an_account_is_named_as_the_upstream_does() {
        assert_eq!(upstream_pool(&script(), "team", "anthropic"), "default");
        assert_eq!(upstream_pool(&script(), "work", "claude"), "claude");
    }

    #[test]
    fn the_refused_account_is_found() {
        assert_eq!(refused(&script()), "work");
    }
}
