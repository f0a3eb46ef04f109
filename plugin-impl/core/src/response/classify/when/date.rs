//! Dates, as milliseconds of the Unix epoch.

use jiff::civil::{Date, DateTime, date};
use jiff::fmt::strtime::BrokenDownTime;

use crate::time::UnixMillis;

pub(super) const DAY: i64 = 24 * 60 * 60;

const EPOCH: Date = date(1970, 1, 1);

/// The three forms of HTTP dates (RFC 9110 section 5.6.7), without the day of the week.
const HTTP: [&str; 3] = ["%d %b %Y %H:%M:%S GMT", "%d-%b-%y %H:%M:%S GMT", "%b %e %H:%M:%S %Y"];

/// Reads an HTTP date in any of its three forms. The day of the week says nothing that the date does not say.
pub(super) fn http(text: &str) -> Option<UnixMillis> {
    let (_weekday, rest) = text.split_once([',', ' '])?;
    let read = |form: &&str| BrokenDownTime::parse(form, rest.trim_start()).ok()?.to_datetime().ok();
    HTTP.iter().find_map(read).map(millis)
}

/// Dates before 1970 become 1970.
fn millis(date: DateTime) -> UnixMillis {
    let since = EPOCH.at(0, 0, 0, 0).duration_until(date);
    UnixMillis(u64::try_from(since.as_millis()).unwrap_or(0))
}

/// Reads a date of RFC 5322 section 3.3, an HTTP date with an offset: `Wed, 21 Oct 2026 07:28:00 +0000`.
pub(super) fn rfc5322(text: &str) -> Option<UnixMillis> {
    let mut words = text.split_whitespace().skip_while(|word| word.ends_with(','));
    let (day, month, year) = (words.next()?, words.next()?, words.next()?);
    let (clock, zone) = (words.next()?, words.next()?);
    let days = civil(year.parse().ok()?, month_of(&month.to_ascii_lowercase())?, day.parse().ok()?)?;
    let seconds = days * DAY + seconds(clock)? - offset(zone)?;
    words.next().is_none().then(|| UnixMillis(u64::try_from(seconds * 1_000).unwrap_or(0)))
}

/// Returns the days from 1970-01-01 to a later date. A year of two digits is no year.
pub(super) fn civil(year: i64, month: i64, day: i64) -> Option<i64> {
    if year < 1_970 { None } else { days_to(year, month, day) }
}

/// Returns the days from 1970-01-01 to a date of the calendar.
fn days_to(year: i64, month: i64, day: i64) -> Option<i64> {
    let in_calendar = Date::new(year.try_into().ok()?, month.try_into().ok()?, day.try_into().ok()?).ok()?;
    Some(EPOCH.duration_until(in_calendar).as_secs() / DAY)
}

/// Returns the year of a day counted from 1970-01-01, near enough to find the next date without a year.
pub(super) const fn year_of(days: i64) -> i64 {
    1_970 + days * 400 / 146_097
}

/// Returns the number of a month by its lower-case name or its first three letters.
pub(super) fn month_of(name: &str) -> Option<i64> {
    const MONTHS: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let letters = name.trim_end_matches(['.', ',']);
    let at = MONTHS.iter().position(|month| letters.len() >= 3 && month.starts_with(letters))?;
    Some(at as i64 + 1)
}

/// Reads a timestamp of RFC 3339; without an offset the timestamp is taken as UTC. Dates before 1970 become
/// 1970.
pub(super) fn rfc3339(text: &str) -> Option<UnixMillis> {
    let (date, time) = text.split_at_checked(10)?;
    let time = time.strip_prefix(['T', 't', ' '])?;
    let (clock, rest) = time.split_at_checked(8)?;
    let (millis, zone) = fraction(rest)?;
    let seconds = days(date)? * DAY + seconds(clock)? - offset(zone)?;
    Some(UnixMillis(u64::try_from(seconds * 1_000 + millis).unwrap_or(0)))
}

/// Returns the days from 1970-01-01 to a date `YYYY-MM-DD`.
fn days(date: &str) -> Option<i64> {
    let [year, month, day] = fields(date, '-', [4, 2, 2])?;
    days_to(year, month, day)
}

/// Returns the seconds of a clock `HH:MM:SS`; 60 is a leap second.
pub(super) fn seconds(clock: &str) -> Option<i64> {
    let [hour, minute, second] = fields(clock, ':', [2, 2, 2])?;
    (hour < 24 && minute < 60 && second <= 60).then_some(hour * 3_600 + minute * 60 + second)
}

/// Splits an optional fraction of a second off, in milliseconds.
fn fraction(text: &str) -> Option<(i64, &str)> {
    let Some(text) = text.strip_prefix('.') else { return Some((0, text)) };
    let (digits, rest) = text.split_at(text.bytes().take_while(u8::is_ascii_digit).count());
    let millis = digits.bytes().chain(std::iter::repeat(b'0')).take(3);
    let millis = millis.fold(0, |value, digit| value * 10 + i64::from(digit - b'0'));
    (!digits.is_empty()).then_some((millis, rest))
}

/// Returns a zone's seconds ahead of UTC.
pub(super) fn offset(zone: &str) -> Option<i64> {
    if matches!(zone, "" | "Z" | "z") {
        return Some(0);
    }
    let sign = if zone.starts_with('-') { -1 } else { 1 };
    let digits = zone.strip_prefix(['+', '-'])?;
    let [hours, minutes] = match digits.split_at_checked(2) {
        Some((hours, minutes)) if digits.len() == 4 => [two(hours)?, two(minutes)?],
        Some(_) | None => fields(digits, ':', [2, 2])?,
    };
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3_600 + minutes * 60))
}

fn two(digits: &str) -> Option<i64> {
    let [number] = fields(digits, ':', [2])?;
    Some(number)
}

/// Reads numbers of fixed lengths with a separator between them.
fn fields<const N: usize>(text: &str, separator: char, lengths: [usize; N]) -> Option<[i64; N]> {
    let mut parts = text.split(separator);
    let mut numbers = [0; N];
    for (number, length) in numbers.iter_mut().zip(lengths) {
        let part = parts
            .next()
            .filter(|part| part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit()))?;
        *number = part.parse().ok()?;
    }
    parts.next().is_none().then_some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<u64>) {
        assert_eq!(rfc3339(text), expected.map(UnixMillis), "{text}");
    }

    #[test]
    fn timestamps_are_read_with_their_offsets() {
        check("1970-01-01T00:00:00Z", Some(0));
        check("2000-02-29T12:00:00Z", Some(951_825_600_000));
        check("2026-06-04T15:24:12Z", Some(1_780_586_652_000));
        check("2026-06-04t15:24:12.5z", Some(1_780_586_652_500));
        check("2026-06-04 15:24:12.123456789+00:00", Some(1_780_586_652_123));
        check("2026-06-04T17:54:12+02:30", Some(1_780_586_652_000));
        check("2026-06-04T07:24:12-08:00", Some(1_780_586_652_000));
        check("2026-06-04T15:24:12", Some(1_780_586_652_000));
        check("1969-12-31T23:59:59Z", Some(0));
        check("0000-01-01T00:00:00+23:59", Some(0));
        check("9999-12-31T23:59:60Z", Some(253_402_300_800_000));
    }

    #[test]
    fn what_is_no_timestamp_is_nothing() {
        for text in [
            "",
            "2026-06-04",
            "2026-6-4T15:24:12Z",
            "2026-06-04T15:24Z",
            "2026-06-04T24:00:00Z",
            "2026-06-04T15:24:12.Z",
            "2026-06-04T15:24:12+2:00",
            "2026-06-04T15:24:12 GMT",
            "+026-06-04T15:24:12Z",
            "2026-06-0\u{664}T15:24:12Z",
            "2026-02-31T00:00:00Z",
            "2026-02-29T00:00:00Z",
            "2026-04-31T00:00:00Z",
            "2026-00-10T00:00:00Z",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn all_three_forms_of_http_dates_are_read() {
        for text in
            ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"]
        {
            assert_eq!(http(text), Some(UnixMillis(784_111_777_000)), "{text}");
        }
        for text in
            ["Sun, 99 Nov 1994 08:49:37 GMT", "Wed, 31 Feb 2027 07:28:00 GMT", "Sun Feb 30 08:49:37 1994"]
        {
            assert_eq!(http(text), None, "{text}");
        }
        assert_eq!(rfc5322("Wed, 31 Feb 2027 07:28:00 +0000"), None);
    }
}
