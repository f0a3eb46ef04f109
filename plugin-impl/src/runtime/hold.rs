//! Holding: a waiting stream gets its head early, and keep-alives until the answer.
//!
//! Agents give up a silent request after 300 s, and a subagent loses its work.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};
use pointsman_core::reporting::keep_alive::KeepAlive;
use pointsman_core::request::intent::Intent;

use crate::runtime::answer::{Answer, AnswerBody, Relay, Serving};
use crate::runtime::call::{Call, Resolved};
use crate::runtime::driver;
use crate::runtime::generation::Generation;
use crate::runtime::journal::RequestId;
use crate::runtime::shared::Shared;

/// The wait before an early head, and the interval of keep-alives. A shorter wait ends with the real
/// status.
const RHYTHM: Duration = Duration::from_secs(5);

/// The holding of a request.
#[derive(Clone, Debug)]
pub struct Hold {
    keep_alive: KeepAlive,
    longest: Duration,
    /// The request is in the queue now.
    waits: Arc<AtomicBool>,
}

/// A wait in the queue, until dropped.
#[derive(Debug)]
pub struct Waiting(Option<Arc<AtomicBool>>);

impl Hold {
    /// Returns the holding of a request, if configured and accepted by the agent.
    pub fn of(call: &Call, intent: &Intent, longest: Duration) -> Option<Self> {
        if longest.is_zero() || !streams(call, intent) {
            return None;
        }
        let keep_alive = KeepAlive::of(&call.headers, intent)?;
        Some(Self { keep_alive, longest, waits: Arc::default() })
    }

    /// Returns the longest wait in the queue; without holding, `max_wait`.
    pub fn longest(&self, max_wait: Duration) -> Duration {
        self.longest.max(max_wait)
    }
}

impl Waiting {
    /// Starts a wait in the queue.
    pub fn of(hold: Option<&Hold>) -> Self {
        let waits = hold.map(|hold| hold.waits.clone());
        waits.iter().for_each(|waits| waits.store(true, Ordering::Relaxed));
        Self(waits)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.iter().for_each(|waits| waits.store(false, Ordering::Relaxed));
    }
}

/// Serves a request, held if possible.
pub async fn serve(
    shared: &Arc<Shared>,
    generation: &Arc<Generation>,
    resolved: Resolved,
    hold: Hold,
    id: RequestId,
) -> Answer {
    let counters = shared.counters.clone();
    let (shared, generation) = (shared.clone(), generation.clone());
    let mut serving: Serving =
        Box::pin(async move { driver::serve(&shared, &generation, &resolved, id).await });
    loop {
        // The head goes out early only for a request in the queue: until then a plain answer is still
        // possible.
        match tokio::time::timeout(RHYTHM, &mut serving).await {
            Ok(answer) => return answer,
            Err(_) if hold.waits.load(Ordering::Relaxed) => break,
            Err(_) => {}
        }
    }
    counters.held_streams.count();
    let relay = Relay::held(hold.keep_alive, RHYTHM, serving, counters);
    Answer { status: StatusCode::OK, headers: head(), body: AnswerBody::Relay(Box::new(relay)) }
}

fn head() -> HeaderMap {
    HeaderMap::from_iter([
        (CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8")),
        (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ])
}

fn streams(call: &Call, intent: &Intent) -> bool {
    intent.format.main().request.stream.is_on(call.query.as_deref(), &call.body)
}
