//! The lease on a token refresh: one process exchanges an account's refresh token, the others wait.
//!
//! A refresh token may be valid for one exchange only, so two processes must not exchange the same token. No
//! lock is held across the network: a lease is a row with an end. A killed process blocks the others until
//! the end of its lease. Each lease has a greater *fence* than the one before, and each landed token a
//! greater *serial*: the token with the greatest (serial, fence) wins, so a late landing of an expired lease
//! never replaces a newer token.

use std::time::Duration;

use crate::response::token::{Freshness, Lifespan};
use crate::time::{Now, UnixMillis};

/// The life of a lease. The holder renews the lease meanwhile; a killed holder blocks nobody for longer.
pub const LEASE: Duration = Duration::from_secs(10);
/// The pause between two renewals of a lease by its holder.
pub const RENEW_EVERY: Duration = Duration::from_secs(3);
/// The pause of a waiting process before the next look.
pub const LOOK_EVERY: Duration = Duration::from_millis(60);

/// A lease, as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    pub owner: Box<str>,
    pub fence: u64,
    pub until: UnixMillis,
}

/// The version of a landed token. Greater is newer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct TokenVersion {
    /// The number of landings.
    pub serial: u64,
    /// The fence of the lease behind the landing.
    pub fence: u64,
}

/// The stored token of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredToken {
    pub version: TokenVersion,
    /// The end of the stored access token, if there is one.
    pub until: Option<UnixMillis>,
}

/// What a process that needs a token may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Departure {
    /// Use the stored access token: another process has refreshed.
    Use,
    /// Exchange the stored refresh token, under a lease of this fence.
    Exchange { fence: u64 },
    /// Another process exchanges; look again.
    Wait,
}

/// Decides what a process does that needs another token than `mine`, or any token without `mine`.
pub fn depart(
    stored: Option<StoredToken>,
    mine: Option<TokenVersion>,
    lease: Option<&Lease>,
    owner: &str,
    now: Now,
) -> Departure {
    let is_news = |token: &StoredToken| mine.is_none_or(|mine| token.version > mine);
    if stored.filter(is_news).is_some_and(|token| is_usable(token, now)) {
        return Departure::Use;
    }
    match lease {
        Some(lease) if *lease.owner != *owner && is_in_force(lease, now.wall) => Departure::Wait,
        Some(lease) => Departure::Exchange { fence: lease.fence.saturating_add(1) },
        None => Departure::Exchange { fence: 1 },
    }
}

/// Returns whether a landing replaces the stored token.
pub fn lands(stored: Option<TokenVersion>, landing: TokenVersion) -> bool {
    stored.is_none_or(|stored| landing > stored)
}

fn is_usable(token: StoredToken, now: Now) -> bool {
    let Some(until) = token.until else { return false };
    let left = Duration::from_millis(until.0.saturating_sub(now.wall.0));
    Lifespan::new(now.mono, left).freshness(now.mono) != Freshness::Renew
}

/// Returns whether a lease is in force. An end further away than any lease lasts means that the clock was
/// set back since; such a lease blocks nobody.
fn is_in_force(lease: &Lease, now: UnixMillis) -> bool {
    let furthest = now.0.saturating_add(LEASE.as_millis().try_into().unwrap_or(u64::MAX));
    now < lease.until && lease.until.0 <= furthest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Millis;

    const NOW: Now = Now { mono: Millis(1_000), wall: UnixMillis(1_000_000) };

    fn version(serial: u64) -> TokenVersion {
        TokenVersion { serial, fence: serial }
    }

    fn token(serial: u64, seconds: u64) -> Option<StoredToken> {
        Some(StoredToken { version: version(serial), until: Some(UnixMillis(NOW.wall.0 + seconds * 1_000)) })
    }

    fn lease(owner: &str, millis: u64) -> Option<Lease> {
        Some(Lease { owner: owner.into(), fence: 7, until: UnixMillis(NOW.wall.0 + millis) })
    }

    fn check((stored, mine): (Option<StoredToken>, Option<u64>), lease: Option<Lease>, departure: Departure) {
        let mine = mine.map(version);
        assert_eq!(depart(stored, mine, lease.as_ref(), "me", NOW), departure, "{stored:?} {mine:?}");
    }

    #[test]
    fn a_process_uses_what_another_has_refreshed() {
        check((token(3, 3_600), Some(2)), lease("other", 5_000), Departure::Use);
        check((token(3, 3_600), None), None, Departure::Use);
    }

    #[test]
    fn a_token_that_is_its_own_or_nearly_over_is_exchanged() {
        check((token(3, 3_600), Some(3)), None, Departure::Exchange { fence: 1 });
        check((token(3, 20), Some(2)), None, Departure::Exchange { fence: 1 });
        check((None, None), None, Departure::Exchange { fence: 1 });
    }

    #[test]
    fn one_exchanges_at_a_time() {
        check((token(3, 20), Some(3)), lease("other", 5_000), Departure::Wait);
        check((token(3, 20), Some(3)), lease("me", 5_000), Departure::Exchange { fence: 8 });
    }

    #[test]
    fn a_killed_process_blocks_nobody_for_longer_than_its_lease() {
        check((None, None), lease("other", 0), Departure::Exchange { fence: 8 });
        check((None, None), lease("other", LEASE.as_millis() as u64), Departure::Wait);
        // The clock was set back by an hour.
        check((None, None), lease("other", 3_600_000), Departure::Exchange { fence: 8 });
    }

    #[test]
    fn a_late_landing_replaces_nothing_newer() {
        let version = |serial, fence| TokenVersion { serial, fence };
        for (stored, landing, expected) in [
            (None, version(1, 1), true),
            (Some(version(1, 1)), version(2, 2), true),
            // Two exchanged the same token; the holder of the later lease stays.
            (Some(version(2, 3)), version(2, 2), false),
            (Some(version(2, 2)), version(2, 3), true),
            (Some(version(3, 3)), version(2, 9), false),
        ] {
            assert_eq!(lands(stored, landing), expected, "{stored:?} {landing:?}");
        }
    }
}
