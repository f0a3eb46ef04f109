//! Spans of time as texts: how a script writes them, and how Google, OpenAI and RFC 3339 spell them.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer, de};

/// Reads `250ms`, `4s`, `2m`, `5h` or `7d`.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    let unit_at = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, unit) = text.split_at(unit_at);
    let seconds = number.parse::<f64>().ok()? * seconds_in(unit)?;
    Duration::try_from_secs_f64(seconds).ok()
}

fn seconds_in(unit: &str) -> Option<f64> {
    match unit {
        "ms" => Some(0.001),
        "s" => Some(1.0),
        "m" => Some(60.0),
        "h" => Some(3_600.0),
        "d" => Some(86_400.0),
        _ => None,
    }
}

/// Deserializes a span from its text.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(from)?;
    parse(&text)
        .ok_or_else(|| de::Error::custom(format!("span {text:?} is not like 250ms, 4s, 2m, 5h or 7d")))
}

/// Deserializes a span that may be left out.
pub(crate) fn deserialize_some<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
    deserialize(from).map(Some)
}

/// Whole seconds, rounded up: a client that waits so long never comes too early.
pub(crate) fn ceil_seconds(span: Duration) -> u64 {
    span.as_secs().saturating_add(u64::from(span.subsec_nanos() > 0))
}

/// A protobuf duration in JSON: `391609.795772632s`.
pub(crate) struct Proto(pub(crate) Duration);

impl fmt::Display for Proto {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}s", Decimal(self.0))
    }
}

/// A span with its hours and minutes apart, and fractions of a second: `108h48m20.795762633s`.
pub(crate) struct Clockwise(pub(crate) Duration);

impl fmt::Display for Clockwise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (hours, minutes) = (self.0.as_secs() / 3_600, self.0.as_secs() / 60 % 60);
        if hours > 0 {
            write!(f, "{hours}h")?;
        }
        if hours > 0 || minutes > 0 {
            write!(f, "{minutes}m")?;
        }
        let rest = Duration::new(self.0.as_secs() % 60, self.0.subsec_nanos());
        write!(f, "{}s", Decimal(rest))
    }
}

/// Seconds as a decimal without trailing zeros.
struct Decimal(Duration);

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.as_secs())?;
        if self.0.subsec_nanos() == 0 {
            return Ok(());
        }
        let fraction = format!("{:09}", self.0.subsec_nanos());
        write!(f, ".{}", fraction.trim_end_matches('0'))
    }
}

/// An instant since the Unix epoch in RFC 3339, in whole seconds, rounded up.
pub(crate) struct Rfc3339(pub(crate) Duration);

impl fmt::Display for Rfc3339 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = ceil_seconds(self.0);
        let (year, month, day) = civil(seconds / 86_400);
        let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

/// The date of a day after 1970-01-01, by counting years from March so that leap days come last.
fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468; // days from 0000-03-01 to 1970-01-01
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_writes_spans_with_a_unit() {
        assert_eq!(parse("250ms"), Some(Duration::from_millis(250)));
        assert_eq!(parse("1.5s"), Some(Duration::from_millis(1_500)));
        assert_eq!(parse("7d"), Some(Duration::from_secs(604_800)));
        for wrong in ["", "5", "s", "5 s", "-1s", "1.2.3s", "1y"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn google_spells_spans_in_two_ways() {
        let span = Duration::new(391_609, 795_772_632);
        assert_eq!(Proto(span).to_string(), "391609.795772632s");
        assert_eq!(Clockwise(span).to_string(), "108h46m49.795772632s");
        assert_eq!(Clockwise(Duration::from_millis(3_500)).to_string(), "3.5s");
        assert_eq!(Clockwise(Duration::from_secs(360)).to_string(), "6m0s");
    }

    #[test]
    fn a_reset_is_never_told_too_early() {
        assert_eq!(ceil_seconds(Duration::from_millis(3_001)), 4);
        assert_eq!(ceil_seconds(Duration::from_secs(3)), 3);
        assert_eq!(Rfc3339(Duration::from_millis(999)).to_string(), "1970-01-01T00:00:01Z");
    }

    #[test]
    fn dates_know_leap_years() {
        let at = |seconds| Rfc3339(Duration::from_secs(seconds)).to_string();
        assert_eq!(at(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(at(1_780_586_652), "2026-06-04T15:24:12Z");
        assert_eq!(at(4_107_542_399), "2100-02-28T23:59:59Z");
        assert_eq!(at(4_107_542_400), "2100-03-01T00:00:00Z");
    }
}
