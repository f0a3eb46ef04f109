//! The look at a configuration: accounts and the listen address, without a secret.
//!
//! Commands in search of a gateway need no keys and have no right to run a command for a secret. Every
//! secret reads as a fixed word, so that every further error is still reported.

use std::io;
use std::path::{Path, PathBuf};

use crate::edges::config::{self, CommandError, Config, Environment, Located};

/// The text in place of every secret.
const UNREAD: &str = "not-read";

/// Variables for finding and changing a configuration. Any further variable can hold a secret.
const OF_CONFIGURATION: [&str; 6] = ["POINTSMAN_", "XDG_", "HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA"];

/// The machine without secrets.
#[derive(Debug)]
struct Looking<'a> {
    machine: &'a dyn Environment,
    /// The only files read: the configuration and the user's consents.
    files: Vec<PathBuf>,
}

impl Environment for Looking<'_> {
    fn variable(&self, name: &str) -> Option<String> {
        if OF_CONFIGURATION.iter().any(|prefix| name.starts_with(prefix)) {
            return self.machine.variable(name);
        }
        // Whether it is set decides which accounts there are where no file names any.
        let names_accounts = config::VARIABLES.iter().any(|(known, _)| *known == name);
        let is_there = !names_accounts || self.machine.variable(name).is_some();
        is_there.then(|| UNREAD.to_owned())
    }

    fn variable_names(&self) -> Vec<String> {
        self.machine.variable_names()
    }

    fn is_file(&self, path: &Path) -> bool {
        self.machine.is_file(path)
    }

    fn absolute(&self, path: &Path) -> PathBuf {
        self.machine.absolute(path)
    }

    fn append(&self, path: &Path, line: &str) -> io::Result<()> {
        self.machine.append(path, line)
    }

    fn read(&self, path: &Path) -> io::Result<String> {
        if self.files.iter().any(|file| file == path) {
            self.machine.read(path)
        } else {
            Ok(UNREAD.to_owned())
        }
    }

    fn run(&self, _: &str, _: &[String]) -> Result<String, CommandError> {
        Ok(UNREAD.to_owned())
    }
}

/// Loads a configuration without secrets. If the file has errors, returns the defaults with the name of the
/// file, and the errors as the second half.
pub(super) fn load(named: Option<&Path>, machine: &dyn Environment) -> (Option<Config>, Option<String>) {
    let located = config::locate(named, machine);
    let config = located.file().map(Path::to_owned);
    let files = config.into_iter().chain(config::consent_file(machine)).collect();
    let looking = Looking { machine, files };
    match config::load(&located, &looking) {
        Ok(config) => (Some(config), None),
        Err(errors) => (defaults(&located, &looking), Some(errors.to_string())),
    }
}

fn defaults(located: &Located, looking: &Looking<'_>) -> Option<Config> {
    let name = located.file().map_or_else(|| "defaults".to_owned(), |path| path.display().to_string());
    config::from_text("accounts: []", &name, looking).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine with every file and variable. Reading a secret fails the test.
    #[derive(Debug)]
    struct Guarded;

    impl Environment for Guarded {
        fn variable(&self, name: &str) -> Option<String> {
            assert_ne!(name, "WORK_KEY", "it is a secret");
            None
        }

        fn variable_names(&self) -> Vec<String> {
            Vec::new()
        }

        fn is_file(&self, _: &Path) -> bool {
            true
        }

        fn absolute(&self, path: &Path) -> PathBuf {
            path.to_owned()
        }

        fn append(&self, path: &Path, _: &str) -> io::Result<()> {
            panic!("{} is written for a look", path.display())
        }

        fn read(&self, path: &Path) -> io::Result<String> {
            assert_eq!(path, Path::new("/etc/pointsman.yaml"), "it is a secret");
            let accounts = "accounts:\n  - {id: 'anthropic:a', api_key: {env: WORK_KEY}}\n  \
                            - {id: 'anthropic:b', api_key: {file: /secret}}\n  \
                            - {id: 'openai:c', api_key: {command: [pass, show]}}\n";
            Ok(format!("listen: 127.0.0.1:9999\n{accounts}"))
        }

        fn run(&self, program: &str, _: &[String]) -> Result<String, CommandError> {
            panic!("{program} is run for a look")
        }
    }

    #[test]
    fn no_secret_is_read_for_a_look() {
        let (config, problem) = load(Some(Path::new("/etc/pointsman.yaml")), &Guarded);
        let config = config.expect("a configuration");
        assert_eq!((problem, config.listen.to_string().as_str()), (None, "127.0.0.1:9999"));
        assert_eq!(config.accounts.len(), 3);
    }
}
