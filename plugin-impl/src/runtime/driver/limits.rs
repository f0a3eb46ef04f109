//! Limits: what the caller is told of them by headers.

use pointsman_core::formats::format::WireFormat;
use pointsman_core::planning::plan::Refusal;
use pointsman_core::quota::reading::Reading;
use pointsman_core::reporting::agent::{Agent, SHORT};
use pointsman_core::reporting::limits::{ToldEnd, leave_out_warnings};
use pointsman_core::reporting::notice::seconds_until;
use pointsman_core::time::Millis;

use crate::fleet::Member;
use crate::runtime::driver::look::SeenAnswer;

use super::Journey;

impl Journey<'_> {
    /// Leaves out what one account warns of while another one is open.
    pub(super) fn spare_warnings(&self, seen: &mut SeenAnswer) {
        if self.others_open && seen.status.is_success() {
            leave_out_warnings(&mut seen.headers);
        }
    }

    /// Returns the end of the limits that close all accounts, where upstreams told each of them and Claude Code
    /// has words for it. One that ends within a moment brings the agent back, and is not its limit.
    pub(super) fn told_end(&self, refusal: &Refusal) -> Option<ToldEnd> {
        let (until, counts) = (refusal.until?, refusal.counts);
        let others = counts.total() - counts.limited - counts.needs_sign_in - counts.disabled;
        let is_claudes = self.routed.intent.format == WireFormat::Anthropic
            && Agent::of(&self.routed.call.headers) == Agent::ClaudeCode;
        if !is_claudes || counts.limited == 0 || others > 0 || seconds_until(until, self.now) <= SHORT {
            return None;
        }
        let leg = &self.routed.origin;
        let members = &self.generation.crews[leg.provider].roster.members;
        let ends = members.iter().filter_map(|member| self.told_end_of(member));
        let ends: Vec<_> = ends.collect::<Option<_>>()?;
        let (until, member) = ends.into_iter().min_by_key(|(until, _)| *until)?;
        let reset = self.shared.clock.now().wall_of(until);
        Some(ToldEnd { reset, window: self.window(member, until) })
    }

    /// Returns when an account opens by what it was told; the inner value is none where that was not told, the
    /// outer one where nothing closes it that ends by itself.
    fn told_end_of<'m>(&self, member: &'m Member) -> Option<Option<(Millis, &'m Member)>> {
        let leg = &self.routed.origin;
        let limits = leg.route.pools().iter().map(|pool| member.account.limit(*pool, &leg.model, self.now));
        let first = limits.flatten().min_by_key(|limit| limit.until)?;
        Some(first.known.then_some((first.until, member)))
    }

    /// Returns the window that ends then.
    fn window(&self, member: &Member, until: Millis) -> Option<String> {
        let pools = self.routed.origin.route.pools().iter();
        let windows: Vec<_> = pools.map(|pool| member.account.pool(*pool).windows).collect();
        let spent = windows.iter().flat_map(|windows| windows.readings()).filter(|reading| is_spent(reading));
        let apart = |reading: &&Reading| reading.reset.map(|reset| reset.0.abs_diff(until.0));
        spent.min_by_key(apart).map(|reading| reading.window.to_string())
    }
}

fn is_spent(reading: &Reading) -> bool {
    reading.remaining == Some(0) && reading.reset.is_some()
}
