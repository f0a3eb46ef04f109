//! Events for an open page: the state of the fleet, the requests, the notices.
//!
//! Nothing is computed while no page is open. An open page costs one look at the fleet a second, and one at
//! each request that is new or has not ended.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Interval, MissedTickBehavior, interval};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use crate::edges::notices::KeptNotice;
use crate::operator::status::Status;
use crate::runtime::journal::explanation::entry;
use crate::runtime::journal::{Explanation, RequestId};
use crate::runtime::router::Router;

/// The most pages open at once.
pub(super) const MOST_PAGES: usize = 32;
/// The time between two looks.
const TICK: Duration = Duration::from_secs(1);

/// The open pages of an instance.
#[derive(Clone, Debug)]
pub struct Pages {
    room: Arc<Semaphore>,
    /// Cancelled at the shutdown's start: every stream of events ends.
    closing: CancellationToken,
}

impl Pages {
    /// Makes room for the pages of an instance.
    pub fn new(closing: CancellationToken) -> Self {
        Self { room: Arc::new(Semaphore::new(MOST_PAGES)), closing }
    }

    /// Opens a stream of events, or returns nothing at the bound.
    pub(super) fn open(&self, router: &Arc<Router>) -> Option<EventStream> {
        let permit = self.room.clone().try_acquire_owned().ok()?;
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let closed = Box::pin(self.closing.clone().cancelled_owned());
        Some(EventStream { router: router.clone(), ticks, closed, sent: Sent::default(), _permit: permit })
    }
}

/// The events of one page, as the text of a stream of server-sent events.
pub(in crate::http) struct EventStream {
    router: Arc<Router>,
    ticks: Interval,
    closed: Pin<Box<WaitForCancellationFutureOwned>>,
    sent: Sent,
    _permit: OwnedSemaphorePermit,
}

impl EventStream {
    /// Returns the news of the next tick, or the end.
    pub(in crate::http) fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if self.closed.as_mut().poll(context).is_ready() {
            return Poll::Ready(None);
        }
        self.ticks.poll_tick(context).map(|_| Some(self.sent.news(&self.router).into()))
    }
}

/// The facts that a page has already.
#[derive(Debug, Default)]
struct Sent {
    fleet: Value,
    /// The kept requests, with the entry of each request that has not ended.
    requests: HashMap<RequestId, Option<Value>>,
    notice: u64,
}

impl Sent {
    /// Returns the events since the last call.
    fn news(&mut self, router: &Router) -> String {
        let mut text = String::new();
        self.status(router, &mut text);
        self.requests(router, &mut text);
        self.notices(router, &mut text);
        text
    }

    /// The counters come with every tick, the accounts if anything about them has changed.
    fn status(&mut self, router: &Router, text: &mut String) {
        let mut status = Status::of(router).to_json();
        let mut fleet = json!({});
        for name in ["accounts", "providers"] {
            fleet[name] = status[name].take();
        }
        if fleet != self.fleet {
            write(text, "fleet", &fleet);
            self.fleet = fleet;
        }
        if let Some(pulse) = status.as_object_mut() {
            pulse.retain(|_, value| !value.is_null());
        }
        write(text, "pulse", &status);
    }

    fn requests(&mut self, router: &Router, text: &mut String) {
        let shared = router.shared();
        let records = shared.journal.recent();
        let mut known = HashMap::with_capacity(records.len());
        let mut news = Vec::new();
        for record in records {
            let id = record.id;
            if let Some(None) = self.requests.get(&id) {
                known.insert(id, None);
                continue;
            }
            let is_over = record.is_over();
            let entry = entry(&Explanation::new(record, shared.clock.now()));
            if self.requests.get(&id).and_then(Option::as_ref) != Some(&entry) {
                news.push(entry.clone());
            }
            known.insert(id, (!is_over).then_some(entry));
        }
        self.requests = known;
        if !news.is_empty() {
            write(text, "requests", &Value::from(news));
        }
    }

    fn notices(&mut self, router: &Router, text: &mut String) {
        let news = router.shared().notices.since(self.notice);
        let Some(last) = news.last() else { return };
        self.notice = last.number;
        write(text, "notices", &news.iter().map(notice).collect());
    }
}

fn notice(kept: &KeptNotice) -> Value {
    json!({"at_unix_ms": kept.at.0, "text": kept.notice.text()})
}

/// Writes an event. JSON has no line breaks of its own, so one `data` line holds it.
fn write(text: &mut String, name: &str, value: &Value) {
    text.push_str("event: ");
    text.push_str(name);
    text.push_str("\ndata: ");
    text.push_str(&value.to_string());
    text.push_str("\n\n");
}
