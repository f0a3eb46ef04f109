//! Rounds: all arms of a comparison in turns, so that what else the machine does hits all of them.

/// One side of a comparison: its name, and what measures it once.
pub struct Arm<'a> {
    name: &'a str,
    measure: Box<dyn FnMut() -> f64 + 'a>,
}

impl<'a> Arm<'a> {
    /// Makes an arm. What `measure` returns is in any unit, the same for all arms.
    pub fn new(name: &'a str, measure: impl FnMut() -> f64 + 'a) -> Self {
        Self { name, measure: Box::new(measure) }
    }
}

/// What an arm came to, round by round.
#[derive(Clone, Debug)]
pub struct Series {
    pub name: String,
    pub values: Vec<f64>,
}

/// A middle and what lies around it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    pub low: f64,
    pub median: f64,
    pub high: f64,
}

/// Runs all arms `count` times. Each round begins with another arm; one round before them is not counted.
pub fn interleave(count: usize, arms: &mut [Arm<'_>]) -> Vec<Series> {
    let mut series: Vec<_> =
        arms.iter().map(|arm| Series { name: arm.name.to_owned(), values: Vec::new() }).collect();
    for arm in &mut *arms {
        (arm.measure)();
    }
    for round in 0..count {
        for step in 0..arms.len() {
            let place = (round + step) % arms.len();
            series[place].values.push((arms[place].measure)());
        }
    }
    series
}

impl Series {
    /// Returns the median with the quartiles around it.
    pub fn spread(&self) -> Spread {
        spread(self.values.clone())
    }

    /// Returns the ratio to another arm, taken within each round.
    pub fn over(&self, base: &Self) -> Spread {
        spread(self.values.iter().zip(&base.values).map(|(own, base)| own / base).collect())
    }

    /// Returns the difference to another arm, taken within each round.
    pub fn minus(&self, base: &Self) -> Spread {
        spread(self.values.iter().zip(&base.values).map(|(own, base)| own - base).collect())
    }
}

/// Returns the median of some values with their quartiles.
pub fn spread(mut values: Vec<f64>) -> Spread {
    values.sort_by(f64::total_cmp);
    let at = |share: f64| {
        let place = (values.len().saturating_sub(1) as f64 * share).round() as usize;
        values.get(place).copied().unwrap_or(f64::NAN)
    };
    Spread { low: at(0.25), median: at(0.5), high: at(0.75) }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn each_round_begins_with_another_arm() {
        let order = RefCell::new(String::new());
        let arm = |name: &'static str| Arm::new(name, || (order.borrow_mut().push_str(name), 1.0).1);
        let series = interleave(2, &mut [arm("a"), arm("b")]);
        assert_eq!(*order.borrow(), "abab".to_owned() + "ba");
        assert_eq!(series[1].values, [1.0, 1.0]);
    }

    #[test]
    fn a_ratio_is_taken_within_each_round() {
        let series = |values: &[f64]| Series { name: String::new(), values: values.to_vec() };
        let ratio = series(&[2.0, 200.0, 6.0]).over(&series(&[1.0, 100.0, 2.0]));
        assert_eq!((ratio.low, ratio.median, ratio.high), (2.0, 2.0, 3.0));
    }
}
