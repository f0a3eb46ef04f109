//! The terminal that we share with the agent.

/// Says whether standard error is a terminal that a full-screen program has taken.
///
/// Such programs read keys one by one, so they switch the line editor of the terminal off (ICANON). An agent
/// that runs for one prompt leaves it on.
#[cfg(unix)]
pub(super) fn is_taken() -> bool {
    use rustix::termios::{LocalModes, tcgetattr};
    tcgetattr(std::io::stderr()).is_ok_and(|modes| !modes.local_modes.contains(LocalModes::ICANON))
}

/// Says whether standard error is a terminal, of which nobody can say who has taken it.
#[cfg(not(unix))]
pub(super) fn is_taken() -> bool {
    use std::io::IsTerminal;
    std::io::stderr().is_terminal()
}
