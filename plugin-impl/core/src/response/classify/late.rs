//! Errors behind the first output of a stream.

use http::HeaderMap;
use memchr::memmem;

use super::asked::Asked;
use super::event::{Look, look_at_event};
use super::sse::Events;
use crate::response::evidence::Evidence;
use crate::time::Now;

/// Returns what an error at the end of a stream proves. `tail` is the end of what came; it may begin inside of an
/// event.
pub fn last_words(asked: Asked<'_>, tail: &[u8], now: Now) -> Option<Evidence> {
    // Most streams end well, and this is asked of each.
    if memmem::find(tail, b"error").is_none() && memmem::find(tail, b"failed").is_none() {
        return None;
    }
    let mut events = Events::default();
    let (mut rest, mut last) = (tail, None);
    loop {
        let (event, behind) = events.take(rest);
        let Some(event) = event.or_else(|| events.rest()) else { return last };
        rest = behind;
        match look_at_event(asked, &event, &HeaderMap::new(), now) {
            Look::Failed(evidence) => last = Some(*evidence),
            Look::Hold | Look::Content => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::WireFormat;
    use crate::response::outcome::{LimitKind, Outcome};
    use crate::time::{Millis, UnixMillis};

    fn said(tail: &str) -> Option<Outcome> {
        let now = Now { mono: Millis(1_000), wall: UnixMillis(1_780_000_000_000) };
        last_words(Asked::of(WireFormat::Anthropic), tail.as_bytes(), now).map(|evidence| evidence.outcome)
    }

    #[test]
    fn an_error_at_the_end_is_read() {
        let overloaded =
            "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\"}}\n\n";
        assert_eq!(said(overloaded), Some(Outcome::Capacity));
        assert_eq!(said(&format!("xt\":\"cut\"}}\n\n{overloaded}data: [DONE]\n\n")), Some(Outcome::Capacity));
        let limited = "data: {\"error\":{\"code\":\"rate_limit_exceeded\"}}";
        assert_eq!(said(limited), Some(Outcome::Limited(LimitKind::Rate)));
    }

    #[test]
    fn text_about_errors_is_no_error() {
        let text = "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"delta\":{\"text\":\"error: it failed\"}}\n\n";
        assert_eq!(said(text), None);
        assert_eq!(said("data: {\"type\":\"message_stop\"}\n\n"), None);
        assert_eq!(said(""), None);
    }
}
