//! Discovery: the files that announce a user's running gateways.
//!
//! A gateway writes a file of mode 0600 into a folder of mode 0700, and locks the file for the life of its
//! process. The system releases the lock at any end of the process, so a lockable file belongs to a dead
//! gateway: it is ignored and removed.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use serde_json::{Value, json};

/// The bound on a file's length.
const MAX_FILE: u64 = 64 * 1024;

/// The command that started a gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Serve,
    Run,
}

/// The known facts of a gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Gateway {
    pub kind: Kind,
    pub url: String,
    /// The absolute path of its configuration, or a word for none.
    pub config: String,
    /// Equal for equal providers, accounts, credentials and settings.
    pub fingerprint: String,
    pub version: String,
}

/// An announced gateway. Dropping it ends the announcement.
#[derive(Debug)]
pub(crate) struct Announced {
    gateway: Gateway,
    path: PathBuf,
    file: File,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Serve => "serve",
            Self::Run => "run",
        }
    }
}

impl Gateway {
    fn to_json(&self) -> Value {
        json!({
            "kind": self.kind.name(),
            "url": self.url,
            "config": self.config,
            "fingerprint": self.fingerprint,
            "version": self.version,
        })
    }

    fn from_json(text: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(text).ok()?;
        let text = |key: &str| Some(value.get(key)?.as_str()?.to_owned());
        let kind = [Kind::Serve, Kind::Run].into_iter().find(|kind| value["kind"] == kind.name())?;
        Some(Self {
            kind,
            url: text("url")?,
            config: text("config")?,
            fingerprint: text("fingerprint")?,
            version: text("version")?,
        })
    }
}

impl Announced {
    /// Announces a gateway.
    ///
    /// # Errors
    /// The folder belongs to another user, or the file is not writable.
    pub(crate) fn new(gateway: Gateway) -> anyhow::Result<Self> {
        Self::in_folder(&folder()?, gateway)
    }

    fn in_folder(folder: &Path, gateway: Gateway) -> anyhow::Result<Self> {
        make_private(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let name = format!("{}-{}", std::process::id(), gateway.kind.name());
        let (fresh, path) = (folder.join(format!("{name}.new")), folder.join(format!("{name}.json")));
        // The file gets its name once it is locked, so that nobody sees it without.
        let _ = fs::remove_file(&fresh);
        let file = private(OpenOptions::new().write(true).create_new(true)).open(&fresh)?;
        file.try_lock().context("cannot lock a new file")?;
        let mut announced = Self { gateway, path, file };
        announced.write()?;
        fs::rename(&fresh, &announced.path)?;
        Ok(announced)
    }

    /// Announces a change of the configuration.
    pub(crate) fn set_fingerprint(&mut self, fingerprint: &str) -> io::Result<()> {
        fingerprint.clone_into(&mut self.gateway.fingerprint);
        self.write()
    }

    fn write(&mut self) -> io::Result<()> {
        let text = self.gateway.to_json().to_string();
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.file.write_all(text.as_bytes())
    }
}

impl Drop for Announced {
    fn drop(&mut self) {
        // A file that stays is not believed.
        let _ = fs::remove_file(&self.path);
    }
}

/// Returns this user's running gateways, those of `serve` first.
pub(crate) fn running() -> Vec<Gateway> {
    folder().map(|folder| running_in(&folder)).unwrap_or_default()
}

fn running_in(folder: &Path) -> Vec<Gateway> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let files = paths.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
    let mut gateways: Vec<_> = files.filter_map(|path| alive(&path)).collect();
    gateways.sort_by(|one, other| (one.kind, &one.url).cmp(&(other.kind, &other.url)));
    gateways
}

/// Reads the file of a running gateway. A dead gateway's file is removed.
fn alive(path: &Path) -> Option<Gateway> {
    let file = File::open(path).ok()?;
    if !is_ours(&file) {
        return None;
    }
    if file.try_lock_shared().is_ok() {
        let _ = fs::remove_file(path);
        return None;
    }
    let mut text = String::new();
    file.take(MAX_FILE).read_to_string(&mut text).ok()?;
    Gateway::from_json(&text)
}

/// Returns the folder: the user's session folder if there is one, else the user's state folder.
fn folder() -> anyhow::Result<PathBuf> {
    let set = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let under_home = |rest: &str| Some(set("HOME")?.join(rest));
    let base = set("XDG_RUNTIME_DIR")
        .or_else(|| set("XDG_STATE_HOME"))
        .or_else(|| under_home(".local/state"))
        .or_else(|| set("LOCALAPPDATA"));
    let base = base.context("there is neither $XDG_RUNTIME_DIR nor $HOME")?;
    Ok(base.join("pointsman").join("gateways"))
}

#[cfg(unix)]
fn make_private(folder: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let metadata = fs::metadata(folder)?;
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        bail!("it belongs to another user");
    }
    if metadata.mode() & 0o077 != 0 {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn make_private(folder: &Path) -> anyhow::Result<()> {
    Ok(fs::create_dir_all(folder)?)
}

#[cfg(unix)]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    use std::os::unix::fs::OpenOptionsExt as _;
    options.mode(0o600)
}

#[cfg(not(unix))]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

/// Returns whether the file is this user's, out of reach for others.
#[cfg(unix)]
fn is_ours(file: &File) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let own = rustix::process::geteuid().as_raw();
    file.metadata().is_ok_and(|found| found.is_file() && found.uid() == own && found.mode() & 0o022 == 0)
}

#[cfg(not(unix))]
fn is_ours(file: &File) -> bool {
    file.metadata().is_ok_and(|found| found.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gateway(kind: Kind, url: &str) -> Gateway {
        Gateway {
            kind,
            url: url.to_owned(),
            config: "/home/me/pointsman.yaml".to_owned(),
            fingerprint: "f".to_owned(),
            version: "0.1.0".to_owned(),
        }
    }

    fn announce(folder: &Path, gateway: Gateway) -> Announced {
        Announced::in_folder(folder, gateway).expect("a file")
    }

    #[test]
    fn a_gateway_is_found_while_it_runs_and_serve_goes_first() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path().join("gateways");
        let run = announce(&folder, gateway(Kind::Run, "http://127.0.0.1:2"));
        let mut serve = announce(&folder, gateway(Kind::Serve, "http://127.0.0.1:1"));
        let found =
            |folder: &Path| running_in(folder).into_iter().map(|gateway| gateway.kind).collect::<Vec<_>>();
        assert_eq!(found(&folder), [Kind::Serve, Kind::Run]);
        serve.set_fingerprint("a much longer one").expect("it is written");
        assert_eq!(running_in(&folder)[0].fingerprint, "a much longer one");
        serve.set_fingerprint("g").expect("it is written");
        assert_eq!(running_in(&folder)[0].fingerprint, "g");
        drop(run);
        assert_eq!(found(&folder), [Kind::Serve]);
        drop(serve);
        assert!(found(&folder).is_empty());
    }

    /// What a killed gateway leaves behind has the same text, and no lock.
    #[test]
    fn the_file_of_a_killed_gateway_is_not_believed_and_removed() {
        let folder = tempfile::tempdir().expect("a folder");
        let left = folder.path().join("77-serve.json");
        fs::write(&left, gateway(Kind::Serve, "http://127.0.0.1:1").to_json().to_string()).expect("a file");
        assert!(running_in(folder.path()).is_empty());
        assert!(!left.exists());
    }

    #[cfg(unix)]
    #[test]
    fn files_are_private_and_those_that_others_can_write_are_not_believed() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().expect("a folder");
        let announced = announce(folder.path(), gateway(Kind::Serve, "http://127.0.0.1:1"));
        let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
        assert_eq!((mode(&announced.path), mode(folder.path())), (0o600, 0o700));
        fs::set_permissions(&announced.path, fs::Permissions::from_mode(0o666)).expect("it is changed");
        assert!(running_in(folder.path()).is_empty());
    }
}
