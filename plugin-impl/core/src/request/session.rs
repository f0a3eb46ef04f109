//! Which conversation a request belongs to.
//!
//! A session keeps its account, because that is where its prompt is cached. Agents say who they are in
//! different places; headers are asked first, since they cost no look at the body. An agent that says
//! nothing is known by how its conversation begins, which every later turn repeats.
//!
//! The key is a hash of the id alone, not of where it was found: agents send one id in several places,
//! and a turn that is repeated in another form has to find the same account.

mod opening;

use std::borrow::Cow;

use http::header::{HeaderMap, HeaderName, USER_AGENT};

use crate::formats::body::{self, Peek, Wanted};
use crate::formats::format::WireFormat;
use crate::request::fnv::Fnv;

use self::opening::Opening;

/// A session as the affinity map knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionKey(pub u64);

impl SessionKey {
    fn of(id: &[u8]) -> Self {
        Self(Fnv::default().and(id).0)
    }
}

/// A session, its parent where an agent told it, and where its id was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    pub id: SessionKey,
    /// The session that started this one as a subagent.
    pub parent: Option<SessionKey>,
    pub source: SessionSource,
}

/// Where the id of a session was found, in the order in which the places are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SessionSource {
    /// The header `x-claude-code-session-id`.
    ClaudeCode,
    /// The headers `session-id`, `session_id` or `thread-id` (Codex).
    Codex,
    /// The headers `x-session-affinity` or `x-session-id` (opencode).
    Affinity,
    /// The header `x-client-request-id`, where Codex sends it.
    ClientRequest,
    /// The member `prompt_cache_key` of the body (OpenAI).
    PromptCacheKey,
    /// The session part of the member `metadata.user_id` (Anthropic).
    UserId,
    /// The members `conversation_id` or `thread_id` of the body.
    Conversation,
    /// How the conversation begins: system prompt and first user turn.
    Opening,
}

/// Headers that hold the id of a session, best first.
static HEADERS: [(HeaderName, SessionSource); 6] = [
    (HeaderName::from_static("x-claude-code-session-id"), SessionSource::ClaudeCode),
    (HeaderName::from_static("session-id"), SessionSource::Codex),
    (HeaderName::from_static("session_id"), SessionSource::Codex),
    (HeaderName::from_static("thread-id"), SessionSource::Codex),
    (HeaderName::from_static("x-session-affinity"), SessionSource::Affinity),
    (HeaderName::from_static("x-session-id"), SessionSource::Affinity),
];
const PARENT: HeaderName = HeaderName::from_static("x-parent-session-id");
const CLIENT_REQUEST: HeaderName = HeaderName::from_static("x-client-request-id");
/// Codex sends it, and nobody else.
const ORIGINATOR: HeaderName = HeaderName::from_static("originator");

/// Returns the session of a request, or nothing where there is nothing to tell it by.
pub fn session(headers: &HeaderMap, body: &[u8], format: WireFormat) -> Option<Session> {
    let (id, source) = in_headers(headers).or_else(|| in_body(body, format))?;
    let parent = id_header(headers, &PARENT).map(SessionKey::of);
    Some(Session { id, parent, source })
}

/// Says whether a request is of a session that another one started.
pub fn is_subagents(headers: &HeaderMap) -> bool {
    id_header(headers, &PARENT).is_some()
}

type Found = (SessionKey, SessionSource);

fn in_headers(headers: &HeaderMap) -> Option<Found> {
    let mut named = HEADERS.iter().filter_map(|(name, source)| Some((id_header(headers, name)?, *source)));
    named.next().or_else(|| client_request(headers)).map(|(id, source)| (SessionKey::of(id), source))
}

/// Codex repeats its session here. Other clients use the header as it is named: for each request
/// another id, which would make a session of every request.
fn client_request(headers: &HeaderMap) -> Option<(&[u8], SessionSource)> {
    let id = id_header(headers, &CLIENT_REQUEST)?;
    let agent = headers.get(USER_AGENT).map(|agent| agent.as_bytes().to_ascii_lowercase());
    let codex = headers.contains_key(ORIGINATOR) || agent.is_some_and(|agent| agent.starts_with(b"codex"));
    codex.then_some((id, SessionSource::ClientRequest))
}

fn id_header<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a [u8]> {
    headers.get(name).map(|value| value.as_bytes().trim_ascii()).filter(|id| !id.is_empty())
}

/// Returns an id from the members that are made for one, or a hash of how the conversation begins.
///
/// The ids may stand behind megabytes of messages, so an agent without a header costs one pass over the
/// body; what the conversation begins with is noted on the way.
fn in_body(body: &[u8], format: WireFormat) -> Option<Found> {
    let wanted =
        Wanted::PROMPT_CACHE_KEY.and(Wanted::USER_ID).and(Wanted::CONVERSATION_ID).and(Wanted::THREAD_ID);
    let mut opening = Opening::new(format);
    let found = body::peek_and_show(body, wanted, |member| opening.note(member));
    let id = found.ok().and_then(|found| named(&found));
    id.or_else(|| Some((SessionKey(opening.hash()?), SessionSource::Opening)))
}

fn named(found: &Peek<'_>) -> Option<Found> {
    let user = found.user_id.as_deref().and_then(session_of_user);
    [
        (found.prompt_cache_key.as_deref(), SessionSource::PromptCacheKey),
        (user.as_deref(), SessionSource::UserId),
        (found.conversation_id.as_deref(), SessionSource::Conversation),
        (found.thread_id.as_deref(), SessionSource::Conversation),
    ]
    .into_iter()
    .find_map(|(id, source)| Some((id.filter(|id| !id.trim().is_empty())?, source)))
    .map(|(id, source)| (SessionKey::of(id.trim().as_bytes()), source))
}

/// Returns the session part of a `user_id`: a JSON object with `session_id`, or `…_session_<uuid>`.
///
/// Without such a part it is a person, who may have many sessions.
fn session_of_user(user: &str) -> Option<Cow<'_, str>> {
    let id = match body::text_field(user.as_bytes(), "session_id") {
        Ok(id) => id?,
        Err(_) => user.rsplit_once("_session_")?.1.into(),
    };
    (!id.is_empty()).then_some(id)
}

#[cfg(test)]
mod tests {
    use crate::formats::body::json::stepped;

    use super::*;

    const BODY: &[u8] = br#"{"model":"m","conversation_id":"c","thread_id":"t",
        "metadata":{"user_id":"user_ab_account__session_u"},"prompt_cache_key":"p",
        "messages":[{"role":"user","content":"hello"}]}"#;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|&(name, value)| (name.parse().expect("a name"), value.parse().expect("a value")))
            .collect()
    }

    fn check(pairs: &[(&'static str, &'static str)], body: &[u8], id: &str, source: SessionSource) {
        let found = session(&headers(pairs), body, WireFormat::OpenAi).expect("a session");
        assert_eq!((found.id, found.source), (SessionKey::of(id.as_bytes()), source), "{pairs:?}");
    }

    #[test]
    fn places_are_looked_at_in_their_order() {
        use SessionSource::{Affinity, ClaudeCode, ClientRequest, Codex, PromptCacheKey};

        let mut all = vec![
            ("user-agent", "codex_cli_rs/0.1"),
            ("x-client-request-id", "r"),
            ("x-session-id", "o2"),
            ("x-session-affinity", "o1"),
            ("thread-id", "x3"),
            ("session_id", "x2"),
            ("session-id", "x1"),
            ("x-claude-code-session-id", "cc"),
        ];
        let expected = [
            ("cc", ClaudeCode),
            ("x1", Codex),
            ("x2", Codex),
            ("x3", Codex),
            ("o1", Affinity),
            ("o2", Affinity),
            ("r", ClientRequest),
            ("p", PromptCacheKey),
        ];
        for (id, source) in expected {
            check(&all, BODY, id, source);
            all.pop();
        }
    }

    #[test]
    fn ids_of_the_body_come_in_their_order() {
        check(
            &[],
            br#"{"thread_id":"t","conversation_id":"c","metadata":{"user_id":"x_session_u"}}"#,
            "u",
            SessionSource::UserId,
        );
        check(&[], br#"{"thread_id":"t","conversation_id":"c"}"#, "c", SessionSource::Conversation);
        check(
            &[],
            br#"{"thread_id":"t","metadata":{"user_id":"a person"}}"#,
            "t",
            SessionSource::Conversation,
        );
    }

    #[test]
    fn both_forms_of_a_user_id_name_the_session() {
        let old = br#"{"metadata":{"user_id":"user_0f_account_1a-2b_session_3c-4d"}}"#;
        let new = br#"{"metadata":{"user_id":"{\"device_id\":\"0f\",\"account_uuid\":\"1a\",\"session_id\":\"3c-4d\"}"}}"#;
        check(&[], old, "3c-4d", SessionSource::UserId);
        check(&[], new, "3c-4d", SessionSource::UserId);
        for person in ["somebody", " ", "{}", "{\\\"session_id\\\":7}", "x_session_", ""] {
            let body = format!(r#"{{"metadata":{{"user_id":"{person}"}}}}"#);
            assert_eq!(session(&HeaderMap::new(), body.as_bytes(), WireFormat::Anthropic), None, "{person}");
        }
    }

    #[test]
    fn one_id_is_one_session_wherever_it_was_found() {
        let by_header =
            session(&headers(&[("session-id", " s ")]), b"", WireFormat::OpenAi).expect("a session");
        let by_body = session(&HeaderMap::new(), br#"{"prompt_cache_key":"s"}"#, WireFormat::OpenAi);
        assert_eq!(Some(by_header.id), by_body.map(|session| session.id));
    }

    #[test]
    fn a_parent_is_the_session_that_it_was() {
        let child = session(
            &headers(&[("x-session-id", "b"), ("x-parent-session-id", "a")]),
            b"",
            WireFormat::OpenAi,
        );
        let parent = session(&headers(&[("x-session-affinity", "a")]), b"", WireFormat::OpenAi);
        assert_eq!(child.and_then(|child| child.parent), parent.map(|parent| parent.id));
        assert!(is_subagents(&headers(&[("x-parent-session-id", "a")])));
        assert!(!is_subagents(&headers(&[("x-session-id", "a"), ("x-parent-session-id", "")])));
    }

    #[test]
    fn a_request_id_of_another_client_is_no_session() {
        let found = session(&headers(&[("x-client-request-id", "r")]), b"{}", WireFormat::Anthropic);
        assert_eq!(found, None);
        check(
            &[("x-client-request-id", "r"), ("originator", "codex_cli_rs")],
            b"{}",
            "r",
            SessionSource::ClientRequest,
        );
    }

    /// A long body is what an agent sends most; to look through it again and again was the greatest part of
    /// what a peer did.
    #[test]
    fn a_long_body_is_looked_through_once() {
        let turn =
            |role: &str| format!(r#"{{"role":"{role}","content":"{}"}}"#, r#"say \"pong\"\n"#.repeat(128));
        let turns: Vec<_> = ["user", "assistant"].iter().cycle().take(128).map(|role| turn(role)).collect();
        let many = turns.join(",");
        let one = format!(r#"{{"role":"user","content":"{}"}}"#, r#"say \"pong\"\n"#.repeat(16_384));
        for turns in [many, one] {
            let body = format!(r#"{{"model":"m","messages":[{turns}]}}"#);
            assert!(body.len() > 200_000);
            let named = headers(&[("session-id", "s")]);
            let looked = |headers: &HeaderMap| {
                stepped::by(|| _ = session(headers, body.as_bytes(), WireFormat::Anthropic))
            };
            assert_eq!(looked(&named), 0);
            let unnamed = looked(&HeaderMap::new());
            assert!(unnamed < body.len() + 16 * 1_024, "{unnamed} bytes of {}", body.len());
            assert!(stepped::by(|| drop(body::model(body.as_bytes()))) < 16);
        }
    }

    #[test]
    fn an_empty_header_says_nothing() {
        check(&[("session-id", " "), ("x-session-id", "o")], BODY, "o", SessionSource::Affinity);
    }
}
