//! Limits in response headers, for the caller.

use pointsman_core::formats::agent::Agent;
use pointsman_core::formats::format::limits::{LimitHeaders, ToldEnd};
use pointsman_core::planning::plan::Refusal;
use pointsman_core::quota::reading::Reading;
use pointsman_core::reporting::agent::SHORT;
use pointsman_core::reporting::limits::leave_out_warnings;
use pointsman_core::reporting::notice::seconds_until;
use pointsman_core::time::Millis;

use crate::fleet::Member;
use crate::runtime::driver::look::SeenAnswer;

use super::RequestDriver;

impl RequestDriver<'_> {
    /// Removes an account's limit warnings while another account is open.
    pub(super) fn spare_warnings(&self, seen: &mut SeenAnswer) {
        if self.telling.others_open && seen.status.is_success() {
            leave_out_warnings(&mut seen.headers);
        }
    }

    /// Returns the headers of limits in the caller's format.
    pub(super) fn limit_headers(&self) -> &'static LimitHeaders {
        &self.resolved.intent.format.main().limits
    }

    /// Returns the end of the limits, if every account is closed by a reported limit and the caller is
    /// Claude Code. A limit about to end is left out: the agent simply tries again.
    pub(super) fn told_end(&self, refusal: &Refusal) -> Option<ToldEnd> {
        let (until, counts) = (refusal.until?, refusal.counts);
        let others =
            counts.total() - counts.limited - counts.needs_sign_in - counts.disabled - counts.excluded;
        let agent = Agent::of(&self.resolved.call.headers);
        if !self.limit_headers().are_told_to(agent)
            || counts.limited == 0
            || others > 0
            || seconds_until(until, self.now) <= SHORT
        {
            return None;
        }
        let hop = &self.resolved.primary;
        let members = &self.generation.provider_runtimes[hop.provider].roster.members;
        let ends = members.iter().filter_map(|member| self.told_end_of(member));
        // One account with an estimated end makes the whole end unknown.
        let ends: Vec<_> = ends.collect::<Option<_>>()?;
        let (until, member) = ends.into_iter().min_by_key(|(until, _)| *until)?;
        let reset = self.shared.clock.now().wall_of(until);
        Some(ToldEnd { reset, window: self.window(member, until) })
    }

    /// Returns the first limit's end of an account. The outer `None` means no limit; the inner `None` means
    /// an end not reported by the upstream.
    fn told_end_of<'m>(&self, member: &'m Member) -> Option<Option<(Millis, &'m Member)>> {
        let hop = &self.resolved.primary;
        let limits = hop.route.pools().iter().map(|pool| member.account.limit(*pool, &hop.model, self.now));
        let first = limits.flatten().min_by_key(|limit| limit.until)?;
        Some(first.known.then_some((first.until, member)))
    }

    /// Returns the window with a reset closest to the limit's end.
    fn window(&self, member: &Member, until: Millis) -> Option<String> {
        let pools = self.resolved.primary.route.pools().iter();
        let windows: Vec<_> = pools.map(|pool| member.account.pool(*pool).windows).collect();
        let spent = windows.iter().flat_map(|windows| windows.readings()).filter(|reading| is_spent(reading));
        let apart = |reading: &&Reading| reading.reset.map(|reset| reset.0.abs_diff(until.0));
        spent.min_by_key(apart).map(|reading| reading.window.to_string())
    }
}

fn is_spent(reading: &Reading) -> bool {
    reading.remaining == Some(0) && reading.reset.is_some()
}
