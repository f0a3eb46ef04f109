//! Planned: a plan at a hop, with what the plan needs to know of the session's sticky account.

use crate::planning::affinity::{Room, Stake, hold, room};
use crate::planning::plan::{Candidate, Plan};
use crate::planning::snapshot::Snapshot;
use crate::planning::strategy::Context;
use crate::time::Millis;

/// A plan, and the wait that may be better.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    pub plan: Plan,
    /// The sticky account is worth a wait.
    pub wait: Option<StickyWait>,
}

/// What speaks for a wait for the session's sticky account, and what against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StickyWait {
    /// When the account lets somebody in.
    pub opens: Millis,
    /// The account began a turn, so the request is not served anywhere else while the account may open.
    pub is_firm: bool,
    /// The session's loss by a move.
    pub stake: Stake,
    /// The best way to another account.
    pub offer: Option<(Candidate, Room)>,
}

impl From<Plan> for Planned {
    fn from(plan: Plan) -> Self {
        Self { plan, wait: None }
    }
}

impl Planned {
    /// Adds to a plan what a request needs to know that may wait for its session's sticky account until
    /// `patience`. `waiters` says how many requests wait for an account.
    pub fn new(
        plan: Plan,
        (snapshot, context): (&Snapshot, &Context),
        stake: Option<Stake>,
        patience: Millis,
        waiters: impl Fn(u32) -> usize,
    ) -> Self {
        let wait = hold(snapshot, &plan, context, patience).zip(stake).map(|(opens, stake)| {
            let is_firm = context.firm;
            let sticky = if is_firm { None } else { context.sticky };
            let offer = sticky.and_then(|sticky| room(snapshot, &plan, sticky, waiters));
            StickyWait { opens, is_firm, stake, offer }
        });
        Self { plan, wait }
    }
}
