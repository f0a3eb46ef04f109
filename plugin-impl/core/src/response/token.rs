//! An access token's life: used, renewed ahead of its end, or not used any more.

use std::time::Duration;

use crate::time::Millis;

/// The lifetime of a token whose answer tells none that can be believed (RFC 6749 only recommends `expires_in`).
pub const UNTOLD_LIFETIME: Duration = Duration::from_secs(300);
/// No lifetime is believed beyond this: a longer one is in another unit, or a mistake.
pub const MAX_LIFETIME: Duration = Duration::from_secs(366 * 24 * 3_600);
/// In its last 30 s a token is not sent: it might end on its way.
const MARGIN: Duration = Duration::from_secs(30);
/// A long-lived token is renewed in its last five minutes.
const AHEAD: Duration = Duration::from_secs(300);
/// After a renewal ahead of the end has failed, the next one waits this long. The token is good meanwhile.
const PAUSE: Duration = Duration::from_secs(10);

/// The life of one access token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifespan {
    end: Millis,
    /// From here on the token is renewed while requests still use it.
    renew_from: Millis,
}

/// What to do with a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    Use,
    /// Use it, and renew it meanwhile.
    UseAndRenew,
    /// Renew it first.
    Renew,
}

impl Lifespan {
    /// Returns the life of a token that was issued now.
    ///
    /// Half of the usable time passes before the token is renewed, so a short-lived token is not renewed by each
    /// request.
    pub fn new(issued: Millis, lifetime: Duration) -> Self {
        let lifetime = lifetime.min(MAX_LIFETIME);
        let ahead = AHEAD.min(MARGIN + lifetime.saturating_sub(MARGIN) / 2);
        Self { end: issued.after(lifetime), renew_from: issued.after(lifetime.saturating_sub(ahead)) }
    }

    /// Says what a request does with the token.
    pub fn freshness(&self, now: Millis) -> Freshness {
        if self.end.since(now) <= MARGIN {
            Freshness::Renew
        } else if now >= self.renew_from {
            Freshness::UseAndRenew
        } else {
            Freshness::Use
        }
    }

    /// Puts the next renewal ahead of the end off, because one has failed.
    pub fn put_off(&mut self, now: Millis) {
        self.renew_from = self.renew_from.max(now.after(PAUSE));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUED: Millis = Millis(5_000);

    fn at(lifespan: Lifespan, seconds: u64) -> Freshness {
        lifespan.freshness(ISSUED.after(Duration::from_secs(seconds)))
    }

    fn check(lifetime: u64, renew_from: u64, unused_from: u64) {
        let lifespan = Lifespan::new(ISSUED, Duration::from_secs(lifetime));
        assert_eq!(at(lifespan, renew_from - 1), Freshness::Use, "{lifetime}");
        assert_eq!(at(lifespan, renew_from), Freshness::UseAndRenew, "{lifetime}");
        assert_eq!(at(lifespan, unused_from - 1), Freshness::UseAndRenew, "{lifetime}");
        assert_eq!(at(lifespan, unused_from), Freshness::Renew, "{lifetime}");
    }

    #[test]
    fn a_token_is_used_then_renewed_ahead_then_not_used() {
        check(3_600, 3_300, 3_570);
        check(300, 135, 270);
        check(120, 45, 90);
    }

    #[test]
    fn a_token_that_ends_at_once_is_not_used() {
        for lifetime in [0, 1, 20, 30] {
            let lifespan = Lifespan::new(ISSUED, Duration::from_secs(lifetime));
            assert_eq!(at(lifespan, 0), Freshness::Renew, "{lifetime}");
        }
    }

    #[test]
    fn a_lifetime_without_bounds_is_bounded() {
        let lifespan = Lifespan::new(ISSUED, Duration::MAX);
        assert_eq!(at(lifespan, MAX_LIFETIME.as_secs()), Freshness::Renew);
    }

    #[test]
    fn a_failed_renewal_is_not_repeated_by_the_next_request() {
        let mut lifespan = Lifespan::new(ISSUED, Duration::from_secs(120));
        lifespan.put_off(ISSUED.after(Duration::from_secs(50)));
        assert_eq!(at(lifespan, 59), Freshness::Use);
        assert_eq!(at(lifespan, 60), Freshness::UseAndRenew);
    }
}
