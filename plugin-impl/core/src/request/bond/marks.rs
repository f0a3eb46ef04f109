//! Which members of an answer tell what it made, and where in its bytes they may be.

use std::sync::LazyLock;

use memchr::memmem::Finder;
use memchr::{memchr, memrchr_iter};
use smallvec::{SmallVec, smallvec};

use crate::formats::format::WireFormat;
use crate::request::intent::Intent;

use super::{Kind, MADE, Mark};

/// Code that runs has a container.
static OF_RESPONSES: LazyLock<Marks> = LazyLock::new(|| {
    Marks::new([
        Mark::new("\"id\"", Kind::Response).begins("resp_"),
        Mark::new("\"id\"", Kind::Conversation).begins("conv_"),
        Mark::new("\"encrypted_content\"", Kind::Reasoning),
        Mark::new("\"container_id\"", Kind::Made).begins("cntr_"),
    ])
});
/// What has an id that tells what it is, and the files that come with it.
static OF_THINGS: LazyLock<Marks> = LazyLock::new(|| {
    let things = MADE.iter().map(|begins| Mark::new("\"id\"", Kind::Made).begins(begins));
    let files = ["\"id\"", "\"output_file_id\"", "\"error_file_id\""];
    Marks::new(things.chain(files.map(|name| Mark::new(name, Kind::File).begins("file"))))
});
/// `file-…` at OpenAI, `file_…` at Anthropic.
static OF_FILES: LazyLock<Marks> =
    LazyLock::new(|| Marks::new([Mark::new("\"id\"", Kind::File).begins("file")]));
/// Code that runs can make files.
static OF_MESSAGES: LazyLock<Marks> = LazyLock::new(|| {
    Marks::new([
        Mark::new("\"id\"", Kind::Container).begins("container_"),
        Mark::new("\"file_id\"", Kind::File).begins("file"),
    ])
});
static OF_CACHES: LazyLock<Marks> =
    LazyLock::new(|| Marks::new([Mark::new("\"name\"", Kind::Cache).begins("cachedContents/")]));
static OF_UPLOADS: LazyLock<Marks> =
    LazyLock::new(|| Marks::new([Mark::new("\"name\"", Kind::File).begins("files/")]));

static OF_NAMES: LazyLock<Marks> = LazyLock::new(|| {
    let folders = ["batches/", "fileSearchStores/", "tunedModels/", "corpora/", "generatedFiles/", "models/"];
    Marks::new(folders.map(|folder| Mark::new("\"name\"", Kind::Named).begins(folder)))
});
static OF_INTERACTIONS: LazyLock<Marks> =
    LazyLock::new(|| Marks::new([Mark::new("\"id\"", Kind::Interaction).begins("v1_")]));

/// The longest name above.
pub(super) const LONGEST_NAME: usize = "encrypted_content".len();

/// The marks of what one kind of answer makes.
#[derive(Debug)]
pub(super) struct Marks {
    marks: Vec<Mark>,
    /// Each name once, in its quotes.
    names: Vec<Finder<'static>>,
    /// For each mark, what is written wherever there is a thing of its kind.
    signs: Vec<Finder<'static>>,
}

impl Marks {
    fn new(marks: impl IntoIterator<Item = Mark>) -> Self {
        let marks: Vec<_> = marks.into_iter().collect();
        let mut names: Vec<_> = marks.iter().map(|mark| mark.quoted).collect();
        names.dedup();
        let names = names.into_iter().map(Finder::new).collect();
        let signs = marks.iter().map(|mark| Finder::new(&mark.sign()).into_owned()).collect();
        Self { marks, names, signs }
    }

    /// Returns the marks of the answer to such a request, or none where it makes nothing.
    pub(super) fn of(intent: &Intent) -> Option<&'static Self> {
        // Content and results are not the upstream's own words.
        if matches!(intent.segments().last(), Some("content" | "results")) {
            return None;
        }
        Some(match (intent.format, intent.resource()) {
            (WireFormat::OpenAi, ("responses" | "conversations", _)) => &OF_RESPONSES,
            (WireFormat::OpenAi | WireFormat::Anthropic, ("files", _)) => &OF_FILES,
            (WireFormat::Anthropic, ("messages", None)) => &OF_MESSAGES,
            (WireFormat::Anthropic, ("messages", Some("batches"))) => &OF_THINGS,
            (WireFormat::OpenAi | WireFormat::Anthropic, (resource, _)) if has_made_ids(resource) => {
                &OF_THINGS
            }
            (WireFormat::Gemini, ("cachedContents", _)) => &OF_CACHES,
            (WireFormat::Gemini, ("interactions", _)) => &OF_INTERACTIONS,
            (WireFormat::Gemini, (resource, action)) if is_of_names(resource, action) => &OF_NAMES,
            (WireFormat::Gemini, ("files", id)) if !id.is_some_and(|id| id.contains(':')) => &OF_UPLOADS,
            (WireFormat::OpenAi | WireFormat::Anthropic | WireFormat::Gemini, _) => return None,
        })
    }

    /// Returns the mark's name that a string is.
    pub(super) fn name(&self, text: &[u8]) -> Option<&'static [u8]> {
        self.marks.iter().map(Mark::name).find(|name| *name == text)
    }

    /// Returns what kind of thing a member of this name and value is.
    pub(super) fn kind(&self, name: &[u8], value: &[u8]) -> Option<Kind> {
        let is = |mark: &&Mark| mark.name() == name && value.starts_with(mark.begins.as_bytes());
        self.marks.iter().find(is).map(|mark| mark.kind)
    }

    /// Says whether there may be a thing in an answer of which this is all.
    pub(super) fn may_be_in(&self, answer: &[u8]) -> bool {
        self.signs.iter().any(|sign| sign.find(answer).is_some())
    }

    /// Returns the lines of a piece of the answer.
    pub(super) fn lines<'a>(&'static self, bytes: &'a [u8]) -> Lines<'a> {
        Lines { names: &self.names, bytes, at: 0, next: smallvec![0; self.names.len()] }
    }
}

fn has_made_ids(resource: &str) -> bool {
    const RESOURCES: [&str; 15] = [
        "batches",
        "uploads",
        "vector_stores",
        "fine_tuning",
        "evals",
        "containers",
        "assistants",
        "threads",
        "videos",
        "skills",
        "agents",
        "sessions",
        "environments",
        "vaults",
        "memory_stores",
    ];
    RESOURCES.contains(&resource)
}

/// Says whether an answer of the Gemini API has the names of things in it: of an action on a model only where the
/// action goes on after the answer.
fn is_of_names(resource: &str, action: Option<&str>) -> bool {
    match resource {
        "batches" | "fileSearchStores" | "tunedModels" | "corpora" | "generatedFiles" => true,
        "models" => action.and_then(|action| action.rsplit_once(':')).is_some_and(|(_, action)| {
            action.starts_with("batch") && action != "batchEmbedContents"
                || action.starts_with("async")
                || action.starts_with("predictLong")
        }),
        _ => false,
    }
}

/// The lines of a piece of an answer, of which most need not be read.
#[derive(Debug)]
pub(super) struct Lines<'a> {
    names: &'static [Finder<'static>],
    bytes: &'a [u8],
    /// Where the next line begins.
    at: usize,
    /// Where each name comes next, if that is behind `at`. A name is searched for but once in each byte,
    /// however many lines another one is in.
    next: SmallVec<[usize; 2]>,
}

impl<'a> Lines<'a> {
    /// Returns the next line.
    pub(super) fn next(&mut self) -> Option<&'a [u8]> {
        self.upto(self.at)
    }

    /// Returns the next line that has to be read where it begins between strings.
    ///
    /// A line without a name tells nothing. The last one has to be read all the same, unless it is ended:
    /// a name may go on in the next piece.
    pub(super) fn next_of_interest(&mut self) -> Option<&'a [u8]> {
        let name = self.name();
        self.at += line_begin(&self.bytes[self.at..name]);
        self.upto(name)
    }

    /// Returns what there is from the next line's begin to the end of the line that `place` is in.
    fn upto(&mut self, place: usize) -> Option<&'a [u8]> {
        let end = memchr(b'\n', &self.bytes[place..]).map_or(self.bytes.len(), |end| place + end + 1);
        let line = &self.bytes[self.at..end];
        self.at = end;
        (!line.is_empty()).then_some(line)
    }

    /// Returns where the next name is, or the end where there is none.
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

/// Returns where the last line of such bytes begins.
///
/// A line's end ends a string as well, but for one behind a backslash: it may be a part of the string.
fn line_begin(bytes: &[u8]) -> usize {
    let ends = memrchr_iter(b'\n', bytes);
    let mut sure = ends.filter(|end| end.checked_sub(1).is_none_or(|before| bytes[before] != b'\\'));
    sure.next().map_or(0, |end| end + 1)
}
