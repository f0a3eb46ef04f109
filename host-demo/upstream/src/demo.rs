//! The script of the demo: an antigravity-like fleet and an Anthropic one, with limits so small that they
//! are met within seconds, and one outage in the middle.

use std::time::Duration;

use crate::fault::Fault;
use crate::ledger::Recording;
use crate::oauth::TokenScript;
use crate::pace::Pace;
use crate::script::{Account, Pool, Script};
use crate::shape::Shape;

/// The OAuth client that the demo's token endpoint wants.
pub const DEMO_CLIENT_ID: &str = "demo-client";
pub const DEMO_CLIENT_SECRET: &str = "demo-secret";

/// The pool that is out of capacity for a while, and when.
pub const DEMO_OUTAGE_POOL: &str = "antigravity";
pub const DEMO_OUTAGE_AFTER: Duration = Duration::from_secs(6);
pub const DEMO_OUTAGE_LENGTH: Duration = Duration::from_secs(3);

/// How many requests the demo's ledger keeps.
const KEPT: usize = 20_000;

/// An account of the demo as a host configures it.
#[derive(Clone, Copy, Debug)]
pub struct DemoAccount {
    /// As a host's configuration names the provider.
    pub provider: &'static str,
    pub label: &'static str,
    pub credential: DemoCredential,
    /// The pools of the account; those of antigravity are served at [`crate::Upstream::pool_url`].
    pub pools: &'static [DemoPool],
    /// The credential is refused with a 401, always.
    pub refused: bool,
}

/// What an account of the demo signs in with.
#[derive(Clone, Copy, Debug)]
pub enum DemoCredential {
    ApiKey(&'static str),
    /// Exchanged for access tokens at the token endpoint.
    RefreshToken(&'static str),
    /// Never expires.
    AccessToken(&'static str),
}

/// So many requests in each window of so many seconds.
#[derive(Clone, Copy, Debug)]
pub struct DemoPool {
    pub name: &'static str,
    pub limit: u32,
    pub window_seconds: u64,
}

/// The accounts of the demo.
pub const DEMO_ACCOUNTS: [DemoAccount; 6] = [
    antigravity(
        "home",
        DemoCredential::RefreshToken("1//demo-home"),
        &[pool("claude", 20, 5), pool("antigravity", 30, 5), pool("gemini-cli", 20, 4)],
    ),
    antigravity(
        "work",
        DemoCredential::RefreshToken("1//demo-work"),
        &[pool("claude", 30, 6), pool("antigravity", 40, 6), pool("gemini-cli", 25, 5)],
    ),
    antigravity(
        "test",
        DemoCredential::AccessToken("ya29.demo-test"),
        &[pool("claude", 20, 4), pool("antigravity", 20, 4), pool("gemini-cli", 20, 6)],
    ),
    DemoAccount {
        refused: true,
        ..antigravity(
            "lapsed",
            DemoCredential::AccessToken("ya29.demo-lapsed"),
            &[pool("claude", 20, 5), pool("antigravity", 20, 5), pool("gemini-cli", 20, 5)],
        )
    },
    anthropic("team", DemoCredential::ApiKey("sk-ant-demo-team"), &[pool("default", 40, 5)]),
    anthropic("spare", DemoCredential::ApiKey("sk-ant-demo-spare"), &[pool("default", 20, 5)]),
];

const fn antigravity(
    label: &'static str,
    credential: DemoCredential,
    pools: &'static [DemoPool],
) -> DemoAccount {
    DemoAccount { provider: "antigravity", label, credential, pools, refused: false }
}

const fn anthropic(
    label: &'static str,
    credential: DemoCredential,
    pools: &'static [DemoPool],
) -> DemoAccount {
    DemoAccount { provider: "anthropic", label, credential, pools, refused: false }
}

const fn pool(name: &'static str, limit: u32, window_seconds: u64) -> DemoPool {
    DemoPool { name, limit, window_seconds }
}

/// Returns the script of the demo.
pub fn demo_script(seed: u64) -> Script {
    let outage =
        Fault::status(Shape::Capacity).pool(DEMO_OUTAGE_POOL).during(DEMO_OUTAGE_AFTER, DEMO_OUTAGE_LENGTH);
    let script =
        Script::new(seed).token(token()).pace(pace()).recording(Recording::Latest(KEPT)).fault(outage);
    DEMO_ACCOUNTS.iter().map(DemoAccount::scripted).fold(script, Script::account)
}

fn token() -> TokenScript {
    TokenScript {
        client_id: Some(DEMO_CLIENT_ID.to_owned()),
        client_secret: Some(DEMO_CLIENT_SECRET.to_owned()),
        ..TokenScript::default()
    }
}

/// Answers that take as long as to overlap.
fn pace() -> Pace {
    let jitter = Duration::from_millis(20);
    Pace { jitter, ..Pace::spread(6, Duration::from_millis(15)).head(Duration::from_millis(40)) }
}

impl DemoAccount {
    fn scripted(&self) -> Account {
        let account = Account::new(self.label).project(format!("demo-{}", self.label));
        let account = match self.credential {
            DemoCredential::ApiKey(key) => account.api_key(key),
            DemoCredential::RefreshToken(token) => account.refresh_token(token),
            DemoCredential::AccessToken(token) => account.access_token(token),
        };
        let account = self.pools.iter().fold(account, |account, pool| {
            let every = Duration::from_secs(pool.window_seconds);
            account.pool(pool.name, Pool::limited(pool.limit, every))
        });
        let account = match self.pools.first() {
            Some(first) => account.default_pool(first.name),
            None => account,
        };
        if self.refused { account.refused() } else { account }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_can_be_played() {
        demo_script(7).check().unwrap();
    }

    #[test]
    fn the_demo_meets_its_limits_within_seconds() {
        for pool in DEMO_ACCOUNTS.iter().flat_map(|account| account.pools) {
            assert!((20..=40).contains(&pool.limit) && (4..=6).contains(&pool.window_seconds), "{pool:?}");
        }
    }
}
