//! Suspicion: whether a failure is a request's, an account's or its endpoint's.
//!
//! A 500 can mean an upstream out of order, an account out of favour, or a request that always fails. Taken
//! for an outage, a request's failure would close the endpoint for everybody; taken for the account's, an
//! outage would strike every account once. So a recent failure of another request at another account
//! convicts the endpoint; failures of a single request convict nobody.

use std::time::Duration;

use crate::sync::{AtomicU64, Ordering};
use crate::time::Millis;

/// The lifetime of an accusation without a second.
const MEMORY: Duration = Duration::from_secs(10);

/// The last failure at an endpoint, in one word: the instant above in ticks, then the request, and the
/// account's ordinal + 1 below.
#[derive(Debug, Default)]
pub struct Suspicion {
    word: AtomicU64,
}

/// The accuser of an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accuser {
    /// The ordinal of the account.
    pub account: u32,
    /// The request, modulo 4,095; none if each accusation counts as a separate request.
    pub request: Option<u64>,
}

/// The context of a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suspected {
    /// No earlier failure.
    Fresh,
    /// Another request failed at this account, soon before.
    Account,
    /// Another account failed soon before, for another request.
    Endpoint,
}

const ACCOUNT_BITS: u32 = 20;
const REQUEST_BITS: u32 = 12;
const TICK: u64 = 16;

impl Suspicion {
    /// Records a failed request at an account, and returns the suspicion.
    pub fn accuse(&self, accuser: Accuser, now: Millis) -> Suspected {
        let before = self.word.swap(accusation(accuser, now), Ordering::AcqRel);
        suspected(before, accuser, now)
    }

    /// Records a good answer. Writes only if there was a suspicion.
    pub fn acquit(&self) {
        if self.word.load(Ordering::Acquire) != 0 {
            self.word.store(0, Ordering::Release);
        }
    }
}

fn accusation(accuser: Accuser, now: Millis) -> u64 {
    // From the top: 32 bits of 16 ms ticks, 12 bits of request, 20 bits of account.
    let instant = (now.0 / TICK) << (ACCOUNT_BITS + REQUEST_BITS);
    instant | request(accuser) << ACCOUNT_BITS | account(accuser)
}

const fn account(accuser: Accuser) -> u64 {
    (accuser.account as u64 + 1) & mask(ACCOUNT_BITS)
}

/// 0 stands for a request unlike any other.
fn request(accuser: Accuser) -> u64 {
    accuser.request.map_or(0, |request| request % mask(REQUEST_BITS) + 1)
}

const fn mask(bits: u32) -> u64 {
    (1 << bits) - 1
}

fn suspected(before: u64, accuser: Accuser, now: Millis) -> Suspected {
    let at = Millis((before >> (ACCOUNT_BITS + REQUEST_BITS)) * TICK);
    if before == 0 || now.since(at) > MEMORY {
        return Suspected::Fresh;
    }
    let (own, known) = (request(accuser), before >> ACCOUNT_BITS & mask(REQUEST_BITS));
    // One request that fails everywhere is evidence against itself only.
    let same_request = own != 0 && own == known;
    match (same_request, before & mask(ACCOUNT_BITS) == account(accuser)) {
        (true, _) => Suspected::Fresh,
        (false, true) => Suspected::Account,
        (false, false) => Suspected::Endpoint,
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    const T: Millis = Millis(1_600);

    fn by(account: u32, request: u64) -> Accuser {
        Accuser { account, request: Some(request) }
    }

    /// Accuses twice, and returns the second result.
    fn twice(first: Accuser, second: Accuser, later: u64) -> Suspected {
        let suspicion = Suspicion::default();
        assert_eq!(suspicion.accuse(first, T), Suspected::Fresh);
        suspicion.accuse(second, Millis(T.0 + later))
    }

    #[test]
    fn one_account_alone_convicts_nobody() {
        assert_eq!(twice(by(0, 1), by(0, 2), 0), Suspected::Account);
    }

    #[test]
    fn one_request_alone_convicts_nobody() {
        assert_eq!(twice(by(0, 1), by(7, 1), 0), Suspected::Fresh);
    }

    #[test]
    fn a_second_account_with_another_request_convicts() {
        assert_eq!(twice(by(0, 1), by(7, 2), 0), Suspected::Endpoint);
        let unnamed = |account| Accuser { account, request: None };
        assert_eq!(twice(unnamed(0), unnamed(7), 0), Suspected::Endpoint);
    }

    #[test]
    fn a_good_answer_in_between_acquits() {
        let suspicion = Suspicion::default();
        suspicion.accuse(by(0, 1), T);
        suspicion.acquit();
        assert_eq!(suspicion.accuse(by(7, 2), T), Suspected::Fresh);
    }

    #[test]
    fn an_old_accusation_is_forgotten() {
        assert_eq!(twice(by(0, 1), by(7, 2), 10_016), Suspected::Fresh);
    }
}
