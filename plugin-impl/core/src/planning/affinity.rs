//! Affinity: the sticky account of a session, and the worth of staying there.
//!
//! A prompt is cheap and quick only at an account with the prompt in its cache. So a session has a sticky
//! account, and leaves it only if waiting would cost more than a cold cache. Affinity is advice: a
//! forgotten session pays one cold prompt and nothing else.

mod waiters;

use std::time::Duration;

use crate::planning::plan::{Candidate, Plan, first_to_open};
use crate::planning::snapshot::{Snapshot, Why};
use crate::planning::strategy::Context;
use crate::time::Millis;

pub use self::waiters::{Look, Room, Stake, WaiterTicket, Waiters};

/// Moves of a session follow each other closely that are no further apart.
const RESTLESS: Duration = Duration::from_secs(60);

/// An account without a request for so long is used by nobody.
const IDLE: Duration = Duration::from_secs(1);

/// What the user chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// The longest wait of a request for its session's sticky account while others could serve.
    pub patience: Duration,
    /// The lifetime of a prompt in the upstream's cache after its last use.
    pub warm: Duration,
    /// The lifetime of a session after its last request.
    pub memory: Duration,
    /// The most sessions remembered.
    pub sessions: u32,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            patience: Duration::from_secs(5),
            // Anthropic's and OpenAI's prompt caches live for about so long.
            warm: Duration::from_secs(300),
            memory: Duration::from_secs(3_600),
            sessions: 10_000,
        }
    }
}

/// The sticky account of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sticky {
    /// The ordinal of the account.
    pub account: u32,
    touched: Millis,
    served: Option<Millis>,
    /// When the session last moved although its account would have opened soon, and how many such moves
    /// follow each other closely.
    chose: Option<Millis>,
    moves: u8,
}

/// What became of a request of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Service {
    /// The account that the session had lived on when the request was planned.
    pub left: Option<u32>,
    /// The account that served it.
    pub account: u32,
    /// It left although its account would have opened soon.
    pub by_choice: bool,
}

impl Sticky {
    /// Returns the first home of a session, before any served request there.
    pub const fn first(account: u32, now: Millis) -> Self {
        Self { account, touched: now, served: None, chose: None, moves: 0 }
    }

    /// Makes the sticky account of a session of an earlier process, or of another process.
    pub const fn restored(account: u32, touched: Millis, served: Option<Millis>) -> Self {
        Self { account, touched, served, chose: None, moves: 0 }
    }

    /// Returns the instant of the session's last request.
    pub const fn touched(&self) -> Millis {
        self.touched
    }

    /// Returns the instant of the last served request, if one was served by the account.
    pub const fn last_served(&self) -> Option<Millis> {
        self.served
    }

    /// Returns the home after a claim for `account` at `now`. Of several simultaneous claims the first wins
    /// for every claimant.
    #[must_use]
    pub fn claimed(self, account: u32, rules: &Rules, now: Millis) -> Self {
        if self.is_remembered(rules, now) {
            Self { touched: self.touched.max(now), ..self }
        } else {
            Self::first(account, now)
        }
    }

    /// Returns the home after a request of the session was served.
    ///
    /// A request moves the session only if it left the session's current home. A request from before an
    /// earlier move knew less, and does not move the session back.
    #[must_use]
    pub fn served(self, service: Service, now: Millis) -> Self {
        let Service { left, account, by_choice } = service;
        if self.account == account {
            Self { touched: self.touched.max(now), served: Some(now), ..self }
        } else if left == Some(self.account) {
            let moves = self.moves(now).saturating_add(by_choice.into());
            let chose = if by_choice { Some(now) } else { self.chose };
            Self { account, touched: self.touched.max(now), served: Some(now), chose, moves }
        } else {
            Self { touched: self.touched.max(now), ..self }
        }
    }

    /// Returns whether the session's last request is recent enough to remember the session.
    pub fn is_remembered(&self, rules: &Rules, now: Millis) -> bool {
        now.since(self.touched) < rules.memory
    }

    /// Returns whether the session's prompt is still cached.
    pub fn is_warm(&self, rules: &Rules, now: Millis) -> bool {
        self.served.is_some_and(|served| now.since(served) < rules.warm)
    }

    /// Returns whether the agent was active lately, so that its relatives make room.
    pub fn is_lived_in(&self, rules: &Rules, now: Millis) -> bool {
        self.silence(now) < rules.warm
    }

    /// Returns what the session loses by a move, with a prompt of so many bytes.
    pub fn stake(&self, prompt: u64, rules: &Rules, now: Millis) -> Stake {
        let whole = rules.warm.as_millis() as u64;
        let cooled = self.served.map_or(whole, |served| now.0.saturating_sub(served.0));
        let warmth = prompt.saturating_mul(whole.saturating_sub(cooled)) / whole.max(1);
        Stake { moves: self.moves(now), warmth }
    }

    fn moves(&self, now: Millis) -> u8 {
        if self.chose.is_some_and(|chose| now.since(chose) < RESTLESS) { self.moves } else { 0 }
    }

    /// Returns how long ago its last request was.
    pub fn silence(&self, now: Millis) -> Duration {
        now.since(self.touched)
    }
}

/// Returns the end of a worthwhile wait for the session's sticky account, whose cache is warm, in
/// preference to `plan`.
///
/// An account due back within the patience is worth the wait, and so is an account under a probe. An
/// account at its concurrency bound frees no place within seconds.
pub fn hold(snapshot: &Snapshot, plan: &Plan, context: &Context, patience: Millis) -> Option<Millis> {
    let sticky = context.sticky?;
    if context.own == Some(plan.candidates[0].account) {
        return None; // The caller's own account goes before the session's.
    }
    if plan.candidates[0].account == sticky || snapshot.now >= patience {
        return None;
    }
    let account = snapshot.accounts.iter().find(|account| account.index == sticky)?;
    if account.is_open() {
        return None; // The strategy itself prefers another.
    }
    let closed = first_to_open(account)?;
    match closed.why {
        Why::Limited | Why::Exhausted | Why::Cooling(_) => closed.until.filter(|until| *until <= patience),
        Why::Probing => Some(patience),
        Why::Busy | Why::Protected | Why::NeedsSignIn | Why::Excluded | Why::Disabled => None,
    }
}

/// Returns the best candidate that could serve a request in place of its sticky account, and what it offers.
/// `waiters` says how many requests wait for an account.
pub fn room(
    snapshot: &Snapshot,
    plan: &Plan,
    sticky: u32,
    waiters: impl Fn(u32) -> usize,
) -> Option<(Candidate, Room)> {
    let is_free = |candidate: &&Candidate| {
        candidate.account != sticky && candidate.probe.is_none() && !candidate.deprioritised
    };
    let candidates = plan.candidates.iter().filter(is_free).filter(|other| waiters(other.account) == 0);
    let offers = candidates.map(|other| {
        let room = if is_idle(snapshot, other) { Room::Idle } else { Room::Open };
        (*other, room)
    });
    offers.min_by_key(|(_, room)| *room != Room::Idle)
}

fn is_idle(snapshot: &Snapshot, candidate: &Candidate) -> bool {
    let account = snapshot.accounts.iter().find(|account| account.index == candidate.account);
    account.is_some_and(|account| {
        let rests = |used: Millis| snapshot.now.since(used) >= IDLE || used == Millis::START;
        account.in_flight == 0 && account.ways.iter().all(|way| rests(way.health_stats.used))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admission::blame::Reason;
    use crate::planning::plan::{plan, testing::account};
    use crate::planning::settings::Settings;
    use crate::planning::snapshot::{AccountView, Closed};
    use crate::planning::strategy::Strategy;

    const RULES: Rules = Rules {
        patience: Duration::from_secs(5),
        warm: Duration::from_secs(300),
        memory: Duration::from_secs(3_600),
        sessions: 10,
    };

    fn service(left: Option<u32>, account: u32) -> Service {
        Service { left, account, by_choice: false }
    }

    fn at(seconds: u64) -> Millis {
        Millis(seconds * 1_000)
    }

    #[test]
    fn the_first_claim_wins_until_it_is_forgotten() {
        let sticky = Sticky::first(1, at(0));
        assert_eq!(sticky.claimed(2, &RULES, at(1)).account, 1);
        assert_eq!(sticky.claimed(2, &RULES, at(3_600)).account, 2);
        assert_eq!(sticky.claimed(2, &RULES, at(3_000)).claimed(2, &RULES, at(6_000)).account, 1);
    }

    #[test]
    fn only_a_request_that_left_the_home_moves_the_session() {
        let sticky = Sticky::first(1, at(0));
        let check = |left, account, expected| {
            let sticky = sticky.served(service(left, account), at(1));
            assert_eq!(sticky.account, expected, "{left:?} {account}");
        };
        check(Some(1), 1, 1);
        check(Some(1), 2, 2);
        check(Some(3), 2, 1);
        check(None, 2, 1);
    }

    #[test]
    fn a_late_answer_of_the_old_home_does_not_move_the_session_back() {
        let sticky = Sticky::first(1, at(0)).served(service(Some(1), 2), at(1));
        assert_eq!(sticky.served(service(Some(1), 1), at(2)).account, 2);
        assert_eq!(sticky.served(service(Some(1), 3), at(2)).account, 2, "nor anywhere else");
    }

    #[test]
    fn a_home_is_warm_where_it_has_served_lately() {
        let sticky = Sticky::first(1, at(0));
        assert!(!sticky.is_warm(&RULES, at(0)), "nothing was served");
        let sticky = sticky.served(service(Some(1), 1), at(10));
        assert!(sticky.is_warm(&RULES, at(309)) && !sticky.is_warm(&RULES, at(310)));
        let elsewhere = sticky.served(service(Some(2), 3), at(400));
        assert!(!elsewhere.is_warm(&RULES, at(400)), "another account served it");
    }

    #[test]
    fn a_session_that_chose_to_move_has_more_at_stake_for_a_while_and_a_cold_prompt_is_worth_nothing() {
        let chosen = Service { by_choice: true, ..service(Some(1), 2) };
        let sticky = Sticky::first(1, at(0)).served(service(Some(1), 1), at(0));
        assert_eq!(sticky.stake(900, &RULES, at(100)), Stake { moves: 0, warmth: 600 });
        let moved = sticky.served(chosen, at(100));
        assert_eq!(moved.stake(900, &RULES, at(100)), Stake { moves: 1, warmth: 900 });
        assert_eq!(moved.stake(900, &RULES, at(400)), Stake { moves: 0, warmth: 0 });
        let limited = sticky.served(service(Some(1), 2), at(100));
        assert_eq!(limited.stake(900, &RULES, at(100)).moves, 0, "it had no choice");
    }

    /// Accounts of which the first is closed, and what the best of the others offers.
    fn offered(prepare: impl FnOnce(&mut [AccountView]), waiters: [usize; 3]) -> Option<(u32, Room)> {
        let mut accounts = [account(0, 0), account(1, 1), account(2, 0)];
        accounts[0].ways[0].closed = closed(Some(101), Why::Limited);
        prepare(&mut accounts);
        let snapshot = Snapshot { now: at(100), accounts: accounts.into_iter().collect() };
        let context = Context { accounts: 3, sticky: Some(0), ..Context::default() };
        let settings = Settings { strategy: Strategy::Sticky, ..Settings::default() };
        let plan = plan(&snapshot, &settings, &context).expect("one is open");
        let found = room(&snapshot, &plan, 0, |account| waiters[account as usize]);
        found.map(|(candidate, room)| (candidate.account, room))
    }

    #[test]
    fn an_account_that_nobody_uses_is_the_best_offer_and_one_with_waiters_is_none() {
        assert_eq!(offered(|_| (), [1, 0, 0]), Some((2, Room::Idle)));
        assert_eq!(offered(|_| (), [1, 0, 1]), Some((1, Room::Open)));
        assert_eq!(offered(|_| (), [1, 1, 1]), None);
        assert_eq!(
            offered(|accounts| accounts[2].ways[0].health_stats.used = at(100), [0; 3]),
            Some((2, Room::Open))
        );
        assert_eq!(
            offered(|accounts| accounts[2].ways[0].deprioritised = true, [0, 1, 0]),
            None,
            "the user's wish"
        );
    }

    fn closed(until: Option<u64>, why: Why) -> Option<Closed> {
        Some(Closed { until: until.map(at), why })
    }

    /// Two accounts at second 100; the patience of the request ends at second 105.
    fn check(sticky: Option<Closed>, other: Option<Closed>, expected: Option<u64>) {
        let mut accounts = [account(0, 0), account(1, 0)];
        (accounts[0].ways[0].closed, accounts[1].ways[0].closed) = (sticky, other);
        let snapshot = Snapshot { now: at(100), accounts: accounts.into_iter().collect() };
        let context = Context { accounts: 2, sticky: Some(0), ..Context::default() };
        let settings = Settings { strategy: Strategy::Sticky, ..Settings::default() };
        let plan = plan(&snapshot, &settings, &context).expect("one is open");
        assert_eq!(hold(&snapshot, &plan, &context, at(105)), expected.map(at), "{sticky:?}");
    }

    #[test]
    fn a_short_wait_is_cheaper_than_a_cold_cache() {
        check(closed(Some(105), Why::Limited), None, Some(105));
        check(closed(Some(102), Why::Cooling(Reason::Server)), None, Some(102));
        check(closed(None, Why::Probing), None, Some(105));
    }

    #[test]
    fn a_long_or_unknown_wait_is_dearer() {
        check(closed(Some(106), Why::Limited), None, None);
        check(closed(None, Why::Busy), None, None);
        check(closed(Some(102), Why::Protected), None, None);
        check(closed(None, Why::NeedsSignIn), None, None);
        check(closed(None, Why::Disabled), None, None);
    }

    #[test]
    fn an_open_home_is_not_waited_for() {
        check(None, None, None);
        check(None, closed(Some(101), Why::Limited), None);
    }
}
