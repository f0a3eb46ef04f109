//! The ids of a format: where answers and requests name resources of one account.

use super::id_fields::IdFields;

/// The ids of a format.
#[derive(Debug)]
pub struct Ids {
    /// Returns the id fields of answers, by the first two segments of the path; none for answers without
    /// resources.
    pub in_answers: fn(&str, Option<&str>) -> Option<&'static IdFields>,
    /// Returns the id fields of request bodies, by the first segment; none for a path of another format.
    pub in_requests: fn(&str) -> Option<&'static [IdField]>,
    /// The prefixes of [`ResourceKind::Made`].
    pub prefixes: &'static [&'static str],
    /// The folders of [`ResourceKind::Named`].
    pub folders: &'static [&'static str],
}

impl Ids {
    /// A format without ids of its own.
    pub const NONE: Self =
        Self { in_answers: |_, _| None, in_requests: |_| None, prefixes: &[], folders: &[] };
}

/// Kinds of resources owned by the account of their creation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ResourceKind {
    /// OpenAI: a stored answer.
    Response,
    /// OpenAI: a stored conversation.
    Conversation,
    /// OpenAI: reasoning, or a compacted conversation, readable only with its owner's key.
    Reasoning,
    /// An uploaded file.
    File,
    /// Anthropic: a code execution container.
    Container,
    /// Gemini: a cached prompt.
    Cache,
    /// Codex: the state of a turn begun by one account.
    Turn,
    /// Other resources with a telling id prefix: a batch, a vector store, a container.
    Made,
    /// Gemini: other resources named by a folder and an id, such as `batches/b`.
    Named,
    /// Gemini: a stored interaction.
    Interaction,
}

impl ResourceKind {
    /// Returns the resource as a noun, for display.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Response => "an earlier answer",
            Self::Conversation => "a stored conversation",
            Self::Reasoning => "encrypted reasoning",
            Self::File => "an uploaded file",
            Self::Container => "a code execution container",
            Self::Cache => "a cached prompt",
            Self::Turn => "the state of a turn",
            Self::Made | Self::Named => "a stored resource",
            Self::Interaction => "a stored interaction",
        }
    }
}

/// A member with a resource as its value.
#[derive(Debug)]
pub struct IdField {
    /// The member's name, in quotes.
    pub quoted: &'static str,
    pub kind: ResourceKind,
    /// The prefix of the value, to tell apart other members of that name.
    pub begins: &'static str,
}

impl IdField {
    /// A member with any value.
    pub const fn new(quoted: &'static str, kind: ResourceKind) -> Self {
        Self { quoted, kind, begins: "" }
    }

    /// A member whose value has a prefix.
    #[must_use]
    pub const fn begins(mut self, begins: &'static str) -> Self {
        self.begins = begins;
        self
    }

    /// Returns the name, without quotes.
    pub fn name(&self) -> &'static [u8] {
        let quoted = self.quoted.as_bytes();
        &quoted[1..quoted.len() - 1]
    }

    /// Returns the sign of such a member: the beginning of its value, up to a slash (some clients write
    /// `\/`). Little else is written like that. Letters are written literally.
    pub fn sign(&self) -> String {
        match self.begins.split('/').next() {
            None | Some("") => self.quoted.to_owned(),
            Some(begins) => format!("\"{begins}"),
        }
    }
}
