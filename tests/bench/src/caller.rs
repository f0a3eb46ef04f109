//! Callers: the ways in which an agent can send one request and read its answer to the end.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use http::{HeaderMap, Method, Uri};
use pointsman_core::reporting::notice::Notice;
use pointsman_loader::api::abi_stable::std_types::ROption;
use pointsman_loader::api::{Request, StartOptions};
use pointsman_loader::{Library, Router, Silent};
use pointsman_plugin::edges::config::Process;
use pointsman_plugin::edges::notices::MetBy;
use pointsman_plugin::instance::{ConfigFrom, Host, Instance};
use pointsman_plugin::runtime::answer::AnswerBody;
use pointsman_plugin::runtime::router::call;
use reqwest::Client;
use tokio::runtime::Runtime;

use crate::servers;

/// Accounts of the fleet that calls go through.
const ACCOUNTS: usize = 16;

/// What a caller saw of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Read {
    pub bytes: usize,
    pub pieces: usize,
}

/// Something that can be called. `seen` is told of each piece as it comes.
pub trait Caller: Clone + Send + Sync + 'static {
    /// Sends a message and reads the answer to its end.
    fn call(&self, body: Bytes, seen: impl FnMut(&[u8]) + Send) -> impl Future<Output = Read> + Send;
}

/// reqwest, with the settings that the plugin uses.
#[derive(Clone, Debug)]
pub struct Plain {
    client: Client,
    url: String,
}

/// reqwest on another runtime than the caller's: what the change of threads costs alone.
#[derive(Clone, Debug)]
pub struct Elsewhere {
    plain: Plain,
    runtime: Arc<Runtime>,
}

/// The plugin, linked in and called without the boundary.
#[derive(Clone, Debug)]
pub struct Linked {
    instance: Arc<Instance>,
    uri: Uri,
}

/// The plugin, loaded and called through the boundary.
#[derive(Clone, Debug)]
pub struct Loaded {
    router: Router,
    url: String,
}

impl Plain {
    /// Makes a client for the upstream at `address`.
    pub fn new(address: &str) -> Self {
        // Where another of this process has been installed before, it is the same one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .connect_timeout(Duration::from_secs(10))
            .pool_idle_timeout(Duration::from_secs(90))
            .tcp_nodelay(true)
            .redirect(reqwest::redirect::Policy::none());
        let client = client.build().expect("no part of this depends on the machine");
        Self { client, url: url(address) }
    }
}

impl Caller for Plain {
    async fn call(&self, body: Bytes, mut seen: impl FnMut(&[u8]) + Send) -> Read {
        let request = self.client.post(&self.url).header("x-api-key", "none").body(body);
        let mut answer = request.send().await.expect("an upstream that answers");
        assert_eq!(answer.status(), 200);
        let mut read = Read::default();
        while let Some(piece) = answer.chunk().await.expect("a stream that holds") {
            read.take(&piece, &mut seen);
        }
        read
    }
}

impl Elsewhere {
    /// Makes a client with a runtime of its own.
    pub fn new(address: &str, workers: usize) -> Self {
        Self { plain: Plain::new(address), runtime: Arc::new(runtime(workers)) }
    }
}

impl Caller for Elsewhere {
    async fn call(&self, body: Bytes, _: impl FnMut(&[u8]) + Send) -> Read {
        let plain = self.plain.clone();
        self.runtime.spawn(async move { plain.call(body, |_| {}).await }).await.expect("no caller panics")
    }
}

impl Linked {
    /// Starts an instance of the plugin.
    pub fn new(address: &str) -> Self {
        let config = ConfigFrom::Text(servers::config(address, ACCOUNTS));
        let instance =
            Instance::start(config, Arc::new(Nobody), Arc::new(Process)).expect("a valid configuration");
        Self { instance, uri: url(address).parse().expect("a URL") }
    }
}

impl Caller for Linked {
    async fn call(&self, body: Bytes, _: impl FnMut(&[u8]) + Send) -> Read {
        let (instance, uri) = (self.instance.clone(), self.uri.clone());
        let handle = instance.handle().expect("an instance that runs");
        handle.spawn(async move { linked(&instance, &uri, body).await }).await.expect("no caller panics")
    }
}

async fn linked(instance: &Instance, uri: &Uri, body: Bytes) -> Read {
    let call = call(Method::POST, None, HeaderMap::new(), body);
    let answer = instance.fetch(uri, call).await.expect("an upstream that answers");
    assert_eq!(answer.status, 200);
    let mut read = Read::default();
    match answer.body {
        AnswerBody::Full(bytes) => read.take(&bytes, &mut |_| {}),
        AnswerBody::Relay(mut relay) => {
            while let Some(piece) = relay.next().await {
                read.take(&piece.expect("a stream that holds"), &mut |_| {});
            }
        }
    }
    read
}

impl Loaded {
    /// Starts a router of a loaded library.
    pub fn new(library: &Library, address: &str) -> Self {
        let text = servers::config(address, ACCOUNTS);
        let options =
            StartOptions { config_text: ROption::RSome(text.as_str().into()), ..StartOptions::default() };
        let router = library.start(options, Silent).expect("a valid configuration");
        Self { router, url: url(address) }
    }
}

impl Caller for Loaded {
    async fn call(&self, body: Bytes, mut seen: impl FnMut(&[u8]) + Send) -> Read {
        let request = Request::post(&self.url, body).header("x-api-key", "none");
        let mut answer = self.router.fetch(request).await.expect("an upstream that answers");
        assert_eq!(answer.status, 200);
        let mut read = Read::default();
        while let Some(piece) = answer.body.next().await {
            read.take(&piece.expect("a stream that holds"), &mut seen);
        }
        read
    }
}

impl Read {
    fn take(&mut self, piece: &[u8], seen: &mut impl FnMut(&[u8])) {
        self.bytes += piece.len();
        self.pieces += 1;
        seen(piece);
    }
}

struct Nobody;

impl Host for Nobody {
    fn notice(&self, _: &Notice, _: MetBy) {}

    fn log(&self, _: tracing::Level, _: &str, _: &str) {}
}

/// Makes a runtime like an agent's.
pub fn runtime(workers: usize) -> Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(workers).enable_all().build().expect("threads can be started")
}

/// Runs one task of a host to its end.
pub fn on<T: Send + 'static>(runtime: &Runtime, task: impl Future<Output = T> + Send + 'static) -> T {
    runtime.block_on(runtime.spawn(task)).expect("no caller panics")
}

fn url(address: &str) -> String {
    format!("http://{address}/v1/messages")
}
