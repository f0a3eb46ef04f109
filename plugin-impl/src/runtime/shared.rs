//! The state shared by every request.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use pointsman_core::time::Millis;

use crate::clock::Clock;
use crate::counters::Counters;
use crate::edges::auth::Tokens;
use crate::edges::config::{Environment, Timeouts};
use crate::edges::notices::Notices;
use crate::edges::store::Store;
use crate::edges::upstream::Upstream;
use crate::fleet::Fleet;
use crate::runtime::body_memory::BodyMemory;
use crate::runtime::journal::{Journal, RequestId};

/// The parts of a router that outlive a configuration.
#[derive(Debug)]
pub struct Shared {
    pub clock: Clock,
    pub fleet: Fleet,
    pub upstream: Arc<Upstream>,
    pub store: Arc<Store>,
    pub counters: Arc<Counters>,
    pub notices: Notices,
    /// The environment for reading secrets again.
    environment: Arc<dyn Environment>,
    pub journal: Journal,
    pub body_memory: BodyMemory,
    requests: AtomicU64,
    /// The name of this process among those that share a store.
    writer: Box<str>,
    /// The last collection of facts for the store, on the monotonic clock.
    collected: AtomicU64,
    /// The start time, part of every request id, to keep ids of different starts apart.
    start: u64,
    /// The process id, cached to save a system call per request.
    process: u32,
}

impl Shared {
    /// Makes the shared state from the parts.
    pub fn new(store: Arc<Store>, notices: Notices, environment: Arc<dyn Environment>) -> Self {
        let clock = Clock::start();
        let start = clock.now().wall.0;
        Self {
            clock,
            fleet: Fleet::default(),
            upstream: Arc::default(),
            store,
            counters: Arc::default(),
            notices,
            environment,
            journal: Journal::default(),
            body_memory: BodyMemory::default(),
            requests: AtomicU64::new(0),
            collected: AtomicU64::new(0),
            writer: format!("{}-{start:x}", std::process::id()).into(),
            start,
            process: std::process::id(),
        }
    }

    /// Returns the dependencies of a token refresh.
    pub fn tokens(&self, timeouts: Timeouts) -> Tokens {
        Tokens {
            clock: self.clock,
            upstream: self.upstream.clone(),
            store: self.store.clone(),
            counters: self.counters.clone(),
            timeouts,
            environment: self.environment.clone(),
        }
    }

    /// Notes that facts are collected until `now`, and returns until when they were before.
    pub fn collected_until(&self, now: Millis) -> Millis {
        Millis(self.collected.swap(now.0, Ordering::Relaxed))
    }

    /// Returns the name of this process among those that share a store.
    pub fn writer(&self) -> &str {
        &self.writer
    }

    /// Returns a seed that differs from the seeds of processes started in the same millisecond.
    pub fn seed(&self) -> u64 {
        self.start ^ u64::from(self.process).rotate_left(32)
    }

    /// Returns a fresh request id.
    pub fn next_request_id(&self) -> RequestId {
        self.store.note_request();
        RequestId { start: self.start, number: self.requests.fetch_add(1, Ordering::Relaxed) }
    }
}
