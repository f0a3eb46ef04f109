//! Removes the envelope from a stream of server-sent events, chunk by chunk.
//!
//! An event is buffered up to its blank line, because its data may span several `data:` lines (WHATWG HTML
//! section 9.2.6). Then the parts of those lines inside of the envelope are kept. Comments, line endings
//! and the rest of the event stay unchanged.

use std::ops::Range;

use memchr::memchr2;
use smallvec::SmallVec;

use super::content;

/// The longest buffered event; a longer event passes unchanged.
pub const MAX_HELD: usize = 16 * 1024 * 1024;

/// Removes the envelope from each event of a stream.
#[derive(Clone, Debug, Default)]
pub struct Unwrapper {
    held: Vec<u8>,
    /// The current event exceeds the buffer and passes unchanged.
    passing: bool,
    line: SseLine,
}

/// The state of the line in progress.
#[derive(Clone, Copy, Debug, Default)]
struct SseLine {
    has_text: bool,
    follows_cr: bool,
}

impl Unwrapper {
    /// Takes bytes of the upstream, and appends complete events to `out`.
    pub fn push(&mut self, mut chunk: &[u8], out: &mut Vec<u8>) {
        while let Some(at) = memchr2(b'\n', b'\r', chunk) {
            let (line, rest) = chunk.split_at(at + 1);
            self.take(line, out);
            if self.line.ends_event(line) {
                self.flush(out);
            }
            chunk = rest;
        }
        self.line.has_text |= !chunk.is_empty();
        self.take(chunk, out);
    }

    /// Takes the end of the stream, and appends the remaining bytes to `out`.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        self.flush(out);
    }

    fn take(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        let between = self.held.is_empty() && bytes == b"\n" && self.line.follows_cr;
        if self.passing || between {
            out.extend_from_slice(bytes);
        } else if self.held.len() + bytes.len() > MAX_HELD {
            self.passing = true;
            out.append(&mut self.held);
            out.extend_from_slice(bytes);
        } else {
            self.held.extend_from_slice(bytes);
        }
    }

    fn flush(&mut self, out: &mut Vec<u8>) {
        put_event(&self.held, out);
        self.held.clear();
        self.passing = false;
    }
}

impl SseLine {
    /// Adds a line with its end; returns whether the line was blank, the end of an event.
    ///
    /// A line feed after a carriage return belongs to the previous line.
    fn ends_event(&mut self, line: &[u8]) -> bool {
        let second_half = line == b"\n" && self.follows_cr && !self.has_text;
        let blank = line.len() == 1 && !self.has_text && !second_half;
        *self = Self { has_text: false, follows_cr: line.last() == Some(&b'\r') };
        blank
    }
}

/// Appends an event without its envelope, or unchanged if there is none.
fn put_event(event: &[u8], out: &mut Vec<u8>) {
    let payloads = payloads(event);
    let data = joined(event, &payloads);
    match content(&data) {
        Some(inside) => put_inside(event, &payloads, &inside, out),
        None => out.extend_from_slice(event),
    }
}

/// Ranges of an event, one per `data:` line.
type Payloads = SmallVec<[Range<usize>; 1]>;

fn payloads(event: &[u8]) -> Payloads {
    lines(event).filter_map(|line| payload(event, line)).collect()
}

/// Returns the ranges of the lines, without their ends.
fn lines(event: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let mut start = 0;
    std::iter::from_fn(move || {
        let rest = event.get(start..).filter(|rest| !rest.is_empty())?;
        let end = memchr2(b'\n', b'\r', rest).map_or(event.len(), |at| start + at);
        Some(std::mem::replace(&mut start, end + 1)..end)
    })
}

fn payload(event: &[u8], line: Range<usize>) -> Option<Range<usize>> {
    let data = event[line.clone()].strip_prefix(b"data:")?;
    let data = data.strip_prefix(b" ").unwrap_or(data);
    Some(line.end - data.len()..line.end)
}

/// Returns the data of the event: payloads joined by line feeds.
fn joined<'a>(event: &'a [u8], payloads: &Payloads) -> std::borrow::Cow<'a, [u8]> {
    match payloads.as_slice() {
        [] => b"".into(),
        [only] => event[only.clone()].into(),
        several => several.iter().map(|range| &event[range.clone()]).collect::<Vec<_>>().join(&b'\n').into(),
    }
}

/// Appends the part of each payload inside of `inside`, a range of the joined data. A `data:` line without
/// such a part is dropped; bytes between the lines stay.
fn put_inside(event: &[u8], payloads: &Payloads, inside: &Range<usize>, out: &mut Vec<u8>) {
    let mut copied = 0;
    let mut offset = 0;
    for payload in payloads {
        let kept = overlap(inside, offset..offset + payload.len());
        if kept.is_empty() {
            out.extend_from_slice(&event[copied..start_of_line(event, payload.start)]);
            copied = after_line(event, payload.end);
        } else {
            out.extend_from_slice(&event[copied..payload.start]);
            out.extend_from_slice(
                &event[payload.start + kept.start - offset..payload.start + kept.end - offset],
            );
            copied = payload.end;
        }
        offset += payload.len() + 1;
    }
    out.extend_from_slice(&event[copied..]);
}

fn overlap(one: &Range<usize>, other: Range<usize>) -> Range<usize> {
    one.start.max(other.start)..one.end.min(other.end)
}

fn start_of_line(event: &[u8], at: usize) -> usize {
    memchr::memrchr2(b'\n', b'\r', &event[..at]).map_or(0, |end| end + 1)
}

/// Returns the start of the next line; `end` is the end of the current line's text.
fn after_line(event: &[u8], end: usize) -> usize {
    let ending = if event[end..].starts_with(b"\r\n") { 2 } else { 1 };
    (end + ending).min(event.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn run(chunks: &[&[u8]]) -> Vec<u8> {
        let mut unwrapper = Unwrapper::default();
        let mut out = Vec::new();
        chunks.iter().for_each(|chunk| unwrapper.push(chunk, &mut out));
        unwrapper.finish(&mut out);
        out
    }

    fn check(stream: &str, expected: &str) {
        assert_eq!(String::from_utf8_lossy(&run(&[stream.as_bytes()])), expected);
    }

    #[test]
    fn the_envelope_goes_and_the_rest_stays() {
        check(
            ": hello\r\nid: 7\r\ndata: {\"response\": {\"a\":1} ,\"traceId\":\"t\"}\r\n\r\ndata: [DONE]\r\n\r\n",
            ": hello\r\nid: 7\r\ndata: {\"a\":1}\r\n\r\ndata: [DONE]\r\n\r\n",
        );
        check("data:{\"traceId\":\"t\",\"response\":{}}\n\n", "data:{}\n\n");
        check(
            "data: {\"response\":{\"a\":1}}\r\rdata: {\"error\":{}}\r\r",
            "data: {\"a\":1}\r\rdata: {\"error\":{}}\r\r",
        );
        check("database: {\"response\":{}}\n\n", "database: {\"response\":{}}\n\n");
    }

    #[test]
    fn an_event_over_several_lines_keeps_the_lines_of_its_inside() {
        check(
            "event: x\ndata: {\ndata:   \"response\": {\n: comment\ndata:     \"a\": 1\ndata:   },\ndata: \"traceId\": \"t\"\ndata: }\n\n",
            "event: x\ndata: {\n: comment\ndata:     \"a\": 1\ndata:   }\n\n",
        );
        check("data: {\r\ndata: \"response\":\r\ndata: {}\r\ndata: }\r\n\r\n", "data: {}\r\n\r\n");
    }

    #[test]
    fn the_last_event_needs_no_blank_line() {
        check("data: {\"response\":{\"a\":1}}", "data: {\"a\":1}");
        check("data: {\"response\":{\"a\":1", "data: {\"response\":{\"a\":1");
    }

    #[test]
    fn an_event_leaves_as_soon_as_it_is_complete() {
        let mut unwrapper = Unwrapper::default();
        let mut out = Vec::new();
        unwrapper.push(b"data: {\"response\":{\"a\":1}}\r\n\r", &mut out);
        assert_eq!(out, b"data: {\"a\":1}\r\n\r");
        unwrapper.push(b"\n", &mut out);
        assert_eq!(out, b"data: {\"a\":1}\r\n\r\n", "half of a line end is not held until the next event");
    }

    #[test]
    fn an_event_that_is_too_long_passes_as_it_is() {
        let long = format!("data: {{\"response\":{{\"a\":\"{}\"}}}}\n", "x".repeat(MAX_HELD));
        let stream = format!("{long}\ndata: {{\"response\":{{\"b\":2}}}}\n\n");
        let out = run(&[stream.as_bytes()]);
        assert_eq!(out.len(), long.len() + "\ndata: {\"b\":2}\n\n".len());
        assert!(out.starts_with(long.as_bytes()) && out.ends_with(b"\n\ndata: {\"b\":2}\n\n"));
        let split: Vec<_> = stream.as_bytes().chunks(100_003).collect();
        assert_eq!(run(&split), out);
    }

    /// Pieces of streams, put together at random.
    fn stream() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop::sample::select(vec![
            "data: {\"response\":{\"text\":\"a\\n\\\"b\\\"\"},\"traceId\":\"t\"}",
            "data: {\"error\":{\"code\":429}}",
            "data: {",
            "data: \"response\" : {\"a\": [1,",
            "data:2]}",
            "data: }",
            ": keep-alive",
            "event: x",
            "data",
            "\n",
            "\n\n",
            "\r\n",
            "\r\n\r\n",
            "\r",
            "{\"response\":{}}",
            "é",
        ]);
        prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat().into_bytes())
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same_output(stream in stream(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12)) {
            let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
            cuts.extend([0, stream.len()]);
            cuts.sort_unstable();
            let chunks: Vec<_> = cuts.windows(2).map(|pair| &stream[pair[0]..pair[1]]).collect();
            let bytes: Vec<_> = stream.chunks(1).collect();
            let whole = run(&[&stream]);
            prop_assert_eq!(&run(&chunks), &whole);
            prop_assert_eq!(&run(&bytes), &whole);
        }

        #[test]
        fn a_stream_without_envelopes_is_not_touched(stream in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(run(&[&stream]), stream);
        }
    }
}
