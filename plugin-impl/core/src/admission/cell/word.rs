//! A cell's state in 64 bits.

use crate::time::Millis;

use super::state::{CellState, Epoch, Ramp};

/// The largest count of leases.
pub(super) const IN_FLIGHT_MAX: u16 = (1 << IN_FLIGHT_BITS) - 1;
/// The largest count of consecutive trips.
pub(super) const TRIPS_MAX: u8 = (1 << TRIPS_BITS) - 1;

// From the low end up. Together they are 64.
const IN_FLIGHT_BITS: u32 = 12;
const PENDING_BITS: u32 = 3;
const RAMP_BITS: u32 = 2;
const KNOWN_BITS: u32 = 1;
const TRIPS_BITS: u32 = 3;
const EPOCH_BITS: u32 = 11;
const UNTIL_BITS: u32 = 32;
const _: () = assert!(
    IN_FLIGHT_BITS + PENDING_BITS + RAMP_BITS + KNOWN_BITS + TRIPS_BITS + EPOCH_BITS + UNTIL_BITS == 64
);

/// The unit of ends: ticks of 16 ms, rounded up; 32 bits span 2.1 years.
const TICK: u64 = 16;

/// A packed [`CellState`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Word(pub(super) u64);

impl Word {
    /// The number of epochs before they repeat.
    pub(super) const EPOCHS: u16 = 1 << EPOCH_BITS;

    /// Rounds an instant to the word's resolution: never earlier, less than a tick later, at most 2.1 years
    /// after the start of the process.
    pub(super) fn round_up(instant: Millis) -> Millis {
        Millis(instant.0.div_ceil(TICK).min(mask(UNTIL_BITS)) * TICK)
    }

    /// Rounds an instant that has passed to the word's resolution: never later, less than a tick earlier.
    pub(super) fn round_down(instant: Millis) -> Millis {
        Millis((instant.0 / TICK).min(mask(UNTIL_BITS)) * TICK)
    }

    pub(super) fn pack(state: CellState) -> Self {
        let mut packer = Packer::default();
        packer.put(state.in_flight.into(), IN_FLIGHT_BITS);
        packer.put(state.pending.into(), PENDING_BITS);
        packer.put(ramp_code(state.ramp), RAMP_BITS);
        packer.put(state.known.into(), KNOWN_BITS);
        packer.put(state.consecutive_trips.into(), TRIPS_BITS);
        packer.put(state.epoch.0.into(), EPOCH_BITS);
        packer.put(state.until.0 / TICK, UNTIL_BITS);
        Self(packer.word)
    }

    #[inline]
    pub(super) fn unpack(self) -> CellState {
        let mut rest = self.0;
        let mut take = |bits: u32| {
            let field = rest & mask(bits);
            rest = rest.checked_shr(bits).unwrap_or(0);
            field
        };
        CellState {
            in_flight: take(IN_FLIGHT_BITS) as u16,
            pending: take(PENDING_BITS) as u8,
            ramp: ramp_of(take(RAMP_BITS)),
            known: take(KNOWN_BITS) == 1,
            consecutive_trips: take(TRIPS_BITS) as u8,
            epoch: Epoch(take(EPOCH_BITS) as u16),
            until: Millis(take(UNTIL_BITS) * TICK),
        }
    }
}

#[derive(Default)]
struct Packer {
    word: u64,
    used: u32,
}

impl Packer {
    fn put(&mut self, field: u64, bits: u32) {
        debug_assert!(field <= mask(bits), "{field} does not fit into {bits} bits");
        self.word |= (field & mask(bits)) << self.used;
        self.used += bits;
    }
}

const fn mask(bits: u32) -> u64 {
    (1 << bits) - 1
}

const fn ramp_code(ramp: Ramp) -> u64 {
    match ramp {
        Ramp::Open => 0,
        Ramp::One => 1,
        Ramp::Two => 2,
        Ramp::Four => 3,
    }
}

#[inline]
const fn ramp_of(code: u64) -> Ramp {
    match code {
        1 => Ramp::One,
        2 => Ramp::Two,
        3 => Ramp::Four,
        _ => Ramp::Open,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_word_is_a_state_and_comes_back(word: u64) {
            prop_assert_eq!(Word::pack(Word(word).unpack()), Word(word));
        }

        #[test]
        fn an_end_is_never_rounded_down(millis in 0..1_u64 << 35) {
            let rounded = Word::round_up(Millis(millis));
            prop_assert!(rounded.0 >= millis && rounded.0 < millis + TICK);
        }
    }

    #[test]
    fn a_limit_beyond_the_word_is_the_longest_there_is() {
        assert_eq!(Word::round_up(Millis(u64::MAX)), Millis(mask(UNTIL_BITS) * TICK));
    }

    #[test]
    fn a_cell_at_rest_is_zero() {
        assert_eq!(Word::pack(CellState::default()), Word(0));
    }
}
