//! Records: the decisions of a request.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::HeaderValue;
use http::header::USER_AGENT;
use pointsman_core::admission::cell::Deny;
use pointsman_core::ids::{AccountId, PoolId};
use pointsman_core::planning::plan::{Candidate, Plan, Refusal};
use pointsman_core::planning::settings::Settings;
use pointsman_core::planning::snapshot::{AccountView, Snapshot};
use pointsman_core::planning::strategy::Context;
use pointsman_core::reporting::route_reason::RouteReason;
use pointsman_core::request::catalog::Provider;
use pointsman_core::request::session::Session;
use pointsman_core::response::evidence::Evidence;
use pointsman_core::time::{Millis, Now, UnixMillis};
use smallvec::SmallVec;

use crate::fleet::Settlement;
use crate::runtime::call::Resolved;
use crate::runtime::generation::Generation;
use crate::sync::{Mutex, unpoisoned};

use super::RequestId;
use super::bound::BoundNote;

/// The number of plans with a kept snapshot: the first plans, and the last.
pub const MAX_PLANS: usize = 4;
/// The most accounts kept of a snapshot: the plan's first candidates, then further accounts.
pub const MAX_ACCOUNTS: usize = 24;
/// The most steps kept of a request: the first steps, and the last.
pub const MAX_STEPS: usize = 48;

/// The record of a request's decisions.
#[derive(Debug)]
pub struct Record {
    pub id: RequestId,
    pub began: Millis,
    pub began_wall: UnixMillis,
    pub family: String,
    pub sender: Sender,
    /// The hops of the request; 0 is the primary.
    pub hops: SmallVec<[HopNote; 1]>,
    pub settings: Settings,
    /// The account that the request is bound to, or was.
    pub bound: Option<BoundNote>,
    trace: Mutex<RequestTrace>,
    /// Whether the request is part of the usage.
    is_counted: AtomicBool,
}

/// The sender of a request.
#[derive(Clone, Debug, Default)]
pub struct Sender {
    pub session: Option<Session>,
    /// The request's header `user-agent`.
    pub program: Option<HeaderValue>,
    pub is_subagent: bool,
}

impl Sender {
    fn of(resolved: &Resolved) -> Self {
        let program = resolved.call.headers.get(USER_AGENT).cloned();
        Self { session: resolved.in_line(), program, is_subagent: resolved.is_subagents() }
    }

    /// Returns the name of the program, such as `claude-cli`: the text of the header before the version.
    pub fn product(&self) -> Option<&str> {
        let name = self.program.as_ref()?.to_str().ok()?.split(['/', ' ', '(']).next()?;
        Some(name).filter(|name| !name.is_empty())
    }
}

/// The names of a hop, for messages.
#[derive(Clone, Debug)]
pub struct HopNote {
    pub provider: Arc<Provider>,
    pub model: String,
    /// The ids of the provider's accounts, in roster order.
    pub accounts: Arc<[AccountId]>,
}

/// The steps of a request, in order.
#[derive(Clone, Debug, Default)]
pub struct RequestTrace {
    pub steps: Vec<Step>,
    /// The number of steps left out before the last.
    pub omitted: u32,
    pub end: Option<End>,
}

/// A step of a request.
#[derive(Clone, Debug)]
pub struct Step {
    pub at: Millis,
    pub hop: usize,
    pub what: What,
}

/// The kind of a step, with the details.
#[derive(Clone, Debug)]
pub enum What {
    Planned(ViewQuery),
    /// A cell denied a candidate of the plan.
    Denied {
        candidate: Candidate,
        deny: Deny,
    },
    Attempt(Attempt),
    /// The verdict on an account's answer in doubt.
    Judged {
        /// The account's index in the roster.
        account: u32,
        settlement: Settlement,
    },
    /// The request waited in the queue, or for the sticky account.
    Waited {
        until: Millis,
        refusal: Option<Refusal>,
        over: Option<Millis>,
    },
}

/// The input of a plan. The explanation makes the plan again from the input.
#[derive(Clone, Debug)]
pub struct ViewQuery {
    /// The kept views; `None` for a snapshot dropped for room.
    seen: Option<Box<[AccountView]>>,
    /// The number of accounts in the snapshot.
    pub accounts: usize,
    pub now: Millis,
    pub context: Context,
}

impl ViewQuery {
    /// Returns the number of kept accounts, if the snapshot is kept.
    pub fn kept(&self) -> Option<usize> {
        self.seen.as_ref().map(|seen| seen.len())
    }

    /// Returns the kept part of the snapshot.
    pub fn snapshot(&self) -> Option<Snapshot> {
        let accounts = self.seen.as_ref()?.iter().cloned().collect();
        Some(Snapshot { now: self.now, accounts })
    }
}

/// An attempt: a lease, from the admission to the end.
#[derive(Clone, Debug)]
pub struct Attempt {
    pub candidate: Candidate,
    pub is_probe: bool,
    /// Upstream calls: 0 without a credential, 2 after a credential's renewal.
    pub calls: u8,
    pub end: Option<AttemptEnd>,
}

/// The end of an attempt.
#[derive(Clone, Debug)]
pub struct AttemptEnd {
    pub at: Millis,
    pub evidence: Evidence,
    /// The change to the shared state.
    pub settlement: Option<Settlement>,
}

/// The end of a request.
#[derive(Clone, Debug)]
pub struct End {
    pub at: Millis,
    pub attempts: u32,
    pub how: How,
}

/// The kind of a request's end.
#[derive(Clone, Debug)]
pub enum How {
    /// An upstream's answer, good or bad.
    Answered { status: u16, route_reason: RouteReason, account: AccountId, pool: PoolId },
    /// A refusal: no account can serve the request in time.
    Refused(Refusal),
    /// A failure: no upstream answered.
    Failed(String),
    /// No answer: the caller went away before.
    Cancelled,
}

impl Record {
    /// Starts a record.
    pub fn new(id: RequestId, resolved: &Resolved, generation: &Generation, now: Now) -> Self {
        let note = |hop: &crate::runtime::failover::Hop| HopNote {
            provider: hop.route.provider.clone(),
            model: hop.route.model.clone(),
            accounts: generation.provider_runtimes[hop.provider].names.clone(),
        };
        Self {
            id,
            began: now.mono,
            began_wall: now.wall,
            family: resolved.subject().to_owned(),
            sender: Sender::of(resolved),
            hops: std::iter::once(&resolved.primary).chain(&*resolved.others).map(note).collect(),
            settings: generation.config.settings.clone(),
            bound: BoundNote::of(resolved),
            trace: Mutex::default(),
            is_counted: AtomicBool::new(false),
        }
    }

    /// Returns whether the request has ended.
    pub fn is_over(&self) -> bool {
        unpoisoned(self.trace.lock()).end.is_some()
    }

    /// Returns whether the request is not part of the usage yet. Only the first call says so.
    pub fn begin_count(&self) -> bool {
        !self.is_counted.swap(true, Ordering::Relaxed)
    }

    /// Returns the steps so far.
    pub fn trace(&self) -> RequestTrace {
        unpoisoned(self.trace.lock()).clone()
    }

    /// Records the input of a plan.
    pub fn planned(&self, hop: usize, snapshot: Snapshot, context: &Context, plan: Option<&Plan>) {
        let (now, accounts) = (snapshot.now, snapshot.accounts.len());
        let view_query = ViewQuery { seen: Some(kept(snapshot, plan)), accounts, now, context: *context };
        self.write(Step { at: now, hop, what: What::Planned(view_query) });
    }

    /// Records a cell's denial of a candidate.
    pub fn denied(&self, hop: usize, candidate: Candidate, deny: Deny, at: Millis) {
        self.write(Step { at, hop, what: What::Denied { candidate, deny } });
    }

    /// Records an admission.
    pub fn admitted(&self, hop: usize, candidate: Candidate, is_probe: bool, at: Millis) {
        let attempt = Attempt { candidate, is_probe, calls: 0, end: None };
        self.write(Step { at, hop, what: What::Attempt(attempt) });
    }

    /// Records an upstream call.
    pub fn sent(&self) {
        self.last(|what| {
            if let What::Attempt(attempt) = what {
                attempt.calls = attempt.calls.saturating_add(1);
            }
        });
    }

    /// Records the end of the current attempt.
    pub fn came_to(&self, evidence: &Evidence, settlement: Option<&Settlement>, at: Millis) {
        let end = AttemptEnd { at, evidence: evidence.clone(), settlement: settlement.cloned() };
        self.last(|what| {
            if let What::Attempt(attempt) = what {
                attempt.end = Some(end);
            }
        });
    }

    /// Records the verdict on an answer in doubt, with the change to the shared state.
    pub fn judged(&self, account: u32, settlement: Settlement, hop: usize, at: Millis) {
        self.write(Step { at, hop, what: What::Judged { account, settlement } });
    }

    /// Records the start of a wait.
    pub fn waits(&self, hop: usize, until: Millis, refusal: Option<Refusal>, at: Millis) {
        self.write(Step { at, hop, what: What::Waited { until, refusal, over: None } });
    }

    /// Records the end of a wait.
    pub fn woke(&self, at: Millis) {
        self.last(|what| {
            if let What::Waited { over, .. } = what {
                *over = Some(at);
            }
        });
    }

    /// Records a caller gone before the answer.
    pub fn cancelled(&self, at: Millis) {
        let mut trace = unpoisoned(self.trace.lock());
        let attempts = trace.calls();
        trace.end.get_or_insert(End { at, attempts, how: How::Cancelled });
    }

    /// Records the end of the request. Only the first end counts.
    pub fn ended(&self, how: How, attempts: u32, at: Millis) {
        unpoisoned(self.trace.lock()).end.get_or_insert(End { at, attempts, how });
    }

    fn write(&self, step: Step) {
        unpoisoned(self.trace.lock()).write(step);
    }

    fn last(&self, change: impl FnOnce(&mut What)) {
        if let Some(step) = unpoisoned(self.trace.lock()).steps.last_mut() {
            change(&mut step.what);
        }
    }
}

impl RequestTrace {
    /// Returns the number of upstream calls in the kept steps.
    pub fn calls(&self) -> u32 {
        let calls =
            |step: &Step| if let What::Attempt(attempt) = &step.what { attempt.calls.into() } else { 0 };
        self.steps.iter().map(calls).sum()
    }

    /// Returns the time spent in waits up to `now`.
    pub fn waited(&self, now: Millis) -> Duration {
        let wait = |step: &Step| match &step.what {
            What::Waited { over, .. } => over.unwrap_or(now).since(step.at),
            What::Planned(_) | What::Denied { .. } | What::Attempt(_) | What::Judged { .. } => Duration::ZERO,
        };
        self.steps.iter().map(wait).sum()
    }

    /// Returns the expected end of a wait under way.
    pub fn awaited(&self) -> Option<Millis> {
        if self.end.is_some() {
            return None;
        }
        let last = self.steps.last().map(|step| &step.what)?;
        match last {
            What::Waited { until, refusal, over: None } => {
                Some(refusal.as_ref().and_then(|refusal| refusal.until).unwrap_or(*until))
            }
            What::Planned(_)
            | What::Denied { .. }
            | What::Attempt(_)
            | What::Judged { .. }
            | What::Waited { .. } => None,
        }
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

    /// Drops the previous plan's snapshot if too many are kept.
    fn make_room_for_a_plan(&mut self) {
        let view_queries = self.steps.iter_mut().filter_map(|step| match &mut step.what {
            What::Planned(view_query) if view_query.seen.is_some() => Some(view_query),
            What::Planned(_)
            | What::Denied { .. }
            | What::Attempt(_)
            | What::Judged { .. }
            | What::Waited { .. } => None,
        });
        if let Some(view_query) = view_queries.skip(MAX_PLANS - 1).last() {
            view_query.seen = None;
        }
    }
}

/// Returns at most [`MAX_ACCOUNTS`] views.
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

    /// Returns a record of a request without a route.
    pub(crate) fn record(id: RequestId) -> Record {
        Record {
            id,
            began: Millis(0),
            began_wall: UnixMillis(0),
            family: "claude".into(),
            sender: Sender::default(),
            hops: SmallVec::new(),
            settings: Settings::default(),
            bound: None,
            trace: Mutex::default(),
            is_counted: AtomicBool::new(false),
        }
    }

    fn id() -> RequestId {
        RequestId { start: 1, number: 1 }
    }

    fn view(index: u32) -> AccountView {
        let way = WayView::default();
        AccountView {
            index,
            weight: 1,
            priority: 50,
            in_flight: 0,
            agents: 0,
            attracts: false,
            ways: smallvec![way],
        }
    }

    fn snapshot(accounts: u32) -> Snapshot {
        Snapshot { now: Millis(7), accounts: (0..accounts).map(view).collect() }
    }

    fn candidate(account: u32) -> Candidate {
        Candidate { account, pool: 0, endpoint: 0, preference: 0, probe: None, deprioritised: false }
    }

    fn kept_plans(record: &Record) -> Vec<bool> {
        let steps = record.trace().steps;
        let view_queries = steps.iter().filter_map(|step| match &step.what {
            What::Planned(view_query) => Some(view_query.snapshot().is_some()),
            What::Denied { .. } | What::Attempt(_) | What::Judged { .. } | What::Waited { .. } => None,
        });
        view_queries.collect()
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
        let trace = record.trace();
        assert_eq!((trace.steps.len(), trace.omitted), (MAX_STEPS, 10));
        let last = trace.steps.last().map(|step| &step.what);
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
        let end = record.trace().end.expect("an end");
        assert!(matches!(end, End { at: Millis(2), attempts: 1, how: How::Cancelled }));
    }

    /// Views for two pools per account are stored inline; more pools allocate.
    #[test]
    fn the_whole_journal_is_bounded() {
        let plans = MAX_PLANS * MAX_ACCOUNTS * size_of::<AccountView>();
        // A vector has room for up to twice what is in it.
        let steps = 2 * MAX_STEPS * size_of::<Step>();
        let most = super::super::KEPT * (size_of::<Record>() + plans + steps);
        assert!(most <= 48 << 20, "{most} bytes");
    }
}
