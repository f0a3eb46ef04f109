//! The id fields of answers, and a search for them in the bytes.

use std::sync::LazyLock;

use memchr::memmem::Finder;
use memchr::{memchr, memrchr_iter};
use smallvec::{SmallVec, smallvec};

use crate::formats::WireFormat;
use crate::request::intent::Intent;

use super::{IdField, MADE, ResourceKind};

/// Running code has a container.
static OF_RESPONSES: LazyLock<IdFields> = LazyLock::new(|| {
    IdFields::new([
        IdField::new("\"id\"", ResourceKind::Response).begins("resp_"),
        IdField::new("\"id\"", ResourceKind::Conversation).begins("conv_"),
        IdField::new("\"encrypted_content\"", ResourceKind::Reasoning),
        IdField::new("\"container_id\"", ResourceKind::Made).begins("cntr_"),
    ])
});
/// Ids with a telling prefix, and attached files.
static OF_THINGS: LazyLock<IdFields> = LazyLock::new(|| {
    let things = MADE.iter().map(|begins| IdField::new("\"id\"", ResourceKind::Made).begins(begins));
    let files = ["\"id\"", "\"output_file_id\"", "\"error_file_id\""];
    IdFields::new(things.chain(files.map(|name| IdField::new(name, ResourceKind::File).begins("file"))))
});
/// `file-…` at OpenAI, `file_…` at Anthropic.
static OF_FILES: LazyLock<IdFields> =
    LazyLock::new(|| IdFields::new([IdField::new("\"id\"", ResourceKind::File).begins("file")]));
/// Running code can make files.
static OF_MESSAGES: LazyLock<IdFields> = LazyLock::new(|| {
    IdFields::new([
        IdField::new("\"id\"", ResourceKind::Container).begins("container_"),
        IdField::new("\"file_id\"", ResourceKind::File).begins("file"),
    ])
});
static OF_CACHES: LazyLock<IdFields> = LazyLock::new(|| {
    IdFields::new([IdField::new("\"name\"", ResourceKind::Cache).begins("cachedContents/")])
});
static OF_UPLOADS: LazyLock<IdFields> =
    LazyLock::new(|| IdFields::new([IdField::new("\"name\"", ResourceKind::File).begins("files/")]));

static OF_NAMES: LazyLock<IdFields> = LazyLock::new(|| {
    let folders = ["batches/", "fileSearchStores/", "tunedModels/", "corpora/", "generatedFiles/", "models/"];
    IdFields::new(folders.map(|folder| IdField::new("\"name\"", ResourceKind::Named).begins(folder)))
});
static OF_INTERACTIONS: LazyLock<IdFields> =
    LazyLock::new(|| IdFields::new([IdField::new("\"id\"", ResourceKind::Interaction).begins("v1_")]));

/// The longest name of an id field.
pub(super) const LONGEST_NAME: usize = "encrypted_content".len();

/// The id fields of one kind of answer.
#[derive(Debug)]
pub(super) struct IdFields {
    id_fields: Vec<IdField>,
    /// Each name once, in quotes.
    names: Vec<Finder<'static>>,
    /// For each field, a text present wherever such a resource is.
    signs: Vec<Finder<'static>>,
}

impl IdFields {
    fn new(id_fields: impl IntoIterator<Item = IdField>) -> Self {
        let id_fields: Vec<_> = id_fields.into_iter().collect();
        let mut names: Vec<_> = id_fields.iter().map(|id_field| id_field.quoted).collect();
        names.dedup();
        let names = names.into_iter().map(Finder::new).collect();
        let signs = id_fields.iter().map(|id_field| Finder::new(&id_field.sign()).into_owned()).collect();
        Self { id_fields, names, signs }
    }

    /// Returns the id fields of a request's answer; none for an answer without resources.
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

    /// Returns the field name equal to a string.
    pub(super) fn name(&self, text: &[u8]) -> Option<&'static [u8]> {
        self.id_fields.iter().map(IdField::name).find(|name| *name == text)
    }

    /// Returns the kind of resource of a member.
    pub(super) fn kind(&self, name: &[u8], value: &[u8]) -> Option<ResourceKind> {
        let is =
            |id_field: &&IdField| id_field.name() == name && value.starts_with(id_field.begins.as_bytes());
        self.id_fields.iter().find(is).map(|id_field| id_field.kind)
    }

    /// Returns whether a complete answer may contain a resource.
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

/// Returns whether an answer of the Gemini API contains resource names: an action on a model does only if
/// the action outlives the answer.
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

/// The lines of a piece of an answer, with most of them skipped.
#[derive(Debug)]
pub(super) struct Lines<'a> {
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
    pub(super) fn next(&mut self) -> Option<&'a [u8]> {
        self.upto(self.at)
    }

    /// Returns the next line to read, for a line that starts between strings.
    ///
    /// A line without a name is skipped. The last line is read unless complete: a name may continue in the
    /// next piece.
    pub(super) fn next_of_interest(&mut self) -> Option<&'a [u8]> {
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
