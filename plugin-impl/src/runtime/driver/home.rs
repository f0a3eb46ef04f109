//! Home: the account that a request's session lives on.

use pointsman_core::dispatch::Event;
use pointsman_core::time::Millis;

use super::Journey;

impl Journey<'_> {
    /// Looks where the session lives, or its parent. Says whether a prompt of its own is still cached there.
    pub(super) fn look_home(&mut self, now: Millis) -> bool {
        let (rules, roster) = (&self.generation.config.settings.affinity, &self.crew().roster);
        let home_of = |session: u64| self.shared.fleet.affinity.home(session, rules, now);
        let home = self.routed.session_at(self.leg()).and_then(home_of);
        let parent = self.routed.parent_at(self.leg()).filter(|_| home.is_none()).and_then(home_of);
        self.home = home.map(|home| home.account);
        self.context.home = home.and_then(|home| roster.place_of(home.account));
        self.context.parent = parent.and_then(|parent| roster.place_of(parent.account));
        home.is_some_and(|home| home.is_warm(rules, now))
    }

    /// Makes `account` the home of the session, and says whether another request of it was quicker.
    pub(super) fn claim_home(&mut self, account: u32, now: Millis) -> bool {
        let Some(session) = self.routed.session_at(self.leg()) else { return false };
        let (rules, roster) = (&self.generation.config.settings.affinity, &self.crew().roster);
        let own = roster.members[account as usize].account.ordinal;
        let home = self.shared.fleet.affinity.claim(session, own, rules, now);
        self.home = Some(home);
        if home == own {
            return false;
        }
        self.context.home = roster.place_of(home);
        self.context.home.is_some()
    }

    /// Lets the session live where it was served.
    pub(super) fn settle_home(&self, now: Millis) {
        let (Some(session), Some(attempt)) = (self.routed.session_at(self.leg()), &self.attempt) else {
            return;
        };
        let (rules, account) = (&self.generation.config.settings.affinity, &attempt.lease.target().account);
        self.shared.fleet.affinity.served(session, self.home, account.ordinal, rules, now);
    }

    /// Waits beside the line: others of it do not depend on this session's account. A turn that it has goes
    /// to the next.
    pub(super) async fn hold(&mut self, until: Millis) -> Event {
        self.shared.counters.holds.count();
        self.record.waits(self.leg, until, None, self.now);
        self.turn = None;
        let mut listener = self.shared.fleet.bell(&self.leg().route.provider.id).listen();
        tokio::select! {
            () = listener.heard() => {}
            () = self.shared.clock.sleep_until(until) => {}
        }
        self.look_at_clock();
        self.record.woke(self.now);
        Event::Woke
    }
}
