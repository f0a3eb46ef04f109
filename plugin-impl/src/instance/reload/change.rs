//! Which looks at the configuration's file are a change of it.
//!
//! Editors empty a file and write it in pieces, or put another in its place. So only a version that two looks have
//! found alike is taken for what its writer meant, and a file that is gone or no file is told, not obeyed.

use std::fs::{FileType, Metadata};
use std::io;
use std::path::Path;
use std::time::SystemTime;

/// What tells one version of a file from another: time of change, length, and the file itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
    file: u64,
}

/// What one look found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sight {
    File(Stamp),
    /// A pipe, a folder or a device, in words. Reading from one can wait for ever.
    NoFile(&'static str),
    /// There is nothing, or it may not be looked at.
    Gone(io::ErrorKind),
}

impl Sight {
    /// Looks at what is at `path`, at the end of links.
    pub(super) fn of(path: &Path) -> Self {
        match std::fs::metadata(path) {
            Ok(metadata) if metadata.is_file() => Self::File(stamp(&metadata)),
            Ok(metadata) => Self::NoFile(kind(metadata.file_type())),
            Err(error) => Self::Gone(error.kind()),
        }
    }
}

fn stamp(metadata: &Metadata) -> Stamp {
    Stamp { modified: metadata.modified().ok(), length: metadata.len(), file: inode(metadata) }
}

#[cfg(unix)]
fn inode(metadata: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

#[cfg(not(unix))]
fn inode(_: &Metadata) -> u64 {
    0
}

#[cfg(unix)]
fn kind(of: FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt;

    match of {
        of if of.is_dir() => "a folder",
        of if of.is_fifo() => "a named pipe",
        of if of.is_socket() => "a socket",
        _ => "a device",
    }
}

#[cfg(not(unix))]
fn kind(of: FileType) -> &'static str {
    if of.is_dir() { "a folder" } else { "a device" }
}

/// What is to be done after a look.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// Another version is there, and has stayed: read it.
    Read,
    /// Tell why there is nothing to read.
    Tell(String),
}

/// The looks so far.
#[derive(Debug)]
pub(super) struct Looks {
    /// What was dealt with.
    settled: Sight,
    /// What the last look found.
    last: Sight,
}

impl Looks {
    /// Begins with the version that is about to be read.
    pub(super) fn new(sight: Sight) -> Self {
        Self { settled: sight.clone(), last: sight }
    }

    /// Takes in a look.
    pub(super) fn look(&mut self, sight: Sight) -> Option<Act> {
        let is_new = sight != self.settled && sight == self.last;
        self.last = sight;
        is_new.then(|| self.settle())
    }

    /// Says whether the last look found `sight`.
    pub(super) fn last_was(&self, sight: &Sight) -> bool {
        self.last == *sight
    }

    /// What was read has changed since the look, or depends on what has changed: the next two looks decide again.
    pub(super) fn unsettle(&mut self) {
        self.settled = Sight::Gone(io::ErrorKind::Interrupted);
    }

    fn settle(&mut self) -> Act {
        self.settled = self.last.clone();
        match &self.settled {
            Sight::File(_) => Act::Read,
            Sight::NoFile(kind) => Act::Tell(format!("is {kind} and no file")),
            Sight::Gone(io::ErrorKind::NotFound) => Act::Tell("is gone".to_owned()),
            Sight::Gone(kind) => Act::Tell(format!("cannot be looked at ({kind})")),
        }
    }
}

/// Says whether a text configures nothing: it is empty, or nothing but comments. An editor may have emptied the file
/// and be about to write it. Whoever means to configure nothing writes `{}`.
pub(super) fn is_blank(text: &str) -> bool {
    text.lines().map(str::trim).all(|line| line.is_empty() || line.starts_with('#') || line == "---")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn version(number: u64) -> Sight {
        let modified = Some(SystemTime::UNIX_EPOCH + Duration::from_secs(number));
        Sight::File(Stamp { modified, length: 1, file: 1 })
    }

    const GONE: Sight = Sight::Gone(io::ErrorKind::NotFound);

    #[test]
    fn a_version_counts_once_two_looks_have_found_it() {
        let mut looks = Looks::new(version(1));
        let found = [1, 1, 2, 3, 4, 4, 4, 5].map(|number| looks.look(version(number)));
        assert_eq!(found, [None, None, None, None, None, Some(Act::Read), None, None]);
    }

    #[test]
    fn a_file_that_is_replaced_is_never_told_as_gone() {
        let mut looks = Looks::new(version(1));
        let found = [GONE, version(2), version(2)].map(|sight| looks.look(sight));
        assert_eq!(found, [None, None, Some(Act::Read)]);
    }

    #[test]
    fn what_stays_gone_or_is_no_file_is_told_once() {
        let mut looks = Looks::new(version(1));
        let told = |text: &str| Some(Act::Tell(text.to_owned()));
        let found = [GONE, GONE, GONE].map(|sight| looks.look(sight));
        assert_eq!(found, [None, told("is gone"), None]);
        let pipe = || Sight::NoFile("a named pipe");
        let found = [pipe(), pipe(), pipe()].map(|sight| looks.look(sight));
        assert_eq!(found, [None, told("is a named pipe and no file"), None]);
        let back = [version(1), version(1)].map(|sight| looks.look(sight));
        assert_eq!(back, [None, Some(Act::Read)]);
    }

    #[test]
    fn what_changed_while_it_was_read_is_read_again() {
        let mut looks = Looks::new(version(1));
        assert_eq!([2, 2].map(|number| looks.look(version(number))), [None, Some(Act::Read)]);
        looks.unsettle();
        assert_eq!([3, 3, 3].map(|number| looks.look(version(number))), [None, Some(Act::Read), None]);
    }

    #[test]
    fn comments_alone_configure_nothing() {
        for blank in ["", "\n \n", "# accounts:\n#  - x\n", "---\n"] {
            assert!(is_blank(blank), "{blank:?}");
        }
        for text in ["{}", "accounts: []", "---\nlisten: x"] {
            assert!(!is_blank(text), "{text:?}");
        }
    }
}
