//! Holding: a streaming request that waits in the queue gets its head early, and signs of life until it is served.
//!
//! Agents give a silent request up after 300 s, and a subagent that is given up has lost its work.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};
use pointsman_core::formats::body::{self, Wanted};
use pointsman_core::formats::format::WireFormat;
use pointsman_core::reporting::keep_alive::KeepAlive;
use pointsman_core::request::intent::Intent;

use crate::runtime::answer::{Answer, AnswerBody, Relay, Serving};
use crate::runtime::call::{Call, Routed};
use crate::runtime::driver;
use crate::runtime::generation::Generation;
use crate::runtime::journal::RequestId;
use crate::runtime::shared::Shared;

/// How long a request waits before its head goes out, and how often it gives a sign of life from then on. A
/// request that waits for less is answered with the status that it came to.
const RHYTHM: Duration = Duration::from_secs(5);

/// How a request is held.
#[derive(Clone, Debug)]
pub struct Hold {
    keep_alive: KeepAlive,
    longest: Duration,
    /// It waits in the queue just now.
    waits: Arc<AtomicBool>,
}

/// A wait in the queue, until it is dropped.
#[derive(Debug)]
pub struct Waiting(Option<Arc<AtomicBool>>);

impl Hold {
    /// Returns how a request is held, where the configuration has it so and its agent is known to accept it.
    pub fn of(call: &Call, intent: &Intent, longest: Duration) -> Option<Self> {
        if longest.is_zero() || !streams(call, intent) {
            return None;
        }
        let keep_alive = KeepAlive::of(&call.headers, intent)?;
        Some(Self { keep_alive, longest, waits: Arc::default() })
    }

    /// Returns the longest that it waits in the queue, where others wait for `max_wait`.
    pub fn longest(&self, max_wait: Duration) -> Duration {
        self.longest.max(max_wait)
    }
}

impl Waiting {
    /// Begins a wait in the queue.
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

/// Serves a request that may be held.
pub async fn serve(
    shared: &Arc<Shared>,
    generation: &Arc<Generation>,
    routed: Routed,
    hold: Hold,
    id: RequestId,
) -> Answer {
    let counters = shared.counters.clone();
    let (shared, generation) = (shared.clone(), generation.clone());
    let mut serving: Serving =
        Box::pin(async move { driver::serve(&shared, &generation, &routed, id).await });
    loop {
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
    match intent.format {
        WireFormat::Gemini => {
            call.query.as_deref().is_some_and(|query| query.split('&').any(|pair| pair == "alt=sse"))
        }
        WireFormat::Anthropic | WireFormat::OpenAi => {
            body::peek(&call.body, Wanted::STREAM).is_ok_and(|found| found.stream == Some(true))
        }
    }
}
