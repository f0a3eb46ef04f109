//! The line: who is next among those that wait for the same accounts.
//!
//! It is served session by session: each session that has somebody waiting gets a place in its turn, and
//! within a session who came first is served first. So a session with a hundred requests in line costs a
//! lone request of another one place, not a hundred.
//!
//! Stated as a bound: from when a request is the first of its session, each other session is served at most
//! once before it. Of two sessions that always have somebody waiting, neither is served more than once more
//! often than the other, whatever else comes and goes.

use std::collections::VecDeque;

/// A line of those who wait, each with a value of its own.
#[derive(Clone, Debug)]
pub struct Line<T> {
    /// In the order in which they are served; each has somebody waiting.
    parties: VecDeque<Party<T>>,
    next: u64,
    waiting: usize,
}

/// Those of one session, in the order in which they came.
#[derive(Clone, Debug)]
struct Party<T> {
    session: u64,
    members: VecDeque<(u64, T)>,
}

/// A place in a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ticket {
    session: u64,
    number: u64,
}

/// Why somebody leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaving {
    /// It got what it waited for: its session has had its turn.
    Served,
    /// It gave up. Whoever is behind it in its session takes its place.
    GaveUp,
}

/// As many wait as may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crowded;

impl<T> Default for Line<T> {
    fn default() -> Self {
        Self { parties: VecDeque::new(), next: 0, waiting: 0 }
    }
}

impl<T> Line<T> {
    /// Says whether nobody waits.
    pub fn is_empty(&self) -> bool {
        self.waiting == 0
    }

    /// Returns how many wait.
    pub fn len(&self) -> usize {
        self.waiting
    }

    /// Stands in line: behind the others of the session, or with a turn of its own behind all sessions.
    ///
    /// # Errors
    /// [`Crowded`] where `bound` wait already.
    pub fn join(&mut self, session: u64, value: T, bound: usize) -> Result<Ticket, Crowded> {
        if self.waiting >= bound {
            return Err(Crowded);
        }
        let number = self.next;
        self.next += 1;
        self.waiting += 1;
        match self.parties.iter_mut().find(|party| party.session == session) {
            Some(party) => party.members.push_back((number, value)),
            None => self.parties.push_back(Party { session, members: [(number, value)].into() }),
        }
        Ok(Ticket { session, number })
    }

    /// Returns who is next.
    pub fn front(&self) -> Option<Ticket> {
        let party = self.parties.front()?;
        let (number, _) = party.members.front()?;
        Some(Ticket { session: party.session, number: *number })
    }

    /// Returns the value of who is next.
    pub fn first(&self) -> Option<&T> {
        let (_, value) = self.parties.front()?.members.front()?;
        Some(value)
    }

    /// Returns the value of who is next, to be changed.
    pub fn first_mut(&mut self) -> Option<&mut T> {
        let (_, value) = self.parties.front_mut()?.members.front_mut()?;
        Some(value)
    }

    /// Returns the value of somebody who waits.
    pub fn get_mut(&mut self, ticket: Ticket) -> Option<&mut T> {
        let party = self.parties.iter_mut().find(|party| party.session == ticket.session)?;
        party.members.iter_mut().find(|(number, _)| *number == ticket.number).map(|(_, value)| value)
    }

    /// Leaves the line, wherever it stands, and returns the value.
    pub fn leave(&mut self, ticket: Ticket, leaving: Leaving) -> Option<T> {
        let at = self.parties.iter().position(|party| party.session == ticket.session)?;
        let members = &mut self.parties[at].members;
        let place = members.iter().position(|(number, _)| *number == ticket.number)?;
        let (_, value) = members.remove(place)?;
        self.waiting -= 1;
        let is_over = members.is_empty();
        if (is_over || leaving == Leaving::Served)
            && let Some(party) = self.parties.remove(at)
            && !is_over
        {
            self.parties.push_back(party);
        }
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    const ROOM: usize = 1_000;

    fn line(sessions: &[u64]) -> (Line<()>, Vec<Ticket>) {
        let mut line = Line::default();
        let tickets = sessions.iter().map(|session| line.join(*session, (), ROOM).expect("room")).collect();
        (line, tickets)
    }

    /// Serves everybody, and returns the sessions in the order of their services.
    fn served(mut line: Line<()>) -> Vec<u64> {
        let mut order = Vec::new();
        while let Some(front) = line.front() {
            order.push(front.session);
            line.leave(front, Leaving::Served);
        }
        order
    }

    #[test]
    fn sessions_take_turns_however_many_requests_each_has() {
        let (line, _) = line(&[1, 1, 1, 1, 2, 3, 2]);
        assert_eq!(served(line), [1, 2, 3, 1, 2, 1, 1]);
    }

    #[test]
    fn within_a_session_who_came_first_is_first() {
        let (mut line, tickets) = line(&[1, 1, 1]);
        for ticket in tickets {
            assert_eq!(line.front(), Some(ticket));
            line.leave(ticket, Leaving::Served);
        }
        assert!(line.is_empty());
    }

    #[test]
    fn who_gives_up_leaves_its_turn_to_the_next_of_its_session() {
        let (mut line, tickets) = line(&[1, 2, 1]);
        line.leave(tickets[0], Leaving::GaveUp);
        assert_eq!(line.front(), Some(tickets[2]));
        line.leave(tickets[2], Leaving::GaveUp);
        assert_eq!((line.front(), line.len()), (Some(tickets[1]), 1));
    }

    #[test]
    fn who_has_left_is_not_there_any_more() {
        let (mut line, tickets) = line(&[1]);
        assert!(line.get_mut(tickets[0]).is_some());
        assert!(line.leave(tickets[0], Leaving::GaveUp).is_some());
        assert!(line.leave(tickets[0], Leaving::Served).is_none() && line.get_mut(tickets[0]).is_none());
    }

    #[test]
    fn a_line_has_an_end() {
        let mut line = Line::default();
        assert!((0..3).all(|session| line.join(session, (), 3).is_ok()));
        assert_eq!(line.join(7, (), 3), Err(Crowded));
        let front = line.front().expect("three wait");
        line.leave(front, Leaving::Served);
        assert!(line.join(7, (), 3).is_ok());
    }

    /// What may happen to a line. Sessions are few, so that they meet.
    #[derive(Clone, Debug)]
    enum Act {
        Joins(u64),
        IsServed,
        GivesUp(usize),
    }

    fn act() -> impl Strategy<Value = Act> {
        prop_oneof![
            4 => (0_u64..5).prop_map(Act::Joins),
            3 => Just(Act::IsServed),
            1 => (0_usize..20).prop_map(Act::GivesUp),
        ]
    }

    /// A slow reference: all who wait, and how often each session was served while each was its first.
    #[derive(Default)]
    struct Reference {
        waiting: Vec<(Ticket, BTreeMap<u64, u32>)>,
    }

    impl Reference {
        fn is_first(&self, ticket: Ticket) -> bool {
            let mut of_session = self.waiting.iter().map(|(other, _)| *other);
            of_session.find(|other| other.session == ticket.session) == Some(ticket)
        }

        fn serve(&mut self, served: Ticket) {
            let firsts: Vec<_> = self
                .waiting
                .iter()
                .map(|(ticket, _)| *ticket)
                .filter(|ticket| self.is_first(*ticket))
                .collect();
            for (ticket, services) in &mut self.waiting {
                if firsts.contains(ticket) && ticket.session != served.session {
                    *services.entry(served.session).or_default() += 1;
                }
            }
        }

        fn remove(&mut self, ticket: Ticket) {
            self.waiting.retain(|(other, _)| *other != ticket);
        }
    }

    proptest! {
        #[test]
        fn nobody_at_the_head_of_its_session_waits_for_two_services_of_another(acts in prop::collection::vec(act(), 0..300)) {
            let (mut line, mut reference) = (Line::default(), Reference::default());
            for act in acts {
                match act {
                    Act::Joins(session) => {
                        let ticket = line.join(session, (), ROOM).expect("room");
                        reference.waiting.push((ticket, BTreeMap::new()));
                    }
                    Act::IsServed => {
                        let Some(front) = line.front() else { continue };
                        prop_assert!(reference.is_first(front), "within a session the first is first");
                        reference.serve(front);
                        reference.remove(front);
                        line.leave(front, Leaving::Served);
                    }
                    Act::GivesUp(at) => {
                        let Some((ticket, _)) = reference.waiting.get(at).cloned() else { continue };
                        reference.remove(ticket);
                        line.leave(ticket, Leaving::GaveUp);
                    }
                }
                prop_assert_eq!(line.len(), reference.waiting.len());
                let most = reference.waiting.iter().flat_map(|(_, services)| services.values()).max();
                prop_assert!(most.is_none_or(|most| *most <= 1), "{:?}", most);
            }
        }

        /// Sessions that always have somebody waiting are served equally often, whoever comes besides.
        #[test]
        fn no_session_is_served_more_often_than_another(parallel in prop::collection::vec(1_usize..20, 2..10), rounds in 1_usize..30) {
            let mut line = Line::default();
            for (session, requests) in (0..).zip(&parallel) {
                for _ in 0..*requests {
                    line.join(session, (), ROOM).expect("room");
                }
            }
            let mut services = vec![0_usize; parallel.len()];
            for _ in 0..rounds * parallel.len() {
                let front = line.front().expect("somebody waits");
                services[front.session as usize] += 1;
                line.leave(front, Leaving::Served);
                line.join(front.session, (), ROOM).expect("room");
            }
            prop_assert!(services.iter().all(|served| *served == rounds), "{:?}", services);
        }
    }
}
