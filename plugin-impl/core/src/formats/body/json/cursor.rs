//! The cursor below the iterators: a position, and jumps over values.

use super::{Member, NotJson, Text, Value, quotes};

/// A position in the text.
#[derive(Clone, Debug)]
pub(super) struct Cursor<'a> {
    text: &'a [u8],
    at: usize,
    /// A string with a known end.
    known: JsonSpan,
    /// The longest string since the start of the current value.
    longest: JsonSpan,
}

/// The range of a string, quotes included.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct JsonSpan {
    start: usize,
    end: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0, known: JsonSpan::default(), longest: JsonSpan::default() }
    }

    /// Returns to the start of a value. The end of a megabyte of text is already known, so outer levels
    /// skip a second search.
    pub(super) fn again(value: &Value<'a>) -> Self {
        let text = &value.text[..value.end];
        Self { text, at: value.start, known: value.longest, longest: JsonSpan::default() }
    }

    /// Enters a container; returns whether there is a first item.
    pub(super) fn first(&mut self, open: u8, close: u8) -> Result<bool, NotJson> {
        let what = if open == b'{' { "expected an object" } else { "expected an array" };
        self.expect(open, what)?;
        if self.peek() != Some(close) {
            return Ok(true);
        }
        self.close()
    }

    /// Continues after an item; returns whether there is a next item.
    pub(super) fn another(&mut self, close: u8) -> Result<bool, NotJson> {
        if self.peek() == Some(close) {
            return self.close();
        }
        self.expect(b',', "expected a comma or the end of the container")?;
        Ok(true)
    }

    /// Leaves the outermost container; text after the container is an error.
    fn close(&mut self) -> Result<bool, NotJson> {
        self.at += 1;
        match self.peek() {
            None => Ok(false),
            Some(_) => Err(self.wrong("text after the end of the value")),
        }
    }

    pub(super) fn member(&mut self) -> Result<Member<'a>, NotJson> {
        if self.peek() != Some(b'"') {
            return Err(self.wrong("expected a key"));
        }
        let key = self.string()?;
        self.expect(b':', "expected a colon")?;
        Ok(Member { key, value: self.value()? })
    }

    pub(super) fn value(&mut self) -> Result<Value<'a>, NotJson> {
        let first = self.peek();
        let start = self.at;
        self.longest = JsonSpan::default();
        match first {
            Some(b'"') => drop(self.string()?),
            Some(b'{' | b'[') => self.container()?,
            Some(_) => self.scalar()?,
            None => return Err(self.wrong("the text ends where a value should be")),
        }
        Ok(Value { text: self.text, start, end: self.at, longest: self.longest })
    }

    /// Jumps over a string.
    fn string(&mut self) -> Result<Text<'a>, NotJson> {
        let start = self.at;
        self.at = if self.known.start == start && self.known.end > start {
            self.known.end
        } else if let Some(end) = quotes::closing(self.text, start + 1) {
            #[cfg(test)]
            stepped::note(end - start);
            end + 1
        } else {
            return Err(self.wrong("a string without an end"));
        };
        if self.at - start > self.longest.end - self.longest.start {
            self.longest = JsonSpan { start, end: self.at };
        }
        Ok(Text { quoted: &self.text[start..self.at] })
    }

    /// Jumps over an object or array by counting brackets outside of strings.
    fn container(&mut self) -> Result<(), NotJson> {
        let start = self.at;
        let mut depth = 0_usize;
        while let Some(&byte) = self.text.get(self.at) {
            if byte == b'"' {
                self.string()?;
                continue;
            }
            self.at += 1;
            match byte {
                b'{' | b'[' => depth += 1,
                b'}' | b']' if depth == 1 => return Ok(()),
                b'}' | b']' => depth -= 1,
                _ => {}
            }
        }
        Err(NotJson { offset: start, what: "a container without an end" })
    }

    fn scalar(&mut self) -> Result<(), NotJson> {
        let rest = &self.text[self.at..];
        let end = rest.iter().position(|&byte| ends_scalar(byte)).unwrap_or(rest.len());
        if !is_scalar(&rest[..end]) {
            return Err(self.wrong("expected a value"));
        }
        self.at += end;
        Ok(())
    }

    fn expect(&mut self, byte: u8, what: &'static str) -> Result<(), NotJson> {
        if self.peek() != Some(byte) {
            return Err(self.wrong(what));
        }
        self.at += 1;
        Ok(())
    }

    /// Moves to the next byte other than white space, and returns the byte.
    fn peek(&mut self) -> Option<u8> {
        while self.text.get(self.at).copied().is_some_and(is_blank) {
            self.at += 1;
        }
        self.text.get(self.at).copied()
    }

    const fn wrong(&self, what: &'static str) -> NotJson {
        NotJson { offset: self.at, what }
    }
}

/// White space: RFC 8259 section 2.
const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\r' | b'\t')
}

const fn ends_scalar(byte: u8) -> bool {
    is_blank(byte) || matches!(byte, b',' | b'}' | b']' | b':' | b'"')
}

fn is_scalar(text: &[u8]) -> bool {
    matches!(text, b"true" | b"false" | b"null") || is_number(text)
}

/// Numbers: RFC 8259 section 6.
pub(super) fn is_number(text: &[u8]) -> bool {
    let text = text.strip_prefix(b"-").unwrap_or(text);
    let (whole, text) = digits(text);
    if whole.is_empty() || (whole.len() > 1 && whole[0] == b'0') {
        return false;
    }
    fraction(text).and_then(exponent).is_some_and(<[u8]>::is_empty)
}

fn fraction(text: &[u8]) -> Option<&[u8]> {
    text.strip_prefix(b".").map_or(Some(text), some_digits)
}

fn exponent(text: &[u8]) -> Option<&[u8]> {
    let Some(text) = text.strip_prefix(b"e").or_else(|| text.strip_prefix(b"E")) else { return Some(text) };
    some_digits(text.strip_prefix(b"+").or_else(|| text.strip_prefix(b"-")).unwrap_or(text))
}

/// Returns the rest after one digit or more.
fn some_digits(text: &[u8]) -> Option<&[u8]> {
    let (found, rest) = digits(text);
    (!found.is_empty()).then_some(rest)
}

fn digits(text: &[u8]) -> (&[u8], &[u8]) {
    text.split_at(text.iter().take_while(|byte| byte.is_ascii_digit()).count())
}

/// The number of searched bytes of strings: the cost of reading a body.
#[cfg(test)]
pub(crate) mod stepped {
    use std::cell::Cell;

    thread_local! {
        static BYTES: Cell<usize> = const { Cell::new(0) };
    }

    pub(super) fn note(bytes: usize) {
        BYTES.set(BYTES.get() + bytes);
    }

    /// Returns the bytes that `act` looks at on this thread.
    pub(crate) fn by(act: impl FnOnce()) -> usize {
        let before = BYTES.get();
        act();
        BYTES.get() - before
    }
}
