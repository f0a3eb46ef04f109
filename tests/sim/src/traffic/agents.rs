//! Agents: conversations with turns, thoughts, subagents that start together, and people who press escape.

use std::time::Duration;

use pointsman_core::time::Millis;

use crate::rng::Rng;
use crate::router::{Ask, Pin, Session};

use super::{Arrival, End, Traffic};

/// Agents that talk until all requests of the run are made.
#[derive(Clone, Debug)]
pub struct Agents {
    rng: Rng,
    world: Places,
    agents: Vec<Agent>,
    /// How many requests may still be made.
    left: u32,
}

/// What there is to pin.
#[derive(Clone, Copy, Debug)]
pub struct Places {
    pub accounts: u16,
    pub pools: u16,
}

#[derive(Clone, Debug)]
struct Agent {
    turns: u32,
    under_way: u32,
    pin: Pin,
    is_subagent: bool,
}

impl Agents {
    /// Makes agents that will ask so often, all of them together.
    pub fn new(requests: u32, world: Places, rng: Rng) -> Self {
        Self { rng, world, agents: Vec::new(), left: requests }
    }

    fn begin_agent(&mut self, at: Millis, is_subagent: bool, coming: &mut Vec<Arrival>) {
        let session = Session(self.agents.len() as u32);
        let turns = if is_subagent { self.rng.between(1, 6) } else { self.rng.between(10, 60) } as u32;
        let pin = self.pin();
        self.agents.push(Agent { turns, under_way: 0, pin, is_subagent });
        // The first turn of many agents is two requests: one for the title, one for the answer.
        let requests = if self.rng.chance(0.3) { 2 } else { 1 };
        self.turn(session, at, requests, coming);
    }

    fn pin(&mut self) -> Pin {
        match self.rng.between(0, 19) {
            0 | 1 => Pin::Pool(self.rng.index(self.world.pools.into()) as u16),
            2 => Pin::Account(self.rng.index(self.world.accounts.into()) as u16),
            _ => Pin::Nothing,
        }
    }

    fn turn(&mut self, session: Session, at: Millis, requests: u32, coming: &mut Vec<Arrival>) {
        let requests = requests.min(self.left);
        self.left -= requests;
        let agent = &mut self.agents[session.0 as usize];
        agent.turns = agent.turns.saturating_sub(1);
        agent.under_way += requests;
        let ask = Ask { session, pin: agent.pin };
        for _ in 0..requests {
            let cancel_after = self.rng.chance(0.06).then(|| self.rng.skewed_millis(200, 40_000));
            let seed = self.rng.any();
            coming.push(Arrival { at, since: at, visit: 0, ask, patience: None, cancel_after, seed });
        }
    }

    fn think(&mut self) -> Duration {
        if self.rng.chance(0.1) {
            self.rng.skewed_millis(5_000, 60_000)
        } else {
            self.rng.skewed_millis(50, 5_000)
        }
    }

    /// Subagents start in one instant: that is the burst that tells routers apart.
    fn spawn(&mut self, at: Millis, coming: &mut Vec<Arrival>) {
        for _ in 0..self.rng.between(2, 12) {
            self.begin_agent(at, true, coming);
        }
    }
}

impl Traffic for Agents {
    fn begin(&mut self, coming: &mut Vec<Arrival>) {
        for _ in 0..self.rng.between(2, 5) {
            let at = Millis(1_000).after(self.rng.millis(0, 5_000));
            self.begin_agent(at, false, coming);
        }
    }

    fn arrived(&mut self, _: &Arrival, _: &mut Vec<Arrival>) {}

    fn ended(&mut self, arrival: &Arrival, _: End, now: Millis, coming: &mut Vec<Arrival>) {
        let session = arrival.ask.session;
        let agent = &mut self.agents[session.0 as usize];
        agent.under_way -= 1;
        if agent.under_way > 0 || agent.turns == 0 {
            return;
        }
        let may_spawn = !agent.is_subagent;
        let at = now.after(self.think());
        if may_spawn && self.rng.chance(0.25) {
            self.spawn(at, coming);
        }
        self.turn(session, at, 1, coming);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agents_ask_no_more_than_they_may_and_some_start_together() {
        let mut agents = Agents::new(300, Places { accounts: 4, pools: 2 }, Rng::new(3));
        let mut coming = Vec::new();
        agents.begin(&mut coming);
        let (mut requests, mut instants) = (0, std::collections::BTreeMap::new());
        while let Some(arrival) = coming.pop() {
            requests += 1;
            *instants.entry(arrival.at).or_insert(0) += 1;
            agents.ended(&arrival, End::Served, arrival.at, &mut coming);
        }
        assert!((100..=300).contains(&requests), "{requests}");
        assert!(instants.values().any(|together| *together >= 4));
    }
}
