//! Fail over in order: the first account that does not cool down.

use pointsman_core::time::Millis;

use super::Policy;

/// The policy; it remembers nothing.
#[derive(Clone, Copy, Debug)]
pub struct InOrder;

impl Policy for InOrder {
    fn choose(&mut self, open: &[u16], _: Millis) -> u16 {
        open[0]
    }
}
