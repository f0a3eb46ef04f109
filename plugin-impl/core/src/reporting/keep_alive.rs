//! Keep-alives: bytes for a streaming agent whose request waits in the queue.
//!
//! Each row was found by running that agent against a server that wrote the bytes for 330 s: the agent went on
//! waiting, and read the answer after them. Silence ended every agent's request at 300 s. An agent or a format
//! without a row is sent nothing. `docs/agents/hold.md` has the measurements.

use http::HeaderMap;
use serde_json::{Value, json};

use crate::formats::WireFormat;
use crate::formats::agent::Agent;
use crate::request::intent::{Intent, ModelPlace};

/// The keep-alive of one agent in one wire format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeepAlive {
    beat: &'static [u8],
    failure: Failure,
}

/// The form of a stream's failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Failure {
    /// The event `error` with the body of the error.
    ErrorEvent,
    /// The event `response.failed`.
    ResponseFailed,
    /// An unnamed event with an `error`.
    ErrorChunk,
    /// The JSON of an error, outside of any event.
    BareJson,
}

/// The event that Anthropic itself sends while a model is silent.
const PING: &[u8] = b"event: ping\ndata: {\"type\": \"ping\"}\n\n";
/// Codex counts events and no comments, and ignores an unknown type.
const EVENT: &[u8] = b"event: keepalive\ndata: {\"type\":\"keepalive\",\"sequence_number\":0}\n\n";
const COMMENT: &[u8] = b": keep-alive\n\n";
/// Gemini CLI skips white space before an event and reads anything else as a part of the event.
const BLANK_LINE: &[u8] = b"\n";

impl KeepAlive {
    /// Finds the row for a request.
    pub fn of(headers: &HeaderMap, intent: &Intent) -> Option<Self> {
        let row = |beat, failure| Some(Self { beat, failure });
        match (Agent::of(headers), intent.format, intent.resource()) {
            (Agent::ClaudeCode | Agent::Opencode, WireFormat::Anthropic, ("messages", None)) => {
                row(PING, Failure::ErrorEvent)
            }
            (Agent::Codex, WireFormat::OpenAi, ("responses", None)) => row(EVENT, Failure::ResponseFailed),
            // In its other formats opencode asks again for ever after such an error.
            (Agent::Opencode, WireFormat::OpenAi, ("chat", Some("completions"))) => {
                row(COMMENT, Failure::ErrorChunk)
            }
            (Agent::GeminiCli, WireFormat::Gemini, _) if streams(intent) => {
                row(BLANK_LINE, Failure::BareJson)
            }
            (_, _, _) => None,
        }
    }

    /// Returns the keep-alive bytes, without meaning for the agent.
    pub const fn beat(self) -> &'static [u8] {
        self.beat
    }

    /// Returns the end of a stream that failed with `body`, an error in the wire format.
    pub fn failure(self, body: &[u8]) -> String {
        let body = serde_json::from_slice(body).unwrap_or(Value::Null);
        let message = body["error"]["message"].as_str().unwrap_or("the request failed").to_owned();
        match self.failure {
            Failure::ErrorEvent => {
                let kind = body["error"]["type"].as_str().unwrap_or("api_error");
                let error = json!({"type": "error", "error": {"type": kind, "message": message}});
                format!("event: error\ndata: {error}\n\n")
            }
            // The one code that Codex neither tries again nor tells in words of its own.
            Failure::ResponseFailed => {
                let error = json!({"code": "invalid_prompt", "message": message});
                let response = json!({
                    "id": "resp_pointsman", "object": "response", "status": "failed", "output": [], "error": error,
                });
                let event = json!({"type": "response.failed", "sequence_number": 1, "response": response});
                format!("event: response.failed\ndata: {event}\n\n")
            }
            // Every other type opencode tries again.
            Failure::ErrorChunk => {
                let kind = "invalid_request_error";
                let error = json!({"error": {"message": message, "type": kind, "code": kind}});
                format!("data: {error}\n\n")
            }
            // Gemini CLI reads it where it is a piece by itself, and tries a 429 four times.
            Failure::BareJson => {
                let error = json!({"code": 400, "message": message, "status": "FAILED_PRECONDITION"});
                json!({"error": error}).to_string()
            }
        }
    }
}

fn streams(intent: &Intent) -> bool {
    matches!(&intent.model, ModelPlace::Path { action, .. } if action == "streamGenerateContent")
}

#[cfg(test)]
mod tests {
    use http::{HeaderValue, Method};

    use super::*;

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
