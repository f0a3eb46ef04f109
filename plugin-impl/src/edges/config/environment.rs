//! The environment of a configuration: variables, files and the output of commands.
//!
//! The environment is an argument, so that tests neither read nor change the process.

use std::ffi::OsString;
use std::fmt::Debug;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// The longest file or output to read, in bytes.
const MAX_TEXT: u64 = 1 << 20;

/// The time limit of a command for a secret.
pub const COMMAND_LIMIT: Duration = Duration::from_secs(10);

/// The machine, as seen by a configuration.
pub trait Environment: Debug + Send + Sync {
    /// Returns the environment variable `name`; an empty variable counts as unset.
    fn variable(&self, name: &str) -> Option<String>;

    /// Returns the names of every environment variable.
    fn variable_names(&self) -> Vec<String>;

    /// Returns whether a file exists.
    fn is_file(&self, path: &Path) -> bool;

    /// Returns the absolute path of a file.
    fn absolute(&self, path: &Path) -> PathBuf;

    /// Appends a line to a file readable and writable only by the user. Creates the file and the folder if
    /// need be.
    ///
    /// # Errors
    ///
    /// The system's error.
    fn append(&self, path: &Path, line: &str) -> io::Result<()>;

    /// Reads a text file.
    ///
    /// # Errors
    ///
    /// The system's error, or an error for a file too long or not text.
    fn read(&self, path: &Path) -> io::Result<String>;

    /// Runs a command without a shell and returns the output, within [`COMMAND_LIMIT`].
    ///
    /// # Errors
    ///
    /// The reason for no usable output.
    fn run(&self, program: &str, arguments: &[String]) -> Result<String, CommandError>;
}

/// The error of a command.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    #[error("could not be started: {0}")]
    Start(io::Error),
    #[error("could not be read: {0}")]
    Read(io::Error),
    #[error("ended with {0}")]
    Failed(ExitStatus),
    #[error("did not end within {}s", .0.as_secs())]
    TooSlow(Duration),
}

/// The environment of the process.
#[derive(Clone, Copy, Debug, Default)]
pub struct Process;

impl Environment for Process {
    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok().filter(|value| !value.is_empty())
    }

    fn variable_names(&self) -> Vec<String> {
        std::env::vars_os()
            .map(|(name, _)| name)
            .filter_map(|name| OsString::into_string(name).ok())
            .collect()
    }

    fn is_file(&self, path: &Path) -> bool {
        path.is_file()
    }

    fn absolute(&self, path: &Path) -> PathBuf {
        let whole = std::fs::canonicalize(path).or_else(|_| std::path::absolute(path));
        whole.unwrap_or_else(|_| path.to_owned())
    }

    fn append(&self, path: &Path, line: &str) -> io::Result<()> {
        if let Some(folder) = path.parent() {
            private_folder(folder)?;
        }
        private_file(path)?.write_all(line.as_bytes())
    }

    fn read(&self, path: &Path) -> io::Result<String> {
        read_file(path, COMMAND_LIMIT)
    }

    fn run(&self, program: &str, arguments: &[String]) -> Result<String, CommandError> {
        output(program, arguments, COMMAND_LIMIT)
    }
}

#[cfg(unix)]
fn private_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(unix)]
fn private_file(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    std::fs::OpenOptions::new().create(true).append(true).mode(0o600).open(path)
}

#[cfg(not(unix))]
fn private_folder(folder: &Path) -> io::Result<()> {
    std::fs::create_dir_all(folder)
}

#[cfg(not(unix))]
fn private_file(path: &Path) -> io::Result<File> {
    std::fs::OpenOptions::new().create(true).append(true).open(path)
}

/// A pipe may have nobody who writes into it, so that it is opened and read on a thread of its own, which stays until
/// somebody does.
fn read_file(path: &Path, limit: Duration) -> io::Result<String> {
    let is_file = std::fs::metadata(path)?.is_file();
    if is_file {
        return read_text(File::open(path)?);
    }
    let owned = path.to_owned();
    let (sender, receiver) = mpsc::sync_channel(1);
    thread::spawn(move || sender.send(File::open(owned).and_then(read_text)));
    let silent =
        || io::Error::new(io::ErrorKind::TimedOut, format!("no file, and silent for {}s", limit.as_secs()));
    receiver.recv_timeout(limit).unwrap_or_else(|_| Err(silent()))
}

fn read_text(from: impl Read) -> io::Result<String> {
    let mut text = String::new();
    let length = from.take(MAX_TEXT + 1).read_to_string(&mut text)?;
    if length as u64 > MAX_TEXT {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("longer than {MAX_TEXT} bytes")));
    }
    Ok(text)
}

/// Runs a command. A thread of its own reads the output, because a pipe has no timeout. If the command is
/// killed and a child process keeps the pipe open, the thread stays until the child ends.
fn output(program: &str, arguments: &[String], limit: Duration) -> Result<String, CommandError> {
    let deadline = Instant::now() + limit;
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(CommandError::Start)?;

    let text = printed(&mut child, limit).and_then(|text| match status(&mut child, deadline)? {
        Some(status) if status.success() => Ok(text),
        Some(status) => Err(CommandError::Failed(status)),
        None => Err(CommandError::TooSlow(limit)),
    });
    if text.is_err() {
        // It may have ended by itself; either way nothing of it is left.
        let _ = child.kill();
        let _ = child.wait();
    }
    text
}

fn printed(child: &mut Child, limit: Duration) -> Result<String, CommandError> {
    let Some(pipe) = child.stdout.take() else { return Ok(String::new()) };
    let (sender, receiver) = mpsc::sync_channel(1);
    thread::spawn(move || sender.send(read_text(pipe)));
    let read = receiver.recv_timeout(limit).map_err(|_| CommandError::TooSlow(limit))?;
    read.map_err(CommandError::Read)
}

/// Waits for the exit by polling: a command with closed output is about to end.
fn status(child: &mut Child, deadline: Instant) -> Result<Option<ExitStatus>, CommandError> {
    const PAUSE: Duration = Duration::from_millis(5);
    loop {
        let status = child.try_wait().map_err(CommandError::Read)?;
        if status.is_some() || Instant::now() >= deadline {
            return Ok(status);
        }
        thread::sleep(PAUSE);
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(script: &str, limit: Duration) -> Result<String, CommandError> {
        output("sh", &["-c".to_owned(), script.to_owned()], limit)
    }

    #[test]
    fn a_command_gives_what_it_printed() {
        assert_eq!(shell("printf one; printf two >&2", COMMAND_LIMIT).unwrap(), "one");
    }

    #[test]
    fn a_command_that_fails_gives_nothing() {
        let failed = shell("printf one; exit 3", COMMAND_LIMIT).unwrap_err();
        assert!(failed.to_string().contains('3'), "{failed}");
        assert!(matches!(output("/no/such/program", &[], COMMAND_LIMIT), Err(CommandError::Start(_))));
    }

    #[test]
    fn a_command_that_does_not_end_is_killed() {
        let begun = Instant::now();
        for script in ["exec sleep 60", "exec 1>&-; exec sleep 60"] {
            assert!(
                matches!(shell(script, Duration::from_millis(30)), Err(CommandError::TooSlow(_))),
                "{script}"
            );
        }
        assert!(begun.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn a_pipe_is_read_where_somebody_writes_and_else_told() {
        let pipe = |name: &str| {
            let pipe = std::env::temp_dir().join(format!("{name}-{}", std::process::id()));
            shell(&format!("mkfifo {}", pipe.display()), COMMAND_LIMIT).unwrap();
            pipe
        };
        let (silent, written) = (pipe("silent"), pipe("written"));
        let error = read_file(&silent, Duration::from_millis(30)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        let script = format!("printf text > {}", written.display());
        let writer = thread::spawn(move || shell(&script, COMMAND_LIMIT).map(drop));
        assert_eq!(read_file(&written, COMMAND_LIMIT).unwrap(), "text");
        writer.join().unwrap().unwrap();
        for pipe in [silent, written] {
            std::fs::remove_file(pipe).unwrap();
        }
    }

    #[test]
    fn an_endless_output_is_cut_off() {
        assert!(matches!(shell("exec cat /dev/zero", COMMAND_LIMIT), Err(CommandError::Read(_))));
    }
}
