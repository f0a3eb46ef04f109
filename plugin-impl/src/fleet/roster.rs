//! Rosters: who belongs to each provider under one configuration, in stable order.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use pointsman_core::catalog::Provider;
use pointsman_core::cell::Deny;
use pointsman_core::ids::{AccountId, ModelId};
use pointsman_core::jitter::Jitter;
use pointsman_core::knock::{self, Spacing};
use pointsman_core::plan::{Candidate, Trial};
use pointsman_core::protection::{Judgement, Protection};
use pointsman_core::route::Route;
use pointsman_core::sample;
use pointsman_core::snapshot::{AccountView, Closed, Snapshot, Standing, WayView};
use pointsman_core::strategy::Context;
use pointsman_core::time::Millis;
use pointsman_core::vitals::Rates;
use smallvec::SmallVec;

use super::account::{Account, Way};
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
        let caps_full = self.caps.are_full(model);
        let look = |place: u32| self.look(place, route, model, caps_full, now);
        let accounts = match &route.account {
            Some(id) => self.ids.get(id).map(|place| look(*place)).into_iter().collect(),
            None if self.members.len() <= sample::WHOLE as usize => self.all().map(look).collect(),
            None => self.sample(context, look),
        };
        Snapshot { now, accounts }
    }

    fn all(&self) -> std::ops::Range<u32> {
        0..self.members.len() as u32
    }

    fn sample(&self, context: &Context, look: impl Fn(u32) -> AccountView) -> SmallVec<[AccountView; 16]> {
        let (count, open) = (self.members.len() as u32, self.open.load(Ordering::Relaxed));
        let named = [context.home, context.parent, Some(open)].into_iter().flatten();
        let mut seen: SmallVec<[AccountView; 16]> = SmallVec::new();
        for place in named.chain(sample::places(context.turn, count)) {
            if seen.iter().all(|account| account.index != place) {
                seen.push(look(place));
            }
        }
        if seen.iter().any(AccountView::is_plainly_open) {
            return seen;
        }
        match sample::onward(open, count).map(&look).find(AccountView::is_plainly_open) {
            Some(further) => {
                self.open.store(further.index, Ordering::Relaxed);
                seen.retain(|account| account.index != further.index);
                seen.push(further);
                seen
            }
            None => self.all().map(&look).inspect(|account| self.point_at(account)).collect(),
        }
    }

    fn point_at(&self, account: &AccountView) {
        if account.is_plainly_open() {
            self.open.store(account.index, Ordering::Relaxed);
        }
    }

    fn look(&self, place: u32, route: &Route, model: &ModelId, caps_full: bool, now: Millis) -> AccountView {
        let member = &self.members[place as usize];
        let full = caps_full || member.is_full();
        let ways = route.pools().iter().map(|pool| self.best_way(member, *pool, model, full, now)).collect();
        let in_flight = route.pools().iter().map(|pool| member.account.in_flight(*pool, model)).sum();
        AccountView { index: place, weight: member.weight, in_flight, ways }
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
        let member = &self.members[candidate.account as usize];
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

    /// Returns the place of an account here by its ordinal.
    pub fn place_of(&self, ordinal: u32) -> Option<u32> {
        let at = self.places.binary_search_by_key(&ordinal, |(ordinal, _)| *ordinal).ok()?;
        Some(self.places[at].1)
    }

    /// Returns the first way that is open, or else the most hopeful one.
    ///
    /// A pool has at least one endpoint, most have no other, and nearly all ways are open.
    #[inline]
    fn best_way(&self, member: &Member, pool: usize, model: &ModelId, full: bool, now: Millis) -> WayView {
        let (endpoint, bound) = (&self.endpoints[pool][0], self.bound(member, pool, now));
        let to = Way { pool, way: 0, endpoint, model, bound, full };
        let (outlook, vitals) = (member.account.outlook(pool, model, now), member.account.vitals(pool));
        if member.enabled && member.account.is_plainly_open(&to, now) {
            let open = WayView { pool: pool as u16, outlook, vitals, ..WayView::default() };
            return member.protected(open, model, now);
        }
        let way = WayView { outlook, vitals, ..self.most_hopeful(member, to, now) };
        member.protected(way, model, now)
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
    fn protected(&self, way: WayView, model: &ModelId, now: Millis) -> WayView {
        let pool = usize::from(way.pool);
        let Some(protection) = self.protections.get(pool).filter(|protection| !protection.is_nothing())
        else {
            return way;
        };
        match protection.judge(Some(model), self.account.binding_outlook(pool, Some(model), now)) {
            Judgement::Free => way,
            Judgement::Spared => WayView { spared: true, ..way },
            Judgement::Kept { until } => {
                let closed = Some(Closed::protected(way.closed, until));
                WayView { closed, explorable: false, guess: None, recheck: false, ..way }
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
