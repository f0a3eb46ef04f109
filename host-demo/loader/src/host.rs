//! The callbacks of a host, and the panic guard around them.
//!
//! A panic at the boundary ends the process, whatever the host catches elsewhere. A panic guard around each
//! callback limits the damage of a panic to the callback's own effect.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use pointsman_api::abi_stable::sabi_trait::TD_Opaque;
use pointsman_api::abi_stable::std_types::{RNone, ROption, RString};
use pointsman_api::{HostBox, LogRecord, Notice};

/// The callbacks of a host, in plain Rust types; each is optional.
///
/// The plugin calls from its own threads, concurrently, and expects quick returns. The process's panic hook
/// reports a panic of a callback; the panic ends there.
pub trait Host: Send + Sync + 'static {
    /// Shows a notice to a person.
    fn notice(&self, notice: Notice) {
        drop(notice);
    }

    /// Takes a line of the plugin's log, without secrets.
    fn log(&self, record: LogRecord) {
        drop(record);
    }

    /// Returns the folder for the plugin's state, or none for the plugin's default.
    fn state_dir(&self) -> Option<PathBuf> {
        None
    }
}

/// A host without effects.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Host for Silent {}

/// A host made of closures.
#[derive(Default)]
pub struct HostFns {
    notice: Option<Box<dyn Fn(Notice) + Send + Sync>>,
    log: Option<Box<dyn Fn(LogRecord) + Send + Sync>>,
    state_dir: Option<PathBuf>,
}

impl HostFns {
    /// Makes a host without callbacks.
    pub fn new() -> Self {
        Self::default()
    }

    /// Calls `show` with each notice.
    #[must_use]
    pub fn on_notice(mut self, show: impl Fn(Notice) + Send + Sync + 'static) -> Self {
        self.notice = Some(Box::new(show));
        self
    }

    /// Calls `write` with each line of the log.
    #[must_use]
    pub fn on_log(mut self, write: impl Fn(LogRecord) + Send + Sync + 'static) -> Self {
        self.log = Some(Box::new(write));
        self
    }

    /// Keeps the plugin's state in `folder`.
    #[must_use]
    pub fn keep_state_in(mut self, folder: impl Into<PathBuf>) -> Self {
        self.state_dir = Some(folder.into());
        self
    }
}

impl Host for HostFns {
    fn notice(&self, notice: Notice) {
        if let Some(show) = &self.notice {
            show(notice);
        }
    }

    fn log(&self, record: LogRecord) {
        if let Some(write) = &self.log {
            write(record);
        }
    }

    fn state_dir(&self) -> Option<PathBuf> {
        self.state_dir.clone()
    }
}

/// Wraps `host` in panic guards, in the boundary's types.
pub(crate) fn fenced(host: impl Host) -> HostBox {
    HostBox::from_value(Fenced(host), TD_Opaque)
}

struct Fenced<H>(H);

impl<H: Host> pointsman_api::Host for Fenced<H> {
    fn notice(&self, notice: Notice) {
        fence(|| self.0.notice(notice));
    }

    fn log(&self, record: LogRecord) {
        fence(|| self.0.log(record));
    }

    fn state_dir(&self) -> ROption<RString> {
        let folder = fence(|| self.0.state_dir()).flatten();
        folder.map_or(RNone, |folder| ROption::RSome(folder.to_string_lossy().into()))
    }
}

/// Runs `callback`; returns nothing after a panic.
///
/// Unwind safety is the host's concern: the callback's state is left as after a panic in a thread of the
/// host.
fn fence<T>(callback: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(callback)).ok()
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use pointsman_api::abi_stable::std_types::RSome;
    use pointsman_api::{Extensions, LogLevel, NoticeKind, Severity};

    use super::*;

    fn notice(text: &str) -> Notice {
        Notice {
            kind: NoticeKind::CONFIG,
            severity: Severity::INFO,
            account: RString::new(),
            pool: RString::new(),
            until_unix_ms: RNone,
            text: text.into(),
            dedupe_key: RString::new(),
            extensions: Extensions::new(),
        }
    }

    struct Clumsy;

    impl Host for Clumsy {
        fn notice(&self, _: Notice) {
            panic!("a bug of the host");
        }

        fn state_dir(&self) -> Option<PathBuf> {
            panic!("another one");
        }
    }

    #[test]
    fn a_panic_in_a_callback_stays_on_this_side() {
        let host = fenced(Clumsy);
        host.notice(notice("hello"));
        host.log(LogRecord { level: LogLevel::INFO, target: "test".into(), text: "hello".into() });
        assert_eq!(host.state_dir(), RNone);
    }

    #[test]
    fn closures_are_called_through_the_boundary() {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&seen);
        let show = move |notice: Notice| sink.lock().unwrap().push(notice.text.to_string());
        let host = fenced(HostFns::new().on_notice(show).keep_state_in("state"));
        host.notice(notice("hello"));
        assert_eq!(*seen.lock().unwrap(), ["hello"]);
        assert_eq!(host.state_dir(), RSome("state".into()));
    }

    #[test]
    fn a_silent_host_takes_everything() {
        let host = fenced(Silent);
        host.notice(notice("hello"));
        assert_eq!(host.state_dir(), RNone);
    }
}
