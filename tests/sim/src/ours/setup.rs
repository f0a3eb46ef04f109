//! How our router is set up: accounts, pools, settings.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use pointsman_core::admission::budget::Terms;
use pointsman_core::admission::cap::ModelPattern;
use pointsman_core::formats::{Envelope, WireFormat};
use pointsman_core::ids::{AccountId, ModelId, PoolId, ProviderId};
use pointsman_core::planning::allowed::AllowedModels;
use pointsman_core::planning::settings::{FallbackOrder, Settings};
pub use pointsman_core::planning::strategy::Strategy;
use pointsman_core::request::catalog::{self, Endpoint, Family, MAX_IN_FLIGHT, Pool, Scope};
use pointsman_core::request::route::{Choice, Route};
use pointsman_plugin::fleet::caps::Caps;
use pointsman_plugin::fleet::{Fleet, Identity, Member, Roster};

use crate::rng::Rng;

use super::providers::{Hop, Provider};

/// The names of the providers, the primary's first.
const NAMES: [&str; 3] = ["acme", "globex", "initech"];

/// What is chosen for a run.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    pub accounts: u16,
    pub pools: u16,
    /// How many accounts each provider of the failover chain has.
    pub chain: &'static [u16],
    pub strategy: Strategy,
    pub order: FallbackOrder,
    /// Whether requests without a pin may use all pools.
    pub fallback: bool,
    pub max_in_flight: u16,
    /// How many requests may be under way at the provider.
    pub total: Option<u16>,
    /// How many at each account, over its pools.
    pub account: Option<u16>,
    /// The weights of the accounts; after the last they begin again.
    pub weights: &'static [u16],
    pub max_wait: Duration,
    pub max_waiting: usize,
    /// Whether the line knows no sessions, as a measurement of what that costs.
    pub first_come: bool,
    /// Whether the upstream says of its limits that they are of a rate.
    pub says_rate: bool,
    pub retries: Terms,
    /// How often a guessed limit is tried that lasts longer; zero for never.
    pub recheck: Duration,
    /// Whether requests lose the processor between plan and admission, as threads do.
    pub interleaved: bool,
}

impl Setup {
    /// Sets up accounts with one pool and nothing special, as a measurement needs it.
    pub fn plain(accounts: u16, strategy: Strategy, max_wait: Duration) -> Self {
        Self {
            accounts,
            pools: 1,
            chain: &[],
            strategy,
            order: FallbackOrder::AccountFirst,
            fallback: false,
            max_in_flight: MAX_IN_FLIGHT,
            total: None,
            account: None,
            weights: &[1],
            max_wait,
            max_waiting: usize::MAX,
            first_come: false,
            says_rate: false,
            retries: Terms::default(),
            recheck: Settings::default().recheck,
            interleaved: false,
        }
    }

    /// Draws settings in which races are likely.
    pub fn draw(accounts: u16, pools: u16, rng: &mut Rng) -> Self {
        Self {
            accounts,
            pools,
            chain: &[],
            // Who keeps sessions makes more promises than any other, so it is drawn often.
            strategy: if rng.chance(0.5) {
                rng.pick(&[Strategy::Hybrid, Strategy::Sticky])
            } else {
                rng.pick(&Strategy::ALL)
            },
            order: rng.pick(&[FallbackOrder::AccountFirst, FallbackOrder::PoolFirst]),
            fallback: rng.chance(0.5),
            max_in_flight: rng.pick(&[2, 3, 5, 8, MAX_IN_FLIGHT]),
            weights: &[1],
            max_wait: rng.millis(20_000, 120_000),
            total: rng.chance(0.3).then(|| rng.between(2, 10) as u16),
            account: rng.chance(0.3).then(|| rng.between(1, 5) as u16),
            max_waiting: rng.pick(&[4, 20, 1_000]),
            first_come: false,
            says_rate: rng.chance(0.5),
            retries: Terms { share: rng.pick(&[0, 50, 200]), floor: rng.pick(&[0, 1, 3]) },
            interleaved: true,
            recheck: rng.pick(&[Duration::ZERO, Duration::from_secs(5), Duration::from_secs(15)]),
        }
    }

    /// Returns what the core goes by.
    pub fn settings(&self) -> Settings {
        Settings {
            strategy: self.strategy,
            fallback_order: self.order,
            quota_fallback: self.fallback,
            max_wait: self.max_wait,
            recheck: self.recheck,
            ..Settings::default()
        }
    }

    /// Says whether a session stays on its account while that is open.
    pub fn keeps_sessions(&self) -> bool {
        matches!(self.strategy, Strategy::Sticky | Strategy::Hybrid)
    }

    /// Returns the accounts of each provider, numbered over all of them.
    pub fn providers(&self) -> Vec<Range<u16>> {
        let mut next = 0;
        let counts = [self.accounts].into_iter().chain(self.chain.iter().copied());
        let range = |count| {
            let first = next;
            next += count;
            first..next
        };
        counts.map(range).collect()
    }

    /// Returns the provider of an account: its place in the chain, and its accounts.
    pub fn provider_of(&self, account: u16) -> (usize, Range<u16>) {
        let mut providers = self.providers().into_iter().enumerate();
        providers.find(|(_, accounts)| accounts.contains(&account)).unwrap_or_default()
    }

    /// Makes the providers, and the hops of each lane: without a pin, of each pool, of each account.
    pub(super) fn fleet(&self, fleet: &Fleet) -> (Vec<Provider>, Vec<Vec<Hop>>) {
        let ranges = self.providers();
        let made: Vec<_> =
            (0..).zip(ranges).map(|(place, accounts)| self.made(fleet, place, accounts)).collect();
        let (providers, mut routes): (Vec<_>, Vec<_>) = made.into_iter().unzip();
        // Only who pins nothing has a chain.
        let chain: Vec<_> = (1..)
            .zip(routes.drain(1..))
            .map(|(provider, mut routes)| hop(provider, routes.swap_remove(0)))
            .collect();
        let mut lanes: Vec<_> = routes.swap_remove(0).into_iter().map(|route| vec![hop(0, route)]).collect();
        lanes[0].extend(chain);
        (providers, lanes)
    }

    /// Makes a provider and its routes.
    fn made(&self, fleet: &Fleet, place: usize, accounts: Range<u16>) -> (Provider, Vec<Route>) {
        let provider = Arc::new(self.catalog(place));
        let members: Vec<_> = accounts.clone().map(|number| self.member(fleet, &provider, number)).collect();
        let endpoints = provider.pools.iter().map(|pool| vec![fleet.endpoint(&pool.endpoints[0])]).collect();
        let free = if self.fallback { usize::from(self.pools) } else { 1 };
        let route = |choice, account| Route {
            provider: provider.clone(),
            family: "acme".to_owned(),
            model: model().as_str().to_owned(),
            choice,
            account,
        };
        let mut routes = vec![route(Choice::Preferred((0..free).collect()), None)];
        routes.extend((0..self.pools.into()).map(|pool| route(Choice::Pinned(pool), None)));
        routes.extend(
            members
                .iter()
                .map(|member| route(Choice::Preferred((0..free).collect()), Some(member.account.id.clone()))),
        );
        let caps = self.caps(fleet, &provider);
        let spacing = fleet.spacing(&provider.id);
        let roster = Roster::new(&provider, members, endpoints).with_early_probes(spacing, self.recheck);
        (Provider::new(fleet, roster.with_caps(caps), accounts, &routes[0]), routes)
    }

    /// Everybody asks for one model, so its cap is one more on all requests.
    fn caps(&self, fleet: &Fleet, provider: &catalog::Provider) -> Caps {
        let models = self.total.map(|total| (ModelPattern::new("acme-*"), total));
        fleet.counts.caps(&provider.id, self.total, models.as_slice())
    }

    fn catalog(&self, place: usize) -> catalog::Provider {
        let name = NAMES[place];
        let pools = (0..self.pools).map(|number| Pool {
            name: PoolId::new(&format!("pool-{number}")),
            title: format!("Pool {number}"),
            endpoints: vec![Endpoint(format!("http://{number}.{name}.example").into())],
            envelope: Envelope::None,
            models: [].into(),
            scope: Scope::Pool,
            max_in_flight: self.max_in_flight,
        });
        let pools: Vec<_> = pools.collect();
        let family =
            Family { name: "acme".to_owned(), patterns: Vec::new(), pools: (0..pools.len()).collect() };
        let id = ProviderId::new(name);
        catalog::Provider { id, format: WireFormat::OpenAi, families: vec![family], pools }
    }

    fn member(&self, fleet: &Fleet, provider: &catalog::Provider, number: u16) -> Member {
        let id = AccountId::of(&provider.id, &format!("a{number}"));
        let account = fleet.enlist(&id, Identity(number.into()), provider);
        let weight = self.weights[usize::from(number) % self.weights.len()];
        Member {
            account,
            weight,
            enabled: true,
            max_in_flight: None,
            concurrency: self.account,
            protections: Box::default(),
            priority: 50,
            models: AllowedModels::default(),
        }
    }
}

fn hop(provider: usize, route: Route) -> Hop {
    Hop { provider, route }
}

pub(super) fn model() -> ModelId {
    ModelId::new("acme-large")
}
