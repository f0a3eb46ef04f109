//! Requests through the driver, against an upstream that answers as it is told.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Mutex;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use pointsman_core::admission::fair_queue::Class;
use pointsman_core::reporting::notice::Notice;

use super::*;
use crate::edges::config::{Process, from_text};
use crate::edges::notices::{MetBy, NoticeSink, Notices};
use crate::edges::store::Store;
use crate::fleet::wait_queue::QueueSlot;
use crate::runtime::call::Call;
use crate::runtime::claim;
use crate::runtime::journal::record::What;
use crate::sync::unpoisoned;

const GOOD: &str = "200 OK";
const LIMITED: &str = "429 Too Many Requests\r\nretry-after: 3600";
const FAILED: &str = "503 Service Unavailable";

/// An upstream that gives its answers in order, the last again and again, and says who asked.
#[derive(Clone)]
struct Upstream {
    base: String,
    keys: Arc<Mutex<Vec<String>>>,
}

impl Upstream {
    fn answering(heads: &'static [&'static str]) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let base = format!("http://{}", listener.local_addr().expect("it is bound"));
        let upstream = Self { base, keys: Arc::default() };
        let keys = upstream.keys.clone();
        std::thread::spawn(move || {
            let heads = heads.iter().chain(std::iter::repeat(&heads[heads.len() - 1]));
            for (stream, head) in listener.incoming().flatten().zip(heads) {
                unpoisoned(keys.lock()).push(answer(stream, head));
            }
        });
        upstream
    }

    /// The keys of the requests, in order.
    fn keys(&self) -> Vec<String> {
        unpoisoned(self.keys.lock()).clone()
    }
}

/// Answers one request, and returns its key.
fn answer(mut stream: TcpStream, head: &str) -> String {
    let mut request = Vec::new();
    let mut piece = [0; 4_096];
    while !request.ends_with(BODY.as_bytes()) {
        let length = stream.read(&mut piece).expect("a request");
        request.extend_from_slice(&piece[..length]);
    }
    let body = r#"{"object":"chat.completion","choices":[{"message":{"role":"assistant","content":"a"}}]}"#;
    let rest =
        format!("content-type: application/json\r\ncontent-length: {}\r\nconnection: close", body.len());
    stream.write_all(format!("HTTP/1.1 {head}\r\n{rest}\r\n\r\n{body}").as_bytes()).expect("it reads");
    let request = String::from_utf8_lossy(&request).into_owned();
    let key = request.lines().find_map(|line| line.strip_prefix("authorization: Bearer "));
    key.unwrap_or_default().to_owned()
}

struct Nobody;

impl NoticeSink for Nobody {
    fn notice(&self, _: &Notice, _: MetBy) {}
}

const BODY: &str = r#"{"model":"gpt-5","messages":[{"role":"user","content":"b"}]}"#;

/// A fleet, and a request to it.
struct Stage {
    shared: Shared,
    generation: Arc<Generation>,
    resolved: Resolved,
}

impl Stage {
    /// Configures providers `openai` and `acme` at these upstreams, with two accounts and one.
    fn new(openai: &Upstream, acme: &Upstream, settings: &str) -> Self {
        let text = format!(
            "{settings}\nproviders:\n  openai: {{base_url: '{}'}}\n  acme: {{kind: openai, base_url: '{}'}}\n\
             accounts:\n  - {{id: 'openai:a', api_key: key-a}}\n  - {{id: 'openai:b', api_key: key-b}}\n  \
             - {{id: 'acme:c', api_key: key-c}}\n",
            openai.base, acme.base
        );
        let config = from_text(&text, "pointsman.yaml", &Process).expect("valid");
        let store = Arc::new(Store::memory());
        let shared = Shared::new(store, Notices::new(Box::new(Nobody)), Arc::new(Process));
        let now = shared.clock.now();
        let generation = Arc::new(Generation::new(config, &shared.fleet, &shared.store, None, now));
        let resolved = resolved(&shared, &generation);
        Self { shared, generation, resolved }
    }

    async fn serve(&self) -> Served {
        let id = self.shared.next_request_id();
        let answer = serve(&self.shared, &self.generation, &self.resolved, id).await;
        let header = |name: &str| {
            let value = answer.headers.get(name).and_then(|value| value.to_str().ok());
            value.unwrap_or_default().to_owned()
        };
        Served {
            status: answer.status,
            account: header("x-pointsman-account"),
            attempts: header("x-pointsman-attempts"),
            reason: header("x-pointsman-reason"),
        }
    }

    /// Another request of the same queue that waits there.
    fn stand(&self) -> QueueSlot {
        let queueing = Queueing::of(&self.shared, &self.generation, &self.resolved);
        queueing.wait_queue.stand(7, Class::default(), 100).expect("room")
    }

    /// The steps of the last request, by kind.
    fn steps(&self) -> Vec<&'static str> {
        let kind = |what: &What| match what {
            What::Planned(_) => "plan",
            What::Denied { .. } => "denied",
            What::Attempt(_) => "attempt",
            What::Judged { .. } => "judged",
            What::Waited { .. } => "wait",
        };
        let last = self.shared.journal.recent().remove(0);
        last.trace().steps.iter().map(|step| kind(&step.what)).collect()
    }
}

fn resolved(shared: &Shared, generation: &Generation) -> Resolved {
    let path = "/v1/chat/completions";
    let headers = HeaderMap::from_iter([(
        http::header::CONTENT_TYPE,
        http::HeaderValue::from_static("application/json"),
    )]);
    let call = Call { method: Method::POST, query: None, headers, body: Bytes::from_static(BODY.as_bytes()) };
    let claim = claim::at_gateway(&call.method, path, &call.headers).expect("it is ours");
    let (owners, now) = (&shared.fleet.resource_owners, shared.clock.mono());
    Resolved::new(call, claim, generation, owners, now).expect("a route")
}

/// What the caller sees of the way of its request.
#[derive(Debug, PartialEq, Eq)]
struct Served {
    status: StatusCode,
    account: String,
    attempts: String,
    reason: String,
}

fn served(status: StatusCode, account: &str, attempts: &str, reason: &str) -> Served {
    Served { status, account: account.into(), attempts: attempts.into(), reason: reason.into() }
}

#[tokio::test]
async fn a_good_answer_takes_one_plan_and_one_attempt() {
    let upstream = Upstream::answering(&[GOOD]);
    let stage = Stage::new(&upstream, &upstream, "");
    assert_eq!(stage.serve().await, served(StatusCode::OK, "openai:a", "1", "preferred"));
    assert_eq!((stage.steps(), upstream.keys()), (vec!["plan", "attempt"], vec!["key-a".to_owned()]));
}

#[tokio::test]
async fn after_a_limit_the_next_account_serves() {
    let upstream = Upstream::answering(&[LIMITED, GOOD]);
    let stage = Stage::new(&upstream, &upstream, "");
    assert_eq!(stage.serve().await, served(StatusCode::OK, "openai:b", "2", "next-account"));
    assert_eq!(upstream.keys(), ["key-a", "key-b"]);
}

#[tokio::test]
async fn where_every_account_is_limited_the_chain_serves_and_where_there_is_none_it_refuses() {
    let (limited, good) = (Upstream::answering(&[LIMITED]), Upstream::answering(&[GOOD]));
    let stage = Stage::new(&limited, &good, "fallbacks: {gpt-5: acme/gpt-5}");
    assert_eq!(stage.serve().await, served(StatusCode::OK, "acme:c", "3", "fallback-provider"));
    assert_eq!(stage.steps(), ["plan", "attempt", "plan", "attempt", "plan", "plan", "attempt"]);
    assert_eq!((limited.keys().len(), good.keys()), (2, vec!["key-c".to_owned()]));
    let stage = Stage::new(&limited, &good, "");
    assert_eq!(stage.serve().await, served(StatusCode::TOO_MANY_REQUESTS, "", "2", "refused"));
}

#[tokio::test]
async fn a_retry_is_drawn_from_the_budget() {
    let upstream = Upstream::answering(&[FAILED, GOOD]);
    let stage = Stage::new(&upstream, &upstream, "");
    assert_eq!(stage.serve().await, served(StatusCode::OK, "openai:b", "2", "next-account"));
    assert_eq!(stage.shared.counters.retries.value(), 1);
}

#[tokio::test]
async fn a_request_that_queued_on_arrival_is_told_as_waited() {
    let upstream = Upstream::answering(&[GOOD]);
    let stage = Stage::new(&upstream, &upstream, "");
    let slot = stage.stand();
    let lets_go = async {
        // The request has joined the queue once this runs, because it does nothing else before.
        tokio::task::yield_now().await;
        slot.served();
    };
    let (answer, ()) = tokio::join!(biased; stage.serve(), lets_go);
    assert_eq!(answer, served(StatusCode::OK, "openai:a", "1", "waited"));
    assert_eq!(stage.steps(), ["wait", "plan", "attempt"]);
    assert_eq!(stage.shared.counters.waits.value(), 1);
}

#[tokio::test]
async fn a_full_queue_turns_away_and_sends_on_to_the_chain() {
    let upstream = Upstream::answering(&[GOOD]);
    let stage = Stage::new(&upstream, &upstream, "max_waiting: 1");
    let _slot = stage.stand();
    assert_eq!(stage.serve().await, served(StatusCode::SERVICE_UNAVAILABLE, "", "0", "crowded"));
    assert!(upstream.keys().is_empty());
    let stage = Stage::new(&upstream, &upstream, "max_waiting: 1\nfallbacks: {gpt-5: acme/gpt-5}");
    let _slot = stage.stand();
    assert_eq!(stage.serve().await, served(StatusCode::OK, "acme:c", "1", "fallback-provider"));
}
