//! What an answer made.
//!
//! An answer comes in pieces that are cut anywhere, and nobody waits for its end. A scout therefore reads
//! it byte by byte, as a row of JSON strings with something between them: that is the same for a JSON
//! body and for the `data` lines of an event stream. Most of the bytes are jumped over, and what is kept
//! from one piece to the next is the beginning of one string.

use memchr::{memchr, memchr3};

use crate::format::WireFormat;
use crate::intent::Intent;

use super::{BondKey, Kind, MAX_ID, Mark};

const OF_RESPONSES: [Mark; 3] = [
    Mark::new("\"id\"", Kind::Response).begins("resp_"),
    Mark::new("\"id\"", Kind::Conversation).begins("conv_"),
    Mark::new("\"encrypted_content\"", Kind::Reasoning),
];
/// `file-…` at OpenAI, `file_…` at Anthropic.
const OF_FILES: [Mark; 1] = [Mark::new("\"id\"", Kind::File).begins("file")];
/// Code that runs can make files.
const OF_MESSAGES: [Mark; 2] = [
    Mark::new("\"id\"", Kind::Container).begins("container_"),
    Mark::new("\"file_id\"", Kind::File).begins("file"),
];
const OF_CACHES: [Mark; 1] = [Mark::new("\"name\"", Kind::Cache).begins("cachedContents/")];
const OF_UPLOADS: [Mark; 1] = [Mark::new("\"name\"", Kind::File).begins("files/")];

/// One more than the longest name above, so that a longer one is told from it.
const MAX_NAME: usize = "encrypted_content".len() + 1;

/// Finds what an answer made, from its bytes piece by piece.
///
/// Text of a model that looks like JSON is inside of a string, and does not count.
#[derive(Clone, Debug)]
pub struct Scout {
    marks: &'static [Mark],
    expects: Expects,
    place: Place,
    text: Text,
}

/// What would make the next string a thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expects {
    /// Nothing yet: it can be a name.
    Name,
    /// A colon, since the last string was this name.
    Colon(&'static [u8]),
    /// Its value.
    Value(&'static [u8]),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Between,
    Inside,
    /// Inside, behind a backslash.
    Escaped,
}

impl Scout {
    /// Returns a scout for the answer to such a request, or none where it makes nothing.
    pub fn new(intent: &Intent) -> Option<Self> {
        let marks = marks(intent)?;
        Some(Self { marks, expects: Expects::Name, place: Place::Between, text: Text::default() })
    }

    /// Takes the next piece, and tells what was found.
    pub fn push(&mut self, bytes: &[u8], mut found: impl FnMut(BondKey)) {
        let mut rest = bytes;
        while !rest.is_empty() {
            rest = match self.place {
                Place::Between => self.between(rest),
                Place::Inside => self.inside(rest, &mut found),
                Place::Escaped => self.escaped(rest),
            };
        }
    }

    /// Takes what is up to the next string.
    fn between<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        if self.expects == Expects::Name {
            let Some(quote) = memchr(b'"', bytes) else { return &[] };
            self.open();
            return &bytes[quote + 1..];
        }
        match (bytes[0], self.expects) {
            (b' ' | b'\t' | b'\n' | b'\r', _) => {}
            (b':', Expects::Colon(name)) => self.expects = Expects::Value(name),
            (b'"', Expects::Value(_)) => self.open(),
            // Whatever it is, it is not passed over: it may open a string.
            _ => {
                self.expects = Expects::Name;
                return bytes;
            }
        }
        &bytes[1..]
    }

    fn open(&mut self) {
        self.place = Place::Inside;
        self.text.length = 0;
    }

    /// Takes what is up to the end of the string, or to a backslash in it.
    fn inside<'a>(&mut self, bytes: &'a [u8], found: &mut impl FnMut(BondKey)) -> &'a [u8] {
        let end = memchr3(b'"', b'\\', b'\n', bytes).unwrap_or(bytes.len());
        self.take(&bytes[..end]);
        match bytes.get(end) {
            None => return &[],
            Some(b'"') => self.close(found),
            Some(b'\\') => self.place = Place::Escaped,
            // No string goes over the end of a line, so that quote was none.
            Some(_) => (self.place, self.expects) = (Place::Between, Expects::Name),
        }
        &bytes[end + 1..]
    }

    fn escaped<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        self.take(&bytes[..1]);
        self.place = Place::Inside;
        &bytes[1..]
    }

    fn take(&mut self, bytes: &[u8]) {
        let most = if matches!(self.expects, Expects::Value(_)) { MAX_ID } else { MAX_NAME };
        self.text.take(bytes, most);
    }

    fn close(&mut self, found: &mut impl FnMut(BondKey)) {
        self.place = Place::Between;
        let text = self.text.bytes();
        if let Expects::Value(name) = self.expects {
            let is = |mark: &&Mark| mark.name() == name && text.starts_with(mark.begins.as_bytes());
            let mark = self.marks.iter().find(is);
            mark.and_then(|mark| BondKey::of(mark.kind, text)).into_iter().for_each(found);
            self.expects = Expects::Name;
            return;
        }
        let name = self.marks.iter().map(Mark::name).find(|name| *name == text);
        self.expects = name.map_or(Expects::Name, Expects::Colon);
    }
}

fn marks(intent: &Intent) -> Option<&'static [Mark]> {
    // What is further down is a file's content, which is not the upstream's own words.
    let is_of_files = intent.path.split('/').count() <= "/v1/files/ID".split('/').count();
    Some(match (intent.format, intent.resource()) {
        (WireFormat::OpenAi, ("responses" | "conversations", _)) => &OF_RESPONSES,
        (WireFormat::OpenAi | WireFormat::Anthropic, ("files", _)) if is_of_files => &OF_FILES,
        (WireFormat::Anthropic, ("messages", None)) => &OF_MESSAGES,
        (WireFormat::Gemini, ("cachedContents", _)) => &OF_CACHES,
        (WireFormat::Gemini, ("files", id)) if !id.is_some_and(|id| id.contains(':')) => &OF_UPLOADS,
        (WireFormat::OpenAi | WireFormat::Anthropic | WireFormat::Gemini, _) => return None,
    })
}

/// The beginning of a string.
#[derive(Clone, Debug)]
struct Text {
    bytes: [u8; MAX_ID],
    length: usize,
}

impl Default for Text {
    fn default() -> Self {
        Self { bytes: [0; MAX_ID], length: 0 }
    }
}

impl Text {
    /// Takes bytes until there are `most`.
    fn take(&mut self, bytes: &[u8], most: usize) {
        let taken = bytes.len().min(most.saturating_sub(self.length));
        self.bytes[self.length..self.length + taken].copy_from_slice(&bytes[..taken]);
        self.length += taken;
    }

    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}
