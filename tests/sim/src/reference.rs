//! The reference: what the cells should say, told in the slowest way that is plainly right.
//!
//! It keeps a list of all leases and, for each cell, a list of all limits, and counts them anew for every
//! question. There is no word, no bit and no swap in it. Where an upstream did not say until when, the
//! length of the guess is the router's own affair: the reference takes it over if it is a sensible one.

use std::ops::Range;
use std::time::Duration;

use pointsman_core::time::Millis;

use crate::ours::CellView;
use crate::router::RequestId;
use crate::upstream::hint::Hint;
use crate::upstream::{Answer, CellId, Verdict};
use crate::watch::Violation;

/// What a limit lasts at the least.
const SHORTEST: Duration = Duration::from_millis(500);
/// What a guess lasts at the least and at the most.
const GUESSES: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(7_200)];
/// Ends of limits are known in steps of so many milliseconds, rounded up.
const TICK: u64 = 16;
/// Two early probes at one provider are at least so far apart, at whichever cells.
const APART: Duration = Duration::from_millis(250);
/// So many cells there can be.
const MOST_CELLS: usize = 16;
/// So many good heads after a limit let everybody in again; 1, 2 and 4 may try before.
const HEADS_TO_OPEN: u32 = 3;

/// All leases, and all limits of each cell.
#[derive(Clone, Debug)]
pub struct Reference {
    pools: u16,
    cells: Vec<CellModel>,
    leases: Vec<LeaseModel>,
    /// The accounts of each provider, and when somebody was last sent there before the end of a guess.
    probed_early: Vec<(Range<u16>, Option<Millis>)>,
}

#[derive(Clone, Debug, Default)]
struct CellModel {
    /// The end of each limit; an end that was moved stands beside the earlier one.
    ends: Vec<Millis>,
    trips: u64,
    /// Good heads of probes since the last trip.
    heads: u32,
    /// Nobody told the end of the limit.
    guess: bool,
}

#[derive(Clone, Copy, Debug)]
struct LeaseModel {
    request: RequestId,
    cell: CellId,
    /// How many trips of the cell there had been.
    trips: u64,
    probe: bool,
    /// It was sent before the end of a guess.
    early: bool,
    confirmed: bool,
}

/// What an answer was, besides what it said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Predicted {
    Nothing,
    Trip,
    /// A 429 of an event that was known.
    Folded,
    /// A good head of somebody who did not know of a limit.
    Stale,
    /// A good head that ended a guess.
    Lifted,
}

impl CellModel {
    fn until(&self) -> Millis {
        self.ends.iter().copied().max().unwrap_or_default()
    }

    fn is_ramping(&self) -> bool {
        self.trips > 0 && self.heads < HEADS_TO_OPEN
    }

    fn trip(&mut self, until: Millis, guess: bool) -> Predicted {
        self.ends.push(until);
        self.trips += 1;
        (self.heads, self.guess) = (0, guess);
        Predicted::Trip
    }

    /// The upstream tells the end of a limit that was a guess until now.
    fn told(&mut self, until: Millis) -> Predicted {
        (self.ends, self.guess) = (vec![until], false);
        Predicted::Folded
    }
}

impl Reference {
    /// Begins with cells of one provider that were never used.
    pub fn new(accounts: u16, pools: u16) -> Self {
        Self::of(std::iter::once(0..accounts).collect(), pools)
    }

    /// Begins with cells that were never used, and with the accounts of each provider.
    pub fn of(providers: Vec<Range<u16>>, pools: u16) -> Self {
        let accounts = providers.last().map_or(0, |accounts| accounts.end);
        let cells = vec![CellModel::default(); usize::from(accounts) * usize::from(pools)];
        assert!(cells.len() <= MOST_CELLS, "{} are too many cells", cells.len());
        let probed_early = providers.into_iter().map(|accounts| (accounts, None)).collect();
        Self { pools, cells, leases: Vec::new(), probed_early }
    }

    /// Lists all cells.
    pub fn cells(&self) -> impl Iterator<Item = CellId> + use<> {
        let pools = self.pools;
        let accounts = self.cells.len() as u16 / pools;
        (0..accounts).flat_map(move |account| (0..pools).map(move |pool| CellId { account, pool }))
    }

    /// Counts the leases of a cell.
    pub fn in_flight(&self, cell: CellId) -> u32 {
        self.leases.iter().filter(|lease| lease.cell == cell).count() as u32
    }

    /// Counts the leases of some accounts.
    pub fn under_way(&self, accounts: Range<u16>) -> u32 {
        let counts = |lease: &&LeaseModel| accounts.contains(&lease.cell.account);
        self.leases.iter().filter(counts).count() as u32
    }

    /// Compares what is counted under the caps of a provider with what should be: under its own, of which there
    /// may be several, and then of each account.
    ///
    /// # Errors
    /// [`Violation`] where a place was lost, or given back twice.
    pub fn compare_caps(&self, accounts: Range<u16>, under_way: Vec<u32>) -> Result<(), Violation> {
        let of_provider = under_way.len() - accounts.len();
        let of_accounts = accounts.clone().map(|account| self.under_way(account..account + 1));
        let should: Vec<_> =
            std::iter::repeat_n(self.under_way(accounts), of_provider).chain(of_accounts).collect();
        if under_way == should {
            return Ok(());
        }
        let detail = format!("the caps count {under_way:?}, the reference {should:?}");
        Err(Violation::new("places under caps are conserved", detail))
    }

    /// Returns the end of the last limit of a cell.
    pub fn until(&self, cell: CellId) -> Millis {
        self.model(cell).until()
    }

    /// Says whether nothing at all is held against a cell.
    pub fn is_plainly_open(&self, cell: CellId, now: Millis) -> bool {
        now >= self.until(cell) && !self.model(cell).is_ramping()
    }

    /// Takes note that a request was sent, and says whether that was before the end of a guess.
    ///
    /// # Errors
    /// [`Violation`] where a limit was in force that is no guess, early probes were too close, or too many probes
    /// were out.
    pub fn sent(&mut self, request: RequestId, cell: CellId, now: Millis) -> Result<bool, Violation> {
        let model = self.model(cell).clone();
        let early = now < model.until();
        if early && !model.guess {
            let detail = format!("it is limited until {}", model.until().0);
            return Err(Violation::new("nobody is sent before a told end", detail).of(request).at(cell));
        }
        let probed = self.probed_early.iter_mut().find(|(accounts, _)| accounts.contains(&cell.account));
        let probed = probed.map(|(_, probed)| probed).filter(|_| early);
        if let Some(last) =
            probed.and_then(|probed| probed.replace(now)).filter(|last| now < last.after(APART))
        {
            let detail = format!("the last one was {:?} ago", now.since(last));
            return Err(Violation::new("early probes keep their distance", detail).of(request).at(cell));
        }
        let (probe, places) = (model.is_ramping(), 1 << model.heads);
        let lease = LeaseModel { request, cell, trips: model.trips, probe, early, confirmed: false };
        let out = self.leases.iter().filter(|other| other.cell == cell && other.is_out(&lease)).count();
        if probe && out >= places {
            let detail = format!("{out} of {places} are out");
            return Err(Violation::new("a cell opens probe by probe", detail).of(request).at(cell));
        }
        self.leases.push(lease);
        Ok(early)
    }

    /// Takes note of a head. `view` is what the cell says after it.
    ///
    /// # Errors
    /// [`Violation`] where a guess has no sensible length.
    pub fn answered(
        &mut self,
        request: RequestId,
        answer: &Answer,
        view: CellView,
        now: Millis,
    ) -> Result<Predicted, Violation> {
        let Some(place) = self.leases.iter().position(|lease| lease.request == request) else {
            return Err(Violation::new("an answer belongs to a lease", "there is none").of(request));
        };
        match answer.verdict {
            Verdict::Good => Ok(self.good(place)),
            Verdict::Limited(hint) => {
                let lease = self.leases.swap_remove(place);
                self.limited(lease, hint, view, now)
            }
            Verdict::Capacity(_) | Verdict::ServerError | Verdict::Unreachable => {
                self.leases.swap_remove(place);
                Ok(Predicted::Nothing)
            }
        }
    }

    /// Takes note that a request is over. It may have no lease.
    pub fn over(&mut self, request: RequestId) {
        self.leases.retain(|lease| lease.request != request);
    }

    /// Compares all cells with what they should say.
    ///
    /// # Errors
    /// [`Violation`] of the first that differs.
    pub fn compare(&self, now: Millis, view: impl Fn(CellId) -> CellView) -> Result<(), Violation> {
        let mut in_flight = [0; MOST_CELLS];
        self.leases.iter().for_each(|lease| in_flight[self.place(lease.cell)] += 1);
        let differs = |(cell, in_flight)| self.differs(cell, view(cell), in_flight, now);
        self.cells().zip(in_flight).try_for_each(differs)
    }

    fn differs(&self, cell: CellId, view: CellView, in_flight: u32, now: Millis) -> Result<(), Violation> {
        let differ = |rule, has: u64, should: u64| {
            let detail = format!("the cell says {has}, the reference {should}");
            Err(Violation::new(rule, detail).at(cell))
        };
        let model = self.model(cell);
        if view.in_flight != in_flight {
            return differ("leases are conserved", view.in_flight.into(), in_flight.into());
        }
        if view.trips != model.trips {
            return differ("one event is one trip", view.trips, model.trips);
        }
        let until = model.until();
        if view.until != until && now < view.until.max(until) {
            return differ("a limit ends by time and only moves forward", view.until.0, until.0);
        }
        Ok(())
    }

    fn good(&mut self, place: usize) -> Predicted {
        let lease = &mut self.leases[place];
        lease.confirmed = true;
        let (cell, probe, trips, early) = (lease.cell, lease.probe, lease.trips, lease.early);
        let model = self.model_mut(cell);
        if trips != model.trips || (early && !model.guess) {
            return Predicted::Stale;
        }
        model.heads += u32::from(probe && model.is_ramping());
        if early {
            model.ends.clear();
            return Predicted::Lifted;
        }
        Predicted::Nothing
    }

    fn limited(
        &mut self,
        lease: LeaseModel,
        hint: Option<Hint>,
        view: CellView,
        now: Millis,
    ) -> Result<Predicted, Violation> {
        let model = self.model_mut(lease.cell);
        let known = hint.map(|hint| ticks(hint.until(now)));
        if lease.early && model.guess && now < model.until() && lease.trips == model.trips {
            let told = known.map(|until| until.max(ticks(now.after(SHORTEST))));
            return Ok(told.map_or(Predicted::Folded, |until| model.told(until)));
        }
        if lease.trips == model.trips && !lease.early {
            let until = match known {
                Some(until) => until.max(ticks(now.after(SHORTEST))),
                None => estimated(view, now).map_err(|wrong| wrong.at(lease.cell).of(lease.request))?,
            };
            return Ok(model.trip(until, known.is_none()));
        }
        let Some(until) = known.filter(|until| *until > model.until() && *until > now) else {
            return Ok(Predicted::Folded);
        };
        if now >= model.until() {
            return Ok(model.trip(until, false));
        }
        model.ends.push(until);
        model.guess = false;
        Ok(Predicted::Folded)
    }

    fn place(&self, cell: CellId) -> usize {
        usize::from(cell.account) * usize::from(self.pools) + usize::from(cell.pool)
    }

    fn model(&self, cell: CellId) -> &CellModel {
        &self.cells[self.place(cell)]
    }

    fn model_mut(&mut self, cell: CellId) -> &mut CellModel {
        let place = self.place(cell);
        &mut self.cells[place]
    }
}

impl LeaseModel {
    /// Says whether it is a probe of the same opening that was not answered yet.
    fn is_out(&self, probe: &Self) -> bool {
        self.trips == probe.trips && self.probe && !self.confirmed
    }
}

fn ticks(instant: Millis) -> Millis {
    Millis(instant.0.next_multiple_of(TICK))
}

fn estimated(view: CellView, now: Millis) -> Result<Millis, Violation> {
    let [shortest, longest] = GUESSES.map(|span| ticks(now.after(span)));
    if (shortest..=longest).contains(&view.until) {
        return Ok(view.until);
    }
    let detail = format!("it lasts until {}, at {}", view.until.0, now.0);
    Err(Violation::new("a guess is neither nothing nor for ever", detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CELL: CellId = CellId { account: 0, pool: 0 };
    const NOW: Millis = Millis(16_000);

    fn answer(verdict: Verdict) -> Answer {
        Answer { verdict, reading: None }
    }

    fn limited(seconds: u64) -> Answer {
        answer(Verdict::Limited(Some(Hint::After(Duration::from_secs(seconds)))))
    }

    /// A cell whose two leases were sent; the first then met a limit of ten seconds.
    fn tripped() -> Reference {
        let mut reference = Reference::new(1, 1);
        for request in [0, 1] {
            reference.sent(RequestId(request), CELL, NOW).expect("the cell is open");
        }
        let learned = reference.answered(RequestId(0), &limited(10), CellView::default(), NOW);
        assert_eq!(learned.expect("a lease"), Predicted::Trip);
        reference
    }

    #[test]
    fn the_second_429_of_an_event_is_folded_and_a_late_success_is_stale() {
        let learn = |answer: &Answer| {
            tripped().answered(RequestId(1), answer, CellView::default(), NOW).expect("a lease")
        };
        assert_eq!(learn(&limited(5)), Predicted::Folded);
        assert_eq!(learn(&answer(Verdict::Good)), Predicted::Stale);
    }

    #[test]
    fn a_request_that_is_sent_too_early_is_a_violation_and_so_is_a_second_probe() {
        let mut reference = tripped();
        let until = reference.until(CELL);
        assert!(reference.sent(RequestId(2), CELL, Millis(until.0 - 1)).is_err());
        assert!(reference.sent(RequestId(2), CELL, until).is_ok());
        assert!(reference.sent(RequestId(3), CELL, until).is_err());
    }

    #[test]
    fn a_place_that_was_lost_is_a_violation() {
        let reference = tripped();
        assert!(reference.compare_caps(0..1, vec![1, 1, 1]).is_ok());
        assert!(reference.compare_caps(0..1, vec![1, 2, 1]).is_err());
        assert!(reference.compare_caps(0..1, vec![1, 1, 0]).is_err());
    }

    #[test]
    fn a_cell_that_says_otherwise_is_a_violation() {
        let reference = tripped();
        let view = CellView { in_flight: 1, until: reference.until(CELL), trips: 1 };
        let agrees = |view| reference.compare(NOW, |_| view).is_ok();
        assert!(agrees(view));
        assert!(!agrees(CellView { in_flight: 2, ..view }));
        assert!(!agrees(CellView { trips: 2, ..view }));
        assert!(!agrees(CellView { until: NOW, ..view }));
    }
}
