//! Closures: all that is closed of an account or an endpoint besides what its own state shows.

use std::sync::Arc;

use pointsman_core::admission::cell::{CellState, Deny};
use pointsman_core::formats::operation::Operation;
use pointsman_core::time::Millis;

use super::account::Account;
use super::breaker::Breaker;
use super::endpoint::EndpointState;
use super::pool::PoolCells;
use super::quota::Quota;

/// One thing that is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closure {
    pub scope: ClosureScope,
    pub reason: &'static str,
    pub until: Millis,
    pub quality: &'static str,
}

/// What is closed: the more is named, the less is closed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClosureScope {
    pub operation: Operation,
    /// The index of the pool at its provider.
    pub pool: Option<usize>,
    /// The model, or the models with a text in their names: `*opus*`.
    pub models: Option<String>,
    /// Host and port of the endpoint.
    pub endpoint: Option<String>,
}

/// Returns what is closed of an account. `endpoints` are those of each pool. An account's own cooldown and the limit
/// of a pool are not among it: the states of account and pool tell of them.
pub fn of_account(account: &Account, endpoints: &[Vec<Arc<EndpointState>>], now: Millis) -> Vec<Closure> {
    let mut found = Found { closures: Vec::new(), now };
    for operation in Operation::ALL {
        if operation != Operation::Generating {
            let scope = ClosureScope { operation, ..ClosureScope::default() };
            found.breaker(&scope, account.health_for(operation));
        }
        for (pool, slot) in account.pools.iter().enumerate() {
            let scope = ClosureScope { operation, pool: Some(pool), ..ClosureScope::default() };
            let endpoints = endpoints.get(pool).map_or(&[][..], Vec::as_slice);
            slot.existing(operation).into_iter().for_each(|cells| found.pool(&scope, cells, endpoints));
        }
    }
    found.closures
}

/// Returns what is closed of the endpoints of pools, for all accounts. Pools may share an endpoint.
pub fn of_endpoints(pools: &[Vec<Arc<EndpointState>>], now: Millis) -> Vec<Closure> {
    let mut endpoints: Vec<_> = pools.iter().flatten().collect();
    endpoints.sort_by_key(|endpoint| Arc::as_ptr(endpoint));
    endpoints.dedup_by(|one, other| Arc::ptr_eq(one, other));
    endpoints.into_iter().flat_map(|endpoint| of_endpoint(endpoint, now)).collect()
}

fn of_endpoint(endpoint: &EndpointState, now: Millis) -> Vec<Closure> {
    let mut found = Found { closures: Vec::new(), now };
    for operation in Operation::ALL {
        let place = Some(endpoint.url.place());
        let scope = ClosureScope { operation, endpoint: place, ..ClosureScope::default() };
        let cells = endpoint.cells(operation);
        found.breaker(&scope, &cells.cell);
        for (models, breaker) in cells.models.all() {
            found.breaker(&ClosureScope { models: Some(models.to_string()), ..scope.clone() }, &breaker);
        }
    }
    found.closures
}

struct Found {
    closures: Vec<Closure>,
    now: Millis,
}

impl Found {
    fn pool(&mut self, scope: &ClosureScope, cells: &PoolCells, endpoints: &[Arc<EndpointState>]) {
        if scope.operation != Operation::Generating {
            self.quota(scope, &cells.quota);
        }
        for (models, quota) in cells.by_model.all() {
            self.quota(&ClosureScope { models: Some(models.to_string()), ..scope.clone() }, &quota);
        }
        for (way, endpoint) in cells.ways.iter().zip(endpoints) {
            let scope = ClosureScope { endpoint: Some(endpoint.url.place()), ..scope.clone() };
            self.breaker(&scope, &way.cell);
            for (models, breaker) in way.models.all() {
                self.breaker(&ClosureScope { models: Some(models.to_string()), ..scope.clone() }, &breaker);
            }
        }
    }

    fn quota(&mut self, scope: &ClosureScope, quota: &Quota) {
        if let Some(Deny::Predicted { until, .. }) = quota.learned(self.now) {
            let (reason, quality) = ("limited", "predicted");
            self.closures.push(Closure { scope: scope.clone(), reason, until, quality });
        }
        self.cell(scope, quota.state(), "limited");
    }

    fn breaker(&mut self, scope: &ClosureScope, breaker: &Breaker) {
        self.cell(scope, breaker.state(), breaker.reason().as_str());
    }

    fn cell(&mut self, scope: &ClosureScope, state: CellState, reason: &'static str) {
        if self.now < state.until {
            let quality = if state.known { "reported" } else { "estimated" };
            self.closures.push(Closure { scope: scope.clone(), reason, until: state.until, quality });
        }
    }
}
