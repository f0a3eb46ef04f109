//! The notice hub: from events to the host.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

use pointsman_core::reporting::notice::{Notice, NoticeEvent};
use pointsman_core::time::UnixMillis;

use crate::counters::Counters;
use crate::sync::{Mutex, unpoisoned};

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
    recent: Mutex<Recent>,
}

/// The last notices, for a page opened later.
#[derive(Debug, Default)]
struct Recent {
    kept: VecDeque<KeptNotice>,
    /// The number of notices so far.
    count: u64,
}

/// A notice with its time.
#[derive(Clone, Debug)]
pub struct KeptNotice {
    /// The notice's number, counted from 1.
    pub number: u64,
    pub at: UnixMillis,
    pub notice: Notice,
}

/// The number of kept notices.
const KEPT: usize = 200;

impl Notices {
    /// Makes a hub.
    pub fn new(listener: Box<dyn NoticeSink>) -> Self {
        Self { listener, quiet: AtomicBool::new(false), recent: Mutex::default() }
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
    pub fn tell(&self, notice: &Notice, met_by: MetBy, counters: &Counters, now: UnixMillis) {
        let falls =
            matches!(notice.event, NoticeEvent::PoolFallback { .. } | NoticeEvent::ProviderFallback { .. });
        if falls && self.is_quiet() {
            return;
        }
        counters.notices.count();
        unpoisoned(self.recent.lock()).keep(notice.clone(), now);
        self.listener.notice(notice, met_by);
    }

    /// Returns the kept notices with a number above `number`, oldest first.
    pub fn since(&self, number: u64) -> Vec<KeptNotice> {
        let recent = unpoisoned(self.recent.lock());
        recent.kept.iter().filter(|kept| kept.number > number).cloned().collect()
    }
}

impl Recent {
    fn keep(&mut self, notice: Notice, at: UnixMillis) {
        if self.kept.len() == KEPT {
            self.kept.pop_front();
        }
        self.count += 1;
        self.kept.push_back(KeptNotice { number: self.count, at, notice });
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
    use pointsman_core::response::outcome::LimitKind;

    use super::*;

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
        let fallback = NoticeEvent::PoolFallback {
            account: account.clone(),
            from: pool("A"),
            to: pool("B"),
            kind: LimitKind::Quota,
        };
        let (from, to) = ("A".to_owned(), "b/m".to_owned());
        let provider =
            NoticeEvent::ProviderFallback { from, to, left: Counts { limited: 1, ..Counts::default() } };
        for event in [fallback, provider, NoticeEvent::SignIn { account, url: None }] {
            notices.tell(&Notice { event, until: None }, MetBy::Session, &Counters::default(), UnixMillis(7));
        }
        assert_eq!(*unpoisoned(shown.0.lock()), ["Account work needs to sign in again"]);
        assert_eq!(notices.since(0).len(), 1, "a dropped notice is not kept");
    }

    #[test]
    fn the_last_notices_are_kept_with_number_and_time() {
        let notices = Notices::new(Box::new(Arc::new(Shown::default())));
        for at in 0..KEPT as u64 + 5 {
            let notice = Notice { event: NoticeEvent::ConfigTaken, until: None };
            notices.tell(&notice, MetBy::Router, &Counters::default(), UnixMillis(at));
        }
        let kept = notices.since(0);
        assert_eq!((kept.len(), kept[0].number, kept[0].at), (KEPT, 6, UnixMillis(5)));
        assert_eq!(notices.since(KEPT as u64 + 4).len(), 1, "only the news");
    }
}
