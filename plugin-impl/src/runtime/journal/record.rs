//! What one request wrote down of its decisions.

use std::sync::Arc;

use pointsman_core::admission::cell::Deny;
use pointsman_core::ids::{AccountId, PoolId};
use pointsman_core::planning::plan::{Candidate, Plan, Refusal};
use pointsman_core::planning::settings::Settings;
use pointsman_core::planning::snapshot::{AccountView, Snapshot};
use pointsman_core::planning::strategy::Context;
use pointsman_core::reporting::because::Because;
use pointsman_core::request::catalog::Provider;
use pointsman_core::response::outcome::Outcome;
use pointsman_core::time::{Millis, Now, UnixMillis};
use smallvec::SmallVec;

use crate::fleet::Settlement;
use crate::runtime::call::Routed;
use crate::runtime::generation::Generation;
use crate::sync::{Mutex, unpoisoned};

use super::RequestId;

/// How many plans of a request keep what they saw: the first ones, and the last.
pub const MAX_PLANS: usize = 4;
/// How many accounts of a plan are kept: those it put first, then others.
pub const MAX_ACCOUNTS: usize = 24;
/// How many steps of a request are kept: the first ones, and the last.
pub const MAX_STEPS: usize = 48;

/// The decisions of one request.
#[derive(Debug)]
pub struct Record {
    pub id: RequestId,
    pub began: Millis,
    pub began_wall: UnixMillis,
    pub family: String,
    /// 0 is the origin.
    pub legs: SmallVec<[LegNote; 1]>,
    pub settings: Settings,
    story: Mutex<Story>,
}

/// A leg, as far as words for it are needed.
#[derive(Clone, Debug)]
pub struct LegNote {
    pub provider: Arc<Provider>,
    pub model: String,
    /// The ids of the provider's accounts, in the order of the roster.
    pub accounts: Arc<[AccountId]>,
}

/// What happened, in its order.
#[derive(Clone, Debug, Default)]
pub struct Story {
    pub steps: Vec<Step>,
    /// How many steps were left out before the last one.
    pub omitted: u32,
    pub end: Option<End>,
}

/// One step.
#[derive(Clone, Debug)]
pub struct Step {
    pub at: Millis,
    pub leg: usize,
    pub what: What,
}

/// What a step was.
#[derive(Clone, Debug)]
pub enum What {
    Planned(Sight),
    /// A cell denied what the plan had promised.
    Denied {
        candidate: Candidate,
        deny: Deny,
    },
    Attempt(Attempt),
    /// It stood in line, or held out for its session's own account.
    Waited {
        until: Millis,
        refusal: Option<Refusal>,
        over: Option<Millis>,
    },
}

/// What a plan saw; the plan can be made from it again.
#[derive(Clone, Debug)]
pub struct Sight {
    /// None where it is not kept.
    seen: Option<Box<[AccountView]>>,
    /// How many accounts there were.
    pub accounts: usize,
    pub now: Millis,
    pub context: Context,
}

impl Sight {
    /// Returns how many accounts are kept of those that it saw, where any are.
    pub fn kept(&self) -> Option<usize> {
        self.seen.as_ref().map(|seen| seen.len())
    }

    /// Returns what is kept of the snapshot.
    pub fn snapshot(&self) -> Option<Snapshot> {
        let accounts = self.seen.as_ref()?.iter().cloned().collect();
        Some(Snapshot { now: self.now, accounts })
    }
}

/// A lease, from its admission to its end.
#[derive(Clone, Debug)]
pub struct Attempt {
    pub candidate: Candidate,
    pub is_probe: bool,
    /// Upstream calls: none where the credential could not be had, two where it was renewed.
    pub calls: u8,
    pub end: Option<AttemptEnd>,
}

/// What an attempt came to.
#[derive(Clone, Debug)]
pub struct AttemptEnd {
    pub at: Millis,
    pub outcome: Outcome,
    /// What it changed for everybody.
    pub settlement: Option<Settlement>,
}

/// How a request ended.
#[derive(Clone, Debug)]
pub struct End {
    pub at: Millis,
    pub attempts: u32,
    pub how: How,
}

/// What the caller got.
#[derive(Clone, Debug)]
pub enum How {
    /// An upstream's answer, good or bad.
    Answered { status: u16, because: Because, account: AccountId, pool: PoolId },
    /// That nobody can serve it in time.
    Refused(Refusal),
    /// That no upstream could be made to answer.
    Failed(String),
    /// Nothing: it went away before.
    Cancelled,
}

impl Record {
    /// Begins a record.
    pub fn new(id: RequestId, routed: &Routed, generation: &Generation, now: Now) -> Self {
        let note = |leg: &crate::runtime::chains::Leg| LegNote {
            provider: leg.route.provider.clone(),
            model: leg.route.model.clone(),
            accounts: generation.crews[leg.provider].names.clone(),
        };
        Self {
            id,
            began: now.mono,
            began_wall: now.wall,
            family: routed.subject().to_owned(),
            legs: std::iter::once(&routed.origin).chain(&*routed.others).map(note).collect(),
            settings: generation.config.settings.clone(),
            story: Mutex::default(),
        }
    }

    /// Returns what has happened so far.
    pub fn story(&self) -> Story {
        unpoisoned(self.story.lock()).clone()
    }

    /// Writes down what a plan was made of.
    pub fn planned(&self, leg: usize, snapshot: Snapshot, context: &Context, plan: Option<&Plan>) {
        let (now, accounts) = (snapshot.now, snapshot.accounts.len());
        let sight = Sight { seen: Some(kept(snapshot, plan)), accounts, now, context: *context };
        self.write(Step { at: now, leg, what: What::Planned(sight) });
    }

    /// Writes down that a cell denied a candidate.
    pub fn denied(&self, leg: usize, candidate: Candidate, deny: Deny, at: Millis) {
        self.write(Step { at, leg, what: What::Denied { candidate, deny } });
    }

    /// Writes down that a candidate was admitted.
    pub fn admitted(&self, leg: usize, candidate: Candidate, is_probe: bool, at: Millis) {
        let attempt = Attempt { candidate, is_probe, calls: 0, end: None };
        self.write(Step { at, leg, what: What::Attempt(attempt) });
    }

    /// Writes down that the request was sent.
    pub fn sent(&self) {
        self.last(|what| {
            if let What::Attempt(attempt) = what {
                attempt.calls = attempt.calls.saturating_add(1);
            }
        });
    }

    /// Writes down what the attempt under way came to.
    pub fn came_to(&self, outcome: &Outcome, settlement: Option<&Settlement>, at: Millis) {
        let end = AttemptEnd { at, outcome: outcome.clone(), settlement: settlement.cloned() };
        self.last(|what| {
            if let What::Attempt(attempt) = what {
                attempt.end = Some(end);
            }
        });
    }

    /// Writes down that a wait begins.
    pub fn waits(&self, leg: usize, until: Millis, refusal: Option<Refusal>, at: Millis) {
        self.write(Step { at, leg, what: What::Waited { until, refusal, over: None } });
    }

    /// Writes down that the wait is over.
    pub fn woke(&self, at: Millis) {
        self.last(|what| {
            if let What::Waited { over, .. } = what {
                *over = Some(at);
            }
        });
    }

    /// Writes down that the caller went away before there was an answer.
    pub fn cancelled(&self, at: Millis) {
        let mut story = unpoisoned(self.story.lock());
        let attempts = story.calls();
        story.end.get_or_insert(End { at, attempts, how: How::Cancelled });
    }

    /// Writes down how the request ended; only the first end counts.
    pub fn ended(&self, how: How, attempts: u32, at: Millis) {
        unpoisoned(self.story.lock()).end.get_or_insert(End { at, attempts, how });
    }

    fn write(&self, step: Step) {
        unpoisoned(self.story.lock()).write(step);
    }

    fn last(&self, change: impl FnOnce(&mut What)) {
        if let Some(step) = unpoisoned(self.story.lock()).steps.last_mut() {
            change(&mut step.what);
        }
    }
}

impl Story {
    /// Returns how many upstream calls were made, as far as the steps are kept.
    pub fn calls(&self) -> u32 {
        let calls =
            |step: &Step| if let What::Attempt(attempt) = &step.what { attempt.calls.into() } else { 0 };
        self.steps.iter().map(calls).sum()
    }

    fn write(&mut self, step: Step) {
        if matches!(step.what, What::Planned(_)) {
            self.make_room_for_a_plan();
        }
        if self.steps.len() == MAX_STEPS {
            self.steps.pop();
            self.omitted += 1;
        }
        self.steps.push(step);
    }

    /// Forgets what the plan before this one saw, where too many are kept.
    fn make_room_for_a_plan(&mut self) {
        let sights = self.steps.iter_mut().filter_map(|step| match &mut step.what {
            What::Planned(sight) if sight.seen.is_some() => Some(sight),
            What::Planned(_) | What::Denied { .. } | What::Attempt(_) | What::Waited { .. } => None,
        });
        if let Some(sight) = sights.skip(MAX_PLANS - 1).last() {
            sight.seen = None;
        }
    }
}

/// Returns a bounded number of the accounts.
fn kept(snapshot: Snapshot, plan: Option<&Plan>) -> Box<[AccountView]> {
    let accounts = snapshot.accounts;
    if accounts.len() <= MAX_ACCOUNTS {
        return accounts.into_vec().into_boxed_slice();
    }
    let candidates = plan.into_iter().flat_map(|plan| &plan.candidates);
    let first: SmallVec<[u32; MAX_ACCOUNTS]> =
        candidates.map(|candidate| candidate.account).take(MAX_ACCOUNTS / 2).collect();
    let (mut kept, others): (Vec<AccountView>, Vec<AccountView>) =
        accounts.into_iter().partition(|account| first.contains(&account.index));
    let room = MAX_ACCOUNTS - kept.len();
    kept.extend(others.into_iter().take(room));
    kept.into_boxed_slice()
}

#[cfg(test)]
pub(super) mod tests {
    use pointsman_core::planning::snapshot::WayView;
    use smallvec::smallvec;

    use super::*;

    /// A record of a request to nobody.
    pub(crate) fn record(id: RequestId) -> Record {
        Record {
            id,
            began: Millis(0),
            began_wall: UnixMillis(0),
            family: "claude".into(),
            legs: SmallVec::new(),
            settings: Settings::default(),
            story: Mutex::default(),
        }
    }

    fn id() -> RequestId {
        RequestId { start: 1, number: 1 }
    }

    fn view(index: u32) -> AccountView {
        let way = WayView::default();
        AccountView { index, weight: 1, in_flight: 0, agents: 0, attracts: false, ways: smallvec![way] }
    }

    fn snapshot(accounts: u32) -> Snapshot {
        Snapshot { now: Millis(7), accounts: (0..accounts).map(view).collect() }
    }

    fn candidate(account: u32) -> Candidate {
        Candidate { account, pool: 0, endpoint: 0, preference: 0, trial: None, spared: false }
    }

    fn kept_plans(record: &Record) -> Vec<bool> {
        let steps = record.story().steps;
        let sights = steps.iter().filter_map(|step| match &step.what {
            What::Planned(sight) => Some(sight.snapshot().is_some()),
            What::Denied { .. } | What::Attempt(_) | What::Waited { .. } => None,
        });
        sights.collect()
    }

    #[test]
    fn of_many_plans_the_first_ones_and_the_last_keep_what_they_saw() {
        let record = record(id());
        for _ in 0..7 {
            record.planned(0, snapshot(2), &Context::default(), None);
        }
        assert_eq!(kept_plans(&record), [true, true, true, false, false, false, true]);
    }

    #[test]
    fn of_many_steps_the_first_ones_and_the_last_are_kept_and_the_others_counted() {
        let record = record(id());
        for account in 0..MAX_STEPS as u32 + 10 {
            record.denied(0, candidate(account), Deny::Full, Millis(0));
        }
        let story = record.story();
        assert_eq!((story.steps.len(), story.omitted), (MAX_STEPS, 10));
        let last = story.steps.last().map(|step| &step.what);
        assert!(
            matches!(last, Some(What::Denied { candidate, .. }) if candidate.account == MAX_STEPS as u32 + 9)
        );
    }

    #[test]
    fn of_many_accounts_those_that_the_plan_put_first_are_kept() {
        let plan = Plan { candidates: (900..1_000).map(candidate).collect() };
        let kept = kept(snapshot(1_000), Some(&plan));
        assert_eq!(kept.len(), MAX_ACCOUNTS);
        let half = MAX_ACCOUNTS as u32 / 2;
        assert!((900..900 + half).all(|first| kept.iter().any(|account| account.index == first)));
    }

    #[test]
    fn an_end_is_written_once() {
        let record = record(id());
        record.admitted(0, candidate(0), false, Millis(1));
        record.sent();
        record.cancelled(Millis(2));
        record.ended(How::Failed("late".into()), 9, Millis(3));
        let end = record.story().end.expect("an end");
        assert!(matches!(end, End { at: Millis(2), attempts: 1, how: How::Cancelled }));
    }

    /// With two pools for each account; more lie on the heap.
    #[test]
    fn the_whole_journal_is_bounded() {
        let plans = MAX_PLANS * MAX_ACCOUNTS * size_of::<AccountView>();
        // A vector has room for up to twice what is in it.
        let steps = 2 * MAX_STEPS * size_of::<Step>();
        let most = super::super::KEPT * (size_of::<Record>() + plans + steps);
        assert!(most <= 48 << 20, "{most} bytes");
    }
}
