//! Any account that does not cool down, as LiteLLM shuffles by default.

use pointsman_core::time::Millis;

use crate::rng::Rng;

use super::Policy;

/// The policy, with its dice.
#[derive(Clone, Debug)]
pub struct Random {
    rng: Rng,
}

impl Random {
    /// Makes it with the dice of a seed.
    pub fn new(rng: Rng) -> Self {
        Self { rng }
    }
}

impl Policy for Random {
    fn choose(&mut self, open: &[u16], _: Millis) -> u16 {
        self.rng.pick(open)
    }
}
