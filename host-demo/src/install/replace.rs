//! Atomic replacement of a file: a reader gets the complete old or new file.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// The effect on a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Replaced {
    Unchanged,
    Added,
    Updated,
}

impl Replaced {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Unchanged => "unchanged",
            Self::Added => "installed",
            Self::Updated => "updated",
        }
    }
}

/// Writes these bytes to a file, unless the file has them already.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> io::Result<Replaced> {
    let replaced = match fs::read(path) {
        Ok(there) if there == bytes => return Ok(Replaced::Unchanged),
        Ok(_) => Replaced::Updated,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Replaced::Added,
        Err(error) => return Err(error),
    };
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    // In the same folder, because a rename does not leave its file system; no agent takes such a name.
    let beside = path.with_file_name(format!(".{name}.{}.new", std::process::id()));
    let written = write(&beside, bytes).and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written.map(|()| replaced)
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    // A machine that goes down after the rename must not leave an empty file under the good name.
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_file_is_replaced_once_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.so");
        for (bytes, replaced) in
            [(b"one", Replaced::Added), (b"one", Replaced::Unchanged), (b"two", Replaced::Updated)]
        {
            assert_eq!(replace(&path, bytes).unwrap(), replaced);
            assert_eq!(
                (fs::read(&path).unwrap().as_slice(), names(folder.path())),
                (&bytes[..], vec!["a.so".to_owned()])
            );
        }
    }

    /// Whoever has the old file open or mapped keeps it.
    #[test]
    fn an_open_file_stays_what_it_is() {
        use std::io::Read;

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.so");
        replace(&path, b"old").unwrap();
        let mut open = File::open(&path).unwrap();
        replace(&path, b"new, and longer").unwrap();
        let mut text = String::new();
        open.read_to_string(&mut text).unwrap();
        assert_eq!(text, "old");
    }

    #[test]
    fn where_nothing_can_be_written_nothing_is_left() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("a.so")).unwrap();
        assert!(replace(&folder.path().join("a.so"), b"x").is_err());
        assert_eq!(names(folder.path()), ["a.so"]);
    }
}
