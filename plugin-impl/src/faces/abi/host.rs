//! The host, as the plugin calls it.

use std::path::PathBuf;

use pointsman_api::{HostBox, LogLevel, LogRecord};
use pointsman_core::reporting::notice::Notice;
use tracing::Level;

use crate::edges::notices::MetBy;
use crate::instance::Host;

use super::convert;

/// Calls a host's callbacks.
pub(super) struct HostCallbacks(HostBox);

impl HostCallbacks {
    pub(super) fn new(host: HostBox) -> Self {
        Self(host)
    }
}

impl Host for HostCallbacks {
    fn notice(&self, notice: &Notice, met_by: MetBy) {
        self.0.notice(convert::notice(notice, met_by));
    }

    fn log(&self, level: Level, target: &str, text: &str) {
        self.0.log(LogRecord { level: level_of(level), target: target.into(), text: text.into() });
    }

    fn state_dir(&self) -> Option<PathBuf> {
        self.0.state_dir().into_option().map(|folder| folder.as_str().into())
    }
}

const fn level_of(level: Level) -> LogLevel {
    match level {
        Level::ERROR => LogLevel::ERROR,
        Level::WARN => LogLevel::WARN,
        Level::INFO => LogLevel::INFO,
        Level::DEBUG => LogLevel::DEBUG,
        Level::TRACE => LogLevel::TRACE,
    }
}
