//! Counters since the start, for people. No decision depends on a counter.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counters {
    ($($(#[doc = $doc:literal])* $name:ident),* $(,)?) => {
        /// The counters, sorted by name.
        #[derive(Debug, Default)]
        pub struct Counters {
            $($(#[doc = $doc])* pub $name: Counter,)*
        }

        impl Counters {
            /// The meaning of each counter, in the order of [`Counters::list`].
            pub const HELP: &[&str] = &[$(concat!($($doc),*)),*];

            /// Returns names and values, sorted by name.
            pub fn list(&self) -> Vec<(&'static str, u64)> {
                vec![$((stringify!($name), self.$name.value()),)*]
            }
        }
    };
}

counters! {
    /// Requests moved from the account of the first attempt to another account.
    account_switches,
    /// Requests answered by an upstream.
    answered,
    /// Upstream calls.
    attempts,
    /// 429s belonging to a limit already known.
    burst_duplicates,
    /// Requests with a caller gone before the head.
    cancelled,
    /// Early probes: attempts before a limit's end.
    early_probes,
    /// Requests ended by an error of an upstream or of the network.
    failed,
    /// Streaming requests with an early head, sent during a wait in the queue.
    held_streams,
    /// Short waits for the sticky account although another account was open.
    holds,
    /// Limits moved by the answer of a quota endpoint.
    limits_moved,
    /// Notices given to the host.
    notices,
    /// Requests not claimed by any provider.
    passed_through,
    /// Plans with an open candidate.
    plans,
    /// Requests served by a pool besides the preferred pool.
    pool_fallbacks,
    /// Requests served by a failover provider.
    provider_fallbacks,
    /// Quota polls.
    quota_questions,
    /// Token refreshes begun.
    refreshes,
    /// Requests refused by the router.
    refused,
    /// Requests taken in.
    requests,
    /// Immediate retries after a failure of possible cost to the upstream.
    retries,
    /// Failures delivered because the retry budget was empty.
    retries_withheld,
    /// Good answers too old to lift a limit: the request began before the limit was known.
    stale_successes,
    /// Streams broken after the head was delivered.
    streams_broken,
    /// Limits begun.
    trips,
    /// 429s from upstreams.
    upstream_429,
    /// Waits in the queue.
    waits,
}

/// A counter.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds 1.
    pub fn count(&self) {
        self.add(1);
    }

    /// Adds `count`.
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
