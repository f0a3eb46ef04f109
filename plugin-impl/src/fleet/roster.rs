//! Rosters: the accounts and endpoints of each provider under a configuration, in a stable order.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use pointsman_core::admission::cell::Deny;
use pointsman_core::admission::health_stats::Rates;
use pointsman_core::admission::probe::{self, Spacing};
use pointsman_core::formats::operation::Operation;
use pointsman_core::ids::{AccountId, ModelId};
use pointsman_core::jitter::Jitter;
use pointsman_core::planning::allowed::AllowedModels;
use pointsman_core::planning::plan::Candidate;
use pointsman_core::planning::sample;
use pointsman_core::planning::snapshot::{AccountView, Closed, Snapshot, Standing, WayView, Why};
use pointsman_core::planning::strategy::Context;
use pointsman_core::quota::protection::{Judgement, Protection};
use pointsman_core::request::catalog::Provider;
use pointsman_core::request::route::Route;
use pointsman_core::time::Millis;
use smallvec::SmallVec;

use super::account::{Account, Way};
use super::callers::{Callers, Own};
use super::caps::{Cap, Caps};
use super::endpoint::EndpointState;
use super::lease::{Lease, Target};
use super::quota::{AdmissionKind, EarlyTerms};

/// The roster of a provider: accounts, endpoints and bounds under the configuration in force.
#[derive(Debug)]
pub struct Roster {
    /// The accounts in configuration order. A candidate names an account by an index into this list.
    pub members: Vec<Member>,
    /// The endpoints of each pool, in configuration order.
    pub endpoints: Vec<Vec<Arc<EndpointState>>>,
    /// The bound of each pool: the most requests an account may have in flight there.
    bounds: Vec<u16>,
    caps: Caps,
    /// The rates of change of the pools' health stats.
    rates: Rates,
    /// The provider's probe spacing; `recheck` is the least length of a limit for a recheck probe.
    spacing: Arc<Spacing>,
    recheck: Duration,
    /// Pairs of ordinal and index of each member, sorted by ordinal.
    places: Vec<(u32, u32)>,
    ids: HashMap<AccountId, u32>,
    /// The index of the account found open by the last search beyond the sample. A stale index only costs a
    /// longer search.
    open: AtomicU32,
    /// Whether the accounts have different priorities. Then no sample may stand for all of them.
    has_tiers: bool,
    /// The account for callers' own credentials: the index and the callers.
    callers: Option<(u32, Arc<Callers>)>,
}

/// An account with the settings of its configuration.
#[derive(Clone, Debug)]
pub struct Member {
    pub account: Arc<Account>,
    pub weight: u16,
    /// The tier before the strategy; a lower number goes first.
    pub priority: u8,
    /// The models that the account may be used for.
    pub models: AllowedModels,
    pub enabled: bool,
    pub max_in_flight: Option<u16>,
    /// The most requests in flight in the account, over every pool.
    pub concurrency: Option<u16>,
    /// The quota protection of each pool. A pool beyond the end has no protection.
    pub protections: Box<[Protection]>,
}

/// The subject of a permit: the caller's own account and the operation.
#[derive(Clone, Copy, Debug)]
pub struct Asker<'a> {
    /// The account of the request's own credential, if any.
    pub own: Option<&'a Own>,
    pub operation: Operation,
}

/// A view query: route, model and operation, and the facts shared by every account of the snapshot.
struct ViewQuery<'a> {
    route: &'a Route,
    model: &'a ModelId,
    operation: Operation,
    /// A cap of the provider or of the model is full.
    caps_full: bool,
    now: Millis,
    /// The account of the request's own credential.
    own: Option<&'a Own>,
}

type Views = SmallVec<[AccountView; 16]>;

impl Roster {
    /// Builds the roster of a provider from the members and the endpoints.
    pub fn new(provider: &Provider, members: Vec<Member>, endpoints: Vec<Vec<Arc<EndpointState>>>) -> Self {
        let bounds = provider.pools.iter().map(|pool| pool.max_in_flight).collect();
        let ordinals = members.iter().map(|member| member.account.ordinal);
        let mut places: Vec<_> = ordinals.zip(0..).collect();
        places.sort_unstable();
        let ids = members.iter().map(|member| member.account.id.clone()).zip(0..).collect();
        let has_tiers = members.windows(2).any(|two| two[0].priority != two[1].priority);
        Self {
            members,
            endpoints,
            bounds,
            caps: Caps::default(),
            rates: Rates::default(),
            spacing: Arc::default(),
            recheck: Duration::ZERO,
            places,
            ids,
            open: AtomicU32::new(0),
            has_tiers,
            callers: None,
        }
    }

    /// Reserves the account at `place` for callers with credentials of their own.
    #[must_use]
    pub fn with_callers(self, place: u32, callers: Arc<Callers>) -> Self {
        Self { callers: Some((place, callers)), ..self }
    }

    /// Returns the callers of the account at `place`, if each caller brings a credential there.
    pub fn callers_at(&self, place: u32) -> Option<&Callers> {
        self.callers.as_ref().filter(|(own, _)| *own == place).map(|(_, callers)| &**callers)
    }

    /// Returns whether callers may use their own credentials here.
    pub fn has_callers(&self) -> bool {
        self.callers.is_some()
    }

    /// Returns the account of the credential in a request.
    pub fn own(&self, credential: &impl Hash, now: Millis) -> Option<Own> {
        let (place, callers) = self.callers.as_ref()?;
        let member = self.members[*place as usize].clone();
        Some(Own { place: *place, member: Member { account: callers.account(credential, now), ..member } })
    }

    /// Returns the index of the account reserved for callers' credentials, if the request can use no other
    /// account: `account` is the account named by the request.
    pub fn callers_only(&self, account: Option<&AccountId>) -> Option<u32> {
        let (place, _) = self.callers.as_ref()?;
        let is_only = |account| self.ids.get(account) == Some(place);
        account.map_or(self.members.len() == 1, is_only).then_some(*place)
    }

    /// Returns the member at an index for a request. A place reserved for callers' credentials has no
    /// member for a request without a credential.
    #[inline]
    pub fn member<'a>(&'a self, place: u32, own: Option<&'a Own>) -> Option<&'a Member> {
        match (own, &self.callers) {
            (Some(own), _) if own.place == place => Some(&own.member),
            (_, Some((callers, _))) if *callers == place => None,
            (_, _) => self.members.get(place as usize),
        }
    }

    /// Sets the rates of change of the pools' health stats.
    #[must_use]
    pub fn with_rates(self, rates: Rates) -> Self {
        Self { rates, ..self }
    }

    /// Sets the probe spacing shared with the provider's further rosters, and rechecks limits lasting
    /// longer than `recheck`. Zero disables rechecks.
    #[must_use]
    pub fn with_early_probes(self, spacing: Arc<Spacing>, recheck: Duration) -> Self {
        Self { spacing, recheck, ..self }
    }

    /// Sets the concurrency caps.
    #[must_use]
    pub fn with_caps(self, caps: Caps) -> Self {
        Self { caps, ..self }
    }

    /// Returns the caps of the provider and of the models.
    pub fn caps(&self) -> &Caps {
        &self.caps
    }

    /// Returns the cap group of a model. Requests of a wait queue with equal groups are held up by equal
    /// caps. A request waiting for a slot under a model's cap does not block requests of models outside the
    /// group.
    pub fn group(&self, model: &ModelId) -> u64 {
        self.caps.group(model)
    }

    /// Builds a snapshot of the accounts for a route, or of a [sample] if the provider has very many. If no
    /// account of the sample is open, the search goes on and may end with every account.
    pub fn snapshot(&self, route: &Route, model: &ModelId, context: &Context, now: Millis) -> Snapshot {
        self.snapshot_for(None, route, model, context, now)
    }

    /// Builds the snapshot for a request with an account of its own credential.
    pub fn snapshot_for(
        &self,
        own: Option<&Own>,
        route: &Route,
        model: &ModelId,
        context: &Context,
        now: Millis,
    ) -> Snapshot {
        let mut snapshot = Snapshot { now, accounts: SmallVec::new() };
        let operation = context.operation;
        let caps_full = self.caps.are_full(model);
        let view_query = ViewQuery { route, model, operation, caps_full, now, own };
        match &route.account {
            Some(id) => self.look(&view_query, self.ids.get(id).copied(), &mut snapshot.accounts),
            // Few accounts: a full look costs less than a sample.
            None if self.members.len() <= sample::WHOLE as usize || self.has_tiers => {
                self.look(&view_query, self.all(), &mut snapshot.accounts);
            }
            None => self.sample(&view_query, context, &mut snapshot.accounts),
        }
        snapshot
    }

    fn all(&self) -> std::ops::Range<u32> {
        0..self.members.len() as u32
    }

    fn sample(&self, view_query: &ViewQuery<'_>, context: &Context, seen: &mut Views) {
        let (count, open) = (self.members.len() as u32, self.open.load(Ordering::Relaxed));
        // Named accounts first (the caller's own, sticky, parent's, last open), then the sample of this
        // turn.
        let named = [context.own, context.sticky, context.parent, Some(open)].into_iter().flatten();
        for place in named.chain(sample::places(context.turn, count)) {
            // No account twice.
            if seen.iter().all(|account| account.index != place) {
                self.look(view_query, [place], seen);
            }
        }
        if !seen.iter().any(AccountView::is_plainly_open) {
            self.look_further(view_query, open, seen);
        }
    }

    /// Adds an open account from near `open`, or every account if none is open there.
    fn look_further(&self, view_query: &ViewQuery<'_>, open: u32, seen: &mut Views) {
        let mut views = Views::new();
        // One account at a time from the last open place on, until one is open.
        for place in sample::onward(open, self.members.len() as u32) {
            views.clear();
            self.look(view_query, [place], &mut views);
            if views.first().is_some_and(AccountView::is_plainly_open) {
                seen.retain(|account| account.index != place);
                seen.append(&mut views);
                return self.open.store(place, Ordering::Relaxed);
            }
        }
        // None is open nearby: the plan needs every account, to wait for the earliest end.
        seen.clear();
        self.look(view_query, self.all(), seen);
        // The next search starts here.
        if let Some(account) = seen.iter().rfind(|account| account.is_plainly_open()) {
            self.open.store(account.index, Ordering::Relaxed);
        }
    }

    /// Appends the views of the accounts at `places`. Views are filled in place, since a move would cost
    /// more than the query.
    #[inline]
    fn look(&self, view_query: &ViewQuery<'_>, places: impl IntoIterator<Item = u32>, views: &mut Views) {
        for index in places {
            let Some(member) = self.member(index, view_query.own) else { continue };
            let full = view_query.caps_full || member.is_full();
            views.push(AccountView {
                index,
                weight: member.weight,
                priority: member.priority,
                in_flight: 0,
                agents: 0,
                attracts: false,
                ways: SmallVec::new(),
            });
            let Some(view) = views.last_mut() else { continue };
            for pool in view_query.route.pools() {
                view.ways.push(WayView { pool: *pool as u16, ..WayView::default() });
                let Some(way) = view.ways.last_mut() else { continue };
                view.in_flight += u32::from(self.best_way(member, way, full, view_query));
            }
        }
    }

    /// Asks the cells for a permit for a candidate. `jitter` lengthens the spacing of probes.
    ///
    /// # Errors
    /// [`Deny`] if the state has changed since the snapshot.
    pub fn admit(
        &self,
        candidate: &Candidate,
        model: &ModelId,
        operation: Operation,
        jitter: Jitter,
        now: Millis,
    ) -> Result<Lease, Deny> {
        self.admit_for(Asker { own: None, operation }, candidate, model, jitter, now)
    }

    /// Asks the cells for a permit for a request with an account of its own credential.
    ///
    /// # Errors
    /// [`Deny`] if the state has changed since the snapshot.
    pub fn admit_for(
        &self,
        asker: Asker<'_>,
        candidate: &Candidate,
        model: &ModelId,
        jitter: Jitter,
        now: Millis,
    ) -> Result<Lease, Deny> {
        let Asker { own, operation } = asker;
        // A snapshot shows nobody whom the request cannot use.
        let member = self.member(candidate.account, own).ok_or(Deny::Full)?;
        let (pool, way) = (usize::from(candidate.pool), usize::from(candidate.endpoint));
        let target = Target {
            account: member.account.clone(),
            endpoint: self.endpoints[pool][way].clone(),
            pool,
            way,
            model: model.clone(),
            operation,
        };
        // Slots under caps come first, and go back by drop if a cell denies.
        let places = self.caps.take(&member.account, member.concurrency, model)?;
        let entry = self.entry(candidate, jitter);
        let lease = Lease::admit(target, places, self.bound(member, pool, now), entry, now)?;
        Ok(lease.rated(self.rates, now))
    }

    fn entry(&self, candidate: &Candidate, jitter: Jitter) -> AdmissionKind<'_> {
        let Some(probe) = candidate.probe else { return AdmissionKind::Usual };
        let apart = probe::apart(jitter);
        AdmissionKind::Probe(probe, EarlyTerms { spacing: &self.spacing, apart, recheck: self.recheck })
    }

    /// Returns the index of an account by id.
    pub fn place_of_id(&self, id: &AccountId) -> Option<u32> {
        self.ids.get(id).copied()
    }

    /// Returns the index of an account by ordinal.
    pub fn place_of(&self, ordinal: u32) -> Option<u32> {
        let at = self.places.binary_search_by_key(&ordinal, |(ordinal, _)| *ordinal).ok()?;
        Some(self.places[at].1)
    }

    /// Fills `way` with the first open endpoint of its pool, or else the most hopeful endpoint. Returns the
    /// pool's requests in flight.
    ///
    /// A pool has at least one endpoint and usually no more, and nearly every endpoint is open.
    #[inline]
    fn best_way(&self, member: &Member, way: &mut WayView, full: bool, view_query: &ViewQuery<'_>) -> u16 {
        let (pool, model, now) = (usize::from(way.pool), view_query.model, view_query.now);
        let (endpoint, bound) = (&self.endpoints[pool][0], self.bound(member, pool, now));
        let to = Way { pool, way: 0, endpoint, model, operation: view_query.operation, bound, full };
        let quick_check = member.account.quick_check(&to, now);
        // The common case ends here: the first endpoint is plainly open.
        if !(member.enabled && quick_check.is_plainly_open) {
            *way = self.most_hopeful(member, to, now);
        }
        way.outlook = member.account.outlook(pool, model, now);
        way.health_stats = member.account.health_stats(pool);
        member.protect(way, model, now);
        member.exclude(way, model);
        quick_check.in_flight
    }

    fn most_hopeful(&self, member: &Member, to: Way<'_>, now: Millis) -> WayView {
        let endpoints = &self.endpoints[to.pool];
        let view = |way: usize| {
            let mut obstacles = member.account.obstacles(&Way { way, endpoint: &endpoints[way], ..to }, now);
            if !member.enabled {
                obstacles.standing = Standing::Disabled;
            }
            let (closed, over_capacity) = (obstacles.closed(), obstacles.may_exceed());
            let (pool, endpoint) = (to.pool as u16, way as u16);
            let view = WayView { pool, endpoint, closed, over_capacity, ..WayView::default() };
            // An early probe only helps where nothing but the pool's limit is in the way.
            if obstacles.is_free_to_the_pool() { self.estimated(view, member, to, now) } else { view }
        };
        (1..endpoints.len())
            .map(view)
            .fold(view(0), |best, way| if hope(way.closed) < hope(best.closed) { way } else { best })
    }

    /// Adds the times of early probes to a view closed only by the pool's limits.
    fn estimated(&self, view: WayView, member: &Member, to: Way<'_>, now: Millis) -> WayView {
        let Some(early) = member.account.early(&to, self.recheck, now) else { return view };
        let spaced = self.spacing.due();
        let recheck = early.recheck.is_some_and(|due| due.max(spaced) <= now);
        WayView { guess: early.last_resort.map(|due| due.max(spaced)), recheck, ..view }
    }

    /// Returns the most requests in flight for a member in a pool: the configured bound, or less after the
    /// throttle has shrunk.
    #[inline]
    pub fn bound(&self, member: &Member, pool: usize, now: Millis) -> u16 {
        let most = member.max_in_flight.map_or(self.bounds[pool], |own| own.min(self.bounds[pool]));
        member.account.bound(pool, most, now)
    }
}

impl Member {
    /// Returns the cap of the account.
    pub fn cap(&self) -> Cap {
        Cap::new(self.account.under_way().clone(), self.concurrency)
    }

    /// Returns whether the account is at its concurrency cap.
    #[inline]
    fn is_full(&self) -> bool {
        self.account.under_way().is_full(self.concurrency)
    }

    /// Returns the protection verdict of a pool over every model, as a status shows it.
    pub fn protection(&self, pool: usize, now: Millis) -> Judgement {
        let outlook = self.account.binding_outlook(pool, None, now);
        self.protections.get(pool).map_or(Judgement::Free, |protection| protection.judge(None, outlook))
    }

    /// Closes a view for a model that the account is not used for.
    #[inline]
    fn exclude(&self, way: &mut WayView, model: &ModelId) {
        if !self.models.allows(model) {
            way.closed = Some(Closed { until: None, why: Why::Excluded });
            way.over_capacity = false;
            way.guess = None;
            way.recheck = false;
        }
    }

    /// Applies the pool's quota protection to a view.
    #[inline]
    fn protect(&self, way: &mut WayView, model: &ModelId, now: Millis) {
        let pool = usize::from(way.pool);
        let Some(protection) = self.protections.get(pool).filter(|protection| !protection.is_nothing())
        else {
            return;
        };
        match protection.judge(Some(model), self.account.binding_outlook(pool, Some(model), now)) {
            Judgement::Free => {}
            Judgement::Deprioritised => way.deprioritised = true,
            Judgement::Kept { until } => {
                way.closed = Some(Closed::protected(way.closed, until));
                *way = WayView { over_capacity: false, guess: None, recheck: false, ..*way };
            }
        }
    }
}

/// Returns a sort key, smaller is more hopeful: open first, then the earliest known end, then an unknown
/// end.
fn hope(closed: Option<Closed>) -> (u8, Option<Millis>) {
    match closed {
        None => (0, None),
        Some(Closed { until: Some(until), .. }) => (1, Some(until)),
        Some(Closed { until: None, .. }) => (2, None),
    }
}

#[cfg(all(test, not(feature = "shuttle")))]
mod tests;
