//! Replies, streams and requests as they are seen on the wire, each with what it comes to.
//!
//! A fixture is a file below `tests/fixtures`, in one of six folders:
//!
//! | folder | what it holds | what it is checked against |
//! |---|---|---|
//! | `classify` | an answer as HTTP writes it | [`classify`] |
//! | `stream` | an answer with its stream | [`FirstEvent`], whole and byte by byte |
//! | `token` | an answer of a token endpoint | [`classify_token`] |
//! | `session` | a request | [`session`] |
//! | `refusal` | who asks and what is closed, and the answer byte for byte | [`refuse`] |
//! | `envelope` | an answer inside of its envelope, `=====`, the answer | [`envelope`] |
//!
//! A file begins with `key: value` lines, of which `expect` is one, and a blank line. `now` is the time
//! when the answer arrived; hints are told as the time from there. Accounts, projects and ids are
//! invented.

#![expect(clippy::disallowed_methods, reason = "a test reads its fixtures")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use http::header::USER_AGENT;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use pointsman_core::admission::blame::Reason;
use pointsman_core::formats::WireFormat;
use pointsman_core::formats::agent::Agent;
use pointsman_core::formats::envelope::{self, Unwrapper};
use pointsman_core::formats::format::identity::SessionSource;
use pointsman_core::ids::AccountId;
use pointsman_core::planning::plan::{Cooling, Counts, Refusal};
use pointsman_core::planning::snapshot::Why;
use pointsman_core::reporting::blocked::Blocked;
use pointsman_core::reporting::refusal::{Refused, refuse};
use pointsman_core::request::session;
use pointsman_core::response::classify::{
    Asked, FirstEvent, Head, Look, TokenFault, classify, classify_token,
};
use pointsman_core::response::evidence::{Evidence, Extent};
use pointsman_core::response::outcome::{Hint, HintSource, LimitKind, NetworkFault, Outcome, SignIn};
use pointsman_core::time::{Millis, Now, UnixMillis};

#[test]
fn replies_come_to_what_they_mean() {
    each("classify", 60, |fixture| {
        let message = fixture.message();
        let head = Head { status: message.status(), headers: &message.headers };
        told(&classify(fixture.asked(), head, message.body.as_bytes(), fixture.now()), fixture.now())
    });
}

#[test]
fn streams_are_known_by_their_first_word() {
    each("stream", 15, |fixture| {
        let message = fixture.message();
        let bytes = message.body.as_bytes();
        let whole = first_word(fixture, &message.headers, [bytes]);
        assert_eq!(
            first_word(fixture, &message.headers, bytes.chunks(1)),
            whole,
            "{}: byte by byte",
            fixture.name
        );
        whole
    });
}

#[test]
fn only_a_revoked_token_costs_a_sign_in() {
    each("token", 5, |fixture| {
        let message = fixture.message();
        match classify_token(message.status(), message.body.as_bytes()) {
            TokenFault::Revoked => "revoked".to_owned(),
            TokenFault::Transient => "transient".to_owned(),
        }
    });
}

#[test]
fn requests_belong_to_their_session() {
    each("session", 10, |fixture| {
        let message = fixture.message();
        let found = session::session(&message.headers, message.body.as_bytes(), fixture.format());
        let Some(found) = found else { return "none".to_owned() };
        let mut text = source_of_session(found.source).to_owned();
        // The id is a hash; its fixture says of what.
        if let Some(id) = fixture.meta.get("id") {
            assert_eq!(found.agent, key(id), "{}", fixture.name);
            text.push_str(" id");
        }
        if let Some(parent) = fixture.meta.get("parent") {
            assert_eq!(found.parent, Some(key(parent)), "{}", fixture.name);
            text.push_str(" parent");
        }
        if let Some(root) = fixture.meta.get("root") {
            assert_eq!(found.root, Some(key(root)), "{}", fixture.name);
            text.push_str(" root");
        }
        text
    });
}

#[test]
fn answers_come_out_of_their_envelope_as_they_are() {
    each("envelope", 5, |fixture| {
        let (wrapped, expected) = fixture.rest.split_once("=====\n").expect("two parts");
        let found = if fixture.meta.contains_key("stream") {
            unwrapped_stream(wrapped)
        } else {
            envelope::unwrap_json(wrapped.as_bytes()).into_owned()
        };
        if found == expected.as_bytes() {
            "same".to_owned()
        } else {
            String::from_utf8_lossy(&found).into_owned()
        }
    });
}

/// What each agent is told, to the byte: a word more, and one of them waits for an hour.
#[test]
fn refusals_are_told_to_each_agent_as_it_understands_them() {
    each("refusal", 25, |fixture| {
        let found = refused(fixture);
        if found == fixture.rest.trim_end_matches('\n') { "same".to_owned() } else { found }
    });
}

/// Writes a refusal as HTTP does, but for the ends of lines.
fn refused(fixture: &Fixture) -> String {
    let count = |key: &str| fixture.meta.get(key).map_or(0, |count| count.parse().expect("a count"));
    let counts = Counts {
        busy: count("busy"),
        protected: count("protected"),
        limited: count("limited"),
        exhausted: count("exhausted"),
        cooling: Cooling::by(reason(fixture), count("cooling")),
        needs_sign_in: count("needs-sign-in"),
        disabled: count("disabled"),
        excluded: count("excluded"),
    };
    let until = fixture
        .meta
        .get("until")
        .map(|seconds| fixture.now().mono.after(Duration::from_secs(seconds.parse().expect("seconds"))));
    let agent =
        Agent::of(&HeaderMap::from_iter([(USER_AGENT, fixture.meta("agent").parse().expect("a name"))]));
    let refusal = Refusal { until, counts, last_resort: None };
    let blocked = blocked(fixture);
    let refused = Refused {
        family: fixture.meta("family"),
        attempts: count("attempts"),
        blocked: &blocked,
        bound: None,
    };
    let answer = refuse(fixture.format(), agent, &refusal, refused, fixture.now());
    let headers: String = answer
        .headers()
        .iter()
        .map(|(name, value)| format!("{name}: {}\n", value.to_str().expect("text")))
        .collect();
    format!("HTTP/1.1 {}\n{headers}\n{}", answer.status, answer.body)
}

/// Returns why accounts are in cooldown.
fn reason(fixture: &Fixture) -> Reason {
    match fixture.meta.get("reason").map_or("server", String::as_str) {
        "auth" => Reason::Auth,
        "server" => Reason::Server,
        other => panic!("{}: no reason `{other}`", fixture.name),
    }
}

/// Returns the account that is named, if one is.
fn blocked(fixture: &Fixture) -> Vec<Blocked> {
    let named = fixture.meta.get("account").map(|account| Blocked {
        without: None,
        account: AccountId::new(account),
        why: Why::Cooling(reason(fixture)),
        status: Some(401),
        place: "api.acme.example:443".to_owned(),
    });
    named.into_iter().collect()
}

fn unwrapped_stream(wrapped: &str) -> Vec<u8> {
    let mut unwrapper = Unwrapper::default();
    let mut out = Vec::new();
    unwrapper.push(wrapped.as_bytes(), &mut out);
    unwrapper.finish(&mut out);
    out
}

fn first_word<'a>(
    fixture: &Fixture,
    headers: &HeaderMap,
    chunks: impl IntoIterator<Item = &'a [u8]>,
) -> String {
    let now = fixture.now();
    let mut first = FirstEvent::new(fixture.asked());
    let last = chunks.into_iter().map(|chunk| first.feed(chunk, headers, now)).last();
    match last.unwrap_or(Look::Hold) {
        Look::Hold => format!("hold, then {}", told(&first.ended(headers, now), now)),
        Look::Content => "content".to_owned(),
        Look::Failed(outcome) => told(&outcome, now),
    }
}

/// Returns the agent that a header with this id names; of `a+b` the agent `b` of the session `a`.
fn key(id: &str) -> session::SessionKey {
    let (session, agent) = id.split_once('+').map_or((id, None), |(session, agent)| (session, Some(agent)));
    let header = |name, id: &str| (HeaderName::from_static(name), id.parse().expect("an id"));
    let agent = agent.map(|agent| header("x-claude-code-agent-id", agent));
    let headers = std::iter::once(header("x-claude-code-session-id", session)).chain(agent).collect();
    session::session(&headers, b"", WireFormat::OpenAi).expect("a session").agent
}

/// One file.
struct Fixture {
    name: String,
    meta: BTreeMap<String, String>,
    rest: String,
}

impl Fixture {
    fn read(path: &Path) -> Self {
        let name = path.file_name().expect("a file has a name").to_string_lossy().into_owned();
        let text = std::fs::read_to_string(path).expect("a fixture is text");
        let (meta, rest) = text.split_once("\n\n").unwrap_or_else(|| panic!("{name} has no blank line"));
        let meta = meta.lines().map(|line| pair(line, &name)).collect();
        Self { name, meta, rest: rest.to_owned() }
    }

    fn meta(&self, key: &str) -> &str {
        self.meta.get(key).unwrap_or_else(|| panic!("{} has no `{key}`", self.name))
    }

    fn format(&self) -> WireFormat {
        let name = self.meta("format");
        let found = WireFormat::ALL.into_iter().find(|format| format.name() == name);
        found.unwrap_or_else(|| panic!("{}: no format is called {name}", self.name))
    }

    /// The model is the one that `model` tells, where it matters.
    fn asked(&self) -> Asked<'_> {
        let model = self.meta.get("model").map_or("the-model", String::as_str);
        Asked { model, named: model, ..Asked::of(self.format()) }
    }

    fn now(&self) -> Now {
        let seconds: u64 = self.meta("now").parse().expect("`now` is Unix time in seconds");
        Now { mono: Millis(60_000), wall: UnixMillis(seconds * 1_000) }
    }

    /// Reads head and body. In the head `\n` ends lines; the body is every byte after the blank line, or
    /// nothing.
    fn message(&self) -> Message {
        let (head, body) = self.rest.split_once("\n\n").unwrap_or((self.rest.trim_end(), ""));
        let mut lines = head.lines();
        let start = lines.next().unwrap_or_default().to_owned();
        let headers = lines.map(|line| pair(line, &self.name)).map(|(name, value)| {
            let name: HeaderName = name.parse().expect("a header name");
            (name, HeaderValue::from_str(&value).expect("a header value"))
        });
        Message { start, headers: headers.collect(), body: body.to_owned() }
    }
}

/// A request or an answer.
struct Message {
    start: String,
    headers: HeaderMap,
    body: String,
}

impl Message {
    fn status(&self) -> StatusCode {
        let code = self.start.split(' ').nth(1).expect("a status line");
        code.parse().expect("a status code")
    }
}

fn pair(line: &str, name: &str) -> (String, String) {
    let (key, value) = line.split_once(':').unwrap_or_else(|| panic!("{name}: `{line}` is no pair"));
    (key.to_owned(), value.trim().to_owned())
}

/// Checks every fixture of a folder, and that there are as many as there should be.
fn each(folder: &str, at_least: usize, run: impl Fn(&Fixture) -> String) {
    let fixtures = fixtures(folder);
    assert!(fixtures.len() >= at_least, "only {} fixtures in {folder}", fixtures.len());
    let wrong: Vec<_> = fixtures.iter().filter_map(|fixture| difference(fixture, &run(fixture))).collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), fixtures.len(), wrong.join("\n"));
}

fn difference(fixture: &Fixture, found: &str) -> Option<String> {
    let expected = fixture.meta("expect");
    (found != expected).then(|| format!("{}\n  expected {expected}\n  found    {found}", fixture.name))
}

fn fixtures(folder: &str) -> Vec<Fixture> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(folder);
    let mut paths: Vec<_> =
        folder.read_dir().expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths.iter().map(|path| Fixture::read(path)).collect()
}

/// Tells evidence in one line.
fn told(evidence: &Evidence, now: Now) -> String {
    let until = || told_hint(evidence.until, now);
    let models = match &evidence.extent {
        Extent::Models(models) => format!(" of {models}"),
        Extent::Nothing | Extent::Usual | Extent::Pool | Extent::Account => String::new(),
    };
    let text = match &evidence.outcome {
        Outcome::Good => "good".to_owned(),
        Outcome::Limited(limited) => format!("limited {} {}", kind(*limited), until()),
        Outcome::Capacity => format!("capacity {}", until()),
        Outcome::ServerError => "server-error".to_owned(),
        Outcome::Unreachable(fault) => format!("unreachable {}", fault_name(*fault)),
        Outcome::Unauthorized => "unauthorized".to_owned(),
        Outcome::NeedsSignIn(SignIn::Revoked) => "sign-in revoked".to_owned(),
        Outcome::NeedsSignIn(SignIn::Disabled) => "sign-in disabled".to_owned(),
        Outcome::NeedsSignIn(SignIn::Verification { url }) => {
            format!("sign-in verification {}", url.as_deref().unwrap_or("-"))
        }
        Outcome::ProjectRefused => "project-refused".to_owned(),
        Outcome::PoolRefused => "pool-refused".to_owned(),
        Outcome::TokenOutage => "token-outage".to_owned(),
        Outcome::Unpaid => "unpaid".to_owned(),
        Outcome::Refused => "refused".to_owned(),
        Outcome::TooLarge => "too-large".to_owned(),
        Outcome::RequestFault => "request-fault".to_owned(),
    };
    text + &models
}

fn told_hint(hint: Hint, now: Now) -> String {
    match hint {
        Hint::Unknown => "unknown".to_owned(),
        Hint::Doubted { source, .. } => format!("doubted {}", source_of_hint(source)),
        Hint::Until { until, source } => {
            format!("+{}ms {}", until.since(now.mono).as_millis(), source_of_hint(source))
        }
    }
}

fn kind(kind: LimitKind) -> &'static str {
    match kind {
        LimitKind::Quota => "quota",
        LimitKind::Rate => "rate",
        LimitKind::Concurrency => "concurrency",
        LimitKind::Unknown => "unknown",
    }
}

fn fault_name(fault: NetworkFault) -> &'static str {
    match fault {
        NetworkFault::Connect => "connect",
        NetworkFault::Timeout => "timeout",
        NetworkFault::Reset => "reset",
        NetworkFault::Garbage => "garbage",
        NetworkFault::Local => "local",
    }
}

fn source_of_hint(source: HintSource) -> &'static str {
    match source {
        HintSource::RetryAfterMs => "retry-after-ms",
        HintSource::RetryAfter => "retry-after",
        HintSource::RetryInfo => "retry-info",
        HintSource::QuotaResetTimeStamp => "quota-reset-time-stamp",
        HintSource::QuotaResetDelay => "quota-reset-delay",
        HintSource::Provider => "provider",
        HintSource::Message => "message",
        HintSource::Rule => "rule",
    }
}

fn source_of_session(source: SessionSource) -> &'static str {
    match source {
        SessionSource::ClaudeCode => "claude-code",
        SessionSource::Codex => "codex",
        SessionSource::Affinity => "affinity",
        SessionSource::PromptCacheKey => "prompt-cache-key",
        SessionSource::UserId => "user-id",
        SessionSource::Conversation => "conversation",
        SessionSource::Opening => "opening",
        SessionSource::Launch => "launch",
    }
}
