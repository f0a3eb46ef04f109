//! The events of a response.

use crate::formats::format::events::{Events, has_content};

pub(super) const EVENTS: Events = Events {
    failures: &["error", "response.failed", "response.error"],
    // Events of Codex and of proxies.
    silent: &["keepalive", "codex.rate_limits", "codex.response.metadata"],
    ends: &["response.completed", "response.incomplete"],
    end_mark: None,
    typed,
    chunk: &[],
    wrapped: None,
    beside: &[],
    answer: &["output", "input_tokens"],
};

/// The last word of the names of events without output.
const STAGES: [&str; 7] =
    ["created", "queued", "in_progress", "added", "searching", "interpreting", "generating"];

fn typed(kind: &str, data: &[u8]) -> Option<bool> {
    let stage = kind.strip_prefix("response.").and_then(|kind| kind.rsplit('.').next());
    if stage.is_some_and(|stage| STAGES.contains(&stage)) {
        Some(false)
    } else if kind.ends_with(".delta") {
        Some(has_content(data, "delta"))
    } else {
        kind.starts_with("response.").then_some(true)
    }
}
