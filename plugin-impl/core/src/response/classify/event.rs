//! The first event of a stream, held until its meaning is known.
//!
//! An overloaded upstream may report the overload inside a 200. After the first delivered byte no retry is
//! possible, so the beginning of a stream is held until its first meaningful event: an error is classified
//! like any other, content is delivered together with the held bytes. Handshake events come before either
//! and are held, within bounds.
//!
//! [`FirstEvent`] changes no bytes and keeps none for the caller: the caller holds and delivers the bytes.

use std::borrow::Cow;

use http::HeaderMap;
use memchr::memchr;

use super::asked::Asked;
use super::error;
use super::nesting::{Mark, Nesting};
use super::output;
use super::reply::Reply;
use super::sse::{Events, SseEvent};
use crate::response::evidence::Evidence;
use crate::response::outcome::Outcome;
use crate::time::Now;

/// The most handshake events held; a stream with more is delivered.
pub const MAX_HELD_EVENTS: u8 = 16;

/// The most bytes held.
pub const MAX_HELD_BYTES: usize = 64 * 1024;

/// The treatment of the stream so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// Nothing meaningful yet: hold.
    Hold,
    /// An answer: deliver everything.
    Content,
    /// An error, and no byte was delivered.
    Failed(Box<Evidence>),
}

/// Looks at the beginning of a stream. After [`Look::Content`] or [`Look::Failed`] the look is final and
/// repeats.
#[derive(Clone, Debug)]
pub struct FirstEvent<'a> {
    asked: Asked<'a>,
    shape: EventShape,
    held_bytes: usize,
    held_events: u8,
    decided: Option<Look>,
}

/// The kind of stream, as far as the first byte tells.
#[derive(Clone, Debug)]
enum EventShape {
    Unknown,
    /// An HTML page.
    Page,
    Events(Events),
    /// One JSON value.
    Json(Object),
    /// An array of them (Gemini without `alt=sse`): its first object.
    List(Object),
}

impl<'a> FirstEvent<'a> {
    /// Begins a stream before its first byte.
    pub const fn new(asked: Asked<'a>) -> Self {
        Self { asked, shape: EventShape::Unknown, held_bytes: 0, held_events: 0, decided: None }
    }

    /// Takes the next bytes of the stream. `headers` belong to the stream's head and may hold hints.
    pub fn feed(&mut self, chunk: &[u8], headers: &HeaderMap, now: Now) -> Look {
        if let Some(look) = &self.decided {
            return look.clone();
        }
        let look = self.look(chunk, headers, now);
        self.held_bytes += chunk.len();
        let full = self.held_bytes > MAX_HELD_BYTES || self.held_events > MAX_HELD_EVENTS;
        let look = if look == Look::Hold && full { Look::Content } else { look };
        self.decided = (look != Look::Hold).then(|| look.clone());
        look
    }

    /// Takes a complete answer. An object without a mention of errors is content, and is not searched for
    /// its end.
    pub fn feed_all(&mut self, answer: &[u8], headers: &HeaderMap, now: Now) -> Look {
        let text = answer.trim_ascii();
        let is_object = text.starts_with(b"{") && text.ends_with(b"}");
        if self.decided.is_some() || !is_object || error::speaks_of_errors(text) {
            return self.feed(answer, headers, now);
        }
        let look = look_at_answer(answer);
        self.decided = Some(look.clone());
        look
    }

    /// Takes the end of the stream: a stream without a meaningful event has failed.
    pub fn ended(mut self, headers: &HeaderMap, now: Now) -> Evidence {
        let rest = match &mut self.shape {
            EventShape::Events(events) => events.rest(),
            EventShape::Unknown | EventShape::Page | EventShape::Json(_) | EventShape::List(_) => None,
        };
        let look = rest.map(|event| look_at_event(self.asked, &event, headers, now));
        match self.decided.or(look).unwrap_or(Look::Hold) {
            Look::Hold => super::no_answer(),
            Look::Content => Evidence::of(Outcome::Good),
            Look::Failed(evidence) => *evidence,
        }
    }

    fn look(&mut self, chunk: &[u8], headers: &HeaderMap, now: Now) -> Look {
        let chunk = if matches!(self.shape, EventShape::Unknown) { self.begin(chunk) } else { chunk };
        match &mut self.shape {
            EventShape::Unknown => Look::Hold,
            EventShape::Page => Look::Failed(Box::new(super::no_answer())),
            EventShape::Json(object) => match object.take(chunk) {
                Some(object) if error::is_error(&object) => failed(self.asked, &object, headers, now),
                Some(object) => look_at_answer(&object),
                None => Look::Hold,
            },
            EventShape::List(object) => match object.take(chunk) {
                Some(object) if error::is_error(&object) => failed(self.asked, &object, headers, now),
                Some(_) => Look::Content,
                None => Look::Hold,
            },
            EventShape::Events(_) => self.events(chunk, headers, now),
        }
    }

    /// Tells the shape by the first byte other than a space; returns the bytes from there. A byte order
    /// mark is skipped (WHATWG HTML section 9.2.5).
    fn begin<'c>(&mut self, chunk: &'c [u8]) -> &'c [u8] {
        let skipped = |byte: &u8| byte.is_ascii_whitespace() || b"\xef\xbb\xbf".contains(byte);
        let chunk = &chunk[chunk.iter().take_while(|byte| skipped(byte)).count()..];
        self.shape = match chunk.first() {
            None => EventShape::Unknown,
            Some(b'<') => EventShape::Page,
            Some(b'{') => EventShape::Json(Object::default()),
            Some(b'[') => EventShape::List(Object::default()),
            Some(_) => EventShape::Events(Events::default()),
        };
        chunk
    }

    fn events(&mut self, mut rest: &[u8], headers: &HeaderMap, now: Now) -> Look {
        while let EventShape::Events(events) = &mut self.shape {
            let (Some(event), behind) = events.take(rest) else { break };
            rest = behind;
            self.held_events = self.held_events.saturating_add(1);
            let look = look_at_event(self.asked, &event, headers, now);
            if look != Look::Hold {
                return look;
            }
        }
        Look::Hold
    }
}

pub(super) fn look_at_event(asked: Asked<'_>, event: &SseEvent, headers: &HeaderMap, now: Now) -> Look {
    let kind = output::kind(&event.data);
    if event.data.is_empty() {
        Look::Hold
    } else if output::is_failure(&event.name, kind.as_deref()) || error::is_error(&event.data) {
        failed(asked, &event.data, headers, now)
    } else if output::is_in_event(&event.name, &event.data) {
        Look::Content
    } else {
        Look::Hold
    }
}

/// Looks at a whole answer that is no error.
fn look_at_answer(answer: &[u8]) -> Look {
    if output::is_answer(answer) { Look::Content } else { Look::Failed(Box::new(super::no_answer())) }
}

fn failed(asked: Asked<'_>, json: &[u8], headers: &HeaderMap, now: Now) -> Look {
    Look::Failed(Box::new(Reply::new(asked, headers, json, now).judge_by_itself()))
}

/// The first object of a text, as far as received.
#[derive(Clone, Debug, Default)]
struct Object {
    bytes: Vec<u8>,
    nesting: Nesting,
}

impl Object {
    /// Takes bytes; returns the completed object.
    fn take<'a>(&mut self, chunk: &'a [u8]) -> Option<Cow<'a, [u8]>> {
        let begins = if self.bytes.is_empty() { memchr(b'{', chunk)? } else { 0 };
        let chunk = &chunk[begins..];
        let Some(end) = self.end(chunk) else {
            self.bytes.extend_from_slice(chunk);
            return None;
        };
        if self.bytes.is_empty() {
            return Some(Cow::Borrowed(&chunk[..end]));
        }
        self.bytes.extend_from_slice(&chunk[..end]);
        Some(Cow::Owned(std::mem::take(&mut self.bytes)))
    }

    /// Returns the end of the object, if in this chunk.
    fn end(&mut self, chunk: &[u8]) -> Option<usize> {
        let mut at = 0;
        while let Some((behind, mark)) = self.nesting.next(chunk, at) {
            if mark == Mark::Close && self.nesting.depth() == 0 {
                return Some(behind);
            }
            at = behind;
        }
        None
    }
}

#[cfg(test)]
mod tests;
