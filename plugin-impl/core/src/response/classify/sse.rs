//! Splits a stream into server-sent events (WHATWG HTML section 9.2.6).

use memchr::memchr2;

/// One event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct SseEvent {
    /// The `event` field, empty if absent.
    pub(super) name: Vec<u8>,
    /// The `data` fields, with line feeds between them.
    pub(super) data: Vec<u8>,
}

/// The received part of the next event.
#[derive(Clone, Debug, Default)]
pub(super) struct Events {
    line: Vec<u8>,
    event: Option<SseEvent>,
    follows_cr: bool,
}

impl Events {
    /// Takes bytes up to the end of the next event; returns the event, and the bytes behind it.
    pub(super) fn take<'a>(&mut self, mut bytes: &'a [u8]) -> (Option<SseEvent>, &'a [u8]) {
        while let Some(&first) = bytes.first() {
            // CR, LF and CRLF all end a line; a CRLF may be split between two chunks.
            if std::mem::take(&mut self.follows_cr) && first == b'\n' {
                bytes = &bytes[1..];
                continue;
            }
            let Some(end) = memchr2(b'\n', b'\r', bytes) else {
                // The line goes on in the next chunk.
                self.line.extend_from_slice(bytes);
                break;
            };
            self.line.extend_from_slice(&bytes[..end]);
            self.follows_cr = bytes[end] == b'\r';
            bytes = &bytes[end + 1..];
            let event = self.end_line();
            if event.is_some() {
                return (event, bytes);
            }
        }
        (None, &[])
    }

    /// Returns the rest at the end of the stream. The standard drops the rest; but an error written by an
    /// upstream before it gave up is worth reading.
    pub(super) fn rest(&mut self) -> Option<SseEvent> {
        self.end_line().or_else(|| self.event.take())
    }

    /// Takes the completed line; returns the event if the line is its final blank line.
    fn end_line(&mut self) -> Option<SseEvent> {
        if self.line.is_empty() {
            return self.event.take();
        }
        if let Some(data) = field(&self.line, b"data") {
            let event = self.event.get_or_insert_default();
            if !event.data.is_empty() {
                event.data.push(b'\n');
            }
            event.data.extend_from_slice(data);
        } else if let Some(name) = field(&self.line, b"event") {
            self.event.get_or_insert_default().name = name.to_vec();
        }
        self.line.clear();
        None
    }
}

/// Returns the value of a line's field, without the optional leading space.
fn field<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let value = line.strip_prefix(name)?.strip_prefix(b":")?;
    Some(value.strip_prefix(b" ").unwrap_or(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(stream: &str) -> Vec<(String, String)> {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        let mut events = Events::default();
        let mut rest = stream.as_bytes();
        let mut all = Vec::new();
        while !rest.is_empty() {
            let (event, behind) = events.take(rest);
            all.extend(event);
            rest = behind;
        }
        all.extend(events.rest());
        all.into_iter().map(|event| (text(event.name), text(event.data))).collect()
    }

    fn check(stream: &str, expected: &[(&str, &str)]) {
        let found = events(stream);
        let found: Vec<_> = found.iter().map(|(name, data)| (&**name, &**data)).collect();
        assert_eq!(found, expected, "{stream:?}");
    }

    #[test]
    fn events_end_at_blank_lines_of_every_kind() {
        check("event: a\ndata: 1\n\ndata:2\n\n", &[("a", "1"), ("", "2")]);
        check("event: a\r\ndata: 1\r\n\r\ndata:2\r\n\r\n", &[("a", "1"), ("", "2")]);
        check("event: a\rdata: 1\r\rdata:2\r\r", &[("a", "1"), ("", "2")]);
        check("data: {\ndata: }\n\n", &[("", "{\n}")]);
    }

    #[test]
    fn comments_and_other_fields_are_no_events() {
        check(": ping\n\n: ping\n\nid: 7\nretry: 10\n\ndatabase: 1\n\n", &[]);
    }

    #[test]
    fn what_is_left_at_the_end_is_an_event() {
        check("data: 1\n\ndata: 2", &[("", "1"), ("", "2")]);
        check("data: 2\n", &[("", "2")]);
    }
}
