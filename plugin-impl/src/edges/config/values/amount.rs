//! Times and sizes: numbers with units, never bare numbers.

use std::time::Duration;

use pointsman_core::time::duration;

use crate::edges::config::values::{Form, Refused, Shape};

/// A time such as `90s`, `500ms` or `1h30m`.
pub(crate) struct Time {
    pub(crate) from: Duration,
    pub(crate) to: Duration,
}

impl Shape for Time {
    const IS_TEXT: bool = true;

    fn allowed(&self) -> String {
        format!(
            "a time from {} to {}, such as 90s, 500ms or 1h30m",
            short_time(self.from),
            short_time(self.to)
        )
    }
}

impl Form for Time {
    type Value = Duration;

    fn parse(&self, text: &str) -> Result<Duration, Refused> {
        if let Ok(seconds) = text.parse::<u64>() {
            let meant = Duration::from_secs(seconds);
            return Err(Refused((self.from..=self.to).contains(&meant).then(|| format!("{text}s"))));
        }
        // Settings are whole numbers of units; answers may have signs, fractions and blanks.
        let is_plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let time = if is_plain { duration::whole(text) } else { None };
        time.filter(|time| (self.from..=self.to).contains(time)).ok_or(Refused::PLAIN)
    }
}

/// A number of bytes such as `32MiB`.
pub(crate) struct Size {
    pub(crate) from: u64,
    pub(crate) to: u64,
}

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
const SIZE_UNITS: [(&str, u64); 7] = [
    ("KiB", KIB),
    ("MiB", MIB),
    ("GiB", GIB),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("B", 1),
];

impl Shape for Size {
    const IS_TEXT: bool = true;

    fn allowed(&self) -> String {
        format!("a size from {} to {}, such as 64MiB", short_size(self.from), short_size(self.to))
    }
}

impl Form for Size {
    type Value = u64;

    fn parse(&self, text: &str) -> Result<u64, Refused> {
        if let Ok(bytes) = text.parse::<u64>() {
            return Err(Refused((self.from..=self.to).contains(&bytes).then(|| format!("{text}B"))));
        }
        let size = sum_of_units(text, &SIZE_UNITS);
        size.filter(|bytes| (self.from..=self.to).contains(bytes)).ok_or(Refused::PLAIN)
    }
}

/// Adds up numbers with units, such as `1h30m`. The first fitting unit counts.
fn sum_of_units(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let mut sum = 0_u64;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: u64 = rest[..digits].parse().ok()?;
        let (unit, factor) = units.iter().find(|(unit, _)| rest[digits..].starts_with(unit))?;
        sum = sum.checked_add(number.checked_mul(*factor)?)?;
        rest = &rest[digits + unit.len()..];
    }
    (!text.is_empty()).then_some(sum)
}

fn short_time(time: Duration) -> String {
    let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    in_largest_unit(millis, &[("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)])
        .unwrap_or("0s".to_owned())
}

fn short_size(bytes: u64) -> String {
    in_largest_unit(bytes, &[("GiB", GIB), ("MiB", MIB), ("KiB", KIB), ("B", 1)]).unwrap_or("0B".to_owned())
}

/// Writes `amount` in the first dividing unit; zero has none.
fn in_largest_unit(amount: u64, units: &[(&str, u64)]) -> Option<String> {
    let (unit, factor) =
        units.iter().find(|(_, factor)| amount >= *factor && amount.is_multiple_of(*factor))?;
    Some(format!("{}{unit}", amount / factor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_sums_of_numbers_with_units() {
        let form = Time { from: Duration::ZERO, to: Duration::from_secs(36_000) };
        let check = |text: &str, millis: Option<u128>| {
            assert_eq!(form.parse(text).ok().map(|time| time.as_millis()), millis, "{text}");
        };
        check("120s", Some(120_000));
        check("500ms", Some(500));
        check("1h30m", Some(5_400_000));
        check("2m5s1ms", Some(125_001));
        check("11h", None);
        check("120", None);
        check("s", None);
        check("5x", None);
        check("-5s", None);
        check("1.5s", None);
        check("", None);
        check("99999999999999999999h", None);
    }

    #[test]
    fn sizes_know_both_kinds_of_units() {
        let form = Size { from: 0, to: GIB };
        let check = |text: &str, bytes: Option<u64>| assert_eq!(form.parse(text).ok(), bytes, "{text}");
        check("32MiB", Some(32 << 20));
        check("64KB", Some(64_000));
        check("17B", Some(17));
        check("2GiB", None);
        check("17", None);
    }
}
