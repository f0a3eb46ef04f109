//! Affinity: the sticky account of a session, and the worth of staying there.
//!
//! A prompt is cheap and quick only at an account with the prompt in its cache. So a session has a sticky
//! account, and leaves it only if waiting would cost more than a cold cache. Affinity is advice: a
//! forgotten session pays one cold prompt and nothing else.

use std::time::Duration;

use crate::planning::plan::{Plan, first_to_open};
use crate::planning::snapshot::{Snapshot, Why};
use crate::planning::strategy::Context;
use crate::time::Millis;

/// The user's affinity settings.
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
pub struct Home {
    /// The ordinal of the account.
    pub account: u32,
    touched: Millis,
    served: Option<Millis>,
}

impl Home {
    /// Returns the first home of a session, before any served request there.
    pub const fn first(account: u32, now: Millis) -> Self {
        Self { account, touched: now, served: None }
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

    /// Returns the home after `account` has served a request of the session.
    ///
    /// A request moves the session only if it left the session's current home. A request from before an
    /// earlier move knew less, and does not move the session back.
    #[must_use]
    pub fn served(self, left: Option<u32>, account: u32, now: Millis) -> Self {
        if self.account == account || left == Some(self.account) {
            Self { account, touched: self.touched.max(now), served: Some(now) }
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

    /// Returns the time since the last request.
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
    let home = context.home?;
    if context.own == Some(plan.candidates[0].account) {
        return None; // The caller's own account goes before the session's.
    }
    if plan.candidates[0].account == home || snapshot.now >= patience {
        return None;
    }
    let account = snapshot.accounts.iter().find(|account| account.index == home)?;
    if account.is_open() {
        return None; // The strategy itself prefers another.
    }
    let closed = first_to_open(account)?;
    match closed.why {
        Why::Limited | Why::Cooling(_) => closed.until.filter(|until| *until <= patience),
        Why::Probing => Some(patience),
        Why::Busy | Why::Protected | Why::NeedsSignIn | Why::Disabled => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admission::blame::Reason;
    use crate::planning::plan::{plan, testing::account};
    use crate::planning::settings::Settings;
    use crate::planning::snapshot::Closed;
    use crate::planning::strategy::Strategy;

    const RULES: Rules = Rules {
        patience: Duration::from_secs(5),
        warm: Duration::from_secs(300),
        memory: Duration::from_secs(3_600),
        sessions: 10,
    };

    fn at(seconds: u64) -> Millis {
        Millis(seconds * 1_000)
    }

    #[test]
    fn the_first_claim_wins_until_it_is_forgotten() {
        let home = Home::first(1, at(0));
        assert_eq!(home.claimed(2, &RULES, at(1)).account, 1);
        assert_eq!(home.claimed(2, &RULES, at(3_600)).account, 2);
        assert_eq!(home.claimed(2, &RULES, at(3_000)).claimed(2, &RULES, at(6_000)).account, 1);
    }

    #[test]
    fn only_a_request_that_left_the_home_moves_the_session() {
        let home = Home::first(1, at(0));
        let check = |left, account, expected| {
            assert_eq!(home.served(left, account, at(1)).account, expected, "{left:?} {account}");
        };
        check(Some(1), 1, 1);
        check(Some(1), 2, 2);
        check(Some(3), 2, 1);
        check(None, 2, 1);
    }

    #[test]
    fn a_late_answer_of_the_old_home_does_not_move_the_session_back() {
        let home = Home::first(1, at(0)).served(Some(1), 2, at(1));
        assert_eq!(home.served(Some(1), 1, at(2)).account, 2);
        assert_eq!(home.served(Some(1), 3, at(2)).account, 2, "nor anywhere else");
    }

    #[test]
    fn a_home_is_warm_where_it_has_served_lately() {
        let home = Home::first(1, at(0));
        assert!(!home.is_warm(&RULES, at(0)), "nothing was served");
        let home = home.served(Some(1), 1, at(10));
        assert!(home.is_warm(&RULES, at(309)) && !home.is_warm(&RULES, at(310)));
        assert!(!home.served(Some(2), 3, at(400)).is_warm(&RULES, at(400)), "another account served it");
    }

    fn closed(until: Option<u64>, why: Why) -> Option<Closed> {
        Some(Closed { until: until.map(at), why })
    }

    /// Two accounts at second 100; the patience of the request ends at second 105.
    fn check(home: Option<Closed>, other: Option<Closed>, expected: Option<u64>) {
        let mut accounts = [account(0, 0), account(1, 0)];
        (accounts[0].ways[0].closed, accounts[1].ways[0].closed) = (home, other);
        let snapshot = Snapshot { now: at(100), accounts: accounts.into_iter().collect() };
        let context = Context { accounts: 2, home: Some(0), ..Context::default() };
        let settings = Settings { strategy: Strategy::Sticky, ..Settings::default() };
        let plan = plan(&snapshot, &settings, &context).expect("one is open");
        assert_eq!(hold(&snapshot, &plan, &context, at(105)), expected.map(at), "{home:?}");
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
