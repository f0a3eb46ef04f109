//! Dates in words: `Dec 7th, 2026 7:00 PM`, `7 December at 19:00 UTC`, `2026-12-07 19:00`.
//!
//! A date without a zone is taken as UTC: the services without a zone are east of UTC, so their own zone
//! would be sooner. A late end is tried again each `recheck`; an early end is another refused call.

use super::date::{DAY, civil, month_of, offset, rfc3339, seconds, year_of};
use crate::time::{Now, UnixMillis};

/// Returns the date at the start of a lower-case text.
pub(in crate::response::classify) fn date_at_start(text: &str, now: Now) -> Option<UnixMillis> {
    stamp(text).or_else(|| in_words(text, now))
}

/// A timestamp with a space in place of its `T`, and maybe without seconds.
fn stamp(text: &str) -> Option<UnixMillis> {
    let (date, rest) = text.split_at_checked(10)?;
    let rest = rest.strip_prefix([' ', 't'])?.trim_start();
    let word = rest.split([' ', ')', ';', ',']).next().unwrap_or_default().trim_end_matches('.');
    let digits = word.find(|letter: char| !letter.is_ascii_digit() && letter != ':').unwrap_or(word.len());
    let (clock, zone) = word.split_at(digits);
    let zone = if zone.is_empty() { zone_behind(rest, word) } else { zone };
    let clock = if clock.len() == 5 { format!("{clock}:00") } else { clock.to_owned() };
    rfc3339(&format!("{date}t{clock}{zone}"))
}

/// A separate zone: ` +08:00`, ` utc`.
fn zone_behind<'a>(rest: &'a str, clock: &str) -> &'a str {
    let next = rest[clock.len()..].split_whitespace().next().unwrap_or_default();
    let next = next.trim_matches(['(', ')', '.', ',']);
    if offset(next).is_some() { next } else { "" }
}

/// A month by its name, a day, and an optional year and clock. Without a year the next such date is meant.
fn in_words(text: &str, now: Now) -> Option<UnixMillis> {
    let mut words = text.split([' ', ',']).filter(|word| !word.is_empty()).peekable();
    let (one, other) = (words.next()?, words.next()?);
    // Both orders occur: `Dec 7th` and `7 December`.
    let (month, day) = match month_of(one) {
        Some(month) => (month, day_of(other)?),
        None => (month_of(other)?, day_of(one)?),
    };
    let year = words.next_if(|word| word.len() == 4 && year(word).is_some()).and_then(year);
    let _at = words.next_if(|word| *word == "at");
    let clock = words.peek().and_then(|word| clock_of(word)).unwrap_or(0);
    words.next();
    // `7 pm`: the half of the day may be a word of its own.
    let half = words.next().map_or(0, |word| half_of(word, clock));
    let behind = (clock + half) * 1_000;
    let day_in = |year: i64| Some(civil(year, month, day)? * DAY * 1_000 + behind);
    let this_year = year_of(i64::try_from(now.wall.0).ok()? / (DAY * 1_000));
    let unix = match year {
        Some(year) => day_in(year)?,
        None => day_in(this_year).filter(|at| *at as u64 > now.wall.0).or_else(|| day_in(this_year + 1))?,
    };
    Some(UnixMillis(unix.try_into().ok()?))
}

fn year(word: &str) -> Option<i64> {
    word.trim_end_matches('.').parse().ok()
}

fn day_of(word: &str) -> Option<i64> {
    let digits = word.trim_end_matches(|letter: char| !letter.is_ascii_digit());
    digits.parse().ok().filter(|day| (1..=31).contains(day) && word.len() <= 4)
}

/// Returns the seconds of `7:00`, `19:00:05`, `7pm`, `7:00pm`.
fn clock_of(word: &str) -> Option<i64> {
    let word = word.trim_end_matches('.');
    let digits = word.trim_end_matches(['a', 'p', 'm']);
    let half = half_of(&word[digits.len()..], 0);
    let clock = match digits.matches(':').count() {
        0 if digits.len() < word.len() => format!("{digits}:00:00"),
        1 => format!("{digits}:00"),
        2 => digits.to_owned(),
        _ => return None,
    };
    let clock = if clock.find(':') == Some(1) { format!("0{clock}") } else { clock };
    let clock = seconds(&clock)?;
    Some(if half > 0 && clock >= DAY / 2 { clock } else { clock + half })
}

/// Returns the seconds added by `pm` to a clock of twelve hours, or taken from noon by `am`.
fn half_of(word: &str, clock: i64) -> i64 {
    // Clocks are in seconds of the day. 12 am is 0:00, 12 pm stays 12:00.
    let noon = DAY / 2;
    match word.trim_end_matches(['.', ')']) {
        "pm" if clock < noon => noon,
        "am" if clock >= noon => -noon,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Millis;

    /// 2026-12-01T12:00:00Z.
    const NOW: Now = Now { mono: Millis(0), wall: UnixMillis(1_796_126_400_000) };

    fn check(text: &str, expected: Option<&str>) {
        let expected = expected.and_then(rfc3339);
        assert_eq!(date_at_start(&text.to_lowercase(), NOW), expected, "{text}");
    }

    #[test]
    fn dates_of_people_are_read() {
        for text in [
            "Dec 7th, 2026 7:00 PM",
            "December 7, 2026 at 7:00 PM UTC.",
            "7 Dec 2026 19:00",
            "Dec 7 at 7pm (UTC)",
            "2026-12-07 19:00:00",
            "2026-12-07 19:00",
            "2026-12-07 19:00:00 UTC",
            "2026-12-08 03:00:00 +08:00",
            "2026-12-07T19:00:00Z.",
        ] {
            check(text, Some("2026-12-07T19:00:00Z"));
        }
        check("Jan 2", Some("2027-01-02T00:00:00Z"));
        check("Dec 7 2026 12:30 AM", Some("2026-12-07T00:30:00Z"));
        check("Dec 7 2026 12:30 PM", Some("2026-12-07T12:30:00Z"));
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in [
            "",
            "3pm",
            "decide 7",
            "maybe 32",
            "december",
            "the 5th",
            "2026-12-07",
            "5 minutes",
            "feb 31 2027",
            "31 feb",
        ] {
            check(text, None);
        }
    }
}
