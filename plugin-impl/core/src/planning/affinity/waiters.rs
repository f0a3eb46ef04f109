//! Waiters: the requests that wait for one sticky account, and when one of them goes elsewhere.
//!
//! A wait for the sticky account is cheap once and dear as a habit. So patience is a budget that all waiters of
//! an account share: while another account has room, it is spent at the rate of one second a second for each of
//! them ("ski rental": rent until the rent has come to the price). When half of a patience is spent, the waiter
//! whose prompt is worth least goes elsewhere and pays with it. Many waiters spend fast and few slowly, so as
//! many sessions move as the difference between demand and pace needs, one after the other, and the moves end
//! where the wait ends.
//!
//! Two things need no budget. An account that nobody uses takes one waiter at once, as long as another one is
//! left. And a waiter with so many others ahead that its turn comes after its patience goes at once.
//!
//! A session that moves again soon pays twice as much as for the move before, so that it does not go back and
//! forth.

use std::time::Duration;

use smallvec::SmallVec;

use crate::time::Millis;

/// A budget that nobody draws on is whole again after so many times the patience.
const REFILL: u64 = 60;

/// The price of a move is at most so many doublings of the patience.
const MOST_DOUBLINGS: u8 = 6;

/// A move costs this part of the patience.
const PARTS: u64 = 2;

/// A waiter that loses more by a move goes when so many moves could be paid: the other one may have no choice.
const OF_OTHERS: u64 = 2;

/// So many moves of a session cost the same, before each costs twice as much as the one before.
const FREE_MOVES: u8 = 2;

/// The newest service counts by this part in the mean time between two services.
const NEWEST: u64 = 4;

/// The waiters of one account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Waiters {
    /// In the order in which they came.
    waiting: SmallVec<[Waiter; 4]>,
    next: u64,
    /// What the waiters have spent of their patience, in milliseconds, up to an instant.
    spent: u64,
    counted: Millis,
    /// When the last one was served while others waited, and the mean time between two services.
    served: Option<Millis>,
    interval: u64,
}

/// A request that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Waiter {
    number: u64,
    stake: Stake,
}

/// What a session loses by a move. The smaller one moves first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stake {
    /// Moves by choice that follow each other closely.
    pub moves: u8,
    /// Bytes of the prompt, less what has cooled down.
    pub warmth: u64,
}

/// A waiter's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaiterTicket(u64);

/// What other accounts offer to a waiter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// All others are closed, or have waiters of their own.
    None,
    /// Another one is open, and nobody waits for it.
    Open,
    /// Another one is open, and nobody uses it.
    Idle,
}

/// How a waiter looks at its chances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    pub room: Room,
    /// When the account lets somebody in.
    pub opens: Millis,
    /// Until when the request waits at the longest.
    pub patience: Millis,
    /// The whole patience, which is the price of a move.
    pub price: Duration,
    pub now: Millis,
}

impl Waiters {
    /// Returns how many wait.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Says whether nobody waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Adds a waiter behind all others.
    pub fn join(&mut self, stake: Stake, now: Millis) -> WaiterTicket {
        if self.waiting.is_empty() {
            self.refill(now);
            self.served = None;
            self.interval = 0;
        }
        let number = self.next;
        self.next += 1;
        self.waiting.push(Waiter { number, stake });
        WaiterTicket(number)
    }

    /// Takes a waiter out.
    pub fn leave(&mut self, ticket: WaiterTicket) {
        self.waiting.retain(|waiter| waiter.number != ticket.0);
    }

    /// Takes a waiter out that the account has let in.
    pub fn serve(&mut self, ticket: WaiterTicket, now: Millis) {
        self.leave(ticket);
        if let Some(served) = self.served.replace(now) {
            let passed = now.0.saturating_sub(served.0);
            let known = if self.interval == 0 { passed } else { self.interval };
            self.interval = (known * (NEWEST - 1) + passed) / NEWEST;
        }
    }

    /// Says until when a waiter goes on waiting; nothing lets it go elsewhere at once.
    pub fn look(&mut self, ticket: WaiterTicket, look: &Look) -> Option<Millis> {
        self.spend(look);
        let ahead = self.waiting.iter().take_while(|waiter| waiter.number != ticket.0).count() as u64;
        if look.room == Room::None {
            return Some(look.opens);
        }
        let turn = Millis(look.opens.0.saturating_add(ahead * self.interval));
        let is_next_to_go = self.next_to_go().is_some_and(|next| next.number == ticket.0);
        let leaves_others = self.waiting.len() > 1;
        let comes_too_late = look.opens < look.patience && turn > look.patience;
        if comes_too_late || (is_next_to_go && leaves_others && look.room == Room::Idle) {
            return None;
        }
        let price = self.price(look) * if is_next_to_go { 1 } else { OF_OTHERS };
        if self.spent >= price {
            self.spent -= price;
            return None;
        }
        Some(look.opens.min(self.spent_at(price, look.now)))
    }

    /// The waiter that loses least by a move; of several the one that came last.
    fn next_to_go(&self) -> Option<Waiter> {
        self.waiting.iter().rev().min_by_key(|waiter| waiter.stake).copied()
    }

    fn price(&self, look: &Look) -> u64 {
        let doublings = self
            .next_to_go()
            .map_or(0, |waiter| waiter.stake.moves.saturating_sub(FREE_MOVES).min(MOST_DOUBLINGS));
        (look.price.as_millis() as u64 / PARTS) << doublings
    }

    /// Counts the time since the last look, if it could have been used elsewhere.
    fn spend(&mut self, look: &Look) {
        let passed = look.now.0.saturating_sub(self.counted.0);
        if look.room != Room::None {
            self.spent += passed * self.waiting.len() as u64;
        }
        self.counted = self.counted.max(look.now);
    }

    /// Returns when so much is spent, if all wait on.
    fn spent_at(&self, price: u64, now: Millis) -> Millis {
        let missing = price.saturating_sub(self.spent);
        Millis(now.0 + missing.div_ceil(self.waiting.len().max(1) as u64).max(1))
    }

    fn refill(&mut self, now: Millis) {
        let passed = now.0.saturating_sub(self.counted.0);
        self.spent = self.spent.saturating_sub(passed / REFILL);
        self.counted = self.counted.max(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(2);

    fn at(millis: u64) -> Millis {
        Millis(100_000 + millis)
    }

    fn stake(warmth: u64) -> Stake {
        Stake { moves: 0, warmth }
    }

    fn crowd(stakes: &[Stake]) -> (Waiters, Vec<WaiterTicket>) {
        let mut waiters = Waiters { counted: at(0), ..Waiters::default() };
        let tickets = stakes.iter().map(|stake| waiters.join(*stake, at(0))).collect();
        (waiters, tickets)
    }

    /// Looks at an account that opens at second 4, with patience until second 5.
    fn look(room: Room, now: u64) -> Look {
        Look { room, opens: at(4_000), patience: at(5_000), price: PATIENCE, now: at(now) }
    }

    #[test]
    fn a_lone_waiter_waits_until_its_budget_is_spent() {
        let (mut waiters, tickets) = crowd(&[stake(9)]);
        assert_eq!(waiters.look(tickets[0], &look(Room::Idle, 0)), Some(at(1_000)), "half of the patience");
        assert_eq!(waiters.look(tickets[0], &look(Room::Open, 999)), Some(at(1_000)));
        assert_eq!(waiters.look(tickets[0], &look(Room::Open, 1_000)), None);
    }

    #[test]
    fn many_waiters_spend_fast_and_each_move_costs_the_same() {
        let (mut waiters, tickets) = crowd(&[stake(9), stake(1), stake(9), stake(9), stake(9)]);
        assert_eq!(
            waiters.look(tickets[1], &look(Room::Open, 100)),
            Some(at(200)),
            "five spend five times as fast"
        );
        assert_eq!(waiters.look(tickets[1], &look(Room::Open, 200)), None);
        waiters.leave(tickets[1]);
        assert_eq!(waiters.look(tickets[4], &look(Room::Open, 200)), Some(at(450)), "four are left");
        assert_eq!(waiters.len(), 4);
    }

    #[test]
    fn the_smallest_prompt_goes_first_and_others_only_if_it_does_not() {
        let (mut waiters, tickets) = crowd(&[stake(9), stake(1)]);
        assert!(waiters.look(tickets[0], &look(Room::Open, 500)).is_some());
        assert_eq!(waiters.look(tickets[1], &look(Room::Open, 500)), None);
        let (mut waiters, tickets) = crowd(&[stake(9), stake(1)]);
        assert_eq!(waiters.look(tickets[0], &look(Room::Open, 1_000)), None, "the other one has not gone");
    }

    #[test]
    fn nothing_is_spent_while_nobody_has_room() {
        let (mut waiters, tickets) = crowd(&[stake(1), stake(1)]);
        assert_eq!(waiters.look(tickets[0], &look(Room::None, 3_000)), Some(at(4_000)));
        assert_eq!(waiters.look(tickets[1], &look(Room::Open, 3_000)), Some(at(3_500)));
    }

    #[test]
    fn an_account_that_nobody_uses_takes_one_waiter_at_once_and_not_the_last() {
        let (mut waiters, tickets) = crowd(&[stake(9), stake(1)]);
        assert!(waiters.look(tickets[0], &look(Room::Idle, 0)).is_some());
        assert_eq!(waiters.look(tickets[1], &look(Room::Idle, 0)), None);
        waiters.leave(tickets[1]);
        assert!(waiters.look(tickets[0], &look(Room::Idle, 0)).is_some());
    }

    #[test]
    fn whose_turn_comes_after_its_patience_goes_at_once() {
        let (mut waiters, tickets) = crowd(&[stake(1); 5]);
        waiters.serve(tickets[0], at(0));
        waiters.serve(tickets[1], at(600));
        let seen = |waiters: &mut Waiters, ticket| waiters.look(ticket, &look(Room::Open, 600)).is_some();
        assert!(seen(&mut waiters, tickets[2]) && seen(&mut waiters, tickets[3]), "0.6 s for each");
        assert!(!seen(&mut waiters, tickets[4]), "the third would be let in after second 5");
    }

    #[test]
    fn a_session_that_moves_again_and_again_pays_more_each_time() {
        for (moves, millis) in [(0, 1_000), (2, 1_000), (3, 2_000), (4, 4_000)] {
            let (mut waiters, tickets) = crowd(&[Stake { moves, warmth: 1 }]);
            let look = Look { opens: at(4_900), ..look(Room::Open, 0) };
            assert_eq!(waiters.look(tickets[0], &look), Some(at(millis)), "{moves} moves");
        }
    }

    #[test]
    fn a_budget_that_nobody_draws_on_is_whole_again_after_a_while() {
        let (mut waiters, tickets) = crowd(&[stake(1)]);
        assert!(waiters.look(tickets[0], &look(Room::Open, 600)).is_some());
        waiters.leave(tickets[0]);
        let ticket = waiters.join(stake(1), at(36_600));
        let look = Look { opens: at(60_000), patience: at(60_000), ..look(Room::Open, 36_600) };
        assert_eq!(waiters.look(ticket, &look), Some(at(37_600)));
    }
}
