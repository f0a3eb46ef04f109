//! What a person is told while an agent has the terminal.
//!
//! A line in the middle of a full-screen program's screen would spoil it, so lines are kept while the agent
//! has taken the terminal, and written as soon as it has given it back. Everywhere else they are live: whoever
//! waits for a limit reads so.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use pointsman_api::{LogLevel, LogRecord, Notice, Severity};
use pointsman_loader::Host;

use crate::lines::Lines;

use super::terminal;

/// As many lines as are kept; the oldest go first.
const KEPT: usize = 20;
/// The same where a log was asked for.
const KEPT_OF_LOG: usize = 1_000;

/// Writes lines to standard error, at once or later. Clones share what is kept.
#[derive(Clone)]
pub(super) struct Reporter(Arc<Inner>);

struct Inner {
    quiet: bool,
    /// `POINTSMAN_LOG` asks for the log.
    verbose: bool,
    lines: Lines,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    begun: bool,
    lines: VecDeque<String>,
    dropped: usize,
}

impl Reporter {
    /// Makes a reporter; a quiet one leaves out what is no warning.
    pub(super) fn new(quiet: bool, lines: Lines) -> Self {
        let verbose = std::env::var_os("POINTSMAN_LOG").is_some_and(|level| !level.is_empty());
        Self(Arc::new(Inner { quiet, verbose, lines, held: Mutex::default() }))
    }

    /// Says something that is no warning.
    pub(super) fn say(&self, text: &str) {
        if !self.0.quiet {
            self.write(text);
        }
    }

    /// The agent begins: what the plugin logs is of less interest from now on, and lines are kept where
    /// they would meet the agent's screen.
    pub(super) fn agent_begins(&self) {
        self.with(|held| held.begun = true);
    }

    /// The agent has ended: writes what was kept.
    pub(super) fn agent_ended(&self) {
        self.with(|held| held.begun = false);
        for line in self.with(Held::take) {
            self.0.lines.say(format!("pointsman: {line}"));
        }
    }

    fn write(&self, text: &str) {
        let room = if self.0.verbose { KEPT_OF_LOG } else { KEPT };
        for line in self.with(|held| held.pass(text, held.begun && terminal::is_taken(), room)) {
            self.0.lines.say(format!("pointsman: {line}"));
        }
    }

    fn with<T>(&self, change: impl FnOnce(&mut Held) -> T) -> T {
        change(&mut self.0.held.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Host for Reporter {
    fn notice(&self, notice: Notice) {
        if !self.0.quiet || notice.severity >= Severity::WARNING {
            self.write(&notice.text);
        }
    }

    /// Before the agent begins, the log says where accounts were found that nobody has written down. What is
    /// below INFO comes only where `POINTSMAN_LOG` asks for it.
    fn log(&self, record: LogRecord) {
        if record.level <= LogLevel::WARN {
            self.write(&record.text);
        } else if self.0.verbose || !self.with(|held| held.begun) {
            self.say(&record.text);
        }
    }
}

impl Held {
    /// Keeps the line while the terminal is taken; else returns it, after those that were kept.
    fn pass(&mut self, line: &str, is_taken: bool, room: usize) -> Vec<String> {
        if self.lines.len() == room {
            self.lines.pop_front();
            self.dropped += 1;
        }
        self.lines.push_back(line.to_owned());
        if is_taken { Vec::new() } else { self.take() }
    }

    fn take(&mut self) -> Vec<String> {
        let (lines, dropped) = (std::mem::take(&mut self.lines), std::mem::take(&mut self.dropped));
        let more = (dropped > 0).then(|| format!("{dropped} earlier lines are left out"));
        more.into_iter().chain(lines).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_kept_while_the_terminal_is_taken_and_no_longer() {
        let mut held = Held::default();
        assert_eq!(held.pass("before", false, KEPT), ["before"]);
        assert!(held.pass("one", true, KEPT).is_empty());
        assert!(held.pass("two", true, KEPT).is_empty());
        assert_eq!(held.pass("three", false, KEPT), ["one", "two", "three"]);
        assert!(held.take().is_empty());
    }

    #[test]
    fn the_latest_lines_are_kept() {
        let mut held = Held::default();
        (0..KEPT + 2).for_each(|number| drop(held.pass(&number.to_string(), true, KEPT)));
        let lines = held.take();
        assert_eq!(lines.len(), KEPT + 1);
        assert_eq!((lines[0].as_str(), lines[1].as_str()), ("2 earlier lines are left out", "2"));
    }
}
