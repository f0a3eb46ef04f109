//! Suspicion: whether a failure is a request's, an account's or its endpoint's.
//!
//! A 500 can mean that the upstream is down, that one account is out of favour, or that one request makes it fail
//! each time. Taken for an outage, it would close the endpoint for those who could go on; taken for the account's, an
//! outage would strike every account once. So what another request met at another account, soon before, convicts the
//! endpoint; what one request meets convicts nobody by itself.

use std::time::Duration;

use crate::sync::{AtomicU64, Ordering};
use crate::time::Millis;

/// How long an accusation stands without a second one.
const MEMORY: Duration = Duration::from_secs(10);

/// Who failed last at an endpoint, in one word: the instant above in ticks, then the request, and the account's
/// ordinal + 1 below.
#[derive(Debug, Default)]
pub struct Suspicion {
    word: AtomicU64,
}

/// Who accuses an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accuser {
    /// The ordinal of the account.
    pub account: u32,
    /// Tells requests apart, modulo 4,095; none where each accusation counts as a request of its own.
    pub request: Option<u64>,
}

/// What is known of a failure beside itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suspected {
    /// Nothing.
    Fresh,
    /// Another request failed at the same account, soon before.
    Account,
    /// Another account failed soon before, for another request.
    Endpoint,
}

const ACCOUNT_BITS: u32 = 20;
const REQUEST_BITS: u32 = 12;
const TICK: u64 = 16;

impl Suspicion {
    /// Takes note that a request failed at an account, and says what that makes of it.
    pub fn accuse(&self, accuser: Accuser, now: Millis) -> Suspected {
        let before = self.word.swap(accusation(accuser, now), Ordering::AcqRel);
        suspected(before, accuser, now)
    }

    /// Takes note of a good answer. It writes only where there was a suspicion.
    pub fn acquit(&self) {
        if self.word.load(Ordering::Acquire) != 0 {
            self.word.store(0, Ordering::Release);
        }
    }
}

fn accusation(accuser: Accuser, now: Millis) -> u64 {
    let instant = (now.0 / TICK) << (ACCOUNT_BITS + REQUEST_BITS);
    instant | request(accuser) << ACCOUNT_BITS | account(accuser)
}

const fn account(accuser: Accuser) -> u64 {
    (accuser.account as u64 + 1) & mask(ACCOUNT_BITS)
}

/// 0 stands for a request that is like no other.
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

    /// Accuses twice, and returns what the second comes to.
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
