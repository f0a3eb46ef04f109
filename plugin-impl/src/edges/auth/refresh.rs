//! Token refresh: a single flight per account, ahead of the token's end, for any number of callers.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use pointsman_core::ids::AccountId;
use pointsman_core::response::outcome::Outcome;
use pointsman_core::response::token::{Freshness, Lifespan};
use pointsman_core::time::Millis;
use tokio::sync::watch;

use crate::clock::Clock;
use crate::counters::Counters;
use crate::edges::config::{ConfiguredSecret, Environment, OAuthClient, ProxyUrl, SecretSource, Timeouts};
use crate::edges::store::{Store, StoredRecord};
use crate::edges::upstream::Upstream;
use crate::secret::Secret;
use crate::sync::{Mutex, unpoisoned};

use super::reread::{Pace, read_again};
use super::token::{self, Fault, Issued};

/// The dependencies of a token refresh.
#[derive(Clone, Debug)]
pub struct Tokens {
    pub clock: Clock,
    pub upstream: Arc<Upstream>,
    pub store: Arc<dyn Store>,
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
    flight: Option<Flight>,
    /// The pace of reading the grant's sources again.
    pace: Pace,
}

/// The credentials for a token endpoint.
#[derive(Clone, Debug)]
struct Grant {
    client: OAuthClient,
    source: Option<SecretSource>,
    /// The fingerprint of the refresh token as configured.
    fingerprint: u64,
    /// The refresh token: as configured, or from a later exchange.
    refresh: Secret,
}

#[derive(Clone, Debug)]
struct Access {
    token: Secret,
    lifespan: Lifespan,
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
    /// Makes a refresher. The store holds the refresh token of a later exchange, if any.
    pub fn new(
        account: AccountId,
        client: OAuthClient,
        (configured, source): (&Secret, Option<SecretSource>),
        proxy: Option<ProxyUrl>,
        store: &dyn Store,
    ) -> Self {
        let fingerprint = fingerprint(configured);
        let saved = store.account(&account).refresh_token;
        let exchanged = saved.filter(|(of, _)| *of == fingerprint).map(|(_, token)| token);
        let refresh = exchanged.unwrap_or_else(|| configured.clone());
        let grant = Grant { client, source, fingerprint, refresh };
        let state = RefreshState { grant, access: None, flight: None, pace: Pace::default() };
        Self { account, proxy, state: Mutex::new(state) }
    }

    /// Takes over a newly read configuration. Returns whether the credential changed.
    pub(super) fn adopt(&self, configured: &ConfiguredSecret, client: Option<&OAuthClient>) -> bool {
        let mut state = unpoisoned(self.state.lock());
        let token = configured.secret().ok();
        let client_secret = client.and_then(|client| client.client_secret.as_ref()?.secret().ok());
        match state.grant.with(token, client_secret) {
            Some(grant) => {
                state.grant = grant;
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
        let mut issued = self.ask(&grant, tokens).await;
        if issued.as_ref().is_err_and(|fault| fault.is_refusal)
            && let Some(other) = self.read_again(&grant, tokens).await
        {
            grant = other;
            issued = self.ask(&grant, tokens).await;
        }
        if let Ok(Issued { refresh: Some(exchanged), .. }) = &issued {
            let (account, fingerprint) = (self.account.clone(), grant.fingerprint);
            tokens.store.save(StoredRecord::RefreshToken { account, fingerprint, token: exchanged.clone() });
        }
        let mut state = unpoisoned(self.state.lock());
        state.flight = None;
        let issued = issued.map_err(|fault| fault.outcome);
        state.take(issued, grant.fingerprint, tokens.clock.mono())
    }

    async fn ask(&self, grant: &Grant, tokens: &Tokens) -> Result<Issued, Fault> {
        let Grant { client, refresh, .. } = grant;
        token::refresh(&tokens.upstream, client, refresh, self.proxy.as_ref(), tokens.timeouts).await
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
        unpoisoned(self.state.lock()).grant = grant.clone();
        Some(grant)
    }
}

impl Grant {
    /// Returns the grant with a new token or client secret, or `None` if neither changed.
    fn with(&self, token: Option<&Secret>, client_secret: Option<&Secret>) -> Option<Self> {
        let mut grant = self.clone();
        if let Some(token) = token.filter(|token| fingerprint(token) != self.fingerprint) {
            grant.fingerprint = fingerprint(token);
            grant.refresh = token.clone();
        }
        let mut is_other = grant.fingerprint != self.fingerprint;
        if let (Some(known), Some(read)) = (&mut grant.client.client_secret, client_secret) {
            is_other |= known.replace(read);
        }
        is_other.then_some(grant)
    }
}

fn fingerprint(token: &Secret) -> u64 {
    let mut hasher = DefaultHasher::new();
    token.expose().hash(&mut hasher);
    hasher.finish()
}

impl RefreshState {
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
        issued: Result<Issued, Outcome>,
        fingerprint: u64,
        now: Millis,
    ) -> Result<Secret, Outcome> {
        let issued = issued.inspect_err(|_| {
            // The old token may still work: keep it, and try again a little later.
            if let Some(access) = &mut self.access {
                access.lifespan.put_off(now);
            }
        })?;
        // The configuration changed during the flight: this token belongs to the old grant.
        if self.grant.fingerprint != fingerprint {
            return Ok(issued.access);
        }
        if let Some(refresh) = issued.refresh {
            self.grant.refresh = refresh;
        }
        let lifespan = Lifespan::new(now, issued.lifetime);
        self.access = Some(Access { token: issued.access.clone(), lifespan });
        Ok(issued.access)
    }
}
