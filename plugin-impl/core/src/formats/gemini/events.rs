//! The chunks of a generated content.

use crate::formats::body::json::Value;
use crate::formats::format::events::{Events, elements, says_more_than, speaks};

pub(super) const EVENTS: Events = Events {
    failures: &["error"],
    silent: &[],
    ends: &[],
    end_mark: None,
    typed: |_, _| None,
    chunk: &[
        ("candidates", |candidates| elements(candidates).any(is_in_candidate)),
        ("promptFeedback", speaks),
    ],
    wrapped: None,
    beside: &["usageMetadata", "modelVersion"],
    answer: &[
        "candidates",
        "promptFeedback",
        "totalTokens",
        "embedding",
        "embeddings",
        "predictions",
        "answer",
        "steps",
        "name",
    ],
};

fn is_in_candidate(candidate: Value<'_>) -> bool {
    candidate.members().map_while(Result::ok).any(|member| {
        if member.key.is("content") {
            let parts = member.value.member("parts");
            return parts.is_some_and(|parts| elements(parts).any(|part| says_more_than(part, "thought")));
        }
        member.key.is("finishReason") && speaks(member.value)
    })
}
