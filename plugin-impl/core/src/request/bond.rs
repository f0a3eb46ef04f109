//! Resource affinity: references of a request to resources of one account.
//!
//! An earlier answer, encrypted reasoning, an uploaded file, a cached prompt: the upstream keeps such
//! resources for one account, or encrypts them for it. [`Scout`] finds the resources made by an answer,
//! [`bonds`] finds the references of a request, and both yield the same key. The map from keys to owners is
//! elsewhere.
//!
//! A key is a hash of the id and the kind of resource. Nothing of the resource is kept.

mod marks;
mod request;
mod scout;
#[cfg(test)]
mod tests;

use http::header::{HeaderMap, HeaderName};
use memchr::memmem;

use crate::request::fnv::Fnv;

pub use self::request::bonds;
pub use self::scout::Scout;

/// How much of a string is looked at. Ids are shorter; encrypted reasoning is longer, and known by how it
/// begins.
const MAX_ID: usize = 256;

/// How much of encrypted reasoning tells it from all other. It begins with a time and a random vector:
/// base64 of a version byte, 8 bytes and 16 bytes (Fernet, section "Token Format").
const MAX_REASONING: usize = 64;

/// A thing that some account made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BondKey(pub u64);

/// Kinds of things that belong to the account that made them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// OpenAI: an answer that is kept.
    Response,
    /// OpenAI: a conversation that is kept.
    Conversation,
    /// OpenAI: reasoning, or a compacted conversation, that only its maker's key opens.
    Reasoning,
    /// An uploaded file.
    File,
    /// Anthropic: where code runs.
    Container,
    /// Gemini: a cached prompt.
    Cache,
    /// Codex: the state of a turn that one account began.
    Turn,
    /// Whatever else has an id whose beginning tells what it is: a batch, a vector store, a container.
    Made,
    /// Gemini: whatever else is named by a folder and an id in it, such as `batches/b`.
    Named,
    /// Gemini: an interaction that is kept.
    Interaction,
}

/// A member that has such a thing for its value.
#[derive(Debug)]
struct Mark {
    /// The name, in its quotes.
    quoted: &'static str,
    kind: Kind,
    /// How the value begins, where other things have members of the same name.
    begins: &'static str,
}

impl Mark {
    const fn new(quoted: &'static str, kind: Kind) -> Self {
        Self { quoted, kind, begins: "" }
    }

    const fn begins(mut self, begins: &'static str) -> Self {
        self.begins = begins;
        self
    }

    fn name(&self) -> &'static [u8] {
        let quoted = self.quoted.as_bytes();
        &quoted[1..quoted.len() - 1]
    }

    /// Returns what each such member is written with and little else is: how its value begins, up to a
    /// slash, which some write as `\/`. Letters are written as they are.
    fn sign(&self) -> String {
        match self.begins.split('/').next() {
            None | Some("") => self.quoted.to_owned(),
            Some(begins) => format!("\"{begins}"),
        }
    }
}

impl BondKey {
    /// Returns the key of a thing by its id as it was written, or nothing where that is empty.
    ///
    /// Backslashes do not count, since some clients write `\/` for a slash.
    fn of(kind: Kind, written: &[u8]) -> Option<Self> {
        let (id, length) = match kind {
            Kind::Response | Kind::Conversation | Kind::Container | Kind::Made | Kind::Interaction => {
                (written, MAX_ID)
            }
            Kind::Named => (named(written)?, MAX_ID),
            Kind::Reasoning => (written, MAX_REASONING),
            // The Gemini API names them by a path, and in requests by a whole URL.
            Kind::File => (behind(written, b"files"), MAX_ID),
            Kind::Cache => (behind(written, b"cachedContents"), MAX_ID),
            Kind::Turn => (written, usize::MAX),
        };
        let mut id = id.iter().copied().filter(|byte| *byte != b'\\').take(length).peekable();
        id.peek()?;
        Some(Self(id.fold(Fnv::default().and_byte(kind as u8), Fnv::and_byte).0))
    }
}

/// How the ids of things begin that are of [`Kind::Made`].
const MADE: [&str; 19] = [
    // Anthropic: batches, skills, and managed agents with what they use.
    "msgbatch_",
    "skill_",
    "agent_",
    "sesn_",
    "env_",
    "vlt_",
    "memstore_",
    // OpenAI.
    "batch_",
    "upload_",
    "vs_",
    "vsfb_",
    "ftjob-",
    "ftckpt_",
    "eval_",
    "evalrun_",
    "cntr_",
    "asst_",
    "thread_",
    "video_",
];

/// The folders of things that are of [`Kind::Named`].
const FOLDERS: [&[u8]; 6] =
    [b"batches", b"fileSearchStores", b"tunedModels", b"corpora", b"generatedFiles", b"operations"];

/// Returns the first folder of such a name and the id in it: of `fileSearchStores/s/documents/d` the store's, of
/// `models/m/operations/o` the operation's.
fn named(written: &[u8]) -> Option<&[u8]> {
    let is_end = |byte: &u8| matches!(byte, b'/' | b'\\' | b':');
    let starts = std::iter::once(0).chain(memchr::memchr_iter(b'/', written).map(|at| at + 1));
    let mut folders = starts.filter_map(|start| {
        let folder = FOLDERS.iter().find(|folder| written[start..].starts_with(folder))?;
        let rest = &written[start + folder.len()..];
        let slash = rest.iter().take_while(|byte| matches!(byte, b'\\' | b'/')).count();
        let id = rest[slash..].iter().position(is_end).unwrap_or(rest.len() - slash);
        (slash > 0 && id > 0).then_some(&written[start..start + folder.len() + slash + id])
    });
    folders.next()
}

/// A header that comes with an answer and is sent again within the turn, to the account that answered and to no
/// other.
pub static TURN_STATE: HeaderName = HeaderName::from_static("x-codex-turn-state");

/// Returns the key of the turn's state that a head has.
pub fn turn(headers: &HeaderMap) -> Option<BondKey> {
    BondKey::of(Kind::Turn, headers.get(&TURN_STATE)?.as_bytes())
}

/// Returns what comes behind the last `folder` and its slash, or all of it where there is none.
fn behind<'a>(written: &'a [u8], folder: &[u8]) -> &'a [u8] {
    let rest = memmem::rfind(written, folder).map_or(written, |at| &written[at + folder.len()..]);
    let rest = rest.strip_prefix(b"\\").unwrap_or(rest);
    rest.strip_prefix(b"/").unwrap_or(written)
}
