//! The retry budget: retries must not multiply an outage.
//!
//! Each request pays a share of a retry in, and each retry takes a whole retry out. A floor lets a quiet
//! provider retry at all. A balance above the floor fades within seconds, so that a quiet hour saves
//! nothing up for an outage; a balance below is filled up again within ten.
//!
//! A *retry* is an attempt directly after a failure with possible cost or trouble for the upstream: no
//! answer, a 5xx, no capacity. Each question to a witness is a retry, too, whatever the answer in doubt.
//! Moving away from a limit or from a rejected credential is no retry: the upstream refused the call at the
//! door, and the cause is closed from then on. The first attempt after a wait for a closed way is no retry
//! either: the way itself lets only 1, 2, 4 try.

use crate::response::outcome::Outcome;
use crate::sync::{AtomicU64, Ordering};
use crate::time::Millis;

/// The allowed retries, chosen by the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The deposit of each request, in thousandths of a retry.
    pub share: u16,
    /// The guaranteed retries in each ten seconds.
    pub floor: u16,
}

impl Default for Terms {
    fn default() -> Self {
        Self { share: 200, floor: 10 }
    }
}

/// Returns whether another attempt after this outcome is a retry.
pub fn is_burden(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Capacity | Outcome::ServerError | Outcome::Unreachable(_))
}

/// One retry, in thousandths, the unit of balances.
const RETRY: u32 = 1_000;
/// The step of a balance's changes, in milliseconds. Steps fall on equal instants for every caller.
const STEP: u64 = 1_000;
/// The steps from an empty budget to its floor.
const STEPS_TO_FLOOR: u32 = 10;
/// The fading of the balance above the floor in a step: 7 of 8 stay, half of it after five seconds.
const FADE: u32 = 8;
/// The steps after which any balance has returned to the floor.
const STEPS_TO_REST: u64 = 200;

/// A balance, and its step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Balance {
    thousandths: u32,
    step: u32,
}

impl Balance {
    /// Begins with the floor.
    pub fn new(terms: Terms, now: Millis) -> Self {
        Self { thousandths: floor(terms), step: step(now) }
    }

    /// Returns the number of whole retries.
    pub const fn retries(self) -> u32 {
        self.thousandths / RETRY
    }

    /// Lets time pass. A late call for an earlier instant changes nothing.
    #[must_use]
    pub fn at(self, terms: Terms, now: Millis) -> Self {
        // After `STEPS_TO_REST` steps a balance rests at the floor, so the loop is bounded.
        let steps = u64::from(step(now).saturating_sub(self.step)).min(STEPS_TO_REST);
        let thousandths =
            (0..steps).fold(self.thousandths, |thousandths, _| after_a_step(thousandths, terms));
        Self { thousandths, step: self.step.max(step(now)) }
    }

    /// Deposits the share of one request.
    #[must_use]
    pub fn deposit(self, terms: Terms, now: Millis) -> Self {
        let state = self.at(terms, now);
        Self { thousandths: state.thousandths.saturating_add(terms.share.into()), ..state }
    }

    /// Takes one retry out, or returns none if the balance is too low.
    pub fn withdraw(self, terms: Terms, now: Millis) -> Option<Self> {
        let state = self.at(terms, now);
        Some(Self { thousandths: state.thousandths.checked_sub(RETRY)?, ..state })
    }

    const fn pack(self) -> u64 {
        // Steps are kept with one added, so that a word of zero is a budget that was never used.
        ((self.step as u64 + 1) << 32) | self.thousandths as u64
    }

    fn unpack(word: u64, terms: Terms, now: Millis) -> Self {
        match (word >> 32) as u32 {
            0 => Self::new(terms, now),
            step => Self { thousandths: word as u32, step: step - 1 },
        }
    }
}

fn floor(terms: Terms) -> u32 {
    u32::from(terms.floor) * RETRY
}

fn step(now: Millis) -> u32 {
    u32::try_from(now.0 / STEP).unwrap_or(u32::MAX - 1)
}

fn after_a_step(thousandths: u32, terms: Terms) -> u32 {
    let floor = floor(terms);
    match thousandths.checked_sub(floor) {
        // Rounding up makes the fade reach the floor instead of stopping just above.
        Some(above) => floor + above - above.div_ceil(FADE),
        None => floor.min(thousandths + floor / STEPS_TO_FLOOR),
    }
}

/// The budget of a provider: a balance in one word, moved by compare-and-swap only.
#[derive(Debug, Default)]
pub struct Budget {
    word: AtomicU64,
}

impl Budget {
    /// Returns the balance at some instant between call and return.
    pub fn balance(&self, terms: Terms, now: Millis) -> Balance {
        Balance::unpack(self.word.load(Ordering::Acquire), terms, now).at(terms, now)
    }

    /// Deposits the share of one request.
    pub fn deposit(&self, terms: Terms, now: Millis) {
        self.move_by(terms, now, |balance| Some(balance.deposit(terms, now)));
    }

    /// Takes one retry out, and returns whether the balance sufficed.
    pub fn withdraw(&self, terms: Terms, now: Millis) -> bool {
        self.move_by(terms, now, |balance| balance.withdraw(terms, now))
    }

    fn move_by(&self, terms: Terms, now: Millis, change: impl Fn(Balance) -> Option<Balance>) -> bool {
        let mut seen = self.word.load(Ordering::Acquire);
        while let Some(next) = change(Balance::unpack(seen, terms, now)) {
            match self.word.compare_exchange_weak(seen, next.pack(), Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return true,
                Err(current) => seen = current,
            }
        }
        false
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::response::outcome::{LimitKind, NetworkFault, SignIn};

    const TERMS: Terms = Terms { share: 200, floor: 2 };
    const T: Millis = Millis(50_500);

    fn later(seconds: u64) -> Millis {
        Millis(T.0 + seconds * 1_000)
    }

    #[test]
    fn it_begins_with_its_floor() {
        let budget = Budget::default();
        assert!(budget.withdraw(TERMS, T) && budget.withdraw(TERMS, T));
        assert!(!budget.withdraw(TERMS, T));
    }

    #[test]
    fn five_requests_pay_for_one_retry() {
        let empty = Terms { floor: 0, ..TERMS };
        let budget = Budget::default();
        (0..4).for_each(|_| budget.deposit(empty, T));
        assert!(!budget.withdraw(empty, T));
        budget.deposit(empty, T);
        assert!(budget.withdraw(empty, T) && !budget.withdraw(empty, T));
    }

    #[test]
    fn an_empty_budget_is_filled_up_in_ten_seconds_and_no_further() {
        let empty = Balance { thousandths: 0, step: step(T) };
        let check = |seconds, retries| assert_eq!(empty.at(TERMS, later(seconds)).retries(), retries);
        check(0, 0);
        check(4, 0);
        check(5, 1);
        check(10, 2);
        check(1_000, 2);
    }

    #[test]
    fn what_a_busy_time_paid_in_is_no_stock_for_an_outage_later() {
        let busy = (0..1_000).fold(Balance::new(TERMS, T), |balance, _| balance.deposit(TERMS, T));
        let check = |seconds, retries| assert_eq!(busy.at(TERMS, later(seconds)).retries(), retries);
        check(0, 202);
        check(5, 104);
        check(30, 5);
        check(60, 2);
    }

    #[test]
    fn a_floor_of_nothing_is_never_filled() {
        let nothing = Terms { share: 0, floor: 0 };
        let budget = Budget::default();
        budget.deposit(nothing, T);
        assert!(!budget.withdraw(nothing, later(1_000)));
    }

    #[test]
    fn only_what_may_have_cost_the_upstream_work_makes_the_next_attempt_a_retry() {
        let limited = Outcome::Limited(LimitKind::Rate);
        let check = |outcome: &Outcome, burden| assert_eq!(is_burden(outcome), burden, "{outcome:?}");
        check(&Outcome::ServerError, true);
        check(&Outcome::Capacity, true);
        check(&Outcome::Unreachable(NetworkFault::Timeout), true);
        check(&limited, false);
        check(&Outcome::Unauthorized, false);
        check(&Outcome::PoolRefused, false);
        check(&Outcome::NeedsSignIn(SignIn::Revoked), false);
    }

    proptest! {
        /// Time has an equal effect however often the balance is read in between.
        #[test]
        fn time_passes_alike_for_everybody(thousandths in 0_u32..1_000_000, from in 0_u64..100_000, ways in prop::collection::vec(0_u64..20_000, 1..10)) {
            let start = Balance { thousandths, step: step(Millis(from)) };
            let end = Millis(from + ways.iter().sum::<u64>());
            let mut now = from;
            let by_steps = ways.iter().fold(start, |balance, way| {
                now += way;
                balance.at(TERMS, Millis(now))
            });
            prop_assert_eq!(by_steps, start.at(TERMS, end));
        }

        /// Over any history, floor, time and requests pay for every retry.
        #[test]
        fn it_is_never_overdrawn(share in 0_u16..1_000, floor in 0_u16..10, asks in prop::collection::vec((any::<bool>(), 0_u64..3_000), 0..300)) {
            let (terms, budget, mut now) = (Terms { share, floor }, Budget::default(), 0);
            let (mut paid_in, mut taken_out) = (0, 0);
            for (pays, pause) in asks {
                now += pause;
                if pays {
                    budget.deposit(terms, Millis(now));
                    paid_in += u64::from(share);
                } else {
                    taken_out += u64::from(budget.withdraw(terms, Millis(now)));
                }
                let refilled = u64::from(floor) * 1_000 * (now / 1_000 + 10) / 10;
                prop_assert!(taken_out * 1_000 <= refilled + paid_in);
            }
        }

        #[test]
        fn every_balance_comes_back_from_its_word(thousandths: u32, step in 0..u32::MAX) {
            let balance = Balance { thousandths, step };
            prop_assert_eq!(Balance::unpack(balance.pack(), TERMS, T), balance);
        }
    }
}
