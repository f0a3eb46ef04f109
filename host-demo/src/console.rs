//! A host whose toasts are lines on standard error.

use std::io;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use pointsman_api::{LogLevel, LogRecord, Notice, NoticeKind, Severity};
use pointsman_loader::Host;
use tokio::sync::Notify;

use crate::lines::Lines;
use crate::paint::{Paint, Tone};

/// Writes notices and log lines as they come, each with the time of day in UTC.
pub(crate) struct Console {
    quiet: bool,
    /// Hears when the configuration may have changed.
    changed: Arc<Notify>,
    paint: Paint,
    lines: Lines,
}

impl Console {
    /// Makes a console; a quiet one leaves out what is no warning. It tells `changed` when the configuration may
    /// have changed.
    pub(crate) fn telling(quiet: bool, changed: Arc<Notify>, lines: Lines) -> Self {
        Self { quiet, changed, paint: Paint::on(&io::stderr()), lines }
    }

    fn write(&self, tone: Tone, text: &str) {
        let time = self.paint.text(Tone::Faint, time_of_day(SystemTime::now()));
        self.lines.say(format!("{time}  {}", self.paint.text(tone, text)));
    }
}

impl Host for Console {
    fn notice(&self, notice: Notice) {
        if notice.kind == NoticeKind::CONFIG {
            self.changed.notify_one();
        }
        if !self.quiet || notice.severity >= Severity::WARNING {
            self.write(severity_tone(notice.severity), &notice.text);
        }
    }

    fn log(&self, record: LogRecord) {
        // The plugin tells what is below INFO only where somebody asked for it.
        if !self.quiet || record.level <= LogLevel::WARN {
            self.write(level_tone(record.level), &record.text);
        }
    }
}

/// Returns the colour of a notice.
pub(crate) fn severity_tone(severity: Severity) -> Tone {
    match severity {
        Severity::ERROR => Tone::Bad,
        Severity::WARNING => Tone::Warn,
        _ => Tone::Strong,
    }
}

fn level_tone(level: LogLevel) -> Tone {
    match level {
        LogLevel::ERROR => Tone::Bad,
        LogLevel::WARN => Tone::Warn,
        _ => Tone::Faint,
    }
}

fn time_of_day(at: SystemTime) -> String {
    let seconds = at.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_time_of_day_is_utc() {
        assert_eq!(time_of_day(UNIX_EPOCH + Duration::from_secs(86_400 * 3 + 3_661)), "01:01:01Z");
    }
}
