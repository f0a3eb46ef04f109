//! Keep-alives: bytes for a streaming agent whose request waits in the queue.
//!
//! Each row was found by running that agent against a server that wrote the bytes for 330 s: the agent went on
//! waiting, and read the answer after them. Silence ended every agent's request at 300 s. An agent or a format
//! without a row is sent nothing. `docs/agents/hold.md` has the measurements.

use http::HeaderMap;
use serde_json::Value;

use crate::formats::agent::Agent;
use crate::formats::format::keep_alive::{KeepAliveAt, KeepAliveRow};
use crate::request::intent::{Intent, ModelPlace};

/// The keep-alive of one agent in one wire format.
#[derive(Clone, Copy, Debug)]
pub struct KeepAlive(&'static KeepAliveRow);

impl KeepAlive {
    /// Finds the row for a request.
    pub fn of(headers: &HeaderMap, intent: &Intent) -> Option<Self> {
        let agent = Agent::of(headers);
        let mut rows = intent.format.formats().iter().flat_map(|format| format.keep_alive);
        rows.find(|row| row.agents.contains(&agent) && is_at(row.at, intent)).map(Self)
    }

    /// Returns the keep-alive bytes, without meaning for the agent.
    pub const fn beat(self) -> &'static [u8] {
        self.0.beat
    }

    /// Returns the end of a stream that failed with `body`, an error in the wire format.
    pub fn failure(self, body: &[u8]) -> String {
        let body = serde_json::from_slice(body).unwrap_or(Value::Null);
        let message = body["error"]["message"].as_str().unwrap_or("the request failed");
        (self.0.failure)(&body, message)
    }
}

fn is_at(place: KeepAliveAt, intent: &Intent) -> bool {
    match place {
        KeepAliveAt::Resource(resource, id) => intent.resource() == (resource, id),
        KeepAliveAt::Action(wanted) => {
            matches!(&intent.model, ModelPlace::Path { action, .. } if action == wanted)
        }
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderValue, Method};

    use super::*;

    const PING: &[u8] = b"event: ping\ndata: {\"type\": \"ping\"}\n\n";
    const EVENT: &[u8] = b"event: keepalive\ndata: {\"type\":\"keepalive\",\"sequence_number\":0}\n\n";
    const COMMENT: &[u8] = b": keep-alive\n\n";
    const BLANK_LINE: &[u8] = b"\n";

    fn of(agent: &'static str, path: &str) -> Option<KeepAlive> {
        let headers = HeaderMap::from_iter([(http::header::USER_AGENT, HeaderValue::from_static(agent))]);
        let intent = Intent::read(&Method::POST, path, None, None);
        assert!(intent.is_some(), "{path}");
        KeepAlive::of(&headers, &intent?)
    }

    #[test]
    fn only_what_an_agent_was_seen_to_accept_is_sent() {
        let (messages, responses, chat) = ("/v1/messages", "/v1/responses", "/v1/chat/completions");
        let gemini = "/v1beta/models/gemini-3-flash:streamGenerateContent";
        for (agent, path, beat) in [
            ("claude-cli/2.1.332 (external, sdk-cli)", messages, Some(PING)),
            ("codex_exec/0.171.0", responses, Some(EVENT)),
            ("GeminiCLI/0.61.0/gemini-2.5-flash (linux; x64)", gemini, Some(BLANK_LINE)),
            ("GeminiCLI/0.61.0/gemini-2.5-flash (linux; x64)", "/v1beta/models/m:generateContent", None),
            ("opencode/1.18.33", messages, Some(PING)),
            ("opencode/1.18.33", chat, Some(COMMENT)),
            ("opencode/1.18.33", responses, None),
            ("opencode/1.18.33", gemini, None),
            ("claude-cli/2.1.332", "/v1/messages/count_tokens", None),
            ("claude-cli/2.1.332", chat, None),
            ("codex_exec/0.171.0", chat, None),
            ("Anthropic/Python 0.79.0", messages, None),
        ] {
            assert_eq!(of(agent, path).map(KeepAlive::beat), beat, "{agent} {path}");
        }
    }

    #[test]
    fn a_failure_is_told_as_the_agent_reads_it() {
        let body =
            br#"{"type":"error","error":{"type":"rate_limit_error","message":"of 2 accounts 2 limited"}}"#;
        for (agent, path, begins, code) in [
            ("claude-cli/2.1.332", "/v1/messages", "event: error\ndata: {", "\"rate_limit_error\""),
            ("codex_exec/0.171.0", "/v1/responses", "event: response.failed\ndata: {", "\"invalid_prompt\""),
            ("opencode/1.18.33", "/v1/chat/completions", "data: {\"error\"", "\"invalid_request_error\""),
            ("GeminiCLI/0.61.0", "/v1beta/models/m:streamGenerateContent", "{\"error\"", "400"),
        ] {
            let failure = of(agent, path).expect("a row").failure(body);
            assert!(failure.starts_with(begins) && failure.contains(code), "{failure}");
            assert!(failure.contains("of 2 accounts 2 limited"), "{failure}");
            let failure = of(agent, path).expect("a row").failure(b"<html>");
            assert!(failure.contains("the request failed"), "{failure}");
        }
    }
}
