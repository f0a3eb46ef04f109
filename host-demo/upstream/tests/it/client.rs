//! A minimal HTTP client that shows what really came, also of an answer that broke.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test, at its own line")]

use std::net::SocketAddr;
use std::time::Duration;

use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use pointsman_upstream::{Account, Pool, Script, Upstream};
use serde_json::Value;
use tokio::net::TcpStream;

/// Everything here takes milliseconds; this only ends a test that hangs.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) const KEY: &str = "sk-work";

/// An answer as far as it came.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
    /// Whether the body ended as HTTP says it must.
    pub(crate) whole: bool,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error} in {:?}", self.body))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The data of each server-sent event.
    pub(crate) fn events(&self) -> Vec<&str> {
        self.body.lines().filter_map(|line| line.strip_prefix("data: ")).collect()
    }
}

/// A request that is being put together.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    method: &'static str,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: String,
}

impl Ask {
    pub(crate) fn post(path: &str, body: &str) -> Self {
        Self { method: "POST", path: path.to_owned(), headers: Vec::new(), body: body.to_owned() }
    }

    pub(crate) fn get(path: &str) -> Self {
        Self { method: "GET", path: path.to_owned(), headers: Vec::new(), body: String::new() }
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// With the key of the account that [`upstream`] has.
    pub(crate) fn keyed(self) -> Self {
        self.header("x-api-key", KEY)
    }

    fn request(&self) -> Request<Full<Bytes>> {
        let mut request = Request::builder().method(self.method).uri(&self.path).header("host", "localhost");
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        request.body(Full::from(self.body.clone())).unwrap()
    }

    /// Sends it on a connection of its own; an error is an answer without a head.
    pub(crate) async fn try_send(&self, to: &Upstream) -> Result<Answer, hyper::Error> {
        within(async {
            let response = self.head(to.addr()).await?;
            Ok(collect(response).await)
        })
        .await
    }

    pub(crate) async fn send(&self, to: &Upstream) -> Answer {
        self.try_send(to).await.unwrap()
    }

    /// Waits for the head only; the body can be read, or dropped with its connection.
    pub(crate) async fn head(&self, addr: SocketAddr) -> Result<http::Response<Incoming>, hyper::Error> {
        let stream = TcpStream::connect(addr).await.unwrap();
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        sender.send_request(self.request()).await
    }
}

async fn collect(response: http::Response<Incoming>) -> Answer {
    let (head, mut body) = response.into_parts();
    let mut bytes = Vec::new();
    let whole = loop {
        match body.frame().await {
            Some(Ok(frame)) => bytes.extend_from_slice(frame.data_ref().unwrap()),
            Some(Err(_)) => break false,
            None => break true,
        }
    };
    let body = String::from_utf8(bytes).unwrap();
    Answer { status: head.status.as_u16(), headers: head.headers, body, whole }
}

/// Fails instead of hanging.
pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("the upstream answers in time")
}

/// An upstream with one account, `work`, and its pool `default`.
pub(crate) async fn upstream(pool: Pool) -> Upstream {
    start(Script::new(7).account(Account::new("work").api_key(KEY).pool("default", pool))).await
}

pub(crate) async fn start(script: Script) -> Upstream {
    Upstream::start(script).await.unwrap()
}

pub(crate) fn messages(stream: bool) -> Ask {
    Ask::post("/v1/messages", &format!(r#"{{"model":"m","stream":{stream},"messages":[]}}"#)).keyed()
}

pub(crate) fn chat(stream: bool) -> Ask {
    Ask::post("/v1/chat/completions", &format!(r#"{{"model":"m","stream":{stream},"messages":[]}}"#)).keyed()
}

pub(crate) fn responses(stream: bool) -> Ask {
    Ask::post("/v1/responses", &format!(r#"{{"model":"m","stream":{stream},"input":"hi"}}"#)).keyed()
}

pub(crate) fn gemini(stream: bool) -> Ask {
    let action = if stream { "streamGenerateContent?alt=sse" } else { "generateContent" };
    Ask::post(&format!("/v1beta/models/m:{action}"), r#"{"contents":[]}"#).keyed()
}

pub(crate) fn code_assist(stream: bool) -> Ask {
    let action = if stream { "streamGenerateContent?alt=sse" } else { "generateContent" };
    let body = r#"{"project":"p","model":"m","request":{"contents":[]}}"#;
    Ask::post(&format!("/v1internal:{action}"), body).keyed()
}

pub(crate) fn every_format(stream: bool) -> [Ask; 5] {
    [messages(stream), chat(stream), responses(stream), gemini(stream), code_assist(stream)]
}
