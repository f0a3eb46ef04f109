//! A running upstream, a router in front of it, and what the host was told.

use futures_util::future::join_all;
use pointsman_loader::api::{AccountView, Error, PoolView, StartOptions, Status};
use pointsman_loader::{Answer, Router};
use pointsman_upstream::{Entry, Upstream};

use crate::ask::Ask;
use crate::client::Client;
use crate::heard::Heard;
use crate::told::Told;
use crate::{plugin, within};

/// Everything that a test looks at.
#[derive(Debug)]
pub struct Stage {
    pub router: Router,
    pub upstream: Upstream,
    pub told: Told,
}

impl Stage {
    /// Starts a router of the library under test.
    ///
    /// # Panics
    /// Where it does not start.
    pub fn start(upstream: Upstream, options: StartOptions) -> Self {
        let told = Told::default();
        let router = plugin::library().start(options, told.clone()).expect("the router starts");
        Self { router, upstream, told }
    }

    /// Asks, and reads the answer to its end.
    ///
    /// # Panics
    /// Where there is no answer.
    pub async fn fetch(&self, ask: &Ask) -> Heard {
        within(async { Heard::all(self.open(ask).await).await }).await
    }

    /// Asks, and waits for the head of the answer.
    ///
    /// # Panics
    /// Where there is no answer.
    pub async fn open(&self, ask: &Ask) -> Answer {
        self.try_open(ask).await.expect("a request that a provider claims has an answer")
    }

    /// Asks, and waits for the head of the answer.
    ///
    /// # Errors
    /// As [`Router::fetch`].
    pub async fn try_open(&self, ask: &Ask) -> Result<Answer, Error> {
        within(self.router.fetch(ask.request())).await
    }

    /// Asks all at the same time.
    pub async fn fetch_all(&self, asks: impl IntoIterator<Item = Ask>) -> Vec<Heard> {
        // A request begins when it is made, not when it is polled, so that these are under way at once.
        let asked: Vec<_> = asks.into_iter().map(|ask| self.router.fetch(ask.request())).collect();
        let heard = asked.into_iter().map(async |answer| Heard::all(answer.await.expect("an answer")).await);
        within(join_all(heard)).await
    }

    /// Asks the same so many times at the same time, each in a session of its own.
    pub async fn fetch_times(&self, times: usize, ask: fn() -> Ask) -> Vec<Heard> {
        self.fetch_all((0..times).map(|_| ask())).await
    }

    /// Returns the state of the fleet.
    ///
    /// # Panics
    /// Where the router is closed.
    pub fn status(&self) -> Status {
        self.router.status().expect("the router is open")
    }

    /// Returns a counter.
    pub fn counter(&self, name: &str) -> u64 {
        self.status().counter(name)
    }

    /// Returns an account by its label.
    ///
    /// # Panics
    /// Where there is none.
    pub fn account(&self, label: &str) -> AccountView {
        let accounts = self.status().accounts;
        accounts.into_iter().find(|account| account.label == label).expect("a known account")
    }

    /// Returns a pool of an account.
    ///
    /// # Panics
    /// Where there is none.
    pub fn pool(&self, label: &str, pool: &str) -> PoolView {
        let pools = self.account(label).pools;
        pools.into_iter().find(|known| known.name == pool).expect("a known pool")
    }

    /// Returns how many requests of an account the upstream has seen.
    pub fn calls(&self, label: &str) -> usize {
        self.upstream.ledger().count(|entry| entry.account.as_deref() == Some(label))
    }

    /// Returns how many requests a pool of any account has seen.
    pub fn calls_of_pool(&self, pool: &str) -> usize {
        self.upstream.ledger().count(|entry| entry.pool.as_deref() == Some(pool))
    }

    /// Waits until the upstream's requests are so.
    pub async fn wait_for(&self, are_so: impl FnMut(&[Entry]) -> bool) -> Vec<Entry> {
        within(self.upstream.ledger().wait_for(are_so)).await
    }

    /// Opens a gateway on a free port, and returns its address.
    ///
    /// # Panics
    /// Where there is none.
    pub fn gateway(&self) -> String {
        self.router.listen("127.0.0.1:0").expect("a free port")
    }

    /// Opens a gateway, and connects to it.
    pub async fn client(&self) -> Client {
        Client::connect(&self.gateway()).await
    }
}
