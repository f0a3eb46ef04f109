//! Rosters: who belongs to each provider under one configuration, in stable order.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use pointsman_core::admission::cell::Deny;
use pointsman_core::admission::knock::{self, Spacing};
use pointsman_core::admission::vitals::Rates;
use pointsman_core::ids::{AccountId, ModelId};
use pointsman_core::jitter::Jitter;
use pointsman_core::planning::plan::{Candidate, Trial};
use pointsman_core::planning::sample;
use pointsman_core::planning::snapshot::{AccountView, Closed, Snapshot, Standing, WayView};
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
use super::quota::{Entry, Terms};

/// The accounts and endpoints of one provider.
#[derive(Debug)]
pub struct Roster {
    /// In the order of the configuration; a candidate names an account by its place here.
    pub members: Vec<Member>,
    /// For each pool, its endpoints in order.
    pub endpoints: Vec<Vec<Arc<EndpointState>>>,
    /// For each pool, how many requests one account may have there.
    bounds: Vec<u16>,
    caps: Caps,
    /// By what the vitals of pools change.
    rates: Rates,
    /// What keeps knocks apart, and from how long a guess on they are due.
    spacing: Arc<Spacing>,
    recheck: Duration,
    /// The place of each member, sorted by its ordinal.
    places: Vec<(u32, u32)>,
    ids: HashMap<AccountId, u32>,
    /// Where somebody was open when a plan had to look beyond its sample. A wrong one costs a longer look.
    open: AtomicU32,
    /// The place of the account that callers use with their own credentials, and its callers.
    callers: Option<(u32, Arc<Callers>)>,
}

/// An account, with what the configuration says of it.
#[derive(Clone, Debug)]
pub struct Member {
    pub account: Arc<Account>,
    pub weight: u16,
    pub enabled: bool,
    pub max_in_flight: Option<u16>,
    /// How many requests it may have in all pools together.
    pub concurrency: Option<u16>,
    /// For each pool, what of its quota is left alone. A pool beyond the end has no protection.
    pub protections: Box<[Protection]>,
}

/// What accounts are looked at for.
struct Sight<'a> {
    route: &'a Route,
    model: &'a ModelId,
    /// A cap of the provider or of the model has no place left.
    caps_full: bool,
    now: Millis,
    /// The account that the request has by its own credential.
    own: Option<&'a Own>,
}

type Views = SmallVec<[AccountView; 16]>;

impl Roster {
    /// Puts the members of a provider together.
    pub fn new(provider: &Provider, members: Vec<Member>, endpoints: Vec<Vec<Arc<EndpointState>>>) -> Self {
        let bounds = provider.pools.iter().map(|pool| pool.max_in_flight).collect();
        let ordinals = members.iter().map(|member| member.account.ordinal);
        let mut places: Vec<_> = ordinals.zip(0..).collect();
        places.sort_unstable();
        let ids = members.iter().map(|member| member.account.id.clone()).zip(0..).collect();
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
            callers: None,
        }
    }

    /// Lets callers use the account at `place` with their own credentials, and nobody without one.
    #[must_use]
    pub fn with_callers(self, place: u32, callers: Arc<Callers>) -> Self {
        Self { callers: Some((place, callers)), ..self }
    }

    /// Returns the callers of the account at `place`, where each brings its own credential.
    pub fn callers_at(&self, place: u32) -> Option<&Callers> {
        self.callers.as_ref().filter(|(own, _)| *own == place).map(|(_, callers)| &**callers)
    }

    /// Says whether callers may use their own credentials here.
    pub fn has_callers(&self) -> bool {
        self.callers.is_some()
    }

    /// Returns the account that a request has by the credential that it brought.
    pub fn own(&self, credential: &impl Hash, now: Millis) -> Option<Own> {
        let (place, callers) = self.callers.as_ref()?;
        let member = self.members[*place as usize].clone();
        Some(Own { place: *place, member: Member { account: callers.account(credential, now), ..member } })
    }

    /// Returns the place of the account that a request needs a credential of its own for, where it may use no
    /// other account: `account` is the one that it names.
    pub fn callers_only(&self, account: Option<&AccountId>) -> Option<u32> {
        let (place, _) = self.callers.as_ref()?;
        let is_only = |account| self.ids.get(account) == Some(place);
        account.map_or(self.members.len() == 1, is_only).then_some(*place)
    }

    /// Returns who stands at a place for a request: nobody, where that takes a credential and there is none.
    #[inline]
    pub fn member<'a>(&'a self, place: u32, own: Option<&'a Own>) -> Option<&'a Member> {
        match (own, &self.callers) {
            (Some(own), _) if own.place == place => Some(&own.member),
            (_, Some((callers, _))) if *callers == place => None,
            (_, _) => self.members.get(place as usize),
        }
    }

    /// Lets the vitals of its pools change by these rates.
    #[must_use]
    pub fn with_rates(self, rates: Rates) -> Self {
        Self { rates, ..self }
    }

    /// Keeps its knocks apart from others at the provider, and checks guesses that last longer than `recheck`,
    /// unless that is zero.
    #[must_use]
    pub fn with_knocks(self, spacing: Arc<Spacing>, recheck: Duration) -> Self {
        Self { spacing, recheck, ..self }
    }

    /// Puts it under caps.
    #[must_use]
    pub fn with_caps(self, caps: Caps) -> Self {
        Self { caps, ..self }
    }

    /// Returns the caps of the provider and its models.
    pub fn caps(&self) -> &Caps {
        &self.caps
    }

    /// Returns a number that requests of a lane have in common when the same things can hold them up. Who
    /// waits for a place under a cap of its models is in nobody's way but theirs.
    pub fn group(&self, model: &ModelId) -> u64 {
        self.caps.group(model)
    }

    /// Looks at the accounts that may serve a route, or at a [sample] of very many. While none of those that
    /// it shows is open, it shows all.
    pub fn snapshot(&self, route: &Route, model: &ModelId, context: &Context, now: Millis) -> Snapshot {
        self.snapshot_for(None, route, model, context, now)
    }

    /// Does the same for a request that has an account by its own credential.
    pub fn snapshot_for(
        &self,
        own: Option<&Own>,
        route: &Route,
        model: &ModelId,
        context: &Context,
        now: Millis,
    ) -> Snapshot {
        let mut snapshot = Snapshot { now, accounts: SmallVec::new() };
        let sight = Sight { route, model, caps_full: self.caps.are_full(model), now, own };
        match &route.account {
            Some(id) => self.look(&sight, self.ids.get(id).copied(), &mut snapshot.accounts),
            None if self.members.len() <= sample::WHOLE as usize => {
                self.look(&sight, self.all(), &mut snapshot.accounts);
            }
            None => self.sample(&sight, context, &mut snapshot.accounts),
        }
        snapshot
    }

    fn all(&self) -> std::ops::Range<u32> {
        0..self.members.len() as u32
    }

    fn sample(&self, sight: &Sight<'_>, context: &Context, seen: &mut Views) {
        let (count, open) = (self.members.len() as u32, self.open.load(Ordering::Relaxed));
        let named = [context.own, context.home, context.parent, Some(open)].into_iter().flatten();
        for place in named.chain(sample::places(context.turn, count)) {
            if seen.iter().all(|account| account.index != place) {
                self.look(sight, [place], seen);
            }
        }
        if !seen.iter().any(AccountView::is_plainly_open) {
            self.look_further(sight, open, seen);
        }
    }

    /// Adds one account that is open, or shows all where there is none near `open`.
    fn look_further(&self, sight: &Sight<'_>, open: u32, seen: &mut Views) {
        let mut views = Views::new();
        for place in sample::onward(open, self.members.len() as u32) {
            views.clear();
            self.look(sight, [place], &mut views);
            if views.first().is_some_and(AccountView::is_plainly_open) {
                seen.retain(|account| account.index != place);
                seen.append(&mut views);
                return self.open.store(place, Ordering::Relaxed);
            }
        }
        seen.clear();
        self.look(sight, self.all(), seen);
        if let Some(account) = seen.iter().rfind(|account| account.is_plainly_open()) {
            self.open.store(account.index, Ordering::Relaxed);
        }
    }

    /// Adds what there is to be seen of some accounts. Views are filled in where they stay, because to move
    /// them would cost more than the look.
    #[inline]
    fn look(&self, sight: &Sight<'_>, places: impl IntoIterator<Item = u32>, views: &mut Views) {
        for index in places {
            let Some(member) = self.member(index, sight.own) else { continue };
            let full = sight.caps_full || member.is_full();
            views.push(AccountView {
                index,
                weight: member.weight,
                in_flight: 0,
                agents: 0,
                attracts: false,
                ways: SmallVec::new(),
            });
            let Some(view) = views.last_mut() else { continue };
            for pool in sight.route.pools() {
                view.ways.push(WayView { pool: *pool as u16, ..WayView::default() });
                let Some(way) = view.ways.last_mut() else { continue };
                view.in_flight += u32::from(self.best_way(member, way, full, sight));
            }
        }
    }

    /// Asks the cells for what a candidate promises. By `jitter` knocks are further apart than they have to be.
    ///
    /// # Errors
    /// [`Deny`] where something has changed since the snapshot.
    pub fn admit(
        &self,
        candidate: &Candidate,
        model: &ModelId,
        jitter: Jitter,
        now: Millis,
    ) -> Result<Lease, Deny> {
        self.admit_for(None, candidate, model, jitter, now)
    }

    /// Does the same for a request that has an account by its own credential.
    ///
    /// # Errors
    /// [`Deny`] where something has changed since the snapshot.
    pub fn admit_for(
        &self,
        own: Option<&Own>,
        candidate: &Candidate,
        model: &ModelId,
        jitter: Jitter,
        now: Millis,
    ) -> Result<Lease, Deny> {
        // A snapshot shows nobody whom the request cannot use.
        let member = self.member(candidate.account, own).ok_or(Deny::Full)?;
        let (pool, way) = (usize::from(candidate.pool), usize::from(candidate.endpoint));
        let target = Target {
            account: member.account.clone(),
            endpoint: self.endpoints[pool][way].clone(),
            pool,
            way,
            model: model.clone(),
        };
        let places = self.caps.take(&member.account, member.concurrency, model)?;
        let entry = self.entry(candidate, jitter);
        let lease = Lease::admit(target, places, self.bound(member, pool, now), entry, now)?;
        Ok(lease.rated(self.rates, now))
    }

    fn entry(&self, candidate: &Candidate, jitter: Jitter) -> Entry<'_> {
        match candidate.trial {
            Some(Trial::Knock(knock)) => {
                let apart = knock::apart(jitter);
                Entry::Knock(Terms { knock, spacing: &self.spacing, apart, recheck: self.recheck })
            }
            Some(Trial::Explorer) => Entry::Explorer,
            None => Entry::Usual,
        }
    }

    /// Returns the place of an account here by its id.
    pub fn place_of_id(&self, id: &AccountId) -> Option<u32> {
        self.ids.get(id).copied()
    }

    /// Returns the place of an account here by its ordinal.
    pub fn place_of(&self, ordinal: u32) -> Option<u32> {
        let at = self.places.binary_search_by_key(&ordinal, |(ordinal, _)| *ordinal).ok()?;
        Some(self.places[at].1)
    }

    /// Makes of `way`, which names a pool, the first way into it that is open, or else the most hopeful one.
    /// Returns how many requests are under way in the pool.
    ///
    /// A pool has at least one endpoint, most have no other, and nearly all ways are open.
    #[inline]
    fn best_way(&self, member: &Member, way: &mut WayView, full: bool, sight: &Sight<'_>) -> u16 {
        let (pool, model, now) = (usize::from(way.pool), sight.model, sight.now);
        let (endpoint, bound) = (&self.endpoints[pool][0], self.bound(member, pool, now));
        let to = Way { pool, way: 0, endpoint, model, bound, full };
        let glance = member.account.glance(&to, now);
        if !(member.enabled && glance.is_plainly_open) {
            *way = self.most_hopeful(member, to, now);
        }
        way.outlook = member.account.outlook(pool, model, now);
        way.vitals = member.account.vitals(pool);
        member.protect(way, model, now);
        glance.in_flight
    }

    fn most_hopeful(&self, member: &Member, to: Way<'_>, now: Millis) -> WayView {
        let endpoints = &self.endpoints[to.pool];
        let view = |way: usize| {
            let mut obstacles = member.account.obstacles(&Way { way, endpoint: &endpoints[way], ..to }, now);
            if !member.enabled {
                obstacles.standing = Standing::Disabled;
            }
            let (closed, explorable) = (obstacles.closed(), obstacles.may_explore());
            let (pool, endpoint) = (to.pool as u16, way as u16);
            let view = WayView { pool, endpoint, closed, explorable, ..WayView::default() };
            if obstacles.is_free_to_the_pool() { self.guessed(view, member, to, now) } else { view }
        };
        (1..endpoints.len())
            .map(view)
            .fold(view(0), |best, way| if hope(way.closed) < hope(best.closed) { way } else { best })
    }

    /// Adds to a way that only its pool closes from when on that may be tried as a guess.
    fn guessed(&self, view: WayView, member: &Member, to: Way<'_>, now: Millis) -> WayView {
        let Some(guess) = member.account.guess(&to, self.recheck, now) else { return view };
        let spaced = self.spacing.due();
        let recheck = guess.recheck.is_some_and(|due| due.max(spaced) <= now);
        WayView { guess: Some(guess.last_resort.max(spaced)), recheck, ..view }
    }

    /// Returns how many requests a member may have in a pool: what the configuration allows, or less where the
    /// upstream has taught so.
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

    /// Says whether the account has as many requests as it may have.
    #[inline]
    fn is_full(&self) -> bool {
        self.account.under_way().is_full(self.concurrency)
    }

    /// Says what protection makes of a pool in general, as a status shows it.
    pub fn protection(&self, pool: usize, now: Millis) -> Judgement {
        let outlook = self.account.binding_outlook(pool, None, now);
        self.protections.get(pool).map_or(Judgement::Free, |protection| protection.judge(None, outlook))
    }

    /// Lays the protection of its quota over a way.
    #[inline]
    fn protect(&self, way: &mut WayView, model: &ModelId, now: Millis) {
        let pool = usize::from(way.pool);
        let Some(protection) = self.protections.get(pool).filter(|protection| !protection.is_nothing())
        else {
            return;
        };
        match protection.judge(Some(model), self.account.binding_outlook(pool, Some(model), now)) {
            Judgement::Free => {}
            Judgement::Spared => way.spared = true,
            Judgement::Kept { until } => {
                way.closed = Some(Closed::protected(way.closed, until));
                (way.explorable, way.guess, way.recheck) = (false, None, false);
            }
        }
    }
}

/// Smaller is more hopeful: open, then what opens by itself first, then what waits for an event.
fn hope(closed: Option<Closed>) -> (u8, Option<Millis>) {
    match closed {
        None => (0, None),
        Some(Closed { until: Some(until), .. }) => (1, Some(until)),
        Some(Closed { until: None, .. }) => (2, None),
    }
}

#[cfg(all(test, not(feature = "shuttle")))]
mod tests;
