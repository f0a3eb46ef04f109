//! The events of a message.

use crate::formats::format::events::{Events, has_content, member, speaks};

pub(super) const EVENTS: Events = Events {
    failures: &["error"],
    silent: &["message_start", "content_block_start", "content_block_stop", "ping"],
    ends: &["message_stop"],
    end_mark: None,
    typed,
    chunk: &[],
    wrapped: None,
    beside: &[],
    answer: &["content", "completion", "input_tokens"],
};

fn typed(kind: &str, data: &[u8]) -> Option<bool> {
    match kind {
        "content_block_delta" => Some(has_content(data, "delta")),
        // It comes once with usage alone; with a reason it is the end.
        "message_delta" => {
            Some(member(data, "delta").and_then(|delta| delta.member("stop_reason")).is_none_or(speaks))
        }
        _ => None,
    }
}
