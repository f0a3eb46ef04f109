//! Caps: bounds on requests in flight, independent of quotas.
//!
//! A capped thing (a provider, an account, a group of models) has one counter word. All configurations
//! share the counter; the bound is an argument from the request's own configuration. After a lowered cap,
//! requests are denied until enough others have ended, and each request stays counted.
//!
//! No invariant spans two counters. A request denied by its second cap gives the first slot back. In
//! between, another request may be denied a free slot and is told to look again.

use crate::ids::ModelId;
use crate::sync::{AtomicU64, Ordering};

/// The highest valid cap.
pub const MAX_CAP: u16 = 60_000;

/// A counter of requests in flight that never exceeds its bound.
#[derive(Debug, Default)]
pub struct InFlight {
    word: AtomicU64,
}

impl InFlight {
    /// Returns the count at an instant during the call. The count ranks; only [`InFlight::take`] admits.
    #[inline]
    pub fn count(&self) -> u32 {
        u32::try_from(self.word.load(Ordering::Acquire)).unwrap_or(u32::MAX)
    }

    /// Returns whether the bound is reached.
    #[inline]
    pub fn is_full(&self, bound: Option<u16>) -> bool {
        bound.is_some() && taken(self.word.load(Ordering::Acquire), bound).is_none()
    }

    /// Takes a slot; returns false at the bound.
    #[must_use = "a place that is not given back is lost"]
    pub fn take(&self, bound: Option<u16>) -> bool {
        let mut seen = self.word.load(Ordering::Acquire);
        while let Some(next) = taken(seen, bound) {
            match self.word.compare_exchange_weak(seen, next, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return true,
                Err(current) => seen = current,
            }
        }
        false
    }

    /// Gives a slot back.
    pub fn give(&self) {
        let before = self.word.fetch_sub(1, Ordering::AcqRel);
        debug_assert!(before > 0, "a place was given back that nobody had taken");
    }
}

/// Returns the count plus one, or nothing at the bound.
const fn taken(count: u64, bound: Option<u16>) -> Option<u64> {
    match bound {
        Some(bound) if count >= bound as u64 => None,
        Some(_) | None => Some(count + 1),
    }
}

/// The models under a cap: a name, or a prefix such as `claude-opus-*`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModelPattern(String);

impl ModelPattern {
    /// Makes a pattern; case does not matter.
    pub fn new(text: &str) -> Self {
        Self(text.to_ascii_lowercase())
    }

    /// Returns the pattern as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether the pattern matches a model.
    pub fn matches(&self, model: &ModelId) -> bool {
        let (name, pattern) = (model.as_str().as_bytes(), self.0.as_bytes());
        match pattern.strip_suffix(b"*") {
            Some(beginning) => {
                name.len() >= beginning.len() && name[..beginning.len()].eq_ignore_ascii_case(beginning)
            }
            None => name.eq_ignore_ascii_case(pattern),
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn there_are_as_many_places_as_the_bound_says() {
        let count = InFlight::default();
        assert!(count.take(Some(2)) && !count.is_full(Some(2)) && count.take(Some(2)));
        assert!(count.is_full(Some(2)) && !count.take(Some(2)));
        count.give();
        assert!(count.take(Some(2)));
        assert_eq!(count.count(), 2);
    }

    #[test]
    fn without_a_bound_everybody_is_counted_and_nobody_denied() {
        let count = InFlight::default();
        assert!((0..100).all(|_| count.take(None)));
        assert!(!count.is_full(None));
        assert_eq!(count.count(), 100);
    }

    #[test]
    fn a_bound_that_is_lowered_waits_until_enough_have_ended() {
        let count = InFlight::default();
        assert!((0..3).all(|_| count.take(None)));
        for _ in 0..2 {
            assert!(!count.take(Some(2)));
            count.give();
        }
        assert!(count.take(Some(2)));
    }

    #[test]
    fn a_pattern_is_a_name_or_the_beginning_of_names() {
        let check = |pattern: &str, model: &str, matches: bool| {
            assert_eq!(
                ModelPattern::new(pattern).matches(&ModelId::new(model)),
                matches,
                "{pattern} {model}"
            );
        };
        check("claude-opus-*", "claude-opus-4-6", true);
        check("claude-opus-*", "Claude-Opus-4-6", true);
        check("claude-opus-*", "claude-opus", false);
        check("*", "anything", true);
        check("gpt-5", "gpt-5", true);
        check("gpt-5", "gpt-5-mini", false);
        check("gpt-5", "é", false);
        check("gpt-*", "gé", false);
    }

    proptest! {
        /// A slow reference: a list of those who are in.
        #[test]
        fn no_order_of_takes_and_gives_exceeds_a_bound(asks in prop::collection::vec((any::<bool>(), prop::option::of(0_u16..6)), 0..200)) {
            let (count, mut inside) = (InFlight::default(), Vec::new());
            for (comes, bound) in asks {
                if comes {
                    let room = bound.is_none_or(|bound| inside.len() < usize::from(bound));
                    prop_assert_eq!(count.take(bound), room);
                    inside.extend(room.then_some(()));
                } else if inside.pop().is_some() {
                    count.give();
                }
                prop_assert_eq!(count.count() as usize, inside.len());
            }
        }
    }
}
