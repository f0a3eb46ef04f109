//! The chunks of a chat completion.

use crate::formats::body::json::Value;
use crate::formats::format::events::{Events, elements, says_more_than, speaks};

pub(super) const EVENTS: Events = Events {
    failures: &["error"],
    silent: &[],
    ends: &[],
    end_mark: Some("[DONE]"),
    typed: |_, _| None,
    chunk: &[("choices", |choices| elements(choices).any(is_in_choice))],
    wrapped: None,
    // The filter's results are Azure's.
    beside: &["usage", "prompt_filter_results"],
    answer: &["choices", "data", "results", "text", "total_tokens"],
};

fn is_in_choice(choice: Value<'_>) -> bool {
    choice.members().map_while(Result::ok).any(|member| {
        let value = member.value;
        if member.key.is("delta") || member.key.is("message") {
            return says_more_than(value, "role");
        }
        (member.key.is("finish_reason") || member.key.is("text")) && speaks(value)
    })
}
