//! Resource affinity: references of a request to resources of one account.
//!
//! An earlier answer, encrypted reasoning, an uploaded file, a cached prompt: the upstream keeps such
//! resources for one account, or encrypts them for it. [`IdScanner`] finds the resources made by an answer,
//! [`resource_owners`] finds the references of a request, and both yield equal keys. Another module maps keys to
//! owners.
//!
//! A key is a hash of the id and the kind of resource. No other part of the resource is kept.

mod id_scanner;
mod request;
#[cfg(test)]
mod tests;

use http::header::{HeaderMap, HeaderName};
use memchr::memmem;

use crate::formats;
pub use crate::formats::format::ids::ResourceKind;
use crate::request::fnv::Fnv;

pub use self::id_scanner::IdScanner;
pub use self::request::resource_owners;

/// The part of a string that is examined, in bytes. Ids are shorter; encrypted reasoning is longer, and
/// identified by its beginning.
const MAX_ID: usize = 256;

/// The part of encrypted reasoning that identifies it. The text begins with a time and a random vector:
/// base64 of a version byte, 8 bytes and 16 bytes (Fernet, section "Token Format").
const MAX_REASONING: usize = 64;

/// The key of a resource made by some account, with the kind of the resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourceKey(pub u64, pub ResourceKind);

impl ResourceKey {
    /// Returns the key of encrypted reasoning by its text.
    pub fn of_reasoning(text: &str) -> Option<Self> {
        Self::of(ResourceKind::Reasoning, text.as_bytes())
    }

    /// Returns the key of a resource by its id as written, or none for an empty id.
    ///
    /// Backslashes are ignored, since some clients write `\/` for a slash.
    fn of(kind: ResourceKind, written: &[u8]) -> Option<Self> {
        let (id, length) = match kind {
            ResourceKind::Response
            | ResourceKind::Conversation
            | ResourceKind::Container
            | ResourceKind::Made
            | ResourceKind::Interaction => (written, MAX_ID),
            ResourceKind::Named => (named(written)?, MAX_ID),
            ResourceKind::Reasoning => (written, MAX_REASONING),
            // The Gemini API names them by a path, and in requests by a whole URL.
            ResourceKind::File => (behind(written, b"files"), MAX_ID),
            ResourceKind::Cache => (behind(written, b"cachedContents"), MAX_ID),
            ResourceKind::Turn => (written, usize::MAX),
        };
        let mut id = id.iter().copied().filter(|byte| *byte != b'\\').take(length).peekable();
        id.peek()?;
        Some(Self(id.fold(Fnv::default().and_byte(kind as u8), Fnv::and_byte).0, kind))
    }
}

/// Returns the first folder of a name and its id: the store of `fileSearchStores/s/documents/d`, the
/// operation of `models/m/operations/o`.
fn named(written: &[u8]) -> Option<&[u8]> {
    let is_end = |byte: &u8| matches!(byte, b'/' | b'\\' | b':');
    let starts = std::iter::once(0).chain(memchr::memchr_iter(b'/', written).map(|at| at + 1));
    let mut folders = starts.filter_map(|start| {
        let mut folders = formats::all().flat_map(|format| format.ids.folders);
        let folder = folders.find(|folder| written[start..].starts_with(folder.as_bytes()))?;
        let rest = &written[start + folder.len()..];
        let slash = rest.iter().take_while(|byte| matches!(byte, b'\\' | b'/')).count();
        let id = rest[slash..].iter().position(is_end).unwrap_or(rest.len() - slash);
        (slash > 0 && id > 0).then_some(&written[start..start + folder.len() + slash + id])
    });
    folders.next()
}

/// A header of an answer, sent again within the turn to the answering account only.
pub static TURN_STATE: HeaderName = HeaderName::from_static("x-codex-turn-state");

/// Returns the key of the turn's state in a head.
pub fn turn(headers: &HeaderMap) -> Option<ResourceKey> {
    ResourceKey::of(ResourceKind::Turn, headers.get(&TURN_STATE)?.as_bytes())
}

/// Returns the text behind the last `folder` and its slash, or the whole text without that folder.
fn behind<'a>(written: &'a [u8], folder: &[u8]) -> &'a [u8] {
    let rest = memmem::rfind(written, folder).map_or(written, |at| &written[at + folder.len()..]);
    let rest = rest.strip_prefix(b"\\").unwrap_or(rest);
    rest.strip_prefix(b"/").unwrap_or(written)
}
