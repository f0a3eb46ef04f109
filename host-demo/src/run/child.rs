//! The agent as a child in the foreground, with our terminal, process group, signals and exit code.
//!
//! Signals of the terminal (interrupt, stop, resize) reach the whole group, so the agent has them already;
//! signals to our process alone are relayed. Our process stops only after the agent has stopped, so the
//! shell prompts for its next command, and `fg` wakes both. If `^Z` stopped our process directly, the news
//! of the agent's stop would arrive after the resume, and stop our process again.

use std::ffi::OsStr;
use std::io;
use std::process::Command;

use thiserror::Error;

/// The agent did not start.
#[derive(Debug, Error)]
pub(crate) enum NotStarted {
    #[error("there is no command `{0}`; is it installed, and in $PATH?")]
    NotFound(String),
    #[error("`{command}` cannot be run: {error}")]
    Refused { command: String, error: io::Error },
}

impl NotStarted {
    fn new(program: &OsStr, error: io::Error) -> Self {
        let command = program.to_string_lossy().into_owned();
        if error.kind() == io::ErrorKind::NotFound {
            Self::NotFound(command)
        } else {
            Self::Refused { command, error }
        }
    }

    /// Returns the shells' exit code for the failure.
    pub(crate) const fn code(&self) -> u8 {
        match self {
            Self::NotFound(_) => 127,
            Self::Refused { .. } => 126,
        }
    }
}

/// Runs a command to its end. A fatal signal becomes 128 plus its number, as in a shell.
///
/// # Errors
/// [`NotStarted`], or the system's error at waiting.
#[cfg(unix)]
pub(super) async fn run(mut command: Command, program: &OsStr) -> anyhow::Result<u8> {
    use rustix::process::Pid;

    // From here on signals are the agent's, so that none can fall between its start and the waiting.
    let mut relay = unix::Relay::take()?;
    let child = command.spawn().map_err(|error| NotStarted::new(program, error))?;
    let pid = Pid::from_child(&child);
    let mut ended = tokio::task::spawn_blocking(move || unix::wait(pid));
    loop {
        tokio::select! {
            code = &mut ended => return Ok(code??),
            signal = relay.next() => unix::pass_on(pid, signal),
        }
    }
}

/// Runs a command to its end. The console itself reports an interrupt.
///
/// # Errors
/// [`NotStarted`], or the system's error at waiting.
#[cfg(not(unix))]
pub(super) async fn run(mut command: Command, program: &OsStr) -> anyhow::Result<u8> {
    let mut child = command.spawn().map_err(|error| NotStarted::new(program, error))?;
    let mut ended = tokio::task::spawn_blocking(move || child.wait());
    loop {
        tokio::select! {
            status = &mut ended => return Ok(status??.code().map_or(1, |code| code as u8)),
            // It is for the agent; only it may end.
            _ = tokio::signal::ctrl_c() => {}
        }
    }
}

#[cfg(unix)]
mod unix {
    use std::io;
    use std::task::Poll;

    use rustix::process::{Pid, Signal, WaitOptions, getpgrp, getpid, kill_process, waitpid};
    use rustix::termios::tcgetpgrp;
    use tokio::signal::unix::{SignalKind, signal};

    /// Relayed signals; their default effect is suspended.
    const RELAYED: [Signal; 8] = [
        Signal::INT,
        Signal::QUIT,
        Signal::TERM,
        Signal::HUP,
        Signal::TSTP,
        Signal::WINCH,
        Signal::USR1,
        Signal::USR2,
    ];

    /// A stream of signals.
    pub(super) struct Relay(Vec<(Signal, tokio::signal::unix::Signal)>);

    impl Relay {
        pub(super) fn take() -> io::Result<Self> {
            let kind = |of: Signal| SignalKind::from_raw(of.as_raw());
            let each = RELAYED.into_iter().map(|of| Ok((of, signal(kind(of))?)));
            Ok(Self(each.collect::<io::Result<_>>()?))
        }

        /// Waits for the next signal.
        pub(super) async fn next(&mut self) -> Signal {
            std::future::poll_fn(|context| {
                let come = self
                    .0
                    .iter_mut()
                    .find_map(|(signal, comes)| comes.poll_recv(context).is_ready().then_some(*signal));
                come.map_or(Poll::Pending, Poll::Ready)
            })
            .await
        }
    }

    /// Relays a signal, except one that the terminal sent to the agent as well. A signal to our process
    /// alone in the foreground looks equal; a double interrupt of the agent would be worse.
    pub(super) fn pass_on(child: Pid, signal: Signal) {
        let of_terminal = [Signal::INT, Signal::QUIT, Signal::TSTP, Signal::WINCH].contains(&signal);
        if !(of_terminal && in_foreground()) {
            // It may just have ended; then waiting for it tells.
            let _ = kill_process(child, signal);
        }
    }

    /// Waits for the child's end, and returns its exit code.
    pub(super) fn wait(child: Pid) -> io::Result<u8> {
        loop {
            let status = match waitpid(Some(child), WaitOptions::UNTRACED) {
                Ok(Some((_, status))) => status,
                Ok(None) | Err(rustix::io::Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
            };
            if let Some(code) = status.exit_status() {
                return Ok(code as u8);
            }
            if let Some(signal) = status.terminating_signal() {
                return Ok(128 + signal as u8);
            }
            // Without a shell that would go on with us, nobody would wake us.
            if status.stopped() && in_foreground() {
                let _ = kill_process(getpid(), Signal::STOP);
            }
        }
    }

    /// Returns whether our process group is in the terminal's foreground.
    fn in_foreground() -> bool {
        let group = |of: rustix::io::Result<Pid>| of == Ok(getpgrp());
        group(tcgetpgrp(io::stdin())) || group(tcgetpgrp(io::stdout())) || group(tcgetpgrp(io::stderr()))
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    async fn code_of(script: &str) -> u8 {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        run(command, "sh".as_ref()).await.expect("a shell")
    }

    #[tokio::test]
    async fn the_exit_code_is_the_childs() {
        assert_eq!(code_of("exit 0").await, 0);
        assert_eq!(code_of("exit 42").await, 42);
    }

    #[tokio::test]
    async fn a_signal_that_ended_it_is_told_as_shells_do() {
        assert_eq!(code_of("kill -KILL $$").await, 128 + 9);
        assert_eq!(code_of("kill -TERM $$").await, 128 + 15);
    }

    #[tokio::test]
    async fn what_cannot_be_started_has_the_codes_of_shells() {
        for (program, code) in [("no-such-command-of-ours", 127), ("/", 126)] {
            let error = run(Command::new(program), program.as_ref()).await.expect_err("not started");
            let started = error.downcast_ref::<NotStarted>().expect("its own error");
            assert_eq!(started.code(), code, "{error}");
            assert!(error.to_string().contains(program), "{error}");
        }
    }
}
