//! The events of a stream: which carry output, which are errors, and which end it.

use crate::formats::body::json::{self, Value};

/// The events of a format, and the members of its whole answers.
///
/// An event with a type is judged by the type, an event without one (a chunk) by its first known member.
#[derive(Debug)]
pub struct Events {
    /// Types of errors.
    pub failures: &'static [&'static str],
    /// Types without output.
    pub silent: &'static [&'static str],
    /// Types that end a stream. An end is output: an empty answer is an answer.
    pub ends: &'static [&'static str],
    /// The data behind the last event.
    pub end_mark: Option<&'static str>,
    /// Returns whether an event of a type carries output; none for a type of another format.
    pub typed: fn(&str, &[u8]) -> Option<bool>,
    /// Members of a chunk, each with the question whether its value is output.
    pub chunk: &'static [ChunkMember],
    /// The member with the chunk of another format, for envelopes.
    pub wrapped: Option<&'static str>,
    /// Members of a chunk that say nothing without others.
    pub beside: &'static [&'static str],
    /// Members of which a whole answer has at least one.
    pub answer: &'static [&'static str],
}

/// A member of a chunk, and the question whether its value is output.
pub type ChunkMember = (&'static str, fn(Value<'_>) -> bool);

/// Returns the first top-level member of an event's data with a name.
pub fn member<'a>(data: &'a [u8], name: &str) -> Option<Value<'a>> {
    let mut members = json::members(data).map_while(Result::ok);
    members.find(|member| member.key.is(name)).map(|member| member.value)
}

/// Returns whether a value has content.
pub fn speaks(value: Value<'_>) -> bool {
    !matches!(value.bytes(), b"null" | b"\"\"" | b"[]" | b"{}")
}

/// Returns whether the member of an event has content; an absent member is not known to be empty.
pub(in crate::formats) fn has_content(data: &[u8], name: &str) -> bool {
    member(data, name)
        .is_none_or(|value| if value.is_object() { says_more_than(value, "type") } else { speaks(value) })
}

/// Returns whether an object has a member with content besides the one that only describes it.
pub(in crate::formats) fn says_more_than(object: Value<'_>, label: &str) -> bool {
    let mut members = object.members().map_while(Result::ok);
    members.any(|member| !member.key.is(label) && speaks(member.value))
}

/// Returns the readable elements of an array.
pub(in crate::formats) fn elements(array: Value<'_>) -> impl Iterator<Item = Value<'_>> {
    array.elements().map_while(Result::ok)
}
