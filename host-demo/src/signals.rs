//! The signals that ask a process to end.

use std::io;
#[cfg(unix)]
use std::io::IsTerminal as _;

/// Signals that come from now on, in place of their default effect.
pub(crate) struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    hang_up: tokio::signal::unix::Signal,
    /// Whether a terminal can hang up. Without one the signal is what `reload` of a service manager sends.
    #[cfg(unix)]
    has_terminal: bool,
}

#[cfg(unix)]
impl Signals {
    pub(crate) fn take() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
            has_terminal: io::stdin().is_terminal() || io::stderr().is_terminal(),
        })
    }

    /// Waits for the next one. A terminal that hangs up asks to end, too; without a terminal `SIGHUP` asks to look at
    /// the configuration, which happens all the time.
    pub(crate) async fn next(&mut self) {
        loop {
            tokio::select! {
                _ = self.interrupt.recv() => return,
                _ = self.terminate.recv() => return,
                _ = self.hang_up.recv() => if self.has_terminal { return },
            }
        }
    }
}

#[cfg(not(unix))]
impl Signals {
    pub(crate) fn take() -> io::Result<Self> {
        Ok(Self {})
    }

    /// Waits for the next one.
    pub(crate) async fn next(&mut self) {
        // Without a console there is nobody to interrupt us; then only the end of the process does.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    }
}
