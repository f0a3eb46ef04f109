//! What a request writes down of itself, as the driver does.

use bytes::Bytes;
use http::{HeaderMap, Method};
use pointsman_core::planning::plan::{Plan, plan};
use pointsman_core::planning::snapshot::Snapshot;
use pointsman_core::planning::strategy::Context;
use pointsman_core::reporting::route_reason::RouteReason;
use pointsman_core::response::evidence::Evidence;
use pointsman_core::response::outcome::Outcome;
use pointsman_core::time::Now;
use pointsman_plugin::edges::config::{Process, from_text};
use pointsman_plugin::edges::store::Store;
use pointsman_plugin::fleet::Fleet;
use pointsman_plugin::runtime::call::Resolved;
use pointsman_plugin::runtime::claim;
use pointsman_plugin::runtime::generation::Generation;
use pointsman_plugin::runtime::journal::record::How;
use pointsman_plugin::runtime::journal::{Journal, Record, RequestId};
use pointsman_plugin::runtime::router::call;

use crate::servers;

const PATH: &str = "/v1/messages";
const BODY: &str = r#"{"model":"claude-sonnet-4-6","messages":[]}"#;

/// Writes the records of requests that are served at the first attempt.
#[derive(Debug)]
pub struct Writer {
    journal: Journal,
    generation: Generation,
    resolved: Resolved,
    snapshot: Snapshot,
    context: Context,
    plan: Plan,
}

impl Writer {
    /// Makes a fleet of so many accounts, and one request to it.
    ///
    /// # Panics
    /// Never: the configuration is valid and the request can be routed.
    pub fn new(accounts: u32) -> Self {
        let config = servers::config("127.0.0.1:1", accounts as usize);
        let config = from_text(&config, "bench", &Process).expect("a valid configuration");
        let (fleet, now) = (Fleet::default(), Now::default());
        let generation = Generation::new(config, &fleet, &Store::memory(), None, now);
        let call = call(Method::POST, None, HeaderMap::new(), Bytes::from_static(BODY.as_bytes()));
        let claim = claim::at_gateway(&Method::POST, PATH, &HeaderMap::new()).expect("a path of ours");
        let resolved = Resolved::new(call, claim, &generation, &fleet.resource_owners, now.mono);
        let resolved = resolved.expect("a request that can be routed");
        let context = Context { accounts, ..Context::default() };
        let roster = &generation.provider_runtimes[resolved.primary.provider].roster;
        let snapshot = roster.snapshot(&resolved.primary.route, &resolved.primary.model, &context, now.mono);
        let plan = plan(&snapshot, &generation.config.settings, &context);
        let plan = plan.expect("no account is ever closed");
        Self { journal: Journal::default(), generation, resolved, snapshot, context, plan }
    }

    /// Writes the record of one request.
    pub fn write(&self, number: u64) {
        let (now, candidate) = (Now::default(), self.plan.candidates[0]);
        let id = RequestId { start: 1, number };
        let record = self.journal.open(Record::new(id, &self.resolved, &self.generation, now));
        record.planned(0, self.snapshot.clone(), &self.context, Some(&self.plan));
        record.admitted(0, candidate, false, now.mono);
        record.sent();
        record.came_to(&Evidence::of(Outcome::Good), None, now.mono);
        let account = self.generation.config.accounts[candidate.account as usize].id.clone();
        let pool = self.resolved.primary.route.pool(0).name.clone();
        record.ended(
            How::Answered { status: 200, route_reason: RouteReason::Preferred, account, pool },
            1,
            now.mono,
        );
    }
}
