//! Token refresh: a single flight per account, ahead of the token's end, for any number of callers.

use std::sync::Arc;
use std::time::Duration;

use pointsman_core::ids::AccountId;
use pointsman_core::response::outcome::Outcome;
use pointsman_core::response::token::{Freshness, Lifespan};
use pointsman_core::state::token_lease::{RENEW_EVERY, TokenVersion};
use pointsman_core::time::{Millis, Now, UnixMillis};
use tokio::sync::watch;

use crate::clock::Clock;
use crate::counters::Counters;
use crate::edges::config::{ConfiguredSecret, Environment, OAuthClient, ProxyUrl, SecretSource, Timeouts};
use crate::edges::store::{Departed, Fingerprint, SavedToken, Store, TokenKey};
use crate::edges::upstream::Upstream;
use crate::secret::Secret;
use crate::sync::{Mutex, unpoisoned};

use super::grant::Grant;
use super::reread::{Pace, read_again};
use super::token::{self, Fault, Issued};

/// The dependencies of a token refresh.
#[derive(Clone, Debug)]
pub struct Tokens {
    pub clock: Clock,
    pub upstream: Arc<Upstream>,
    pub store: Arc<Store>,
    pub counters: Arc<Counters>,
    pub timeouts: Timeouts,
    /// The environment for reading secrets again.
    pub environment: Arc<dyn Environment>,
}

/// A refresher: exchanges an account's refresh token for access tokens.
#[derive(Debug)]
pub struct Refresher {
    account: AccountId,
    proxy: Option<ProxyUrl>,
    state: Mutex<RefreshState>,
}

#[derive(Debug)]
struct RefreshState {
    grant: Grant,
    access: Option<Access>,
    /// The version of the last access token, which may be of no use any more.
    version: Option<TokenVersion>,
    flight: Option<Flight>,
    /// The pace of reading the grant's sources again.
    pace: Pace,
}

#[derive(Clone, Debug)]
struct Access {
    token: Secret,
    lifespan: Lifespan,
}

/// A token from an exchange of this process, or of another process.
#[derive(Debug)]
struct Flown {
    access: Secret,
    lifetime: Duration,
    refresh: Option<Secret>,
    version: TokenVersion,
}

/// The result of a flight, once landed, for every waiting caller.
type Landed = Option<Result<Secret, Outcome>>;

type Flight = watch::Receiver<Landed>;

/// The next step of a caller: use the token, or wait for a flight.
enum Errand {
    Use(Secret),
    Await(Flight),
}

impl Refresher {
    /// Makes a refresher. The store holds the tokens of a later exchange, if any.
    pub fn new(
        account: AccountId,
        client: OAuthClient,
        (configured, source): (&Secret, Option<SecretSource>),
        proxy: Option<ProxyUrl>,
        (store, now): (&Store, Now),
    ) -> Self {
        let fingerprint = Fingerprint::of(configured);
        let saved = store.token(&TokenKey::new(&account, fingerprint));
        let exchanged = saved.as_ref().and_then(|saved| saved.refresh.clone());
        let refresh = exchanged.unwrap_or_else(|| configured.clone());
        let grant = Grant { client, source, fingerprint, refresh };
        let (access, version) = saved.map(|saved| (access_of(&saved, now), saved.version)).unzip();
        let (access, pace) = (access.flatten(), Pace::default());
        let state = RefreshState { grant, access, version, flight: None, pace };
        Self { account, proxy, state: Mutex::new(state) }
    }

    /// Takes over a newly read configuration. Returns whether the credential changed.
    pub(super) fn adopt(&self, configured: &ConfiguredSecret, client: Option<&OAuthClient>) -> bool {
        let mut state = unpoisoned(self.state.lock());
        let token = configured.secret().ok();
        let client_secret = client.and_then(|client| client.client_secret.as_ref()?.secret().ok());
        match state.grant.with(token, client_secret) {
            Some(grant) => {
                state.put_in_force(grant);
                state.access = None;
                true
            }
            None => false,
        }
    }

    /// Returns a valid access token.
    ///
    /// # Errors
    /// `NeedsSignIn` or `TokenOutage`; see `token::refresh`.
    pub async fn token(
        self: &Arc<Self>,
        rejected: Option<&Secret>,
        tokens: &Tokens,
    ) -> Result<Secret, Outcome> {
        match self.errand(rejected, tokens) {
            Errand::Use(token) => Ok(token),
            Errand::Await(mut flight) => match flight.wait_for(Option::is_some).await {
                Ok(landed) => landed.clone().unwrap_or(Err(Outcome::TokenOutage)),
                // The flight's task is gone: the plugin is shutting down.
                Err(_) => Err(Outcome::TokenOutage),
            },
        }
    }

    fn errand(self: &Arc<Self>, rejected: Option<&Secret>, tokens: &Tokens) -> Errand {
        let mut state = unpoisoned(self.state.lock());
        // A rejected token is of no use, however long its lifetime.
        state.discard(rejected);
        let now = tokens.clock.mono();
        let known =
            state.access.as_ref().map(|access| (access.token.clone(), access.lifespan.freshness(now)));
        match known {
            Some((token, Freshness::Use)) => Errand::Use(token),
            Some((token, Freshness::UseAndRenew)) => {
                // Close to its end: renew in the background and go on with the old token.
                self.take_off(&mut state, tokens);
                Errand::Use(token)
            }
            Some((_, Freshness::Renew)) | None => Errand::Await(self.take_off(&mut state, tokens)),
        }
    }

    /// Joins the flight in progress, or starts a flight.
    ///
    /// The flight is a task of its own: a caller gone away must not take an exchanged token along.
    fn take_off(self: &Arc<Self>, state: &mut RefreshState, tokens: &Tokens) -> Flight {
        // One flight for all: a refresh token may be valid for a single exchange.
        if let Some(flight) = &state.flight {
            return flight.clone();
        }
        tokens.counters.refreshes.count();
        let (landing, flight) = watch::channel(None);
        state.flight = Some(flight.clone());
        let (refresher, tokens, grant) = (self.clone(), tokens.clone(), state.grant.clone());
        tokio::spawn(async move {
            let landed = refresher.fly(grant, &tokens).await;
            landing.send_replace(Some(landed));
        });
        flight
    }

    async fn fly(&self, mut grant: Grant, tokens: &Tokens) -> Result<Secret, Outcome> {
        let mut flown = self.exchange(&grant, tokens).await;
        if flown.as_ref().is_err_and(|fault| fault.is_refusal)
            && let Some(other) = self.read_again(&grant, tokens).await
        {
            grant = other;
            flown = self.exchange(&grant, tokens).await;
        }
        let mut state = unpoisoned(self.state.lock());
        state.flight = None;
        let flown = flown.map_err(|fault| fault.outcome);
        state.take(flown, grant.fingerprint, tokens.clock.mono())
    }

    /// Exchanges the refresh token, or takes the token that another process has just had from an exchange.
    async fn exchange(&self, grant: &Grant, tokens: &Tokens) -> Result<Flown, Fault> {
        let key = TokenKey::new(&self.account, grant.fingerprint);
        let mine = unpoisoned(self.state.lock()).version;
        match tokens.store.depart(&key, mine).await {
            Departed::Use(SavedToken { access: Some((access, until)), refresh, version }) => {
                let lifetime = lifetime_until(until, tokens.clock.now());
                Ok(Flown { access, lifetime, refresh, version })
            }
            Departed::Use(saved) => self.ask_under_lease((grant, &key), 0, Some(saved), tokens).await,
            Departed::Exchange { fence, saved } => {
                self.ask_under_lease((grant, &key), fence, saved, tokens).await
            }
        }
    }

    /// Asks the token endpoint, and keeps the token durably before its first use.
    async fn ask_under_lease(
        &self,
        (grant, key): (&Grant, &TokenKey),
        fence: u64,
        saved: Option<SavedToken>,
        tokens: &Tokens,
    ) -> Result<Flown, Fault> {
        let serial = saved.as_ref().map_or(0, |saved| saved.version.serial);
        // The file knows the last exchange, whichever process made it.
        let exchanged = saved.and_then(|saved| saved.refresh);
        let refresh = exchanged.as_ref().unwrap_or(&grant.refresh);
        let issued = self.ask_and_renew((grant, refresh), (key, fence), tokens).await;
        let Issued { access, lifetime, refresh } = issued.inspect_err(|_| {
            tokens.store.release_lease(key, fence);
        })?;
        let version = TokenVersion { serial: serial.saturating_add(1), fence };
        let refresh = refresh.or(exchanged);
        let until = tokens.clock.now().wall.0.saturating_add(millis(lifetime));
        let landing = SavedToken {
            version,
            refresh: refresh.clone(),
            access: Some((access.clone(), UnixMillis(until))),
        };
        tokens.store.land(key, landing).await;
        Ok(Flown { access, lifetime, refresh, version })
    }

    /// Asks the token endpoint, and prolongs the lease meanwhile.
    async fn ask_and_renew(
        &self,
        (grant, refresh): (&Grant, &Secret),
        (key, fence): (&TokenKey, u64),
        tokens: &Tokens,
    ) -> Result<Issued, Fault> {
        let asked =
            token::refresh(&tokens.upstream, &grant.client, refresh, self.proxy.as_ref(), tokens.timeouts);
        tokio::pin!(asked);
        loop {
            tokio::select! {
                issued = &mut asked => return issued,
                () = tokio::time::sleep(RENEW_EVERY) => tokens.store.renew_lease(key, fence),
            }
        }
    }

    /// Returns a grant different from the refused grant, if the source files and commands give a new
    /// secret.
    async fn read_again(&self, refused: &Grant, tokens: &Tokens) -> Option<Grant> {
        let of_client = refused.client.client_secret.as_ref().and_then(ConfiguredSecret::source);
        let sources = [refused.source.as_ref(), of_client];
        let is_due = || unpoisoned(self.state.lock()).pace.allows(tokens.clock.mono());
        if sources.iter().all(Option::is_none) || !is_due() {
            return None;
        }
        let [token, client_secret] =
            sources.map(|source| async move { read_again(source?, tokens.environment.clone()).await });
        let (token, client_secret) = (token.await, client_secret.await);
        let grant = refused.with(token.as_ref(), client_secret.as_ref())?;
        unpoisoned(self.state.lock()).put_in_force(grant.clone());
        Some(grant)
    }
}

/// Returns the stored access token, if its end is not too near.
fn access_of(saved: &SavedToken, now: Now) -> Option<Access> {
    let (token, until) = saved.access.clone()?;
    let lifespan = Lifespan::new(now.mono, lifetime_until(until, now));
    (lifespan.freshness(now.mono) != Freshness::Renew).then_some(Access { token, lifespan })
}

fn lifetime_until(until: UnixMillis, now: Now) -> Duration {
    Duration::from_millis(until.0.saturating_sub(now.wall.0))
}

fn millis(span: Duration) -> u64 {
    span.as_millis().try_into().unwrap_or(u64::MAX)
}

impl RefreshState {
    /// Takes another grant. Versions of tokens are comparable for one configured token only.
    fn put_in_force(&mut self, grant: Grant) {
        if grant.fingerprint != self.grant.fingerprint {
            self.version = None;
        }
        self.grant = grant;
    }

    /// Forgets a token rejected by the upstream. A newer token stays.
    fn discard(&mut self, rejected: Option<&Secret>) {
        let is_rejected = |access: &Access| rejected.is_some_and(|bad| bad.expose() == access.token.expose());
        if self.access.as_ref().is_some_and(is_rejected) {
            self.access = None;
        }
    }

    /// Takes in the result of a flight. After a failure the current token stays. The result of a flight for
    /// a grant no longer in force is returned but not kept.
    fn take(
        &mut self,
        flown: Result<Flown, Outcome>,
        fingerprint: Fingerprint,
        now: Millis,
    ) -> Result<Secret, Outcome> {
        let flown = flown.inspect_err(|_| {
            // The old token may still work: keep it, and try again a little later.
            if let Some(access) = &mut self.access {
                access.lifespan.put_off(now);
            }
        })?;
        // The configuration changed during the flight: this token belongs to the old grant.
        if self.grant.fingerprint != fingerprint {
            return Ok(flown.access);
        }
        if let Some(refresh) = flown.refresh {
            self.grant.refresh = refresh;
        }
        self.version = Some(flown.version);
        let lifespan = Lifespan::new(now, flown.lifetime);
        self.access = Some(Access { token: flown.access.clone(), lifespan });
        Ok(flown.access)
    }
}
