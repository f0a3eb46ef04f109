//! A span in which an account lets nobody in, whatever is left of its other quotas.

use std::time::Duration;

use pointsman_core::time::Millis;

/// An account that is closed from outside: it answers 429 until an instant.
#[derive(Clone, Copy, Debug)]
pub struct Closed {
    pub from: Millis,
    pub until: Millis,
}

impl Closed {
    pub(super) fn refuses(self, now: Millis) -> Option<Duration> {
        (self.from <= now && now < self.until).then(|| self.until.since(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_let_in_until_the_end_and_everybody_after_it() {
        let closed = Closed { from: Millis(1_000), until: Millis(13_000) };
        let waits = [0, 1_000, 12_000, 13_000].map(|now| closed.refuses(Millis(now)));
        let second = Duration::from_secs(1);
        assert_eq!(waits, [None, Some(12 * second), Some(second), None]);
    }
}
