//! An instance: a router with a runtime of its own, for use by a face.

mod look;
mod orders;
mod reload;
mod secret_files;

use std::cell::OnceCell;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use http::{HeaderMap, Method, Uri};
use pointsman_core::reporting::notice::Notice;
use thiserror::Error;
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Level;

use crate::edges::config::{self, Config, ConfigErrors, Environment, ListenAddress, Process, StoreChoice};
use crate::edges::notices::{MetBy, NoticeSink, Notices};
use crate::edges::store::{Resident, Store};
use crate::edges::telemetry::{self, LogSink};
use crate::http::{self as face, ListenerMode, Token};
use crate::operator::status::Status;
use crate::runtime::answer::Answer;
use crate::runtime::call::Call;
use crate::runtime::claim;
use crate::runtime::router::{FetchError, Router};
use crate::signals;

pub use self::orders::Order;
use self::reload::{ConfigOrigin, Watched};

/// The most worker threads. Threads mostly wait for upstreams.
const MAX_THREADS: usize = 4;
/// The longest wait for the store at the end.
const FLUSH: Duration = Duration::from_secs(3);

/// The program with the plugin loaded.
pub trait Host: Send + Sync + 'static {
    /// Shows a notice.
    fn notice(&self, notice: &Notice, met_by: MetBy);

    /// Takes a line of the log.
    fn log(&self, level: Level, target: &str, text: &str);

    /// Returns the folder for state, if the host has one.
    fn state_dir(&self) -> Option<PathBuf> {
        None
    }
}

/// The source of the configuration.
#[derive(Clone, Debug)]
pub enum ConfigFrom {
    /// A file named by the host, or the usual places.
    Places(Option<PathBuf>),
    /// A text from the host.
    Text(String),
}

/// A running router.
pub struct Instance {
    router: Arc<Router>,
    /// The runtime, taken out by the instance's drop.
    runtime: Option<Runtime>,
    closing: CancellationToken,
    uploads: face::Uploads,
    pages: face::Pages,
    /// Cancelled at the end of a shutdown's grace.
    cut: CancellationToken,
    /// Requests and connections in flight.
    tasks: TaskTracker,
    /// The host's token on the loopback, made on first use.
    token: OnceLock<Token>,
}

/// The error of a start.
#[derive(Debug, Error)]
pub enum StartError {
    #[error("{0}")]
    Config(#[from] ConfigErrors),
    #[error("{0}")]
    Defaults(String),
    /// An order that cannot be meant.
    #[error("{0}")]
    Order(String),
    /// The store cannot be used.
    #[error("{0}")]
    Store(String),
    #[error("no threads could be started: {0}")]
    Threads(std::io::Error),
}

/// The error of a request not taken in.
#[derive(Debug, Error)]
pub enum InstanceError {
    #[error("the plugin has been shut down")]
    Closed,
    #[error(transparent)]
    Fetch(#[from] FetchError),
}

impl Instance {
    /// Starts a router.
    ///
    /// # Errors
    /// [`StartError`]. For an error in the configuration, the text names the file, the line, the key and
    /// the remedy.
    pub fn start(
        from: ConfigFrom,
        host: Arc<dyn Host>,
        environment: Arc<dyn Environment>,
    ) -> Result<Arc<Self>, StartError> {
        let (config, watched) = load(from, &*environment)?;
        let verbose = environment.variable("POINTSMAN_LOG").is_some_and(|level| level == "debug");
        let log = telemetry::dispatch_to(Arc::new(ToHost(host.clone())), verbose);
        let runtime = runtime(&log).map_err(StartError::Threads)?;
        tracing::dispatcher::with_default(&log, || report(&config));
        let store = tracing::dispatcher::with_default(&log, || store(&config, &*host));
        let instance = Self::of((config, store), runtime, host, environment.clone());
        if let Some(runtime) = &instance.runtime {
            let (router, closing) = (instance.router.clone(), instance.closing.clone());
            runtime.spawn(reload::watch(router, watched, environment, closing));
        }
        Ok(Arc::new(instance))
    }

    /// Loads a configuration for a look: no secret is read, nothing is served, and nothing can be sent.
    /// Returns the configuration's errors, if any.
    ///
    /// # Errors
    /// [`StartError`] if not even the defaults can be loaded.
    pub fn look(
        named: Option<&Path>,
        host: Arc<dyn Host>,
        environment: &dyn Environment,
    ) -> Result<(Arc<Self>, Option<String>), StartError> {
        let (config, problem) = look::load(named, environment);
        let Some(config) = config else { return Err(StartError::Defaults(problem.unwrap_or_default())) };
        let log = telemetry::dispatch_to(Arc::new(ToHost(host.clone())), false);
        let runtime = runtime(&log).map_err(StartError::Threads)?;
        let instance = Self::of((config, Store::memory()), runtime, host, Arc::new(Process));
        instance.cut_off();
        Ok((Arc::new(instance), problem))
    }

    fn of(
        (config, store): (Config, Store),
        runtime: Runtime,
        host: Arc<dyn Host>,
        environment: Arc<dyn Environment>,
    ) -> Self {
        // The clock belongs to the runtime's time.
        let entered = runtime.enter();
        let notices = Notices::new(Box::new(ToHost(host)));
        let router = Arc::new(Router::new(config, Arc::new(store), notices, environment));
        drop(entered);
        let resident: Weak<dyn Resident> = Arc::downgrade(&router) as _;
        router.shared().store.introduce(resident);
        let closing = CancellationToken::new();
        Self {
            uploads: face::Uploads::new(router.shared().body_memory.clone(), closing.clone()),
            router,
            runtime: Some(runtime),
            pages: face::Pages::new(closing.clone()),
            closing,
            cut: CancellationToken::new(),
            tasks: TaskTracker::new(),
            token: OnceLock::new(),
        }
    }

    /// Routes a request. Must run on [`Instance::handle`].
    ///
    /// # Errors
    /// [`InstanceError`]; see [`Router::fetch`].
    pub async fn fetch(&self, uri: &Uri, call: Call) -> Result<Answer, InstanceError> {
        if self.closing.is_cancelled() {
            return Err(InstanceError::Closed);
        }
        Ok(self.router.fetch(uri, call).await?)
    }

    /// Returns the state of every account.
    pub fn status(&self) -> Status {
        Status::of(&self.router)
    }

    /// Serves the HTTP face as a gateway. An empty address means the configured address. Returns the bound
    /// address.
    ///
    /// # Errors
    /// [`face::ListenError`] if the address is malformed, not local, or taken.
    pub fn listen(&self, address: &str) -> Result<String, face::ListenError> {
        let configured = self.router.generation().config.listen.clone();
        let address = if address.is_empty() { configured } else { face::parse_local(address, &configured)? };
        self.serve(&address, ListenerMode::Gateway(address.clone()))
    }

    /// Serves the HTTP face to the host only: on a fresh unix socket, or at `address`. A TCP port requires
    /// [`Instance::token`]. Returns the bound address.
    ///
    /// # Errors
    /// As [`Instance::listen`].
    pub fn listen_for_host(&self, address: &str) -> Result<String, face::ListenError> {
        let configured = self.router.generation().config.listen.clone();
        let address = if address.is_empty() {
            face::private_address()?
        } else {
            face::parse_local(address, &configured)?
        };
        let token = match address {
            ListenAddress::Tcp { .. } => Some(self.token().clone()),
            ListenAddress::Unix(_) => None,
        };
        self.serve(&address, ListenerMode::Host(token))
    }

    /// Returns the token required on a TCP port by [`Instance::listen_for_host`].
    pub fn token(&self) -> &Token {
        self.token.get_or_init(Token::random)
    }

    fn serve(
        &self,
        address: &ListenAddress,
        listener_mode: ListenerMode,
    ) -> Result<String, face::ListenError> {
        let (false, Some(runtime)) = (self.closing.is_cancelled(), self.runtime.as_ref()) else {
            return Err(face::ListenError::Closed);
        };
        let serving = face::Serving {
            listener_mode: Arc::new(listener_mode),
            router: self.router.clone(),
            uploads: self.uploads.clone(),
            pages: self.pages.clone(),
            tasks: self.tasks.clone(),
            closing: self.closing.clone(),
            cut: self.cut.clone(),
        };
        runtime.block_on(face::listen(address, serving))
    }

    /// Returns whether a request to `uri` would be routed rather than passed through.
    pub fn claims(&self, method: &Method, uri: &Uri) -> bool {
        claim::on_its_way(method, uri, &HeaderMap::new(), &self.router.generation()).is_some()
    }

    /// Returns the runtime's handle for spawning work.
    pub fn handle(&self) -> Option<tokio::runtime::Handle> {
        self.runtime.as_ref().map(|runtime| runtime.handle().clone())
    }

    /// Returns the token cancelled at the end of a shutdown's grace.
    pub fn cut(&self) -> &CancellationToken {
        &self.cut
    }

    /// Returns the tracker of work in flight.
    pub fn tasks(&self) -> &TaskTracker {
        &self.tasks
    }

    /// Stops taking requests and lets requests in flight finish within `grace`.
    pub async fn shut_down(&self, grace: Duration) {
        self.closing.cancel();
        self.tasks.close();
        let _ = tokio::time::timeout(grace, self.tasks.wait()).await;
        self.router.shared().store.flush(FLUSH).await;
        self.cut.cancel();
    }

    /// Stops and waits for the threads, for at most `patience`. Must not be called on an async runtime's
    /// thread.
    pub fn join(mut self, patience: Duration) {
        self.cut_off();
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(patience);
        }
    }

    /// Stops taking requests and cuts off requests in flight.
    pub fn cut_off(&self) {
        self.closing.cancel();
        self.cut.cancel();
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.cut_off();
        if let Some(runtime) = self.runtime.take() {
            // Dropping a runtime waits for its threads, which a host's own runtime does not allow.
            runtime.shutdown_background();
        }
    }
}

impl fmt::Debug for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Instance").field("tasks", &self.tasks.len()).finish_non_exhaustive()
    }
}

fn load(from: ConfigFrom, environment: &dyn Environment) -> Result<(Config, Watched), ConfigErrors> {
    let origin = match from {
        ConfigFrom::Text(text) => ConfigOrigin::Text(text),
        ConfigFrom::Places(named) => ConfigOrigin::Located(config::locate(named.as_deref(), environment)),
    };
    let watched = Watched::look(origin.clone());
    Ok((origin.load(environment)?, watched))
}

/// Logs settings without effect, and decisions made without a setting.
fn report(config: &Config) {
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    for note in &config.notes {
        tracing::info!("{note}");
    }
}

/// Opens the store of a configuration.
fn store(config: &Config, host: &dyn Host) -> Store {
    let StoreChoice::Sqlite(file) = &config.store else { return Store::memory() };
    match file.path(host.state_dir()) {
        Some(path) => Store::open(path),
        None => {
            tracing::warn!(
                "there is no home folder, so state ends with the process; `state_dir` names a folder"
            );
            Store::memory()
        }
    }
}

fn runtime(log: &tracing::Dispatch) -> std::io::Result<Runtime> {
    let log = log.clone();
    // The host has work of its own, and a second thread makes each call dearer by a wake-up of a core.
    let threads =
        std::thread::available_parallelism().map_or(1, |cores| cores.get() / 2).clamp(1, MAX_THREADS);
    Builder::new_multi_thread()
        .worker_threads(threads)
        .thread_name("pointsman")
        .enable_all()
        .on_thread_start(move || {
            signals::block_broken_pipe();
            LOG.with(|guard| drop(guard.set(tracing::dispatcher::set_default(&log))));
        })
        .build()
}

thread_local! {
    /// Keeps the log's dispatcher set for the life of the thread.
    static LOG: OnceCell<tracing::dispatcher::DefaultGuard> = const { OnceCell::new() };
}

struct ToHost(Arc<dyn Host>);

impl NoticeSink for ToHost {
    fn notice(&self, notice: &Notice, met_by: MetBy) {
        self.0.notice(notice, met_by);
    }
}

impl LogSink for ToHost {
    fn log(&self, level: Level, target: &str, text: &str) {
        self.0.log(level, target, text);
    }
}
