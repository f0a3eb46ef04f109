mod hops;
mod sticky;
mod waits;

use super::*;
use crate::admission::blame::Reason;
use crate::admission::cell::Deny;
use crate::planning::plan::{Candidate, Cooling, Counts};
use crate::response::evidence::Evidence;
use crate::response::outcome::{LimitKind, NetworkFault};

const T: Millis = Millis(1_000);
const MAX_WAIT: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_secs(5);

/// A plan at the primary of a request without a failover chain.
const PLAN: Step = Step::Plan { hop: 0, at_last: true };
/// The request came to the front after others.
const FRONT: Event = Event::Front { at_once: false };

/// A request and the clock it lives by.
struct Story {
    dispatch: Dispatch,
    now: Millis,
}

impl Story {
    /// A request of three accounts whose queue is empty.
    fn new() -> Self {
        Self::over([]).then(Step::Arrive, Event::Arrived { others_wait: false })
    }

    /// A request that has just arrived, with a chain over other providers.
    fn over<const N: usize>(others: [usize; N]) -> Self {
        Self::with(terms(Jitter::default(), Hops::new(0, others, 3)))
    }

    fn with(terms: Terms) -> Self {
        Self { dispatch: Dispatch::new(T, terms), now: T }
    }

    /// Checks what is to be done, and reports what came of it.
    #[track_caller]
    fn then(mut self, step: Step, event: Event) -> Self {
        assert_eq!(self.dispatch.step(), step);
        self.dispatch.handle(event, self.now);
        self
    }

    #[track_caller]
    fn ends(self, step: Step) -> Dispatch {
        assert_eq!(self.dispatch.step(), step);
        self.dispatch
    }

    fn later(mut self, millis: u64) -> Self {
        self.now = Millis(self.now.0 + millis);
        self
    }

    /// A plan at the primary.
    fn plans_first(&self) -> Step {
        Step::Plan { hop: 0, at_last: self.dispatch.hops.are_one() }
    }

    /// Plans for `account`, is admitted and authorized, and sends.
    #[track_caller]
    fn sends_to(self, account: u32) -> Self {
        let plan = self.plans_first();
        self.then(plan, planned([account]))
            .then(Step::Admit(way(account)), Event::Admitted)
            .then(Step::Authorize { renew: false }, Event::Authorized)
    }
}

fn terms(jitter: Jitter, hops: Hops) -> Terms {
    Terms { max_wait: MAX_WAIT, patience: PATIENCE, jitter, hops }
}

/// Joins the queue after a refusal, until the deadline at the longest.
fn queue(until: u64, refusal: Refusal) -> Step {
    Step::Queue { until: Millis(until), bound: T.after(MAX_WAIT), refusal: Some(refusal) }
}

fn way(account: u32) -> Candidate {
    Candidate { account, pool: 0, endpoint: 0, preference: 0, probe: None, deprioritised: false }
}

fn planned<const N: usize>(accounts: [u32; N]) -> Event {
    let plan = Plan { candidates: accounts.map(way).into_iter().collect() };
    Event::Planned(Ok(plan.into()))
}

fn refusal(until: Option<u64>, counts: Counts) -> Refusal {
    Refusal { until: until.map(Millis), last_resort: None, counts }
}

fn limited(until: u64) -> Refusal {
    refusal(Some(until), Counts { limited: 1, ..Counts::default() })
}

fn answered(outcome: Outcome) -> Event {
    Event::Answered { outcome, renewable: false }
}

fn rate_limit() -> Outcome {
    Outcome::Limited(LimitKind::Rate)
}

#[test]
fn a_good_answer_is_delivered() {
    let dispatch = Story::new().sends_to(0).then(Step::Send, answered(Outcome::Good)).ends(Step::Deliver);
    assert_eq!((dispatch.attempts(), dispatch.plans()), (1, 1));
}

#[test]
fn a_request_that_is_itself_at_fault_is_not_tried_elsewhere() {
    Story::new().sends_to(0).then(Step::Send, answered(Outcome::RequestFault)).ends(Step::Deliver);
}

#[test]
fn after_a_limit_it_plans_again_and_goes_elsewhere_at_once() {
    let dispatch = Story::new()
        .sends_to(0)
        .then(Step::Send, answered(rate_limit()))
        .sends_to(1)
        .then(Step::Send, answered(Outcome::Good))
        .ends(Step::Deliver);
    assert_eq!((dispatch.attempts(), dispatch.plans()), (2, 2), "one selection per upstream call");
}

#[test]
fn a_denied_candidate_gives_way_to_the_next_of_the_plan() {
    Story::new()
        .then(PLAN, planned([0, 1]))
        .then(Step::Admit(way(0)), Event::Denied(Deny::Full))
        .then(Step::Admit(way(1)), Event::Admitted)
        .ends(Step::Authorize { renew: false });
}

#[test]
fn it_does_not_race_for_ever() {
    let mut story = Story::new();
    for _ in 0..MAX_LOST_RACES {
        story = story.then(PLAN, planned([0])).then(Step::Admit(way(0)), Event::Denied(Deny::Full));
    }
    let busy = refusal(None, Counts { busy: 1, ..Counts::default() });
    story.ends(queue(2_000, busy));
}

#[test]
fn it_waits_for_the_earliest_instant_and_plans_again() {
    let dispatch = Story::new()
        .then(PLAN, Event::Planned(Err(limited(5_000))))
        .later(4_000)
        .then(queue(5_000, limited(5_000)), FRONT)
        .sends_to(0)
        .then(Step::Send, answered(Outcome::Good))
        .ends(Step::Deliver);
    assert_eq!(dispatch.waits(), 1);
}

#[test]
fn it_waits_for_a_guess_to_be_tried_and_gives_up_where_that_is_too_late() {
    let far = limited(900_000);
    let soon = Refusal { last_resort: Some(Millis(3_000)), ..far };
    Story::new().then(PLAN, Event::Planned(Err(soon))).ends(queue(3_000, soon));
    let late = Refusal { last_resort: Some(Millis(800_000)), ..far };
    Story::new().then(PLAN, Event::Planned(Err(late))).ends(Step::Refuse(late));
}

#[test]
fn jitter_comes_after_the_end_and_not_after_the_deadline() {
    let waits_until = |end: u64| {
        let story = Story::with(terms(Jitter(u16::MAX), Hops::new(0, [], 3)))
            .then(Step::Arrive, Event::Arrived { others_wait: false })
            .then(PLAN, Event::Planned(Err(limited(end))));
        let Step::Queue { until, refusal: Some(refusal), .. } = story.dispatch.step() else {
            panic!("it waits")
        };
        (until, refusal.until)
    };
    assert_eq!(waits_until(9_000), (Millis(9_250), Some(Millis(9_000))));
    assert_eq!(waits_until(10_900), (Millis(11_000), Some(Millis(10_900))));
}

#[test]
fn it_refuses_at_once_when_no_wait_within_bounds_can_help() {
    let refusal = limited(T.0 + 10_001);
    Story::new().then(PLAN, Event::Planned(Err(refusal))).ends(Step::Refuse(refusal));
}

#[test]
fn all_its_waits_together_stay_within_the_bound() {
    let late = limited(T.0 + 12_000);
    Story::new()
        .then(PLAN, Event::Planned(Err(limited(10_000))))
        .later(9_000)
        .then(queue(10_000, limited(10_000)), FRONT)
        .then(PLAN, Event::Planned(Err(late)))
        .ends(Step::Refuse(late));
}

#[test]
fn a_wait_without_an_instant_ends_at_the_deadline() {
    let busy = refusal(None, Counts { busy: 1, ..Counts::default() });
    Story::new().later(10_000).then(PLAN, Event::Planned(Err(busy))).ends(Step::Refuse(busy));
}

#[test]
fn it_does_not_wait_for_what_only_the_owner_can_mend() {
    let refusal = refusal(None, Counts { needs_sign_in: 1, disabled: 1, ..Counts::default() });
    Story::new().then(PLAN, Event::Planned(Err(refusal))).ends(Step::Refuse(refusal));
}

#[test]
fn a_rejected_token_is_renewed_once() {
    let rejected = |renewable| Event::Answered { outcome: Outcome::Unauthorized, renewable };
    Story::new()
        .sends_to(0)
        .then(Step::Send, rejected(true))
        .then(Step::Authorize { renew: true }, Event::Authorized)
        .then(Step::Send, rejected(true))
        .ends(PLAN);
}

#[test]
fn a_token_that_cannot_be_had_sends_the_request_elsewhere_without_an_upstream_call() {
    let dispatch = Story::new()
        .then(PLAN, planned([0]))
        .then(Step::Admit(way(0)), Event::Admitted)
        .then(Step::Authorize { renew: false }, answered(Outcome::Unauthorized))
        .ends(PLAN);
    assert_eq!(dispatch.attempts(), 0);
}

#[test]
fn what_this_process_has_run_out_of_is_told_at_once() {
    let local = Outcome::Unreachable(NetworkFault::Local);
    Story::new().sends_to(0).then(Step::Send, answered(local.clone())).ends(Step::Deliver);
    Story::new()
        .then(PLAN, planned([0]))
        .then(Step::Admit(way(0)), Event::Admitted)
        .then(Step::Authorize { renew: false }, answered(local))
        .ends(Step::Deliver);
}

#[test]
fn the_last_failure_is_told_when_it_says_more_than_a_count() {
    let cooling =
        refusal(Some(99_000), Counts { cooling: Cooling::by(Reason::Server, 1), ..Counts::default() });
    for outcome in [Outcome::ServerError, Outcome::Unreachable(NetworkFault::Reset), Outcome::Unauthorized] {
        Story::new()
            .sends_to(0)
            .then(Step::Send, answered(outcome))
            .then(PLAN, Event::Planned(Err(cooling)))
            .ends(Step::Deliver);
    }
    Story::new()
        .sends_to(0)
        .then(Step::Send, answered(rate_limit()))
        .then(PLAN, Event::Planned(Err(limited(99_000))))
        .ends(Step::Refuse(limited(99_000)));
}

#[test]
fn a_retry_is_paid_for_before_anybody_is_asked() {
    Story::new()
        .sends_to(0)
        .then(Step::Send, answered(Outcome::ServerError))
        .then(PLAN, planned([1]))
        .then(Step::Withdraw, Event::Withdrawn(true))
        .then(Step::Admit(way(1)), Event::Denied(Deny::Full))
        .then(PLAN, planned([2]))
        .ends(Step::Admit(way(2)));
}

#[test]
fn without_a_retry_left_the_failure_is_delivered() {
    let dispatch = Story::new()
        .sends_to(0)
        .then(Step::Send, answered(Outcome::ServerError))
        .then(PLAN, planned([1]))
        .then(Step::Withdraw, Event::Withdrawn(false))
        .ends(Step::Deliver);
    assert!(dispatch.is_withheld());
}

#[test]
fn a_move_away_from_a_limit_or_a_rejected_credential_is_no_retry() {
    for outcome in [rate_limit(), Outcome::Unauthorized, Outcome::ProjectRefused, Outcome::PoolRefused] {
        Story::new()
            .sends_to(0)
            .then(Step::Send, answered(outcome))
            .then(PLAN, planned([1]))
            .ends(Step::Admit(way(1)));
    }
}

#[test]
fn who_waited_for_a_closed_way_to_open_tries_it_once_without_paying() {
    let cooling =
        refusal(Some(2_000), Counts { cooling: Cooling::by(Reason::Server, 1), ..Counts::default() });
    let failed_and_waited = |story: Story| {
        story
            .then(Step::Send, answered(Outcome::ServerError))
            .then(PLAN, Event::Planned(Err(cooling)))
            .then(queue(2_000, cooling), FRONT)
    };
    failed_and_waited(failed_and_waited(Story::new().sends_to(0)).sends_to(0))
        .then(PLAN, planned([0]))
        .ends(Step::Withdraw);
}

#[test]
fn who_came_to_the_front_without_a_wait_pays_for_its_retry() {
    let cooling =
        refusal(Some(2_000), Counts { cooling: Cooling::by(Reason::Server, 1), ..Counts::default() });
    Story::new()
        .sends_to(0)
        .then(Step::Send, answered(Outcome::ServerError))
        .then(PLAN, Event::Planned(Err(cooling)))
        .then(queue(2_000, cooling), Event::Front { at_once: true })
        .then(PLAN, planned([1]))
        .ends(Step::Withdraw);
}

#[test]
fn who_waited_for_a_place_only_pays_for_its_retry() {
    let busy = refusal(Some(2_000), Counts { busy: 1, ..Counts::default() });
    Story::new()
        .sends_to(0)
        .then(Step::Send, answered(Outcome::ServerError))
        .then(PLAN, Event::Planned(Err(busy)))
        .then(queue(2_000, busy), FRONT)
        .then(PLAN, planned([1]))
        .ends(Step::Withdraw);
}

#[test]
fn attempts_are_bounded() {
    let mut story = Story::new();
    for _ in 0..MAX_ATTEMPTS {
        story = story.sends_to(0).then(Step::Send, answered(rate_limit()));
    }
    story.then(PLAN, planned([0])).ends(Step::Deliver);
}

fn doubted(outcome: Outcome, status: u16) -> Event {
    Event::Doubted(Evidence { status, ..Evidence::of(outcome) })
}

/// A request whose first answer is a 403 that says nothing, and that has paid for its next call.
fn in_doubt() -> Story {
    Story::new().sends_to(0).then(Step::Send, doubted(Outcome::Refused, 403))
}

impl Story {
    /// Does as [`Story::sends_to`], and pays for a retry.
    #[track_caller]
    fn asks(self, account: u32) -> Self {
        let plan = self.plans_first();
        self.then(plan, planned([account]))
            .then(Step::Withdraw, Event::Withdrawn(true))
            .then(Step::Admit(way(account)), Event::Admitted)
            .then(Step::Authorize { renew: false }, Event::Authorized)
    }
}

#[test]
fn a_witness_that_serves_settles_the_doubt() {
    let story = in_doubt();
    assert!(story.dispatch.seeks_a_witness());
    let dispatch = story.asks(1).then(Step::Send, answered(Outcome::Good)).ends(Step::Deliver);
    assert_eq!((dispatch.verdict(), dispatch.attempts()), (Some(Verdict::Settled), 2));
}

#[test]
fn what_two_accounts_answer_alike_is_delivered_after_two_calls() {
    let dispatch = in_doubt().asks(1).then(Step::Send, doubted(Outcome::Refused, 403)).ends(Step::Deliver);
    assert_eq!((dispatch.verdict(), dispatch.attempts()), (Some(Verdict::Alike), 2));
}

#[test]
fn credentials_that_are_all_rejected_leave_a_third_call_for_another_provider() {
    let rejected = || doubted(Outcome::Unauthorized, 401);
    let story = || {
        let story = Story::over([1]).then(Step::Arrive, Event::Arrived { others_wait: false });
        story.sends_to(0).then(Step::Send, rejected()).asks(1).then(Step::Send, rejected())
    };
    assert!(story().dispatch.seeks_a_witness());
    story().asks(2).then(Step::Send, answered(Outcome::Good)).ends(Step::Deliver);
    let dispatch = story().asks(2).then(Step::Send, rejected()).ends(Step::Deliver);
    assert_eq!((dispatch.verdict(), dispatch.attempts()), (Some(Verdict::Alike), 3));
}

#[test]
fn a_doubt_costs_three_calls_at_the_most() {
    let story = in_doubt().asks(1).then(Step::Send, answered(rate_limit()));
    let dispatch = story.asks(2).then(Step::Send, answered(Outcome::Capacity)).ends(Step::Deliver);
    assert_eq!((dispatch.verdict(), dispatch.attempts()), (Some(Verdict::Open), 3));
    let story = in_doubt().asks(1).then(Step::Send, doubted(Outcome::Unauthorized, 401));
    story.asks(2).then(Step::Send, doubted(Outcome::Unpaid, 402)).ends(Step::Deliver);
}

#[test]
fn nobody_waits_for_a_witness() {
    let cooling =
        refusal(Some(2_000), Counts { cooling: Cooling::by(Reason::Server, 1), ..Counts::default() });
    let dispatch = in_doubt().then(PLAN, Event::Planned(Err(cooling))).ends(Step::Deliver);
    assert_eq!(dispatch.verdict(), Some(Verdict::Open));
}

#[test]
fn without_a_retry_left_an_answer_in_doubt_is_delivered() {
    in_doubt().then(PLAN, planned([1])).then(Step::Withdraw, Event::Withdrawn(false)).ends(Step::Deliver);
}

#[test]
fn a_failure_that_nobody_else_can_be_asked_about_is_tried_once_more_after_a_moment() {
    let none = refusal(None, Counts::default());
    let story = Story::new()
        .sends_to(0)
        .then(Step::Send, doubted(Outcome::ServerError, 500))
        .then(PLAN, Event::Planned(Err(none)))
        .then(Step::Hold { until: Millis(2_000) }, Event::Woke);
    assert!(!story.dispatch.seeks_a_witness());
    let dispatch = story.asks(0).then(Step::Send, doubted(Outcome::ServerError, 500)).ends(Step::Deliver);
    assert_eq!((dispatch.verdict(), dispatch.attempts()), (Some(Verdict::Alike), 2));
}

#[test]
fn a_request_that_is_surely_at_fault_is_told_so_even_after_a_doubt() {
    let dispatch = in_doubt().asks(1).then(Step::Send, answered(Outcome::RequestFault)).ends(Step::Deliver);
    assert_eq!(dispatch.verdict(), Some(Verdict::Settled));
}

#[test]
fn a_rejected_credential_beside_a_limited_account_waits_for_that() {
    let one = Counts { limited: 1, cooling: Cooling::by(Reason::Auth, 1), ..Counts::default() };
    let soon = refusal(Some(5_000), one);
    let dispatch = Story::new()
        .sends_to(0)
        .then(Step::Send, doubted(Outcome::Unauthorized, 401))
        .then(PLAN, Event::Planned(Err(soon)))
        .ends(queue(5_000, soon));
    assert_eq!(dispatch.verdict(), None);
}
