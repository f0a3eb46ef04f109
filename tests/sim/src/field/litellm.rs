//! LiteLLM's router as it is where nobody sets anything: any deployment that does not cool down ("simple
//! shuffle"), cooldowns as long as `retry-after` says or else of five seconds, two retries at once, and a 429
//! to the caller where all cool down.

use std::time::Duration;

use pointsman_core::time::Millis;

use crate::rng::Rng;

use super::Policy;

/// `cooldown_time`
const COOLDOWN: Duration = Duration::from_secs(5);
/// The first attempt, and `num_retries`.
const ATTEMPTS: usize = 3;

/// The policy, with its dice.
#[derive(Clone, Debug)]
pub struct LiteLlm {
    rng: Rng,
}

impl LiteLlm {
    /// Makes it with the dice of a seed.
    pub fn new(rng: Rng) -> Self {
        Self { rng }
    }
}

impl Policy for LiteLlm {
    fn choose(&mut self, open: &[u16], _: Millis) -> u16 {
        self.rng.pick(open)
    }

    fn cooldown(&self) -> Duration {
        COOLDOWN
    }

    fn attempts(&self, _: usize) -> usize {
        ATTEMPTS
    }
}
