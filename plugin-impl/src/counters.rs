//! What is counted since the start. People read it; nothing is decided by it.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        /// The counters, sorted by name.
        #[derive(Debug, Default)]
        pub struct Counters {
            $($(#[$doc])* pub $name: Counter,)*
        }

        impl Counters {
            /// Returns names and values, sorted by name.
            pub fn list(&self) -> Vec<(&'static str, u64)> {
                vec![$((stringify!($name), self.$name.value()),)*]
            }
        }
    };
}

counters! {
    /// Requests that moved to another account than the one they tried first.
    account_switches,
    /// Requests that were answered by an upstream.
    answered,
    /// Upstream calls.
    attempts,
    /// 429s of the same event as a limit that was known.
    burst_duplicates,
    /// Requests whose caller went away before the head.
    cancelled,
    /// Requests that ended in an error of an upstream or of the way to it.
    failed,
    /// Streaming requests that got their head while they waited in the queue.
    held_streams,
    /// Times that a request waited a moment for its session's own account, although others were open.
    holds,
    /// Attempts before the end of a limit that is a guess.
    knocks,
    /// Limits whose end was moved by the answer of a quota endpoint.
    limits_moved,
    /// Notices given to the host.
    notices,
    /// Requests that no provider claims.
    passed_through,
    /// Selections: plans that found an open way.
    plans,
    /// Requests served by another pool than the preferred one.
    pool_fallbacks,
    /// Requests served by another provider than their own.
    provider_fallbacks,
    /// Questions put to quota endpoints.
    quota_questions,
    /// Token refreshes begun.
    refreshes,
    /// Requests that the router itself refused.
    refused,
    /// Requests taken in.
    requests,
    /// Attempts that followed at once on a failure which may have cost the upstream work.
    retries,
    /// Failures that were delivered because the retry budget was empty.
    retries_withheld,
    /// Good answers to requests that began before a limit was known, and so did not lift it.
    stale_successes,
    /// Streams that broke after their head was delivered.
    streams_broken,
    /// Limits begun.
    trips,
    /// 429s that upstreams gave.
    upstream_429,
    /// Times that a request stood in line.
    waits,
}

/// One counter.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Counts one.
    pub fn count(&self) {
        self.add(1);
    }

    /// Counts several.
    pub fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    /// Returns the count.
    pub fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_listed_by_name() {
        let counters = Counters::default();
        counters.waits.add(3);
        let list = counters.list();
        assert!(list.is_sorted());
        assert!(list.contains(&("waits", 3)));
    }
}
