//! The faults that are there at an instant, and whom they meet.

use std::time::Duration;

use crate::fault::{Fault, Harm, Lasts, Match};

/// Names one injected fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultId(u64);

/// What a fault looks at.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Traits<'a> {
    pub(crate) account: Option<&'a str>,
    pub(crate) pool: Option<&'a str>,
    pub(crate) model: Option<&'a str>,
    pub(crate) path: &'a str,
    pub(crate) generates: bool,
}

impl Match {
    fn holds(&self, traits: &Traits<'_>) -> bool {
        fn same(wanted: Option<&String>, found: Option<&str>) -> bool {
            wanted.is_none_or(|wanted| found == Some(wanted))
        }
        let path = self.path.as_ref().map_or(traits.generates, |part| traits.path.contains(part.as_str()));
        path && same(self.account.as_ref(), traits.account)
            && same(self.pool.as_ref(), traits.pool)
            && same(self.model.as_ref(), traits.model)
    }
}

/// The faults that are there.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    armed: Vec<Armed>,
    injected: u64,
}

#[derive(Debug)]
struct Armed {
    id: FaultId,
    fault: Fault,
    since: Duration,
    met: u32,
}

impl Faults {
    pub(crate) fn inject(&mut self, fault: Fault, now: Duration) -> FaultId {
        self.injected += 1;
        let id = FaultId(self.injected);
        self.armed.push(Armed { id, fault, since: now, met: 0 });
        id
    }

    pub(crate) fn clear(&mut self, id: FaultId) {
        self.armed.retain(|armed| armed.id != id);
    }

    pub(crate) fn clear_all(&mut self) {
        self.armed.clear();
    }

    /// The harm of the first fault that meets this request, if it is of the wanted part; the fault counts
    /// as met.
    pub(crate) fn strike<H>(
        &mut self,
        part: fn(Harm) -> Option<H>,
        traits: &Traits<'_>,
        now: Duration,
    ) -> Option<H> {
        let mut meeting =
            self.armed.iter_mut().filter(|armed| armed.is_there(now) && armed.fault.when.holds(traits));
        meeting.find_map(|armed| {
            let harm = part(armed.fault.harm)?;
            armed.met += 1;
            Some(harm)
        })
    }
}

impl Armed {
    fn is_there(&self, now: Duration) -> bool {
        match self.fault.lasts {
            Lasts::UntilCleared => true,
            Lasts::Next(requests) => self.met < requests,
            Lasts::Span { after, length } => {
                let begins = self.since.saturating_add(after);
                (begins..begins.saturating_add(length)).contains(&now)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::fault::{BodyHarmKind, HeadHarm, Moment};

    use super::*;

    const WORK: Traits<'_> = Traits {
        account: Some("work"),
        pool: Some("a"),
        model: Some("m"),
        path: "/v1/messages",
        generates: true,
    };

    fn struck(faults: &mut Faults, traits: &Traits<'_>, second: u64) -> Option<HeadHarm> {
        faults.strike(Harm::head, traits, Duration::from_secs(second))
    }

    fn injected(fault: Fault) -> Faults {
        let mut faults = Faults::default();
        faults.inject(fault, Duration::from_secs(10));
        faults
    }

    #[test]
    fn a_fault_meets_what_all_its_traits_name() {
        let rows = [
            (Fault::new(Harm::Reset), true),
            (Fault::new(Harm::Reset).account("work").pool("a").model("m").path("messages"), true),
            (Fault::new(Harm::Reset).account("home"), false),
            (Fault::new(Harm::Reset).account("work").pool("b"), false),
            (Fault::new(Harm::Reset).model("n"), false),
            (Fault::new(Harm::Reset).path("/token"), false),
        ];
        for (fault, meets) in rows {
            let mut faults = injected(fault.clone());
            assert_eq!(struck(&mut faults, &WORK, 10).is_some(), meets, "{fault:?}");
        }
    }

    #[test]
    fn without_a_path_only_requests_for_an_answer_are_met() {
        let refresh = Traits { path: "/token", ..Traits::default() };
        assert_eq!(struck(&mut injected(Fault::new(Harm::Hang)), &refresh, 10), None);
        let named = Fault::new(Harm::Hang).path("/token");
        assert_eq!(struck(&mut injected(named), &refresh, 10), Some(HeadHarm::Hang));
    }

    #[test]
    fn next_counts_only_the_requests_it_met() {
        let mut faults = injected(Fault::new(Harm::Reset).account("work").next(2));
        let other = Traits { account: Some("home"), ..WORK };
        assert_eq!(struck(&mut faults, &other, 10), None);
        assert!(struck(&mut faults, &WORK, 10).is_some());
        assert!(struck(&mut faults, &WORK, 10).is_some());
        assert_eq!(struck(&mut faults, &WORK, 10), None);
    }

    #[test]
    fn a_span_counts_from_the_injection() {
        let span = Fault::new(Harm::Reset).during(Duration::from_secs(2), Duration::from_secs(3));
        let mut faults = injected(span);
        for (second, meets) in [(11, false), (12, true), (14, true), (15, false)] {
            assert_eq!(struck(&mut faults, &WORK, second).is_some(), meets, "at {second} s");
        }
    }

    #[test]
    fn a_span_can_last_for_ever() {
        let mut faults = injected(Fault::new(Harm::Reset).during(Duration::ZERO, Duration::MAX));
        assert!(struck(&mut faults, &WORK, 1 << 40).is_some());
    }

    #[test]
    fn a_fault_of_the_body_waits_for_the_body() {
        let cut = Harm::Cut { at: Moment::Content(1) };
        let mut faults = injected(Fault::new(cut).next(1));
        assert_eq!(struck(&mut faults, &WORK, 10), None);
        let harm = faults.strike(Harm::body, &WORK, Duration::from_secs(10));
        assert_eq!(harm.map(|harm| harm.kind), Some(BodyHarmKind::Cut));
    }

    #[test]
    fn a_cleared_fault_is_gone_and_the_others_stay() {
        let mut faults = Faults::default();
        let first = faults.inject(Fault::new(Harm::Reset), Duration::ZERO);
        faults.inject(Fault::new(Harm::Hang), Duration::ZERO);
        faults.clear(first);
        assert_eq!(struck(&mut faults, &WORK, 0), Some(HeadHarm::Hang));
        faults.clear_all();
        assert_eq!(struck(&mut faults, &WORK, 0), None);
    }
}
