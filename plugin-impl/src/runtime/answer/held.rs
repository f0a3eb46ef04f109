//! Held answers: streams with an early head, for requests still in the queue.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream;
use http::header::CONTENT_TYPE;
use pointsman_core::reporting::keep_alive::KeepAlive;
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::{Answer, AnswerBody, Relay};

/// The serving of a request, up to its answer.
pub type Serving = Pin<Box<dyn Future<Output = Answer> + Send>>;

/// The bound on an error's body.
const MOST: usize = 64 * 1024;

/// A request in service, with its caller's keep-alive.
pub(super) struct Held {
    keep_alive: KeepAlive,
    beat: Interval,
    state: HeldState,
}

enum HeldState {
    Serving(Serving),
    /// The request failed; the error's body is still being read.
    Failing {
        body: Box<Relay>,
        read: Vec<u8>,
    },
}

/// The next piece for the caller.
pub(super) enum Next {
    /// A keep-alive.
    Beat(Bytes),
    /// The upstream's stream.
    Stream(Box<Relay>),
    /// The end of the stream.
    Last(Bytes),
}

impl Held {
    /// Starts with a keep-alive at once, then at a steady rhythm.
    pub(super) fn new(keep_alive: KeepAlive, rhythm: Duration, serving: Serving) -> Self {
        let mut beat = interval(rhythm);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { keep_alive, beat, state: HeldState::Serving(serving) }
    }

    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Next> {
        loop {
            match &mut self.state {
                HeldState::Serving(serving) => match serving.as_mut().poll(context) {
                    Poll::Ready(answer) => match self.answered(answer) {
                        Ok(next) => return Poll::Ready(next),
                        Err(failing) => self.state = failing,
                    },
                    Poll::Pending => {
                        // No answer yet: a sign of life at each beat keeps the client's connection open.
                        ready!(self.beat.poll_tick(context));
                        return Poll::Ready(Next::Beat(Bytes::from_static(self.keep_alive.beat())));
                    }
                },
                // The status has gone out already, so an error goes out as the stream's last event.
                HeldState::Failing { body, read } => {
                    let piece = ready!(Pin::new(&mut **body).poll_next(context));
                    if let Some(Ok(bytes)) = &piece {
                        read.extend_from_slice(bytes);
                    }
                    if !matches!(piece, Some(Ok(_))) || read.len() > MOST {
                        return Poll::Ready(self.keep_alive.failed(read));
                    }
                }
            }
        }
    }

    /// Returns the caller's next piece, or a state for reading an error's body first.
    fn answered(&self, answer: Answer) -> Result<Next, HeldState> {
        match (is_stream(&answer), answer.body) {
            (true, AnswerBody::Full(bytes)) => Ok(Next::Last(bytes)),
            (true, AnswerBody::Relay(relay)) => Ok(Next::Stream(relay)),
            (false, AnswerBody::Full(bytes)) => Ok(self.keep_alive.failed(&bytes)),
            (false, AnswerBody::Relay(body)) => Err(HeldState::Failing { body, read: Vec::new() }),
        }
    }
}

trait Failed {
    fn failed(self, body: &[u8]) -> Next;
}

impl Failed for KeepAlive {
    fn failed(self, body: &[u8]) -> Next {
        Next::Last(self.failure(body).into())
    }
}

fn is_stream(answer: &Answer) -> bool {
    let content_type = answer.headers.get(CONTENT_TYPE).map(http::HeaderValue::as_bytes);
    answer.status.is_success() && content_type.is_some_and(|value| value.starts_with(b"text/event-stream"))
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held").field("keep_alive", &self.keep_alive).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures_util::StreamExt as _;
    use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
    use pointsman_core::request::intent::Intent;

    use crate::counters::Counters;

    use super::*;

    const RHYTHM: Duration = Duration::from_secs(5);

    fn keep_alive() -> KeepAlive {
        let agent = HeaderValue::from_static("claude-cli/2.1.332");
        let headers = HeaderMap::from_iter([(header::USER_AGENT, agent)]);
        let intent = Intent::read(&Method::POST, "/v1/messages", None, None).expect("a path of ours");
        KeepAlive::of(&headers, &intent).expect("a row")
    }

    /// Returns what a caller reads where its answer comes after so many seconds.
    async fn read(after: u64, status: StatusCode, kind: &'static str, body: AnswerBody) -> Vec<String> {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(kind))]);
        let serving = async move {
            tokio::time::sleep(Duration::from_secs(after)).await;
            Answer { status, headers, body }
        };
        let relay = Relay::held(keep_alive(), RHYTHM, Box::pin(serving), Arc::default());
        let pieces: Vec<_> = relay.collect().await;
        pieces.into_iter().map(|piece| String::from_utf8_lossy(&piece.expect("bytes")).into_owned()).collect()
    }

    fn relayed(text: &'static str) -> AnswerBody {
        let held = [Bytes::from_static(text.as_bytes())].into_iter().collect();
        AnswerBody::Relay(Box::new(Relay::new(held, None, Arc::<Counters>::default())))
    }

    #[tokio::test(start_paused = true)]
    async fn signs_of_life_come_at_a_steady_rhythm_and_then_the_stream() {
        for body in [relayed("event: message_start\n"), AnswerBody::Full("event: message_start\n".into())] {
            let read = read(17, StatusCode::OK, "text/event-stream; charset=utf-8", body).await;
            let (last, beats) = read.split_last().expect("an answer");
            assert_eq!(beats, ["event: ping\ndata: {\"type\": \"ping\"}\n\n"; 4]);
            assert_eq!(last, "event: message_start\n");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_is_the_error_event_of_the_format() {
        let text = r#"{"type":"error","error":{"type":"rate_limit_error","message":"all limited"}}"#;
        for body in [relayed(text), AnswerBody::Full(text.into())] {
            let read = read(1, StatusCode::TOO_MANY_REQUESTS, "application/json", body).await;
            assert_eq!(read.len(), 2, "{read:?}");
            assert!(
                read[1].starts_with("event: error\ndata: {") && read[1].contains("all limited"),
                "{read:?}"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_no_stream_is_a_failure() {
        let read = read(1, StatusCode::OK, "application/json", AnswerBody::Full("{}".into())).await;
        assert!(read[1].contains("the request failed"), "{read:?}");
    }

    /// Whoever goes away while it waits gives its place up.
    #[tokio::test(start_paused = true)]
    async fn a_caller_that_goes_away_ends_its_request() {
        let place = Arc::new(());
        let kept = place.clone();
        let serving = async move {
            std::future::pending::<()>().await;
            drop(kept);
            Answer { status: StatusCode::OK, headers: HeaderMap::new(), body: AnswerBody::Full(Bytes::new()) }
        };
        let mut relay = Relay::held(keep_alive(), RHYTHM, Box::pin(serving), Arc::default());
        assert!(relay.next().await.is_some());
        drop(relay);
        assert_eq!(Arc::strong_count(&place), 1);
    }
}
