//! The host, as the plugin calls it.

use std::sync::{Arc, Once};

use pointsman_api::{HostBox, LogLevel, LogRecord};
use pointsman_core::notice::Notice;
use tracing::Level;

use crate::instance::Host;

use super::convert;

/// Calls a host's callbacks.
pub(super) struct ToHost(HostBox);

impl ToHost {
    pub(super) fn new(host: HostBox) -> Self {
        Self(host)
    }
}

impl Host for ToHost {
    fn notice(&self, notice: &Notice) {
        self.0.notice(convert::notice(notice));
    }

    fn log(&self, level: Level, target: &str, text: &str) {
        self.0.log(LogRecord { level: level_of(level), target: target.into(), text: text.into() });
    }
}

/// Sends the text of a panic to the log. The hook is our image's own: a host's panics do not come here.
pub(super) fn log_panics(host: Arc<ToHost>) {
    static HOOKED: Once = Once::new();
    HOOKED.call_once(|| {
        std::panic::set_hook(Box::new(move |panic| {
            host.log(Level::ERROR, "pointsman_plugin", &panic.to_string())
        }));
    });
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
