//! The life of an access token: in use, renewed ahead of its end, or expired.

use std::time::Duration;

use crate::time::Millis;

/// The lifetime of a token without a credible `expires_in` (RFC 6749 only recommends the field).
pub const UNTOLD_LIFETIME: Duration = Duration::from_secs(300);
/// The longest credible lifetime: a longer value is in another unit, or a mistake.
pub const MAX_LIFETIME: Duration = Duration::from_secs(366 * 24 * 3_600);
/// A token is not sent in its last 30 s: it might expire on its way.
const MARGIN: Duration = Duration::from_secs(30);
/// A long-lived token is renewed in its last five minutes.
const AHEAD: Duration = Duration::from_secs(300);
/// The wait after a failed renewal ahead of the end. The token is good meanwhile.
const PAUSE: Duration = Duration::from_secs(10);

/// The life of one access token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifespan {
    end: Millis,
    /// The begin of renewal; requests still use the token meanwhile.
    renew_from: Millis,
}

/// The treatment of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    Use,
    /// Use the token, and renew it meanwhile.
    UseAndRenew,
    /// Renew the token first.
    Renew,
}

impl Lifespan {
    /// Returns the life of a token issued now.
    ///
    /// Renewal begins no earlier than at half of the usable time, so a short-lived token is not renewed by
    /// each request.
    pub fn new(issued: Millis, lifetime: Duration) -> Self {
        let lifetime = lifetime.min(MAX_LIFETIME);
        // Half of the usable time for short-lived tokens, five minutes for long-lived tokens.
        let ahead = AHEAD.min(MARGIN + lifetime.saturating_sub(MARGIN) / 2);
        Self { end: issued.after(lifetime), renew_from: issued.after(lifetime.saturating_sub(ahead)) }
    }

    /// Returns the treatment of the token by a request.
    pub fn freshness(&self, now: Millis) -> Freshness {
        if self.end.since(now) <= MARGIN {
            Freshness::Renew
        } else if now >= self.renew_from {
            Freshness::UseAndRenew
        } else {
            Freshness::Use
        }
    }

    /// Delays the next renewal after a failed renewal ahead of the end.
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
