//! What a person is told while an agent has the terminal.
//!
//! A line in the middle of an agent's screen would spoil it, so where both write to one terminal the
//! lines are kept until the agent has ended.

use std::collections::VecDeque;
use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};

use pointsman_api::{LogLevel, LogRecord, Notice, Severity};
use pointsman_loader::Host;

/// As many lines as are kept; the oldest go first.
const KEPT: usize = 20;

/// Writes lines to standard error, at once or later. Clones share what is kept.
#[derive(Clone)]
pub(super) struct Reporter(Arc<Inner>);

struct Inner {
    quiet: bool,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    begun: bool,
    holding: bool,
    lines: VecDeque<String>,
    dropped: usize,
}

impl Reporter {
    /// Makes a reporter; a quiet one leaves out what is no warning.
    pub(super) fn new(quiet: bool) -> Self {
        Self(Arc::new(Inner { quiet, held: Mutex::default() }))
    }

    /// Says something that is no warning.
    pub(super) fn say(&self, text: &str) {
        if !self.0.quiet {
            self.write(text);
        }
    }

    /// The agent begins: what the plugin logs is of less interest from now on, and lines are kept where
    /// they would meet the agent's.
    pub(super) fn hold(&self) {
        self.with(|held| {
            held.begun = true;
            held.holding = io::stderr().is_terminal();
        });
    }

    /// Writes what was kept.
    pub(super) fn release(&self) {
        for line in self.with(Held::take) {
            print(&line);
        }
    }

    fn write(&self, text: &str) {
        if let Some(line) = self.with(|held| held.pass(text)) {
            print(&line);
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

    /// Before the agent begins, the log says where accounts were found that nobody has written down.
    fn log(&self, record: LogRecord) {
        if record.level <= LogLevel::WARN {
            self.write(&record.text);
        } else if record.level == LogLevel::INFO && !self.with(|held| held.begun) {
            self.say(&record.text);
        }
    }
}

impl Held {
    /// Returns the line where it may be written at once, else keeps it.
    fn pass(&mut self, line: &str) -> Option<String> {
        if !self.holding {
            return Some(line.to_owned());
        }
        if self.lines.len() == KEPT {
            self.lines.pop_front();
            self.dropped += 1;
        }
        self.lines.push_back(line.to_owned());
        None
    }

    fn take(&mut self) -> Vec<String> {
        let Self { lines, dropped, .. } = std::mem::take(self);
        let more = (dropped > 0).then(|| format!("{dropped} earlier lines are left out"));
        more.into_iter().chain(lines).collect()
    }
}

/// Whoever closed standard error does not want to know.
fn print(line: &str) {
    let _ = writeln!(io::stderr(), "pointsman: {line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_kept_while_the_agent_has_the_terminal() {
        let mut held = Held { holding: true, ..Held::default() };
        assert_eq!(held.pass("one"), None);
        assert_eq!(held.pass("two"), None);
        assert_eq!(held.take(), ["one", "two"]);
        assert_eq!(held.pass("three").as_deref(), Some("three"));
    }

    #[test]
    fn the_latest_lines_are_kept() {
        let mut held = Held { holding: true, ..Held::default() };
        (0..KEPT + 2).for_each(|number| drop(held.pass(&number.to_string())));
        let lines = held.take();
        assert_eq!(lines.len(), KEPT + 1);
        assert_eq!((lines[0].as_str(), lines[1].as_str()), ("2 earlier lines are left out", "2"));
    }
}
