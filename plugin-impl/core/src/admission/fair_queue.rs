//! A fair queue: the order of requests for the same accounts.
//!
//! Sessions are served round robin: each session with a waiting request has a slot per round, and a
//! session's requests are served in order of arrival. A session with a hundred waiting requests therefore
//! delays a lone request of another session by one service, not by a hundred.
//!
//! Interactive requests go before background requests, within a session and between sessions. No background
//! request starves: after [`PASSES`] interactive requests, a background request goes.
//!
//! Bounds: once an interactive request is the first of its session, each other session is served at most
//! once before it. A session of any class is served after at most `PASSES` + 1 services per session ahead.
//! Of two always waiting sessions of one class, neither is served twice more than the other.

use std::collections::VecDeque;

/// The number of interactive requests in a row ahead of a background request: three of four services go to
/// people, a fourth to the background.
pub const PASSES: u8 = 3;

/// The class of a request: whether a person waits for the answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Class {
    #[default]
    Interactive,
    /// A subagent, a title, a suggestion: no person waits.
    Background,
}

/// A queue of waiting requests, each with a value.
#[derive(Clone, Debug)]
pub struct FairQueue<T> {
    /// Sessions in service order; each has a waiting request.
    sessions: VecDeque<SessionQueue<T>>,
    /// The number of services in a row that passed the first session.
    passed: u8,
    next: u64,
    waiting: usize,
}

/// The requests of a session, by class, in order of arrival.
#[derive(Clone, Debug)]
struct SessionQueue<T> {
    session: u64,
    interactive: VecDeque<(u64, T)>,
    background: VecDeque<(u64, T)>,
    /// The number of interactive requests in a row ahead of a background request.
    passed: u8,
}

/// A position in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Position {
    session: u64,
    class: Class,
    number: u64,
}

/// The reason for leaving the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaving {
    /// The request was served: its session has had its service.
    Served,
    /// The request gave up; the session's next request takes the position.
    GaveUp,
}

/// The queue is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crowded;

impl<T> Default for FairQueue<T> {
    fn default() -> Self {
        Self { sessions: VecDeque::new(), passed: 0, next: 0, waiting: 0 }
    }
}

impl<T> FairQueue<T> {
    /// Returns whether the queue is empty.
    pub fn is_empty(&self) -> bool {
        self.waiting == 0
    }

    /// Returns the number of waiting requests.
    pub fn len(&self) -> usize {
        self.waiting
    }

    /// Joins the queue, behind the session's other requests; a new session joins behind all sessions.
    ///
    /// # Errors
    /// [`Crowded`] at `bound` waiting requests.
    pub fn join(&mut self, session: u64, class: Class, value: T, bound: usize) -> Result<Position, Crowded> {
        if self.waiting >= bound {
            return Err(Crowded);
        }
        let number = self.next;
        self.next += 1;
        self.waiting += 1;
        let at = self.place_of(session).unwrap_or_else(|| {
            self.sessions.push_back(SessionQueue::new(session));
            self.sessions.len() - 1
        });
        self.sessions[at].of(class).push_back((number, value));
        Ok(Position { session, class, number })
    }

    /// Returns the next position.
    pub fn front(&self) -> Option<Position> {
        let session_queue = &self.sessions[self.first_party()?];
        let class = session_queue.first_class();
        let (number, _) = session_queue.has(class).front()?;
        Some(Position { session: session_queue.session, class, number: *number })
    }

    /// Returns the next request's value.
    pub fn first(&self) -> Option<&T> {
        let session_queue = &self.sessions[self.first_party()?];
        session_queue.has(session_queue.first_class()).front().map(|(_, value)| value)
    }

    /// Returns the next request's value, mutable.
    pub fn first_mut(&mut self) -> Option<&mut T> {
        let front = self.front()?;
        self.get_mut(front)
    }

    /// Returns the value of a waiting request.
    pub fn get_mut(&mut self, position: Position) -> Option<&mut T> {
        let at = self.place_of(position.session)?;
        let mut members = self.sessions[at].of(position.class).iter_mut();
        members.find(|(number, _)| *number == position.number).map(|(_, value)| value)
    }

    /// Leaves the queue at any position, and returns the value.
    pub fn leave(&mut self, position: Position, leaving: Leaving) -> Option<T> {
        let at = self.place_of(position.session)?;
        let value = self.sessions[at].leave(position, leaving)?;
        self.waiting -= 1;
        let is_over = self.sessions[at].is_over();
        if is_over || leaving == Leaving::Served {
            self.note_service(at, is_over, leaving);
        }
        Some(value)
    }

    /// Moves a served session to the back, and removes an empty session.
    fn note_service(&mut self, at: usize, is_over: bool, leaving: Leaving) {
        if at == 0 {
            self.passed = 0;
        } else if leaving == Leaving::Served {
            self.passed = self.passed.saturating_add(1);
        }
        if let Some(session_queue) = self.sessions.remove(at)
            && !is_over
        {
            self.sessions.push_back(session_queue);
        }
    }

    fn place_of(&self, session: u64) -> Option<usize> {
        self.sessions.iter().position(|session_queue| session_queue.session == session)
    }

    /// Returns the next session: the first with an interactive request, unless the first of all was passed
    /// too often.
    fn first_party(&self) -> Option<usize> {
        let is_interactive =
            |session_queue: &SessionQueue<T>| session_queue.first_class() == Class::Interactive;
        let ahead = || self.sessions.iter().position(is_interactive);
        let first = if self.passed < PASSES { ahead() } else { None };
        first.or((!self.sessions.is_empty()).then_some(0))
    }
}

impl<T> SessionQueue<T> {
    fn new(session: u64) -> Self {
        Self { session, interactive: VecDeque::new(), background: VecDeque::new(), passed: 0 }
    }

    fn has(&self, class: Class) -> &VecDeque<(u64, T)> {
        match class {
            Class::Interactive => &self.interactive,
            Class::Background => &self.background,
        }
    }

    fn of(&mut self, class: Class) -> &mut VecDeque<(u64, T)> {
        match class {
            Class::Interactive => &mut self.interactive,
            Class::Background => &mut self.background,
        }
    }

    fn is_over(&self) -> bool {
        self.interactive.is_empty() && self.background.is_empty()
    }

    /// Returns the next class within the session.
    fn first_class(&self) -> Class {
        let owes = self.passed >= PASSES && !self.background.is_empty();
        if self.interactive.is_empty() || owes { Class::Background } else { Class::Interactive }
    }

    fn leave(&mut self, position: Position, leaving: Leaving) -> Option<T> {
        let members = self.of(position.class);
        let place = members.iter().position(|(number, _)| *number == position.number)?;
        let (_, value) = members.remove(place)?;
        if leaving == Leaving::Served {
            let went_ahead = position.class == Class::Interactive && !self.background.is_empty();
            self.passed = if went_ahead { self.passed.saturating_add(1) } else { 0 };
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

    fn queue(sessions: &[u64]) -> (FairQueue<()>, Vec<Position>) {
        let mut queue = FairQueue::default();
        let positions = sessions
            .iter()
            .map(|session| queue.join(*session, Class::Interactive, (), ROOM).expect("room"))
            .collect();
        (queue, positions)
    }

    /// Serves everybody, and returns the sessions in the order of their services.
    fn served(mut queue: FairQueue<()>) -> Vec<u64> {
        let mut order = Vec::new();
        while let Some(front) = queue.front() {
            order.push(front.session);
            queue.leave(front, Leaving::Served);
        }
        order
    }

    #[test]
    fn sessions_take_turns_however_many_requests_each_has() {
        let (queue, _) = queue(&[1, 1, 1, 1, 2, 3, 2]);
        assert_eq!(served(queue), [1, 2, 3, 1, 2, 1, 1]);
    }

    #[test]
    fn within_a_session_who_came_first_is_first() {
        let (mut queue, positions) = queue(&[1, 1, 1]);
        for position in positions {
            assert_eq!(queue.front(), Some(position));
            queue.leave(position, Leaving::Served);
        }
        assert!(queue.is_empty());
    }

    #[test]
    fn who_gives_up_leaves_its_turn_to_the_next_of_its_session() {
        let (mut queue, positions) = queue(&[1, 2, 1]);
        queue.leave(positions[0], Leaving::GaveUp);
        assert_eq!(queue.front(), Some(positions[2]));
        queue.leave(positions[2], Leaving::GaveUp);
        assert_eq!((queue.front(), queue.len()), (Some(positions[1]), 1));
    }

    #[test]
    fn who_has_left_is_not_there_any_more() {
        let (mut queue, positions) = queue(&[1]);
        assert!(queue.get_mut(positions[0]).is_some());
        assert!(queue.leave(positions[0], Leaving::GaveUp).is_some());
        assert!(
            queue.leave(positions[0], Leaving::Served).is_none() && queue.get_mut(positions[0]).is_none()
        );
    }

    #[test]
    fn a_line_has_an_end() {
        let mut queue = FairQueue::default();
        assert!((0..3).all(|session| queue.join(session, Class::Interactive, (), 3).is_ok()));
        assert_eq!(queue.join(7, Class::Interactive, (), 3), Err(Crowded));
        let front = queue.front().expect("three wait");
        queue.leave(front, Leaving::Served);
        assert!(queue.join(7, Class::Interactive, (), 3).is_ok());
    }

    fn mixed(requests: &[(u64, Class)]) -> FairQueue<()> {
        let mut queue = FairQueue::default();
        for (session, class) in requests {
            queue.join(*session, *class, (), ROOM).expect("room");
        }
        queue
    }

    #[test]
    fn who_a_person_waits_for_goes_before_the_background() {
        use Class::{Background, Interactive};

        assert_eq!(served(mixed(&[(1, Background), (2, Background), (3, Interactive)])), [3, 1, 2]);
        let mut queue = mixed(&[(1, Background), (1, Interactive)]);
        let first = queue.front().expect("two wait");
        assert_eq!(first.class, Interactive, "within a session too");
        queue.leave(first, Leaving::Served);
        assert_eq!(queue.front().map(|position| position.class), Some(Background));
    }

    /// A main agent that always has somebody waiting, and one of the background in whatever session.
    #[test]
    fn the_background_gets_one_place_of_four_however_many_people_wait() {
        for background in [1, 2] {
            let mut queue = mixed(&[(background, Class::Background)]);
            let mut before = 0;
            loop {
                queue.join(1, Class::Interactive, (), ROOM).expect("room");
                let front = queue.front().expect("somebody waits");
                queue.leave(front, Leaving::Served);
                if front.class == Class::Background {
                    break;
                }
                before += 1;
                assert!(before <= PASSES, "it starves");
            }
            assert_eq!(before, PASSES);
        }
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
        waiting: Vec<(Position, BTreeMap<u64, u32>)>,
    }

    impl Reference {
        fn is_first(&self, position: Position) -> bool {
            let mut of_session = self.waiting.iter().map(|(other, _)| *other);
            of_session.find(|other| other.session == position.session) == Some(position)
        }

        fn serve(&mut self, served: Position) {
            let firsts: Vec<_> = self
                .waiting
                .iter()
                .map(|(position, _)| *position)
                .filter(|position| self.is_first(*position))
                .collect();
            for (position, services) in &mut self.waiting {
                if firsts.contains(position) && position.session != served.session {
                    *services.entry(served.session).or_default() += 1;
                }
            }
        }

        fn remove(&mut self, position: Position) {
            self.waiting.retain(|(other, _)| *other != position);
        }
    }

    proptest! {
        #[test]
        fn nobody_at_the_head_of_its_session_waits_for_two_services_of_another(acts in prop::collection::vec(act(), 0..300)) {
            let (mut queue, mut reference) = (FairQueue::default(), Reference::default());
            for act in acts {
                match act {
                    Act::Joins(session) => {
                        let position = queue.join(session, Class::Interactive, (), ROOM).expect("room");
                        reference.waiting.push((position, BTreeMap::new()));
                    }
                    Act::IsServed => {
                        let Some(front) = queue.front() else { continue };
                        prop_assert!(reference.is_first(front), "within a session the first is first");
                        reference.serve(front);
                        reference.remove(front);
                        queue.leave(front, Leaving::Served);
                    }
                    Act::GivesUp(at) => {
                        let Some((position, _)) = reference.waiting.get(at).cloned() else { continue };
                        reference.remove(position);
                        queue.leave(position, Leaving::GaveUp);
                    }
                }
                prop_assert_eq!(queue.len(), reference.waiting.len());
                let most = reference.waiting.iter().flat_map(|(_, services)| services.values()).max();
                prop_assert!(most.is_none_or(|most| *most <= 1), "{:?}", most);
            }
        }

        /// Sessions that always have somebody waiting are served equally often, whoever comes besides.
        #[test]
        fn no_session_is_served_more_often_than_another(parallel in prop::collection::vec(1_usize..20, 2..10), rounds in 1_usize..30) {
            let mut queue = FairQueue::default();
            for (session, requests) in (0..).zip(&parallel) {
                for _ in 0..*requests {
                    queue.join(session, Class::Interactive, (), ROOM).expect("room");
                }
            }
            let mut services = vec![0_usize; parallel.len()];
            for _ in 0..rounds * parallel.len() {
                let front = queue.front().expect("somebody waits");
                services[front.session as usize] += 1;
                queue.leave(front, Leaving::Served);
                queue.join(front.session, Class::Interactive, (), ROOM).expect("room");
            }
            prop_assert!(services.iter().all(|served| *served == rounds), "{:?}", services);
        }

        /// Whatever comes besides, a request of the background is served after so many services.
        #[test]
        fn the_background_never_starves(
            sessions in 1_u64..6,
            comes in prop::collection::vec((0_u64..6, any::<bool>()), 1..200),
        ) {
            let mut queue = FairQueue::default();
            let waits = queue.join(99, Class::Background, (), ROOM).expect("room");
            let bound = (usize::from(PASSES) + 1) * (sessions as usize + 1);
            for (services, (session, is_interactive)) in comes.into_iter().enumerate() {
                let class = if is_interactive { Class::Interactive } else { Class::Background };
                queue.join(session % sessions, class, (), ROOM).expect("room");
                let front = queue.front().expect("somebody waits");
                queue.leave(front, Leaving::Served);
                if front == waits {
                    return Ok(());
                }
                prop_assert!(services < bound, "{} services", services);
            }
        }

        /// An interactive request at the head of its session waits for one service of each other session.
        #[test]
        fn a_person_waits_for_one_service_of_each_other_session(
            before in prop::collection::vec((0_u64..5, any::<bool>()), 0..40),
            comes in prop::collection::vec((0_u64..5, any::<bool>()), 40),
        ) {
            let class = |is_interactive| if is_interactive { Class::Interactive } else { Class::Background };
            let mut queue = FairQueue::default();
            for (session, is_interactive) in before {
                queue.join(session, class(is_interactive), (), ROOM).expect("room");
            }
            let waits = queue.join(99, Class::Interactive, (), ROOM).expect("room");
            let mut services = BTreeMap::<u64, u32>::new();
            for (session, is_interactive) in comes {
                let front = queue.front().expect("somebody waits");
                queue.leave(front, Leaving::Served);
                if front == waits {
                    return Ok(());
                }
                let times = services.entry(front.session).or_default();
                *times += 1;
                prop_assert!(*times <= 1, "{:?}", services);
                queue.join(session, class(is_interactive), (), ROOM).expect("room");
            }
            prop_assert!(false, "it starves");
        }
    }
}
