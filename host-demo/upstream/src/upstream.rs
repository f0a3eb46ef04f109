//! The handle of a running upstream: where it is, what it saw, and what is to go wrong next.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::fault::Fault;
use crate::faults::FaultId;
use crate::ledger::Ledger;
use crate::oauth::TokenMode;
use crate::pace::Pace;
use crate::quota::Level;
use crate::roster::AccountIndex;
use crate::script::{Pool, Script};
use crate::server;
use crate::shared::{Cell, Shared};

/// A running upstream. Dropping it ends the server and all its connections.
#[derive(Debug)]
pub struct Upstream {
    addr: SocketAddr,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    running: Running,
}

#[derive(Debug)]
enum Running {
    Task(JoinHandle<()>),
    Thread(Option<thread::JoinHandle<()>>),
}

/// A name that the script does not have.
#[derive(Debug, thiserror::Error)]
pub enum UnknownName {
    #[error("no account {0:?} in the script")]
    Account(String),
    #[error("no pool {pool:?} of account {account:?} in the script")]
    Pool { account: String, pool: String },
}

impl Upstream {
    /// Starts on the loopback, on the current tokio runtime.
    ///
    /// # Errors
    /// When the script contradicts itself (`InvalidInput`) or the port cannot be bound.
    pub async fn start(script: Script) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, script.port)).await?;
        let addr = listener.local_addr()?;
        let shared = play(script)?;
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(server::serve(listener, shared.clone(), stopped));
        Ok(Self { addr, shared, stop: Some(stop), running: Running::Task(task) })
    }

    /// Starts on a thread of its own, for hosts without a runtime.
    ///
    /// # Errors
    /// As [`Upstream::start`], and when there can be no such thread.
    pub fn start_blocking(script: Script) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, script.port))?;
        listener.set_nonblocking(true)?;
        let addr = listener.local_addr()?;
        let shared = play(script)?;
        let (stop, stopped) = oneshot::channel();
        let thread = spawn(listener, shared.clone(), stopped)?;
        Ok(Self { addr, shared, stop: Some(stop), running: Running::Thread(Some(thread)) })
    }

    /// Returns the address that is listened on.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Returns the base URL, without a slash at its end.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Returns the base URL under which a declared pool is served.
    pub fn pool_url(&self, pool: &str) -> String {
        format!("http://{}/pool-{pool}", self.addr)
    }

    /// Returns the URL of the token endpoint.
    pub fn token_url(&self) -> String {
        format!("http://{}/token", self.addr)
    }

    /// Returns what was asked so far.
    pub fn ledger(&self) -> &Ledger {
        &self.shared.ledger
    }

    /// Lets something go wrong from now on.
    pub fn inject(&self, fault: Fault) -> FaultId {
        self.shared.faults().inject(fault, self.shared.clock.now())
    }

    /// Ends one fault.
    pub fn clear_fault(&self, id: FaultId) {
        self.shared.faults().clear(id);
    }

    /// Ends every fault, those of the script too.
    pub fn clear_faults(&self) {
        self.shared.faults().clear_all();
    }

    /// Moves the upstream's clock ahead: windows reset, fault spans begin and end, tokens expire.
    pub fn advance(&self, by: Duration) {
        self.shared.clock.advance(by);
    }

    /// Sets the pace of pools that have none of their own.
    pub fn set_pace(&self, pace: Pace) {
        *self.shared.pace() = pace;
    }

    /// Returns the levels of a pool's windows.
    ///
    /// # Errors
    /// When the script has no such account or pool.
    pub fn levels(&self, account: &str, pool: &str) -> Result<Vec<Level>, UnknownName> {
        Ok(self.cell(account, pool)?.levels(self.shared.clock.now()))
    }

    /// Uses up a pool's windows, as if somebody else had spent them.
    ///
    /// # Errors
    /// When the script has no such account or pool.
    pub fn exhaust(&self, account: &str, pool: &str) -> Result<(), UnknownName> {
        self.cell(account, pool)?.exhaust(self.shared.clock.now());
        Ok(())
    }

    /// Plays another allowance for a pool; what was used stays used.
    ///
    /// # Errors
    /// When the script has no such account or pool.
    pub fn set_pool(&self, account: &str, pool: &str, allowance: Pool) -> Result<(), UnknownName> {
        self.cell(account, pool)?.replace(allowance);
        Ok(())
    }

    /// Makes one credential invalid: an API key, an access token or a refresh token.
    pub fn revoke(&self, credential: &str) {
        self.shared.roster_mut().revoke(credential);
    }

    /// Makes every access token of an account invalid.
    ///
    /// # Errors
    /// When the script has no such account.
    pub fn revoke_tokens(&self, account: &str) -> Result<(), UnknownName> {
        let account = self.account(account)?;
        self.shared.roster_mut().revoke_tokens(account);
        Ok(())
    }

    /// Sets how the token endpoint answers everybody.
    pub fn set_token_mode(&self, mode: TokenMode) {
        self.shared.tokens().set_mode(None, mode);
    }

    /// Sets how the token endpoint answers one account.
    ///
    /// # Errors
    /// When the script has no such account.
    pub fn set_token_mode_of(&self, account: &str, mode: TokenMode) -> Result<(), UnknownName> {
        let account = self.account(account)?;
        self.shared.tokens().set_mode(Some(account), mode);
        Ok(())
    }

    /// Returns how many requests the token endpoint had.
    pub fn token_calls(&self) -> u64 {
        self.shared.tokens().calls()
    }

    /// Returns how many of them were of one account.
    ///
    /// # Errors
    /// When the script has no such account.
    pub fn token_calls_of(&self, account: &str) -> Result<u64, UnknownName> {
        Ok(self.shared.tokens().calls_of(self.account(account)?))
    }

    /// Ends the server and waits until it has.
    pub async fn shutdown(mut self) {
        self.stop = None;
        if let Running::Task(task) = &mut self.running {
            // It ends by itself; an error is a runtime that is going down with it.
            let _ = task.await;
        }
    }

    fn account(&self, label: &str) -> Result<AccountIndex, UnknownName> {
        self.shared.account(label).ok_or_else(|| UnknownName::Account(label.to_owned()))
    }

    fn cell(&self, account: &str, pool: &str) -> Result<&Cell, UnknownName> {
        let unknown = || UnknownName::Pool { account: account.to_owned(), pool: pool.to_owned() };
        self.shared.cell(account, pool).ok_or_else(unknown)
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.stop = None;
        if let Running::Thread(thread) = &mut self.running {
            // The thread ends as soon as the sender is gone.
            let _ = thread.take().map(thread::JoinHandle::join);
        }
    }
}

fn play(script: Script) -> io::Result<Arc<Shared>> {
    let shared = Shared::new(script).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    Ok(Arc::new(shared))
}

fn spawn(
    listener: std::net::TcpListener,
    shared: Arc<Shared>,
    stopped: oneshot::Receiver<()>,
) -> io::Result<thread::JoinHandle<()>> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let listener = {
        let _inside = runtime.enter();
        TcpListener::from_std(listener)?
    };
    let serve = move || runtime.block_on(server::serve(listener, shared, stopped));
    thread::Builder::new().name("local-upstream".to_owned()).spawn(serve)
}
