//! The engine: it moves virtual time from one thing to the next, between callers, a router and an upstream.

use pointsman_core::time::Millis;

use crate::agenda::{Agenda, Due};
use crate::latency::Latency;
use crate::rng::Rng;
use crate::router::{Action, RequestId, Router};
use crate::traffic::{Arrival, End, Traffic};
use crate::upstream::{Answer, CellId, Upstream, Verdict};
use crate::watch::{Happening, Stage, Violation, Watch, What};

/// So many things for each request are more than any run needs that ends by itself.
const THINGS_PER_REQUEST: u64 = 2_000;

/// A run.
#[derive(Debug)]
pub struct Engine<R, T, W> {
    pub router: R,
    pub watch: W,
    traffic: T,
    pub upstream: Upstream,
    latency: Latency,
    agenda: Agenda,
    requests: Vec<Request>,
    coming: Vec<Arrival>,
    now: Millis,
}

#[derive(Debug)]
struct Request {
    arrival: Arrival,
    stage: Stage,
    /// Counts waits, so that the end of an earlier one wakes nobody.
    wait: u32,
    sent: Option<(CellId, Answer)>,
    rng: Rng,
}

impl<R: Router, T: Traffic, W: Watch<R>> Engine<R, T, W> {
    /// Puts a run together. The first thing in it is what `traffic` begins with.
    pub fn new(router: R, traffic: T, upstream: Upstream, latency: Latency, watch: W) -> Self {
        let (agenda, requests, coming) = (Agenda::default(), Vec::new(), Vec::new());
        Self { router, watch, traffic, upstream, latency, agenda, requests, coming, now: Millis::START }
    }

    /// Runs until nothing is left to happen.
    ///
    /// # Errors
    /// [`Violation`] of the first rule that is broken.
    pub fn run(&mut self) -> Result<(), Violation> {
        self.traffic.begin(&mut self.coming);
        self.schedule();
        let mut things = 0;
        while let Some((at, due)) = self.agenda.take() {
            self.now = at;
            self.happen(due)?;
            self.wake()?;
            things += 1;
            if things > THINGS_PER_REQUEST * self.requests.len() as u64 {
                return Err(Violation::new("everything ends", "requests are asked again without an end"));
            }
        }
        self.all_are_over()?;
        self.watch.rest(&self.router, self.now)
    }

    fn all_are_over(&self) -> Result<(), Violation> {
        match (0..).zip(&self.requests).find(|(_, request)| request.stage != Stage::Over) {
            Some((id, request)) => {
                let detail = format!("nothing is left to happen and it is {:?}", request.stage);
                Err(Violation::new("each request ends once", detail).of(RequestId(id)))
            }
            None => Ok(()),
        }
    }

    fn schedule(&mut self) {
        for arrival in self.coming.drain(..) {
            let id = RequestId(self.requests.len() as u32);
            let rng = Rng::new(arrival.seed);
            self.requests.push(Request { arrival, stage: Stage::Coming, wait: 0, sent: None, rng });
            self.agenda.put(arrival.at, Due::Arrive(id));
        }
    }

    fn request(&mut self, id: RequestId) -> &mut Request {
        &mut self.requests[id.0 as usize]
    }

    fn stage(&self, id: RequestId) -> Stage {
        self.requests[id.0 as usize].stage
    }

    fn tell(&mut self, id: RequestId, what: What) -> Result<(), Violation> {
        let Arrival { ask, since, .. } = self.requests[id.0 as usize].arrival;
        self.watch.note(&Happening { now: self.now, request: id, ask, since, what }, &self.router)
    }

    fn happen(&mut self, due: Due) -> Result<(), Violation> {
        match due {
            Due::Arrive(id) => self.arrive(id),
            Due::Resume(id) if self.stage(id) == Stage::Deciding => self.ask(id),
            Due::Wake(id, wait) if self.stage(id) == Stage::Waiting && self.request(id).wait == wait => {
                self.ask(id)
            }
            Due::Head(id) if self.stage(id) == Stage::Sent => self.head(id),
            Due::StreamEnd(id) if self.stage(id) == Stage::Streaming => self.stream_end(id),
            Due::LosePatience(id) if matches!(self.stage(id), Stage::Deciding | Stage::Waiting) => {
                self.cancel(id)
            }
            Due::Cancel(id) if self.stage(id) != Stage::Over => self.cancel(id),
            Due::Resume(_)
            | Due::Wake(..)
            | Due::Head(_)
            | Due::StreamEnd(_)
            | Due::LosePatience(_)
            | Due::Cancel(_) => Ok(()),
        }
    }

    fn arrive(&mut self, id: RequestId) -> Result<(), Violation> {
        let arrival = self.request(id).arrival;
        if let Some(patience) = arrival.patience {
            self.agenda.put(self.now.after(patience), Due::LosePatience(id));
        }
        if let Some(after) = arrival.cancel_after {
            self.agenda.put(self.now.after(after), Due::Cancel(id));
        }
        self.traffic.arrived(&arrival, &mut self.coming);
        self.schedule();
        self.router.arrives(id, arrival.ask, self.now);
        self.tell(id, What::Arrived)?;
        self.ask(id)
    }

    /// Asks those who were woken, until nobody is.
    fn wake(&mut self) -> Result<(), Violation> {
        while let Some(id) = self.router.woken(self.now) {
            if self.stage(id) != Stage::Waiting {
                let detail = format!("it is {:?}", self.stage(id));
                return Err(Violation::new("only who waits is woken", detail).of(id));
            }
            self.ask(id)?;
        }
        Ok(())
    }

    fn ask(&mut self, id: RequestId) -> Result<(), Violation> {
        self.request(id).stage = Stage::Deciding;
        match self.router.step(id, self.now) {
            Action::Send { cell, probe } => self.send(id, cell, probe),
            Action::Wait { until } => self.wait(id, until),
            Action::Pause => self.pause(id),
            Action::Deliver => self.deliver(id),
            Action::Refuse { retry_at } => {
                self.tell(id, What::Refused { retry_at })?;
                self.over(id, End::Refused { retry_at });
                Ok(())
            }
        }
    }

    fn send(&mut self, id: RequestId, cell: CellId, probe: bool) -> Result<(), Violation> {
        let now = self.now;
        let request = &mut self.requests[id.0 as usize];
        let answer = self.upstream.judge(cell, now, &mut request.rng);
        let head = self.latency.head(answer.verdict, &mut request.rng);
        (request.stage, request.sent) = (Stage::Sent, Some((cell, answer)));
        self.agenda.put(now.after(head), Due::Head(id));
        self.tell(id, What::Sent { cell, probe })
    }

    fn wait(&mut self, id: RequestId, until: Option<Millis>) -> Result<(), Violation> {
        let request = self.request(id);
        request.stage = Stage::Waiting;
        request.wait += 1;
        let wait = request.wait;
        if let Some(until) = until {
            self.agenda.put(until.max(self.now), Due::Wake(id, wait));
        }
        self.tell(id, What::Waits { until })
    }

    /// Mostly others of the same instant come in between; at times so much that the clock moves.
    fn pause(&mut self, id: RequestId) -> Result<(), Violation> {
        let rng = &mut self.request(id).rng;
        let span = if rng.chance(0.2) { rng.millis(1, 20) } else { rng.millis(0, 0) };
        self.agenda.put(self.now.after(span), Due::Resume(id));
        Ok(())
    }

    fn head(&mut self, id: RequestId) -> Result<(), Violation> {
        let Some((cell, answer)) = self.request(id).sent else { return Ok(()) };
        self.router.head(id, cell, &answer, self.now);
        self.tell(id, What::Answered { cell, answer })?;
        self.ask(id)
    }

    fn deliver(&mut self, id: RequestId) -> Result<(), Violation> {
        let (now, latency) = (self.now, self.latency);
        let request = self.request(id);
        let Some((_, answer)) = request.sent else {
            return Err(Violation::new("only an answer is delivered", "nothing was sent").of(id));
        };
        let good = answer.verdict == Verdict::Good;
        if good {
            request.stage = Stage::Streaming;
            let span = latency.stream(&mut request.rng);
            self.agenda.put(now.after(span), Due::StreamEnd(id));
            return self.tell(id, What::Delivered { good });
        }
        self.tell(id, What::Delivered { good })?;
        self.over(id, End::Failed);
        Ok(())
    }

    fn stream_end(&mut self, id: RequestId) -> Result<(), Violation> {
        self.leave_upstream(id);
        self.router.stream_ended(id, self.now);
        self.tell(id, What::StreamEnded)?;
        self.over(id, End::Served);
        Ok(())
    }

    fn cancel(&mut self, id: RequestId) -> Result<(), Violation> {
        let was = self.stage(id);
        if matches!(was, Stage::Sent | Stage::Streaming) {
            self.leave_upstream(id);
        }
        self.router.cancelled(id, self.now);
        self.tell(id, What::Cancelled { was })?;
        self.over(id, End::Cancelled);
        Ok(())
    }

    fn leave_upstream(&mut self, id: RequestId) {
        if let Some((cell, Answer { verdict: Verdict::Good, .. })) = self.request(id).sent {
            self.upstream.leave(cell);
        }
    }

    fn over(&mut self, id: RequestId, end: End) {
        let request = &mut self.requests[id.0 as usize];
        request.stage = Stage::Over;
        self.traffic.ended(&request.arrival, end, self.now, &mut self.coming);
        self.schedule();
    }
}
