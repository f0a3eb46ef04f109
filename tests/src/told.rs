//! What a host was told: notices and lines of the log.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pointsman_loader::Host;
use pointsman_loader::api::{LogRecord, Notice, NoticeKind};
use tokio::sync::Notify;

/// Keeps what the plugin told its host. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Told(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    notices: Mutex<Vec<Notice>>,
    lines: Mutex<Vec<String>>,
    changed: Notify,
}

impl Host for Told {
    fn notice(&self, notice: Notice) {
        lock(&self.0.notices).push(notice);
        self.0.changed.notify_waiters();
    }

    fn log(&self, record: LogRecord) {
        lock(&self.0.lines).push(format!("{} {}", record.target, record.text));
    }
}

impl Told {
    /// Returns all notices so far.
    pub fn notices(&self) -> Vec<Notice> {
        lock(&self.0.notices).clone()
    }

    /// Returns the texts of all notices so far.
    pub fn texts(&self) -> Vec<String> {
        self.notices().iter().map(|notice| notice.text.to_string()).collect()
    }

    /// Returns the texts of the notices of one kind.
    pub fn of_kind(&self, kind: NoticeKind) -> Vec<String> {
        let notices = self.notices();
        notices.iter().filter(|notice| notice.kind == kind).map(|notice| notice.text.to_string()).collect()
    }

    /// Returns all lines of the log so far.
    pub fn lines(&self) -> Vec<String> {
        lock(&self.0.lines).clone()
    }

    /// Waits for a notice whose text holds `part`, and returns the text.
    pub async fn wait_for(&self, part: &str) -> String {
        crate::within(async {
            loop {
                // Waiting begins before the look, so that no notice falls between.
                let changed = self.0.changed.notified();
                if let Some(text) = self.texts().into_iter().find(|text| text.contains(part)) {
                    return text;
                }
                changed.await;
            }
        })
        .await
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
