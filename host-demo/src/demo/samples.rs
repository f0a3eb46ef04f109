//! A sample status for tests of the display.

use pointsman_api::abi_stable::std_types::{RNone, ROption, RSome, RVec};
use pointsman_api::{AccountState, AccountView, Extensions, PoolState, PoolView, Status};

/// An account with a limited and an open pool, and an account in need of a sign-in.
pub(crate) fn status() -> Status {
    let work = [pool("claude", PoolState::LIMITED, RSome(4_200)), pool("gemini-cli", PoolState::OPEN, RNone)];
    let accounts = [
        account("work", AccountState::READY, work.into_iter().collect()),
        account(
            "revoked",
            AccountState::NEEDS_SIGN_IN,
            [pool("claude", PoolState::OPEN, RNone)].into_iter().collect(),
        ),
    ];
    Status {
        version: "0.1.0".into(),
        now_unix_ms: 1_000,
        accounts: accounts.into_iter().collect(),
        counters: RVec::new(),
        extensions: Extensions::new(),
    }
}

fn account(label: &str, state: AccountState, pools: RVec<PoolView>) -> AccountView {
    AccountView {
        id: format!("antigravity:{label}").into(),
        provider: "antigravity".into(),
        label: label.into(),
        state,
        reason: if state == AccountState::READY { "" } else { "invalid_grant" }.into(),
        until_unix_ms: RNone,
        pools,
        extensions: Extensions::new(),
    }
}

fn pool(name: &str, state: PoolState, until_unix_ms: ROption<u64>) -> PoolView {
    PoolView {
        name: name.into(),
        state,
        until_unix_ms,
        in_flight: 3,
        consecutive_trips: 0,
        trips: 1,
        served: 12,
        limited: 2,
        extensions: Extensions::new(),
    }
}
