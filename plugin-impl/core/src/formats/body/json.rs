//! A lazy JSON reader: steps through text by member or element.
//!
//! A [`Value`] is a range of the text; creating a value costs nothing. Nesting is counted, never recursed
//! into, so no input can exhaust the stack.

mod cursor;
mod quotes;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::ops::Range;

use memchr::memchr;

#[cfg(test)]
pub(crate) use self::cursor::stepped;
use self::cursor::{Cursor, JsonSpan};

/// An error: the text is not the expected JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not JSON at byte {offset}: {what}")]
pub struct NotJson {
    /// The place of the error, in bytes from the beginning of the body.
    pub offset: usize,
    /// The fault.
    pub what: &'static str,
}

/// Returns the members of the object in `text`.
pub fn members(text: &[u8]) -> JsonMembers<'_> {
    JsonMembers(Steps::new(Cursor::new(text)))
}

/// Returns the elements of the array in `text`.
pub fn elements(text: &[u8]) -> Elements<'_> {
    Elements(Steps::new(Cursor::new(text)))
}

/// One value, as a range of the text around it.
#[derive(Clone, Copy, Debug)]
pub struct Value<'a> {
    text: &'a [u8],
    start: usize,
    end: usize,
    /// The longest string inside the value, or the value's own string.
    longest: JsonSpan,
}

impl<'a> Value<'a> {
    /// Returns the bytes of the value, as written.
    pub fn bytes(self) -> &'a [u8] {
        &self.text[self.start..self.end]
    }

    /// Returns the value's range in the text.
    pub const fn range(self) -> Range<usize> {
        self.start..self.end
    }

    /// Returns the members of an object; otherwise a single error.
    pub fn members(self) -> JsonMembers<'a> {
        JsonMembers(Steps::new(self.cursor()))
    }

    /// Returns the elements of an array; otherwise a single error.
    pub fn elements(self) -> Elements<'a> {
        Elements(Steps::new(self.cursor()))
    }

    /// Returns the member `name` of an object.
    pub fn member(self, name: &str) -> Option<Self> {
        self.members().map_while(Result::ok).find(|member| member.key.is(name)).map(|member| member.value)
    }

    /// Returns the value of a boolean.
    pub fn flag(self) -> Option<bool> {
        match self.bytes() {
            b"true" => Some(true),
            b"false" => Some(false),
            _ => None,
        }
    }

    /// Returns the text of a string.
    ///
    /// # Errors
    /// The string has a broken escape, or is not UTF-8.
    pub fn text(self) -> Result<Option<Cow<'a, str>>, NotJson> {
        if !self.is_string() {
            return Ok(None);
        }
        let broken = NotJson { offset: self.start, what: "a string with a broken escape or encoding" };
        Text { quoted: self.bytes() }.read().map(Some).ok_or(broken)
    }

    /// Returns the text of a readable string.
    pub fn string(self) -> Option<Cow<'a, str>> {
        self.text().ok().flatten()
    }

    /// Returns whether the value is a string.
    pub fn is_string(self) -> bool {
        self.bytes().first() == Some(&b'"')
    }

    /// Returns whether the value is an object.
    pub fn is_object(self) -> bool {
        self.bytes().first() == Some(&b'{')
    }

    /// Returns whether the value is an array.
    pub fn is_array(self) -> bool {
        self.bytes().first() == Some(&b'[')
    }

    fn cursor(self) -> Cursor<'a> {
        Cursor::again(&self)
    }
}

/// One member of an object.
#[derive(Clone, Copy, Debug)]
pub struct Member<'a> {
    pub key: Text<'a>,
    pub value: Value<'a>,
}

/// A string as written, quotes and escapes included.
#[derive(Clone, Copy, Debug)]
pub struct Text<'a> {
    quoted: &'a [u8],
}

impl<'a> Text<'a> {
    /// Returns whether the string reads `name`.
    pub fn is(self, name: &str) -> bool {
        *self.name() == *name.as_bytes()
    }

    /// Returns the string with its escapes resolved, or none if an escape is broken.
    pub fn read(self) -> Option<Cow<'a, str>> {
        if memchr(b'\\', self.raw()).is_none() {
            return std::str::from_utf8(self.raw()).ok().map(Cow::Borrowed);
        }
        serde_json::from_slice(self.quoted).ok().map(Cow::Owned)
    }

    /// Returns the bytes of the string with its escapes resolved, in any encoding; empty if an escape is
    /// broken. For names: they are short.
    pub fn name(self) -> Cow<'a, [u8]> {
        if !self.raw().contains(&b'\\') {
            return Cow::Borrowed(self.raw());
        }
        Cow::Owned(self.read().unwrap_or_default().into_owned().into_bytes())
    }

    /// Returns the string as written, in quotes.
    pub const fn quoted(self) -> &'a [u8] {
        self.quoted
    }

    fn raw(self) -> &'a [u8] {
        &self.quoted[1..self.quoted.len() - 1]
    }
}

/// The members of an object, up to the first error.
#[derive(Clone, Debug)]
pub struct JsonMembers<'a>(Steps<'a>);

impl<'a> Iterator for JsonMembers<'a> {
    type Item = Result<Member<'a>, NotJson>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.step(b'{', b'}', Cursor::member)
    }
}

/// The elements of an array, up to the first error.
#[derive(Clone, Debug)]
pub struct Elements<'a>(Steps<'a>);

impl<'a> Iterator for Elements<'a> {
    type Item = Result<Value<'a>, NotJson>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.step(b'[', b']', Cursor::value)
    }
}

/// The common state of the two iterators: brackets, commas, and an end.
#[derive(Clone, Debug)]
struct Steps<'a> {
    cursor: Cursor<'a>,
    place: JsonPlace,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum JsonPlace {
    Before,
    Inside,
    Over,
}

impl<'a> Steps<'a> {
    const fn new(cursor: Cursor<'a>) -> Self {
        Self { cursor, place: JsonPlace::Before }
    }

    /// Reads the next item, the end, or an error; after the end or an error nothing follows.
    fn step<T>(
        &mut self,
        open: u8,
        close: u8,
        read: impl FnOnce(&mut Cursor<'a>) -> Result<T, NotJson>,
    ) -> Option<Result<T, NotJson>> {
        let item = match self.place {
            JsonPlace::Over => return None,
            JsonPlace::Before => self.cursor.first(open, close),
            JsonPlace::Inside => self.cursor.another(close),
        };
        let item = item.and_then(|more| if more { read(&mut self.cursor).map(Some) } else { Ok(None) });
        self.place = if matches!(item, Ok(Some(_))) { JsonPlace::Inside } else { JsonPlace::Over };
        item.transpose()
    }
}
