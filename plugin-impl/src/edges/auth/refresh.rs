//! Refresh: one flight per account, ahead of the token's end, whoever asks and however many.

use std::sync::Arc;

use pointsman_core::ids::AccountId;
use pointsman_core::response::outcome::Outcome;
use pointsman_core::response::token::{Freshness, Lifespan};
use pointsman_core::time::Millis;
use tokio::sync::watch;

use crate::clock::Clock;
use crate::counters::Counters;
use crate::edges::config::{OAuthClient, ProxyUrl, Timeouts};
use crate::edges::store::{Record, Store};
use crate::edges::upstream::Upstream;
use crate::secret::Secret;
use crate::sync::{Mutex, unpoisoned};

use super::token::{self, Issued};

/// What refreshing needs from its surroundings.
#[derive(Clone, Debug)]
pub struct Tokens {
    pub clock: Clock,
    pub upstream: Arc<Upstream>,
    pub store: Arc<dyn Store>,
    pub counters: Arc<Counters>,
    pub timeouts: Timeouts,
}

/// Makes access tokens from the refresh token of one account.
#[derive(Debug)]
pub struct Refresher {
    account: AccountId,
    client: OAuthClient,
    proxy: Option<ProxyUrl>,
    /// Of the refresh token as it was configured.
    fingerprint: u64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    refresh: Secret,
    access: Option<Access>,
    flight: Option<Flight>,
}

#[derive(Clone, Debug)]
struct Access {
    token: Secret,
    lifespan: Lifespan,
}

/// What all who wait for one refresh will learn.
type Landed = Option<Result<Secret, Outcome>>;

type Flight = watch::Receiver<Landed>;

/// What to do for one who asks.
enum Errand {
    Use(Secret),
    Await(Flight),
}

impl Refresher {
    /// Makes a refresher. A token that descends from the configured one by exchange is in the store.
    pub fn new(
        account: AccountId,
        client: OAuthClient,
        configured: &Secret,
        fingerprint: u64,
        proxy: Option<ProxyUrl>,
        store: &dyn Store,
    ) -> Self {
        let saved = store.account(&account).refresh_token;
        let exchanged = saved.filter(|(of, _)| *of == fingerprint).map(|(_, token)| token);
        let refresh = exchanged.unwrap_or_else(|| configured.clone());
        let state = Mutex::new(State { refresh, access: None, flight: None });
        Self { account, client, proxy, fingerprint, state }
    }

    /// Returns a token that is good for now.
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
        state.discard(rejected);
        let now = tokens.clock.mono();
        let known =
            state.access.as_ref().map(|access| (access.token.clone(), access.lifespan.freshness(now)));
        match known {
            Some((token, Freshness::Use)) => Errand::Use(token),
            Some((token, Freshness::UseAndRenew)) => {
                self.take_off(&mut state, tokens);
                Errand::Use(token)
            }
            Some((_, Freshness::Renew)) | None => Errand::Await(self.take_off(&mut state, tokens)),
        }
    }

    /// Joins the flight that is under way, or begins one.
    ///
    /// It flies in a task of its own: a caller that goes away must not take an exchanged token with it.
    fn take_off(self: &Arc<Self>, state: &mut State, tokens: &Tokens) -> Flight {
        if let Some(flight) = &state.flight {
            return flight.clone();
        }
        tokens.counters.refreshes.count();
        let (landing, flight) = watch::channel(None);
        state.flight = Some(flight.clone());
        let (refresher, tokens, refresh) = (self.clone(), tokens.clone(), state.refresh.clone());
        tokio::spawn(async move {
            let landed = refresher.fly(&refresh, &tokens).await;
            landing.send_replace(Some(landed));
        });
        flight
    }

    async fn fly(&self, refresh: &Secret, tokens: &Tokens) -> Result<Secret, Outcome> {
        let issued =
            token::refresh(&tokens.upstream, &self.client, refresh, self.proxy.as_ref(), tokens.timeouts)
                .await;
        if let Ok(Issued { refresh: Some(exchanged), .. }) = &issued {
            let (account, fingerprint) = (self.account.clone(), self.fingerprint);
            tokens.store.save(Record::RefreshToken { account, fingerprint, token: exchanged.clone() });
        }
        let mut state = unpoisoned(self.state.lock());
        state.flight = None;
        state.take(issued, tokens.clock.mono())
    }
}

impl State {
    /// Forgets a token that the upstream did not take; a newer one stays.
    fn discard(&mut self, rejected: Option<&Secret>) {
        let is_rejected = |access: &Access| rejected.is_some_and(|bad| bad.expose() == access.token.expose());
        if self.access.as_ref().is_some_and(is_rejected) {
            self.access = None;
        }
    }

    /// Takes in what a flight came to. A flight that failed leaves the token that it was to replace.
    fn take(&mut self, issued: Result<Issued, Outcome>, now: Millis) -> Result<Secret, Outcome> {
        let issued = issued.inspect_err(|_| {
            if let Some(access) = &mut self.access {
                access.lifespan.put_off(now);
            }
        })?;
        if let Some(refresh) = issued.refresh {
            self.refresh = refresh;
        }
        let lifespan = Lifespan::new(now, issued.lifetime);
        self.access = Some(Access { token: issued.access.clone(), lifespan });
        Ok(issued.access)
    }
}
