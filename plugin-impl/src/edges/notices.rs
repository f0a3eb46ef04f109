//! The notice hub: from events to the host.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

use pointsman_core::reporting::notice::{Notice, NoticeEvent};

use crate::counters::Counters;

/// The receiver of notices.
pub trait NoticeSink: Send + Sync {
    /// Shows a notice.
    fn notice(&self, notice: &Notice, met_by: MetBy);
}

/// The first to meet an event. A host may hide events of subagents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetBy {
    /// The router itself, without a request.
    Router,
    /// A request of a person's own session, or of an agent without session headers.
    Session,
    /// A request of a subagent.
    Subagent,
}

impl MetBy {
    /// Returns the word for people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Router => "router",
            Self::Session => "session",
            Self::Subagent => "subagent",
        }
    }
}

/// Takes notices and passes them to the host.
pub struct Notices {
    listener: Box<dyn NoticeSink>,
    quiet: AtomicBool,
}

impl Notices {
    /// Makes a hub.
    pub fn new(listener: Box<dyn NoticeSink>) -> Self {
        Self { listener, quiet: AtomicBool::new(false) }
    }

    /// Sets quiet mode: notices of fallbacks to another pool or provider are dropped.
    pub fn set_quiet(&self, quiet: bool) {
        self.quiet.store(quiet, Ordering::Relaxed);
    }

    /// Returns whether quiet mode is on.
    pub fn is_quiet(&self) -> bool {
        self.quiet.load(Ordering::Relaxed)
    }

    /// Takes a notice.
    pub fn tell(&self, notice: &Notice, met_by: MetBy, counters: &Counters) {
        let falls =
            matches!(notice.event, NoticeEvent::PoolFallback { .. } | NoticeEvent::ProviderFallback { .. });
        if falls && self.is_quiet() {
            return;
        }
        counters.notices.count();
        self.listener.notice(notice, met_by);
    }
}

impl fmt::Debug for Notices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notices").field("quiet", &self.quiet).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use pointsman_core::ids::{AccountId, PoolId};
    use pointsman_core::planning::plan::Counts;
    use pointsman_core::reporting::notice::Pool;

    use super::*;
    use crate::sync::{Mutex, unpoisoned};

    #[derive(Default)]
    struct Shown(Mutex<Vec<String>>);

    impl NoticeSink for Arc<Shown> {
        fn notice(&self, notice: &Notice, _: MetBy) {
            unpoisoned(self.0.lock()).push(notice.text());
        }
    }

    fn pool(title: &str) -> Pool {
        Pool { name: PoolId::new(title), title: title.into() }
    }

    #[test]
    fn quiet_mode_drops_fallbacks_and_nothing_else() {
        let shown = Arc::new(Shown::default());
        let notices = Notices::new(Box::new(shown.clone()));
        notices.set_quiet(true);
        let account = AccountId::new("a:work");
        let fallback = NoticeEvent::PoolFallback { account: account.clone(), from: pool("A"), to: pool("B") };
        let (from, to) = ("A".to_owned(), "b/m".to_owned());
        let provider =
            NoticeEvent::ProviderFallback { from, to, left: Counts { limited: 1, ..Counts::default() } };
        for event in [fallback, provider, NoticeEvent::SignIn { account, url: None }] {
            notices.tell(&Notice { event, until: None }, MetBy::Session, &Counters::default());
        }
        assert_eq!(*unpoisoned(shown.0.lock()), ["Account work needs to sign in again"]);
    }
}
