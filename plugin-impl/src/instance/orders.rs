//! Orders on accounts, given by way of the store: every running process obeys them within a second.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use pointsman_core::ids::{AccountId, ModelId};
use pointsman_core::state::{AccountRecord, Key, Kind, Record};
use pointsman_core::time::UnixMillis;

use crate::clock;
use crate::edges::config::{Config, Environment, Process};
use crate::edges::store::{SavedLimit, Store};
use crate::edges::telemetry;

use super::{Host, Instance, StartError, ToHost, look, runtime, store};

/// The longest wait for the file.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the operator orders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Nothing but to look.
    List,
    /// Forget limits and cooldowns, or only the limits on a model.
    Reset(Option<ModelId>),
    /// Take the account out of service, or back.
    Disable(bool),
}

impl Instance {
    /// Gives an order on an account, or on every account, and returns an instance with the state after it. No
    /// secret is read, and nothing can be sent.
    ///
    /// # Errors
    /// [`StartError`] for a broken configuration, an unknown account, or a store that cannot be used.
    pub fn order(
        named: Option<&Path>,
        host: Arc<dyn Host>,
        environment: &dyn Environment,
        (account, order): (Option<&str>, &Order),
    ) -> Result<Arc<Self>, StartError> {
        let (config, problem) = look::load(named, environment);
        let config = config.filter(|_| problem.is_none());
        let Some(config) = config else { return Err(StartError::Defaults(problem.unwrap_or_default())) };
        let accounts = meant(&config, account)?;
        let log = telemetry::dispatch_to(Arc::new(ToHost(host.clone())), false);
        let runtime = runtime(&log).map_err(StartError::Threads)?;
        let store = store(&config, &*host);
        if !store.is_in_file() && *order != Order::List {
            return Err(StartError::Order(
                "state is in memory (`store: memory`), so no order reaches a process".to_owned(),
            ));
        }
        // What the file holds has to be known before an order on it.
        runtime.block_on(store.flush(PATIENCE));
        accounts.iter().for_each(|account| give(&store, account, order, clock::wall()));
        runtime.block_on(store.flush(PATIENCE));
        if let Some(trouble) = store.trouble() {
            return Err(StartError::Store(trouble.to_string()));
        }
        let instance = Self::of((config, store), runtime, host, Arc::new(Process));
        instance.cut_off();
        Ok(Arc::new(instance))
    }
}

fn meant(config: &Config, account: Option<&str>) -> Result<Vec<AccountId>, StartError> {
    let known = config.accounts.iter().map(|account| account.id.clone());
    let known: Vec<AccountId> = known.collect();
    match account {
        None => Ok(known),
        Some(id) if known.iter().any(|known| known.as_str() == id) => Ok(vec![AccountId::new(id)]),
        Some(id) => {
            let known: Vec<&str> = known.iter().map(AccountId::as_str).collect();
            Err(StartError::Order(format!("there is no account `{id}`; there are {}", known.join(", "))))
        }
    }
}

fn give(store: &Store, account: &AccountId, order: &Order, now: UnixMillis) {
    let mut orders = store.orders(account);
    match order {
        Order::List => return,
        Order::Reset(Some(model)) => return end_limits(store, account, model, now),
        Order::Reset(None) => orders.order_reset(now),
        Order::Disable(disable) => orders.set_disabled(*disable, now),
    }
    put(store, account, orders);
}

fn put(store: &Store, account: &AccountId, orders: AccountRecord) {
    store.learn(Key::of(Kind::Account, account, &[]), Record::Account(orders));
}

/// Ends the limits that hold a model back.
fn end_limits(store: &Store, account: &AccountId, model: &ModelId, now: UnixMillis) {
    for (pool, models) in store.account(account).limits.into_keys() {
        if models.as_ref().is_none_or(|models| models.covers(model.as_str())) {
            let over = SavedLimit { heard: now, known: true, until: now };
            store.learn_limit((account, &pool), models.as_ref(), over);
        }
    }
}
