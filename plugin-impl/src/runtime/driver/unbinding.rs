//! The point where a bound request goes on without the state of its account, under the setting `unbind`.

use pointsman_core::dispatch::Step;
use pointsman_core::planning::plan::Refusal;
use pointsman_core::reporting::announce::Onward;
use pointsman_core::reporting::notice::NoticeEvent;
use pointsman_core::reporting::refusal::BoundTo;
use pointsman_core::response::foreign::is_foreign_state;

use crate::runtime::call::{LeftOut, Resolved};
use crate::runtime::journal::record::How;

use super::RequestDriver;
use super::look::Seen;

impl RequestDriver<'_> {
    /// Returns the request without the state that binds it, if the next step would fail or wait for long because of
    /// that state.
    pub(super) fn freed(&mut self, step: &Step) -> Option<Resolved> {
        if !self.generation.config.unbind || !self.is_stuck(step) {
            return None;
        }
        let free = self.resolved.unbound(self.generation, &self.shared.fleet.resource_owners, self.now)?;
        self.resolve_doubts();
        self.tell_news(&Onward::GiveUp);
        let LeftOut { owner, by } = free.left_out.clone()?;
        let why = format!("went on without {by}");
        self.tell(NoticeEvent::Bound { account: owner, by, left_out: true }, None);
        self.ended(How::Failed(why));
        Some(free)
    }

    fn is_stuck(&self, step: &Step) -> bool {
        let is_bound = self.resolved.binding.is_some();
        match step {
            Step::Refuse(_) => is_bound,
            // A place that is taken is free again soon; a cold prompt costs more than a short wait.
            Step::Wait { refusal, .. } | Step::Queue { refusal: Some(refusal), .. } => {
                is_bound && refusal.counts.busy == 0 && self.is_far(refusal)
            }
            Step::Deliver => self.is_refused_for_state() || is_bound && self.has_failed(),
            Step::Arrive
            | Step::Plan { .. }
            | Step::Stay { .. }
            | Step::Queue { refusal: None, .. }
            | Step::TurnAway
            | Step::Withdraw
            | Step::Admit(_)
            | Step::Authorize { .. }
            | Step::Send
            | Step::Hold { .. } => false,
        }
    }

    fn is_far(&self, refusal: &Refusal) -> bool {
        let patience = self.generation.config.settings.affinity.patience;
        refusal.until.is_none_or(|until| until > self.now.after(patience))
    }

    /// Returns whether the answer refuses state that another account made.
    fn is_refused_for_state(&self) -> bool {
        let Some(Seen::Answer(seen)) = &self.heard.seen else { return false };
        let body: Vec<u8> = seen.held.iter().flatten().copied().collect();
        is_foreign_state(seen.status.as_u16(), &body)
    }

    /// Returns whether the account failed, for a reason other than the request.
    fn has_failed(&self) -> bool {
        match &self.heard.seen {
            Some(Seen::Answer(seen)) => self.attempt.is_none() && !seen.is_callers_fault,
            Some(Seen::Nothing(_)) => true,
            None => false,
        }
    }

    /// Returns the account that the request is bound to, for a refusal.
    pub(super) fn bound_to(&self) -> Option<BoundTo> {
        let binding = self.resolved.binding.as_ref()?;
        let is_droppable = binding.is_droppable() && !self.generation.config.unbind;
        Some(BoundTo { account: binding.owner.clone(), by: binding.by(), is_droppable })
    }
}
