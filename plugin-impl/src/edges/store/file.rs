//! The file of the store: made for the user alone, and set aside where damaged.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::wall;

/// How often the lock is tried, and the pause in between: a quarter of a second in all.
const TRIES: u32 = 50;
const PAUSE: Duration = Duration::from_millis(5);

/// Makes the folder and the file, readable and writable by the user only, if they are not there.
pub(super) fn prepare(path: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        make_folder(folder)?;
    }
    let made = private().create_new(true).open(path);
    match made {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => tighten(path),
        Err(error) => Err(error),
    }
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Takes the file from everybody else. The file holds credentials.
#[cfg(unix)]
fn tighten(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    if fs::metadata(path)?.permissions().mode() & 0o077 == 0 {
        return Ok(());
    }
    tracing::warn!("{} was open to other users; it is the user's alone now", path.display());
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))
}

#[cfg(not(unix))]
fn tighten(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Locks out other processes that open the file or set it aside, until the result is dropped. A stopped
/// process must not stop this one, so the lock is given up after a while.
pub(super) fn lock(path: &Path) -> Option<File> {
    let file = private().create(true).truncate(false).open(beside(path, "lock")).ok()?;
    for _ in 0..TRIES {
        if file.try_lock().is_ok() {
            return Some(file);
        }
        thread::sleep(PAUSE);
    }
    None
}

/// Renames a damaged file with its journals. Returns the new name.
pub(super) fn set_aside(path: &Path) -> io::Result<PathBuf> {
    let aside = beside(path, &format!("damaged-{}", wall().0));
    fs::rename(path, &aside)?;
    for journal in ["-wal", "-shm"] {
        let of = |path: &Path| PathBuf::from(format!("{}{journal}", path.display()));
        // Without them the damaged file is less, but there may be none.
        let _ = fs::rename(of(path), of(&aside));
    }
    Ok(aside)
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(suffix);
    path.with_file_name(name)
}

/// The identity of a file, to notice that the path leads to another file.
#[cfg(unix)]
pub(super) fn identity(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt as _;
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
pub(super) fn identity(path: &Path) -> Option<(u64, u64)> {
    fs::metadata(path).ok().map(|_| (0, 0))
}
