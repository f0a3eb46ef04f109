//! What is closed besides accounts and pools: models, operations, ways and endpoints.

use pointsman_core::formats::operation::Operation;
use pointsman_core::time::{Now, UnixMillis};
use serde_json::{Value, json};

use crate::fleet::closures::{Closure, ClosureScope};

/// One thing that is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClosedStatus {
    pub operation: Operation,
    pub pool: Option<String>,
    /// The model, or the models with a text in their names: `*opus*`.
    pub models: Option<String>,
    pub endpoint: Option<String>,
    pub reason: &'static str,
    pub until: UnixMillis,
    /// `told`, `predicted` or `estimated`.
    pub quality: &'static str,
}

impl ClosedStatus {
    pub(super) fn of(closure: Closure, pools: &[String], now: Now) -> Self {
        let ClosureScope { operation, pool, models, endpoint } = closure.scope;
        Self {
            operation,
            pool: pool.and_then(|pool| pools.get(pool).cloned()),
            models,
            endpoint,
            reason: closure.reason,
            until: now.wall_of(closure.until),
            quality: closure.quality,
        }
    }

    pub(super) fn to_json(&self) -> Value {
        json!({
            "operation": self.operation.as_str(),
            "pool": self.pool,
            "models": self.models,
            "endpoint": self.endpoint,
            "state": "closed",
            "reason": self.reason,
            "until_unix_ms": self.until.0,
            "quality": self.quality,
        })
    }

    /// Returns what is closed and why, in words: `model *opus*: limited`.
    pub(super) fn words(&self) -> String {
        let models = self.models.as_ref().map(|models| format!("model {models}"));
        let pool = self.pool.as_ref().map(|pool| format!("pool {pool}"));
        let endpoint = self.endpoint.as_ref().map(|endpoint| format!("at {endpoint}"));
        let is_side = self.operation != Operation::Generating;
        let operation = is_side.then(|| format!("for {}", self.operation.as_str()));
        let parts: Vec<_> = [models, pool, endpoint, operation].into_iter().flatten().collect();
        format!("{}: {}", parts.join(" "), self.reason)
    }
}
