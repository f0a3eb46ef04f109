//! Others: requests of the same account that do not come through the router.

use std::time::Duration;

use pointsman_core::time::Millis;

use super::Quota;

/// A user beside us, who asks at an even rate for a while.
#[derive(Clone, Copy, Debug)]
pub struct Others {
    /// From one request of theirs to the next.
    pub every: Duration,
    /// When the next one comes.
    pub next: Millis,
    /// When they go away.
    pub until: Millis,
    /// How many were let in from an instant on.
    pub counted_from: Millis,
    pub taken: u64,
}

impl Others {
    /// Lets those come who came by now, each at its instant.
    pub(super) fn come(&mut self, quotas: &mut [Quota], now: Millis) {
        while self.next <= now.min(self.until) {
            let at = self.next;
            self.next = at.after(self.every);
            let refused = quotas.iter_mut().filter_map(|quota| quota.refuses(at)).count();
            if refused == 0 {
                quotas.iter_mut().for_each(Quota::take);
                self.taken += u64::from(at >= self.counted_from);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upstream::window::{Anchor, Window};

    #[test]
    fn what_others_take_is_gone() {
        let every = Duration::from_secs(1);
        let mut others =
            Others { every, next: Millis(0), until: Millis(90_000), counted_from: Millis(1_000), taken: 0 };
        let mut quotas = [Quota::Window(Window::new(4, Duration::from_secs(60), Anchor::Wall))];
        others.come(&mut quotas, Millis(2_000));
        assert_eq!((others.taken, quotas[0].refuses(Millis(2_000))), (2, None), "one is left");
        others.come(&mut quotas, Millis(59_000));
        assert_eq!(others.taken, 3);
        assert!(quotas[0].refuses(Millis(59_000)).is_some());
    }
}
