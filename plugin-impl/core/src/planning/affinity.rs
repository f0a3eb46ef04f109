//! Affinity: which account a session lives on, and what it is worth to stay there.
//!
//! A prompt that an account has seen is cheap and quick there, and nowhere else. So a session has a home,
//! and leaves it only when waiting for it would cost more than a cold cache. It is advice: a session that
//! is forgotten pays one cold prompt and nothing else.

use std::time::Duration;

use crate::planning::plan::{Plan, first_to_open};
use crate::planning::snapshot::{Snapshot, Why};
use crate::planning::strategy::Context;
use crate::time::Millis;

/// What the user chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// The longest that a request waits for its session's own account while others could serve it.
    pub patience: Duration,
    /// How long a prompt is cached upstream after it was last served.
    pub warm: Duration,
    /// How long a session is remembered after its last request.
    pub memory: Duration,
    /// How many sessions are remembered.
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

/// Where a session lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Home {
    /// The ordinal of the account.
    pub account: u32,
    touched: Millis,
    served: Option<Millis>,
}

impl Home {
    /// Returns the first home of a session, before anything was served there.
    pub const fn first(account: u32, now: Millis) -> Self {
        Self { account, touched: now, served: None }
    }

    /// Returns what a session lives on that claims `account` at `now`. Of several requests that claim one at
    /// the same time all get the first.
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
    /// The request moves the session only if it left the home that the session still has. One that began
    /// before another moved the session knew less, and does not move it back.
    #[must_use]
    pub fn served(self, left: Option<u32>, account: u32, now: Millis) -> Self {
        if self.account == account || left == Some(self.account) {
            Self { account, touched: self.touched.max(now), served: Some(now) }
        } else {
            Self { touched: self.touched.max(now), ..self }
        }
    }

    /// Says whether the session was here lately enough to be one.
    pub fn is_remembered(&self, rules: &Rules, now: Millis) -> bool {
        now.since(self.touched) < rules.memory
    }

    /// Says whether its prompt is still cached.
    pub fn is_warm(&self, rules: &Rules, now: Millis) -> bool {
        self.served.is_some_and(|served| now.since(served) < rules.warm)
    }

    /// Says whether its agent was here lately, so that others of its family make room for it.
    pub fn is_lived_in(&self, rules: &Rules, now: Millis) -> bool {
        self.silence(now) < rules.warm
    }

    /// Returns how long ago its last request was.
    pub fn silence(&self, now: Millis) -> Duration {
        now.since(self.touched)
    }
}

/// Says until when a request had better wait for its session's own account, whose cache is warm, than go
/// where `plan` leads.
///
/// What comes back by itself within the patience is waited for, and so is an account that a probe is trying
/// just then. One that has as many requests as it may have gives no place within seconds.
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
