//! Files of secrets: new content of a file is a change of the configuration.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The last seen version of each file.
#[derive(Debug, Default)]
pub(super) struct SecretFiles(BTreeMap<PathBuf, Option<Version>>);

/// A version of a file: time of change, length, and inode.
type Version = (SystemTime, u64, u64);

impl SecretFiles {
    /// Checks `files`. Returns whether any file has new content since the last check.
    ///
    /// An empty or missing file counts as unchanged: the file is being written.
    pub(super) fn have_changed(&mut self, files: &[PathBuf]) -> bool {
        self.0.retain(|known, _| files.contains(known));
        // Each file is looked at, also after the first change: its version is noted.
        files.iter().filter(|file| self.has_changed(file)).count() > 0
    }

    fn has_changed(&mut self, file: &Path) -> bool {
        let current = version(file);
        match self.0.get_mut(file) {
            None => drop(self.0.insert(file.to_owned(), current)),
            Some(seen) if current.is_some() && *seen != current => {
                *seen = current;
                return true;
            }
            Some(_) => {}
        }
        false
    }
}

fn version(file: &Path) -> Option<Version> {
    let metadata =
        std::fs::metadata(file).ok().filter(|metadata| metadata.is_file() && metadata.len() > 0)?;
    Some((metadata.modified().ok()?, metadata.len(), number(&metadata)))
}

/// Returns the inode: a file renamed into place can have the length and the time of the file before.
#[cfg(unix)]
fn number(metadata: &std::fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

#[cfg(not(unix))]
const fn number(_: &std::fs::Metadata) -> u64 {
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_content_is_a_change_and_an_empty_file_is_none() {
        let folder = std::env::temp_dir().join(format!("pointsman-secret-files-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let (first, second) = (folder.join("a"), folder.join("b"));
        std::fs::write(&first, "one").expect("written");
        let mut seen = SecretFiles::default();
        let mut changed = || seen.have_changed(&[first.clone(), second.clone()]);
        assert!(!changed() && !changed(), "the first look is no change");
        std::fs::write(&first, "").expect("written");
        assert!(!changed());
        std::fs::remove_file(&first).expect("removed");
        assert!(!changed());
        std::fs::write(&first, "other").expect("written");
        std::fs::write(&second, "new").expect("written");
        assert!(changed());
        assert!(!changed());
        std::fs::write(folder.join("c"), "again").expect("written");
        std::fs::rename(folder.join("c"), &first).expect("renamed");
        assert!(changed(), "another file of the same length");
        std::fs::remove_dir_all(&folder).expect("removed");
    }
}
