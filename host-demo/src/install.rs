//! `pointsman install opencode` and `uninstall opencode`: the adapter and the library in the agent's plugin
//! folder.
//!
//! A running agent may have the old library mapped, and a starting agent may look during a copy. Each file
//! is therefore written beside its target and renamed, never in place. The library goes first, so an
//! adapter never stands alone.

mod replace;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::Context as _;
use pointsman_loader::{Environment, FILE_NAME, find, inspect};

use crate::cli::{Agent, Install};

use self::replace::{Replaced, replace};

/// The adapter of this version.
const ADAPTER: &[u8] = include_bytes!("../opencode/pointsman.ts");
const ADAPTER_NAME: &str = "pointsman.ts";

/// The installed parts of an agent.
struct Parts {
    folder: PathBuf,
    files: [(&'static str, Vec<u8>); 2],
}

/// Installs the parts for an agent.
pub(crate) fn install(library: Option<&Path>, arguments: &Install) -> anyhow::Result<()> {
    let Agent::Opencode = arguments.agent;
    let library = find(library, &Environment::of_process())?;
    inspect(&library).context("cannot install the library")?;
    let bytes = fs::read(&library).with_context(|| format!("cannot read {}", library.display()))?;
    let parts =
        Parts { folder: opencode_folder()?, files: [(FILE_NAME, bytes), (ADAPTER_NAME, ADAPTER.into())] };
    let done = parts.install()?;
    let mut out = io::stdout().lock();
    for (path, replaced) in done {
        writeln!(out, "{:<9} {}", replaced.as_str(), path.display())?;
    }
    writeln!(out, "opencode loads Pointsman when it starts next; it goes by pointsman.yaml")?;
    Ok(())
}

/// Removes the parts.
pub(crate) fn uninstall(arguments: &Install) -> anyhow::Result<()> {
    let Agent::Opencode = arguments.agent;
    let folder = opencode_folder()?;
    let mut out = io::stdout().lock();
    // The adapter goes first, so that it never looks for a library that is gone.
    for name in [ADAPTER_NAME, FILE_NAME] {
        let path = folder.join(name);
        match fs::remove_file(&path) {
            Ok(()) => writeln!(out, "removed   {}", path.display())?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                writeln!(out, "not there {}", path.display())?;
            }
            Err(error) => return Err(error).with_context(|| format!("cannot remove {}", path.display())),
        }
    }
    Ok(())
}

impl Parts {
    fn install(&self) -> anyhow::Result<Vec<(PathBuf, Replaced)>> {
        let folder = self.folder.display();
        fs::create_dir_all(&self.folder).with_context(|| format!("cannot make {folder}"))?;
        let install = |(name, bytes): &(&str, Vec<u8>)| {
            let path = self.folder.join(name);
            let replaced =
                replace(&path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
            Ok((path, replaced))
        };
        self.files.iter().map(install).collect()
    }
}

/// opencode's plugin folder, equal on every system.
fn opencode_folder() -> anyhow::Result<PathBuf> {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let config = set("XDG_CONFIG_HOME").or_else(|| Some(env::home_dir()?.join(".config")));
    let folder = set("OPENCODE_CONFIG_DIR").or_else(|| Some(config?.join("opencode")));
    Ok(folder.context("there is no home folder; set OPENCODE_CONFIG_DIR")?.join("plugin"))
}
