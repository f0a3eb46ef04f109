//! Suspicion: whether a failure is an account's or its endpoint's.
//!
//! A 503 can mean that the upstream is down, or that one account is out of favour. Taken for an outage,
//! it would close the endpoint for accounts that could go on; taken for the account's, an outage would
//! strike every account once. So the first failure closes only the way of the account that met it, and a
//! second account that fails soon after is the witness that convicts the endpoint.

use std::time::Duration;

use crate::sync::{AtomicU64, Ordering};
use crate::time::Millis;

/// How long an accusation stands without a second witness.
const MEMORY: Duration = Duration::from_secs(10);

/// Who failed last at an endpoint, in one word: the instant above, the account's ordinal + 1 below.
#[derive(Debug, Default)]
pub struct Suspicion {
    word: AtomicU64,
}

const ACCOUNT_BITS: u32 = 20;
const ACCOUNT_MASK: u64 = (1 << ACCOUNT_BITS) - 1;

impl Suspicion {
    /// Takes note that `account` failed, and says whether that convicts the endpoint.
    pub fn accuse(&self, account: u32, now: Millis) -> bool {
        let accusation = accusation(account, now);
        let before = self.word.swap(accusation, Ordering::AcqRel);
        convicts(before, accusation, now)
    }

    /// Takes note of a good answer. It writes only where there was a suspicion.
    pub fn acquit(&self) {
        if self.word.load(Ordering::Acquire) != 0 {
            self.word.store(0, Ordering::Release);
        }
    }
}

fn accusation(account: u32, now: Millis) -> u64 {
    now.0 << ACCOUNT_BITS | (u64::from(account) + 1) & ACCOUNT_MASK
}

fn convicts(before: u64, accusation: u64, now: Millis) -> bool {
    let other = before != 0 && before & ACCOUNT_MASK != accusation & ACCOUNT_MASK;
    other && now.since(Millis(before >> ACCOUNT_BITS)) <= MEMORY
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    const T: Millis = Millis(1_000);

    #[test]
    fn one_account_alone_convicts_nobody() {
        let suspicion = Suspicion::default();
        assert!(!suspicion.accuse(0, T));
        assert!(!suspicion.accuse(0, T));
    }

    #[test]
    fn a_second_account_convicts() {
        let suspicion = Suspicion::default();
        assert!(!suspicion.accuse(0, T));
        assert!(suspicion.accuse(7, T));
    }

    #[test]
    fn a_good_answer_in_between_acquits() {
        let suspicion = Suspicion::default();
        suspicion.accuse(0, T);
        suspicion.acquit();
        assert!(!suspicion.accuse(7, T));
    }

    #[test]
    fn an_old_accusation_is_forgotten() {
        let suspicion = Suspicion::default();
        suspicion.accuse(0, T);
        assert!(!suspicion.accuse(7, Millis(11_001)));
    }
}
