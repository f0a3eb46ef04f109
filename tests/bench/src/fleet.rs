//! A fleet to decide on: the plugin's own, with accounts that are all open.

use std::sync::Arc;

use pointsman_core::formats::operation::Operation;
use pointsman_core::formats::{Envelope, WireFormat};
use pointsman_core::ids::{AccountId, ModelId, PoolId, ProviderId};
use pointsman_core::jitter::Jitter;
use pointsman_core::planning::allowed::AllowedModels;
use pointsman_core::planning::plan::plan;
use pointsman_core::planning::settings::Settings;
use pointsman_core::planning::strategy::{Context, Strategy};
use pointsman_core::request::catalog::{Endpoint, Family, MAX_IN_FLIGHT, Pool, Provider, Scope};
use pointsman_core::request::route::{Choice, Route};
use pointsman_core::time::Millis;
use pointsman_plugin::fleet::{Fleet, Identity, Lease, Member, Roster};

/// The instant of all decisions.
pub const NOW: Millis = Millis(1_000);
const MODEL: &str = "claude-sonnet-4-6";

/// Decides as the driver does, without its waiting.
#[derive(Debug)]
pub struct Decider {
    roster: Roster,
    route: Route,
    model: ModelId,
    settings: Settings,
    accounts: u32,
}

impl Decider {
    /// Makes a fleet of so many accounts with one pool and one endpoint.
    pub fn new(accounts: u32, strategy: Strategy) -> Self {
        let provider = Arc::new(provider());
        let fleet = Fleet::default();
        let members = (0..accounts).map(|number| member(&fleet, &provider, number)).collect();
        let endpoints = provider.pools[0].endpoints.iter().map(|endpoint| fleet.endpoint(endpoint)).collect();
        let roster = Roster::new(&provider, members, vec![endpoints]);
        let settings = Settings { strategy, ..Settings::default() };
        Self { roster, route: route(provider), model: ModelId::new(MODEL), settings, accounts }
    }

    /// Takes a snapshot, plans, and admits the best candidate that does not deny.
    ///
    /// A session's home is account 0 for each eighth request, so that `sticky` has both cases.
    pub fn decide(&self, turn: u64) -> Lease {
        let sticky = turn.is_multiple_of(8).then_some(0);
        let context = Context { turn, accounts: self.accounts, sticky, ..Context::default() };
        loop {
            let snapshot = self.roster.snapshot(&self.route, &self.model, &context, NOW);
            let plan = plan(&snapshot, &self.settings, &context);
            let plan = plan.expect("no account is ever closed, and none is full");
            let lease = plan.candidates.iter().find_map(|candidate| {
                self.roster.admit(candidate, &self.model, Operation::Generating, Jitter::default(), NOW).ok()
            });
            if let Some(lease) = lease {
                return lease;
            }
        }
    }
}

fn provider() -> Provider {
    let pool = Pool {
        name: PoolId::new("default"),
        title: "Default".to_owned(),
        endpoints: vec![Endpoint("http://127.0.0.1:1".into())],
        envelope: Envelope::None,
        models: [].into(),
        scope: Scope::Pool,
        max_in_flight: MAX_IN_FLIGHT,
    };
    let family = Family { name: "claude".to_owned(), patterns: Vec::new(), pools: vec![0] };
    Provider {
        id: ProviderId::new("anthropic"),
        format: WireFormat::Anthropic,
        families: vec![family],
        pools: vec![pool],
    }
}

fn route(provider: Arc<Provider>) -> Route {
    let choice = Choice::Preferred([0].into_iter().collect());
    Route { provider, family: "claude".to_owned(), model: MODEL.to_owned(), choice, account: None }
}

fn member(fleet: &Fleet, provider: &Provider, number: u32) -> Member {
    let id = AccountId::of(&provider.id, &format!("a{number}"));
    let account = fleet.enlist(&id, Identity(number.into()), provider);
    let protections = Box::default();
    Member {
        account,
        weight: 1,
        priority: 50,
        models: AllowedModels::default(),
        enabled: true,
        max_in_flight: None,
        concurrency: None,
        protections,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decision_holds_a_place_until_it_is_dropped() {
        let decider = Decider::new(2, Strategy::LeastConnections);
        let account = |lease: &Lease| lease.target().account.ordinal;
        let (one, other) = (decider.decide(1), decider.decide(1));
        assert_ne!(account(&one), account(&other), "the second sees the lease of the first");
        let (place, freed) = (account(&one), one);
        drop(freed);
        assert_eq!(account(&decider.decide(1)), place);
    }
}
