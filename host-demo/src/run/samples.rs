//! Sample views of a status.

use pointsman_api::abi_stable::std_types::{ROption, Tuple2};
use pointsman_api::{AccountState, AccountView, Extensions, PoolState, PoolView, Status};

pub(crate) fn account(id: &str, format: &str, served: u64) -> AccountView {
    let (provider, label) = id.split_once(':').expect("an id");
    let mut extensions = Extensions::new();
    extensions.set("format", format);
    let pool = PoolView {
        name: "default".into(),
        state: PoolState::OPEN,
        until_unix_ms: ROption::RNone,
        in_flight: 0,
        consecutive_trips: 0,
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
