//! The id scanner: finds the resources made by an answer.
//!
//! An answer comes in pieces with arbitrary cuts, and nobody waits for its end. The scanner reads byte by
//! byte, as a row of JSON strings with bytes between them: JSON bodies and `data` lines of an event stream
//! look alike. State between pieces is the start of one string. Lines without a relevant name are skipped,
//! nearly the whole of an event stream.

use memchr::{memchr, memchr3};

use crate::formats::format::id_fields::{IdFields, LONGEST_NAME};
use crate::request::intent::Intent;

use super::{MAX_ID, ResourceKey};

/// One more than the longest name, to tell longer names apart.
const MAX_NAME: usize = LONGEST_NAME + 1;

/// Finds resources in the bytes of an answer, piece by piece.
///
/// JSON-like text of a model is inside of a string and does not count.
#[derive(Clone, Debug)]
pub struct IdScanner {
    id_fields: &'static IdFields,
    expects: Expects,
    place: ScanPlace,
    text: ScannedText,
}

/// The expectation for the next string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expects {
    /// A name.
    Name,
    /// A colon behind this name.
    Colon(&'static [u8]),
    /// The value of this name.
    Value(&'static [u8]),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ScanPlace {
    Between,
    Inside,
    /// Inside of a string, behind a backslash.
    Escaped,
}

/// Returns the id fields of a request's answer; none for an answer without resources.
fn id_fields(intent: &Intent) -> Option<&'static IdFields> {
    // Content and results are not the upstream's own words.
    if matches!(intent.segments().last(), Some("content" | "results")) {
        return None;
    }
    let (resource, id) = intent.resource();
    let mut formats = intent.format.formats().iter().rev();
    formats.find_map(|format| (format.ids.in_answers)(resource, id))
}

impl IdScanner {
    /// Returns a scanner for a request's answer; none for an answer without resources.
    pub fn new(intent: &Intent) -> Option<Self> {
        let id_fields = id_fields(intent)?;
        Some(Self {
            id_fields,
            expects: Expects::Name,
            place: ScanPlace::Between,
            text: ScannedText::default(),
        })
    }

    /// Takes the next piece, and reports resources.
    pub fn push(&mut self, bytes: &[u8], mut found: impl FnMut(ResourceKey)) {
        let mut lines = self.id_fields.lines(bytes);
        while let Some(line) = if self.is_at_ease() { lines.next_of_interest() } else { lines.next_line() } {
            self.read(line, &mut found);
        }
    }

    /// Takes a complete answer, and reports resources. A quick check rejects most answers.
    pub fn all(mut self, answer: &[u8], found: impl FnMut(ResourceKey)) {
        if self.id_fields.may_be_in(answer) {
            self.push(answer, found);
        }
    }

    /// Returns whether the next piece can be read without the previous one.
    fn is_at_ease(&self) -> bool {
        self.place == ScanPlace::Between && self.expects == Expects::Name
    }

    fn read(&mut self, bytes: &[u8], found: &mut impl FnMut(ResourceKey)) {
        let mut rest = bytes;
        while !rest.is_empty() {
            rest = match self.place {
                ScanPlace::Between => self.between(rest),
                ScanPlace::Inside => self.inside(rest, found),
                ScanPlace::Escaped => self.escaped(rest),
            };
        }
    }

    /// Reads up to the next string.
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

    fn begin_name(&mut self) {
        self.place = ScanPlace::Between;
        self.expects = Expects::Name;
    }

    fn open(&mut self) {
        self.place = ScanPlace::Inside;
        self.text.length = 0;
    }

    /// Reads up to the end of the string, or a backslash.
    fn inside<'a>(&mut self, bytes: &'a [u8], found: &mut impl FnMut(ResourceKey)) -> &'a [u8] {
        let end = memchr3(b'"', b'\\', b'\n', bytes).unwrap_or(bytes.len());
        self.take(&bytes[..end]);
        match bytes.get(end) {
            None => return &[],
            Some(b'"') => self.close(found),
            Some(b'\\') => self.place = ScanPlace::Escaped,
            // No string goes over the end of a line, so that quote was none.
            Some(_) => self.begin_name(),
        }
        &bytes[end + 1..]
    }

    /// Reads the byte behind a backslash. No field name contains one.
    fn escaped<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        match self.expects {
            Expects::Value(_) => self.take(&bytes[..1]),
            Expects::Name | Expects::Colon(_) => self.text.length = MAX_NAME,
        }
        self.place = ScanPlace::Inside;
        &bytes[1..]
    }

    fn take(&mut self, bytes: &[u8]) {
        let most = if matches!(self.expects, Expects::Value(_)) { MAX_ID } else { MAX_NAME };
        self.text.take(bytes, most);
    }

    fn close(&mut self, found: &mut impl FnMut(ResourceKey)) {
        self.place = ScanPlace::Between;
        let text = self.text.bytes();
        if let Expects::Value(name) = self.expects {
            let kind = self.id_fields.kind(name, text);
            kind.and_then(|kind| ResourceKey::of(kind, text)).into_iter().for_each(found);
            self.expects = Expects::Name;
            return;
        }
        self.expects = self.id_fields.name(text).map_or(Expects::Name, Expects::Colon);
    }
}

/// The start of a string.
#[derive(Clone, Debug)]
struct ScannedText {
    bytes: [u8; MAX_ID],
    length: usize,
}

impl Default for ScannedText {
    fn default() -> Self {
        Self { bytes: [0; MAX_ID], length: 0 }
    }
}

impl ScannedText {
    /// Appends bytes up to a length of `most`.
    fn take(&mut self, bytes: &[u8], most: usize) {
        let taken = bytes.len().min(most.saturating_sub(self.length));
        self.bytes[self.length..self.length + taken].copy_from_slice(&bytes[..taken]);
        self.length += taken;
    }

    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

#[cfg(test)]
mod tests {
    use http::Method;
    use proptest::prelude::*;

    use super::*;

    /// What is found where every byte is read, where lines are jumped over, and in the answer as a whole.
    fn all_ways(path: &str, pieces: &[&[u8]]) -> [Vec<ResourceKey>; 3] {
        let intent = Intent::read(&Method::POST, path, None, None).expect("of a wire format");
        let id_scanner = IdScanner::new(&intent).expect("such a request makes things");
        let (mut reads, mut jumps) = (id_scanner.clone(), id_scanner.clone());
        let [mut read, mut jumped, mut whole] = [vec![], vec![], vec![]];
        id_scanner.all(&pieces.concat(), |key| whole.push(key));
        for piece in pieces {
            reads.read(piece, &mut |key| read.push(key));
            jumps.push(piece, |key| jumped.push(key));
            assert_eq!((reads.place, reads.expects), (jumps.place, jumps.expects));
        }
        [read, jumped, whole]
    }

    #[test]
    fn a_line_that_ends_in_a_backslash_may_go_on_in_its_string() {
        let text = b"\"\\\n\"id\":\"resp_1\"";
        let found = all_ways("/v1/responses", &[text]);
        assert!(found.iter().all(Vec::is_empty), "what looks like a name is between two strings");
    }

    proptest! {
        #[test]
        fn each_way_finds_what_reading_every_byte_finds(
            words in prop::collection::vec(prop::sample::select(vec![
                "\"", "\"", "\\", ":", ",", "{", " ", "\r", "\n", "\n\n", "data: ", "i", "d", "file_", "id\"",
                "\"id\"", "\"id\":", "\"file_id\":\"", "\"encrypted_content\" :", "\"resp_1\"", "\"id\":\"resp_2\"",
                "\"id\":\"container_1\"", "file_1\"", "{\"delta\":\"\\\"id\\\":\\\"resp_3\\\"\"}",
            ]), 0..60),
            cuts in prop::collection::vec(0..300_usize, 0..8),
            path in prop::sample::select(vec!["/v1/responses", "/v1/messages"]),
        ) {
            let text = words.concat();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|cut| &text.as_bytes()[cut[0]..cut[1]]).collect();
            let [read, jumped, whole] = all_ways(path, &pieces);
            prop_assert_eq!(&read, &jumped);
            prop_assert_eq!(read, whole);
        }
    }
}
