//! The look at an answer's beginning, before the caller gets the head.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use pointsman_core::formats::envelope;
use pointsman_core::response::classify::{Asked, FirstEvent, Head, Look, MAX_PREFIX, classify};
use pointsman_core::response::evidence::Evidence;
use pointsman_core::response::outcome::{NetworkFault, Outcome};
use tokio::time::{Instant, timeout_at};

use crate::clock::Clock;
use crate::edges::upstream::{Incoming, IncomingBody};

/// The longest time to hold the head back for the first event. Errors come sooner; a model still thinking
/// by then has accepted the request.
const HOLD: Duration = Duration::from_secs(10);
/// The time limit for reading an error's body. The bytes so far are classified.
const ERROR_BODY: Duration = Duration::from_secs(5);
/// The longest enveloped answer to unwrap, unless a stream, in bytes. A longer answer passes unchanged.
const MAX_ENVELOPED: usize = 64 * 1024 * 1024;

/// The result of an upstream call.
#[derive(Debug)]
pub(super) enum Seen {
    /// An answer, good or bad.
    Answer(Box<SeenAnswer>),
    /// No answer, with the reason.
    Nothing(String),
}

/// An answer with the beginning already read.
#[derive(Debug)]
pub(super) struct SeenAnswer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) held: VecDeque<Bytes>,
    /// The unread rest of the body.
    pub(super) rest: Option<IncomingBody>,
    /// Whether each event of the rest is in an envelope.
    pub(super) enveloped: bool,
    pub(super) is_callers_fault: bool,
}

/// Reads enough of an answer for the evidence. An answer not from a model is good by its status.
pub(super) async fn at(
    incoming: Incoming,
    asked: Asked<'_>,
    enveloped: bool,
    clock: &Clock,
) -> (Seen, Evidence) {
    let Incoming { status, headers, body } = incoming;
    let mut reading = BodyReading { headers, held: VecDeque::new(), body: Some(body) };
    let evidence = if !status.is_success() {
        reading.error(status, asked, clock).await
    } else if !asked.generates {
        Evidence::of(Outcome::Good)
    } else {
        Evidence { status: status.as_u16(), ..reading.beginning(FirstEvent::new(asked), clock).await }
    };
    let streams = reading.is_event_stream();
    if enveloped && !streams && evidence.is_good() {
        reading.take_envelope_off().await;
    }
    let nothing = reading.nothing_usable(&evidence.outcome, status);
    let BodyReading { headers, held, body: rest } = reading;
    let is_callers_fault = evidence.outcome == Outcome::RequestFault;
    let answer =
        SeenAnswer { status, headers, held, rest, enveloped: enveloped && streams, is_callers_fault };
    (nothing.map_or_else(|| Seen::Answer(Box::new(answer)), Seen::Nothing), evidence)
}

struct BodyReading {
    headers: HeaderMap,
    held: VecDeque<Bytes>,
    body: Option<IncomingBody>,
}

impl BodyReading {
    /// Reads until the stream's first content or error, for at most [`HOLD`].
    async fn beginning(&mut self, mut first: FirstEvent<'_>, clock: &Clock) -> Evidence {
        let patience = Instant::now() + HOLD;
        loop {
            let Some(body) = &mut self.body else { return Evidence::of(Outcome::Good) };
            match timeout_at(patience, body.next()).await {
                // Out of patience: the model has taken the request and still thinks.
                Err(_) => return Evidence::of(Outcome::Good),
                Ok(None) => {
                    self.body = None;
                    return first.ended(&self.headers, clock.now());
                }
                Ok(Some(Err(_))) => {
                    self.body = None;
                    return Evidence::of(Outcome::Unreachable(NetworkFault::Reset));
                }
                Ok(Some(Ok(bytes))) => {
                    // A body complete in one piece is not searched for its end.
                    let is_all = self.held.is_empty() && body.is_over();
                    let feed = if is_all { FirstEvent::feed_all } else { FirstEvent::feed };
                    let look = feed(&mut first, &bytes, &self.headers, clock.now());
                    self.held.push_back(bytes);
                    if body.is_over() && look != Look::Hold {
                        self.body = None;
                    }
                    match look {
                        Look::Hold => {}
                        Look::Content => return Evidence::of(Outcome::Good),
                        Look::Failed(evidence) => return *evidence,
                    }
                }
            }
        }
    }

    /// Reads the beginning of an error's body, and classifies the error.
    async fn error(&mut self, status: StatusCode, asked: Asked<'_>, clock: &Clock) -> Evidence {
        let patience = Instant::now() + ERROR_BODY;
        let mut prefix = Vec::new();
        while prefix.len() < MAX_PREFIX
            && let Some(body) = &mut self.body
        {
            match timeout_at(patience, body.next()).await {
                Ok(Some(Ok(bytes))) => {
                    prefix.extend_from_slice(&bytes);
                    self.held.push_back(bytes);
                }
                Ok(None) => self.body = None,
                // A cut error is passed on as cut: the body breaks again for the caller.
                Ok(Some(Err(_))) | Err(_) => break,
            }
        }
        prefix.truncate(MAX_PREFIX);
        classify(asked, Head { status, headers: &self.headers }, &prefix, clock.now())
    }

    /// Reads the whole answer and removes the envelope.
    async fn take_envelope_off(&mut self) {
        while self.held.iter().map(Bytes::len).sum::<usize>() <= MAX_ENVELOPED
            && let Some(body) = &mut self.body
        {
            match body.next().await {
                Some(Ok(bytes)) => self.held.push_back(bytes),
                Some(Err(_)) => return, // What is left of the body breaks again for the caller.
                None => self.body = None,
            }
        }
        if self.body.is_none() {
            let whole: Vec<u8> = self.held.drain(..).flatten().collect();
            self.held.push_back(envelope::unwrap_json(&whole).into_owned().into());
            self.headers.remove(CONTENT_LENGTH);
        }
    }

    fn is_event_stream(&self) -> bool {
        let content_type = self.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        content_type.is_some_and(|value| value.starts_with("text/event-stream"))
    }

    /// Returns the reason to withhold an answer of success status, if the answer is unusable for an agent.
    fn nothing_usable(&self, outcome: &Outcome, status: StatusCode) -> Option<String> {
        if !status.is_success() {
            return None;
        }
        if matches!(outcome, Outcome::Unreachable(_)) {
            return Some("the upstream broke the connection off before its answer began".to_owned());
        }
        if *outcome != Outcome::ServerError {
            return None;
        }
        if self.held.is_empty() {
            return Some("the upstream gave an empty answer".to_owned());
        }
        (!self.is_event_stream()).then(|| "the upstream gave an answer that is not of its API".to_owned())
    }
}
