//! What must hold of the hops of a request that has a failover chain.

use std::time::Duration;

use pointsman_core::planning::plan::Refusal;
use pointsman_core::planning::settings::Settings;
use pointsman_core::time::Millis;

use crate::ours::{Ours, Setup};
use crate::router::{Pin, RequestId};
use crate::upstream::CellId;
use crate::watch::{Happening, Violation, What};

/// Checks which provider a request goes to, and why.
#[derive(Debug)]
pub struct HopChecks {
    setup: Setup,
    /// How long a request stays for its primary.
    patience: Duration,
    requests: Vec<Facts>,
    pub seen: HopsSeen,
}

/// How often something worth proving happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HopsSeen {
    /// Requests sent to a provider of the chain.
    pub failovers: u64,
    /// Requests sent to the primary after a provider of the chain.
    pub returns: u64,
    /// Requests that waited for their primary although a provider of the chain was open.
    pub stays: u64,
    /// Requests sent to a provider of the chain because the queue of the primary was full.
    pub passed_by: u64,
    /// Refusals that were checked: every hop was closed.
    pub refusals: u64,
    /// Failovers that were checked: every earlier hop was closed.
    pub checked: u64,
}

impl HopsSeen {
    /// Lists how often each thing happened, by its name.
    pub fn counts(&self) -> [(&'static str, u64); 6] {
        [
            ("failovers", self.failovers),
            ("returns", self.returns),
            ("stays", self.stays),
            ("failovers past a full queue", self.passed_by),
            ("checked refusals", self.refusals),
            ("checked failovers", self.checked),
        ]
    }

    /// Adds the counts of another run.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        Self {
            failovers: self.failovers + other.failovers,
            returns: self.returns + other.returns,
            stays: self.stays + other.stays,
            passed_by: self.passed_by + other.passed_by,
            refusals: self.refusals + other.refusals,
            checked: self.checked + other.checked,
        }
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Facts {
    arrived: Millis,
    /// The hop of the last attempt.
    hop: Option<usize>,
    /// When it waited for the first time, in line: the stay began then or before.
    waited: Option<Millis>,
    /// It found the queue full once.
    crowded: bool,
}

type Checked = Result<(), Violation>;

impl HopChecks {
    /// Checks a router of this setup.
    pub fn new(setup: Setup) -> Self {
        let patience = Settings::default().affinity.patience;
        Self { setup, patience, requests: Vec::new(), seen: HopsSeen::default() }
    }

    fn facts(&mut self, request: RequestId) -> &mut Facts {
        let place = request.0 as usize;
        if self.requests.len() <= place {
            self.requests.resize(place + 1, Facts::default());
        }
        &mut self.requests[place]
    }

    /// Checks what happened.
    ///
    /// # Errors
    /// [`Violation`] of a rule of hops.
    pub fn note(&mut self, happening: &Happening, router: &Ours) -> Checked {
        if self.setup.chain.is_empty() {
            return Ok(());
        }
        let is_crowded = router.is_crowded(happening.ask.pin);
        self.facts(happening.request).crowded |= is_crowded;
        match happening.what {
            What::Arrived => {
                self.facts(happening.request).arrived = happening.now;
                Ok(())
            }
            What::Sent { cell, .. } => self.sent(happening, cell, router),
            What::Waits { .. } => self.waits(happening, router),
            What::Refused { .. } => self.refused(happening, router),
            What::Answered { .. } | What::Delivered { .. } | What::StreamEnded | What::Cancelled { .. } => {
                Ok(())
            }
        }
    }

    fn sent(&mut self, happening: &Happening, cell: CellId, router: &Ours) -> Checked {
        let (hop, _) = self.setup.provider_of(cell.account);
        let request = happening.request;
        let before = self.facts(request).hop.replace(hop);
        self.seen.returns += u64::from(hop == 0 && before.is_some_and(|before| before > 0));
        if hop == 0 {
            return Ok(());
        }
        if happening.ask.pin != Pin::Nothing {
            return Err(Violation::new("a pin stays at its provider", "it went on").of(request).at(cell));
        }
        self.seen.failovers += 1;
        self.leaves_closed_hops_only(happening, hop, router).map_err(|violation| violation.at(cell))
    }

    /// Each hop before is closed, and the primary for longer than the request stays. While threads lose the
    /// processor a hop may open between the look and the deed, and nobody who found the queue full looks at the
    /// primary.
    fn leaves_closed_hops_only(&mut self, happening: &Happening, hop: usize, router: &Ours) -> Checked {
        let Happening { request, now, .. } = *happening;
        let facts = *self.facts(request);
        self.seen.passed_by += u64::from(facts.crowded);
        if self.setup.interleaved || facts.crowded {
            return Ok(());
        }
        self.seen.checked += 1;
        let stay = facts.arrived.after(self.patience);
        for before in 0..hop {
            let wrong = match router.plan_at(before, now) {
                Ok(_) => "it is open".to_owned(),
                Err(refusal) if before == 0 && opens_in_time(&refusal, stay, now) => {
                    format!("it opens in time: {refusal:?}, the stay ends at {} or later", stay.0)
                }
                Err(_) => continue,
            };
            let detail = format!("hop {before} is left for hop {hop}: {wrong}");
            return Err(Violation::new("an earlier hop goes first", detail).of(request));
        }
        Ok(())
    }

    /// Nobody waits for its primary beyond the stay while a hop of the chain is open.
    fn waits(&mut self, happening: &Happening, router: &Ours) -> Checked {
        let Happening { request, now, ask, .. } = *happening;
        if ask.pin != Pin::Nothing || router.waits_beside_the_line(request) {
            return Ok(());
        }
        let waited = *self.facts(request).waited.get_or_insert(now);
        let open = |hop: &usize| router.plan_at(*hop, now).is_ok();
        let Some(other) = (1..=self.setup.chain.len()).find(open) else { return Ok(()) };
        self.seen.stays += 1;
        if self.setup.interleaved || now < waited.after(self.patience) {
            return Ok(());
        }
        let detail = format!("it waits, and hop {other} is open");
        Err(Violation::new("a request is served where a hop can serve it", detail).of(request))
    }

    /// Nobody is refused while a hop is open; only the primary is not asked by who found its queue full.
    fn refused(&mut self, happening: &Happening, router: &Ours) -> Checked {
        let Happening { request, now, ask, .. } = *happening;
        if ask.pin != Pin::Nothing || self.setup.interleaved {
            return Ok(());
        }
        let first = usize::from(self.facts(request).crowded);
        if let Some(hop) = (first..=self.setup.chain.len()).find(|hop| router.plan_at(*hop, now).is_ok()) {
            let detail = format!("it is refused, and hop {hop} is open");
            return Err(Violation::new("a request is served where a hop can serve it", detail).of(request));
        }
        self.seen.refusals += 1;
        Ok(())
    }
}

/// Says whether a primary that refuses is worth a wait until `stay`.
fn opens_in_time(refusal: &Refusal, stay: Millis, now: Millis) -> bool {
    now < stay && (refusal.counts.busy > 0 || refusal.until.is_some_and(|until| until <= stay))
}
