//! The agenda: what is to happen, in the order of virtual time.
//!
//! Things of one instant happen in the order in which they were put down, so that a seed is one history.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use pointsman_core::time::Millis;

use crate::router::RequestId;

/// What is to happen to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Due {
    Arrive(RequestId),
    /// Its thread gets the processor again.
    Resume(RequestId),
    /// The wait with this number is over.
    Wake(RequestId, u32),
    Head(RequestId),
    StreamEnd(RequestId),
    /// Its caller goes away if nothing was sent for it.
    LosePatience(RequestId),
    Cancel(RequestId),
}

/// A queue by instant, then by order of coming.
#[derive(Debug, Default)]
pub(crate) struct Agenda {
    heap: BinaryHeap<Reverse<(Millis, u64, Due)>>,
    number: u64,
}

impl Agenda {
    pub(crate) fn put(&mut self, at: Millis, due: Due) {
        self.number += 1;
        self.heap.push(Reverse((at, self.number, due)));
    }

    pub(crate) fn take(&mut self) -> Option<(Millis, Due)> {
        self.heap.pop().map(|Reverse((at, _, due))| (at, due))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_orders_and_then_the_order_of_coming() {
        let mut agenda = Agenda::default();
        let resume = |number| Due::Resume(RequestId(number));
        agenda.put(Millis(5), resume(1));
        agenda.put(Millis(3), resume(9));
        agenda.put(Millis(3), resume(2));
        let order: Vec<_> = std::iter::from_fn(|| agenda.take()).map(|(_, due)| due).collect();
        assert_eq!(order, [resume(9), resume(2), resume(1)]);
    }
}
