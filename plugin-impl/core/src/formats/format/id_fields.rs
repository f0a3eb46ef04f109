//! A search for the id fields of answers in their bytes.

use memchr::memmem::Finder;
use memchr::{memchr, memrchr_iter};
use smallvec::{SmallVec, smallvec};

use super::ids::{IdField, ResourceKind};

/// The longest name of an id field.
pub const LONGEST_NAME: usize = "encrypted_content".len();

/// The id fields of one kind of answer.
#[derive(Debug)]
pub struct IdFields {
    id_fields: Vec<IdField>,
    /// Each name once, in quotes.
    names: Vec<Finder<'static>>,
    /// For each field, a text present wherever such a resource is.
    signs: Vec<Finder<'static>>,
}

impl IdFields {
    /// Prepares the search.
    pub fn new(id_fields: impl IntoIterator<Item = IdField>) -> Self {
        let id_fields: Vec<_> = id_fields.into_iter().collect();
        let mut names: Vec<_> = id_fields.iter().map(|id_field| id_field.quoted).collect();
        names.dedup();
        let names = names.into_iter().map(Finder::new).collect();
        let signs = id_fields.iter().map(|id_field| Finder::new(&id_field.sign()).into_owned()).collect();
        Self { id_fields, names, signs }
    }

    /// Returns the length of the longest name.
    #[cfg(test)]
    pub(crate) fn longest_name(&self) -> usize {
        self.id_fields.iter().map(|id_field| id_field.name().len()).max().unwrap_or(0)
    }

    /// Returns the field name equal to a string.
    pub fn name(&self, text: &[u8]) -> Option<&'static [u8]> {
        self.id_fields.iter().map(IdField::name).find(|name| *name == text)
    }

    /// Returns the kind of resource of a member.
    pub fn kind(&self, name: &[u8], value: &[u8]) -> Option<ResourceKind> {
        let is =
            |id_field: &&IdField| id_field.name() == name && value.starts_with(id_field.begins.as_bytes());
        self.id_fields.iter().find(is).map(|id_field| id_field.kind)
    }

    /// Returns whether a complete answer may contain a resource.
    pub fn may_be_in(&self, answer: &[u8]) -> bool {
        self.signs.iter().any(|sign| sign.find(answer).is_some())
    }

    /// Returns the lines of a piece of the answer.
    pub fn lines<'a>(&'static self, bytes: &'a [u8]) -> Lines<'a> {
        Lines { names: &self.names, bytes, at: 0, next: smallvec![0; self.names.len()] }
    }
}

/// The lines of a piece of an answer, with most of them skipped.
#[derive(Debug)]
pub struct Lines<'a> {
    names: &'static [Finder<'static>],
    bytes: &'a [u8],
    /// The start of the next line.
    at: usize,
    /// The next position of each name, if behind `at`. A name is searched once per byte, independent of the
    /// other names.
    next: SmallVec<[usize; 2]>,
}

impl<'a> Lines<'a> {
    /// Returns the next line.
    pub fn next_line(&mut self) -> Option<&'a [u8]> {
        self.upto(self.at)
    }

    /// Returns the next line to read, for a line that starts between strings.
    ///
    /// A line without a name is skipped. The last line is read unless complete: a name may continue in the
    /// next piece.
    pub fn next_of_interest(&mut self) -> Option<&'a [u8]> {
        let name = self.name();
        self.at += line_begin(&self.bytes[self.at..name]);
        self.upto(name)
    }

    /// Returns the bytes from the next line's start to the end of the line with `place`.
    fn upto(&mut self, place: usize) -> Option<&'a [u8]> {
        let end = memchr(b'\n', &self.bytes[place..]).map_or(self.bytes.len(), |end| place + end + 1);
        let line = &self.bytes[self.at..end];
        self.at = end;
        (!line.is_empty()).then_some(line)
    }

    /// Returns the position of the next name, or the end.
    fn name(&mut self) -> usize {
        for (name, next) in self.names.iter().zip(&mut self.next) {
            if *next <= self.at {
                let found = name.find(&self.bytes[self.at..]);
                *next = found.map_or(self.bytes.len(), |found| self.at + found);
            }
        }
        self.next.iter().copied().min().unwrap_or(self.bytes.len())
    }
}

/// Returns the start of the last line.
///
/// A line feed ends a string, too, except behind a backslash: there it may be part of the string.
fn line_begin(bytes: &[u8]) -> usize {
    let ends = memrchr_iter(b'\n', bytes);
    let mut sure = ends.filter(|end| end.checked_sub(1).is_none_or(|before| bytes[before] != b'\\'));
    sure.next().map_or(0, |end| end + 1)
}
