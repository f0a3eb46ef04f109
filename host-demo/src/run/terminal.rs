//! The terminal shared with the agent.

/// Returns whether a full-screen program has taken the terminal of standard error.
///
/// Full-screen programs read keys one by one, so they switch off the terminal's line editor (ICANON). An
/// agent with a single prompt leaves the line editor on.
#[cfg(unix)]
pub(super) fn is_taken() -> bool {
    use rustix::termios::{LocalModes, tcgetattr};
    tcgetattr(std::io::stderr()).is_ok_and(|modes| !modes.local_modes.contains(LocalModes::ICANON))
}

/// Returns whether standard error is a terminal; the terminal's user is unknown.
#[cfg(not(unix))]
pub(super) fn is_taken() -> bool {
    use std::io::IsTerminal;
    std::io::stderr().is_terminal()
}
