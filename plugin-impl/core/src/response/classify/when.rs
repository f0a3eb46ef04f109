//! Instants and spans in the forms of upstreams.
//!
//! | form | example | source |
//! |---|---|---|
//! | seconds | `120`, `3.5` | RFC 9110 section 10.2.3 (`retry-after`), and decimals that occur |
//! | HTTP date | `Wed, 21 Oct 2026 07:28:00 GMT` | RFC 9110 section 5.6.7 |
//! | timestamp | `2026-06-04T15:24:12Z` | RFC 3339 section 5.6 |
//! | Unix time | `1780000000`, in milliseconds too | a number of seconds that would be decades |
//! | duration | `3.9s`, `6m0s`, `108h48m20.79s` | `google.protobuf.Duration` in JSON; Go's `time.Duration` |

pub(crate) mod clock;
mod date;
mod people;

use std::time::Duration;

use serde_json::Value;

use crate::time::duration::{self, span_at_start};
use crate::time::{Millis, Now, UnixMillis};

pub(super) use self::people::date_at_start;

/// The longest credible hint. A longer value is a mistake, or will have been asked again.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// From here on, a number of seconds is Unix time: no span lasts thirty years.
const UNIX_SECONDS: u64 = 1_000_000_000;

/// From here on, a number is Unix time in milliseconds: as seconds the year would be 33658.
const UNIX_MILLIS: u64 = 1_000_000_000_000;

/// An end as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    In(Duration),
    At(UnixMillis),
}

impl When {
    /// Reads any of the forms.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        number(text)
            .or_else(|| duration::whole(text).map(Self::In))
            .or_else(|| date::rfc3339(text).map(Self::At))
            .or_else(|| date::http(text).map(Self::At))
            .or_else(|| date::rfc5322(text).map(Self::At))
    }

    /// Reads any of the forms, or a span or a date in words: `50 seconds`.
    pub(super) fn in_words(text: &str) -> Option<Self> {
        let text = text.trim();
        Self::read(text).or_else(|| span_at_start(&text.to_lowercase()).map(Self::In))
    }

    /// Reads any of the forms from a member: a string, a number, or `google.protobuf.Duration` as an
    /// object.
    pub(crate) fn of(value: &Value) -> Option<Self> {
        match value {
            Value::String(text) => Self::read(text),
            Value::Number(number) => Self::read(&number.to_string()),
            Value::Object(parts) => protobuf(parts.get("seconds"), parts.get("nanos")).map(Self::In),
            Value::Null | Value::Bool(_) | Value::Array(_) => None,
        }
    }

    /// Reads a number of milliseconds, as in `retry-after-ms`.
    pub(super) fn in_millis(text: &str) -> Option<Self> {
        duration::count(text.trim(), Duration::from_millis(1)).map(Self::In)
    }

    /// Returns the instant: never before now, and never beyond the longest credible hint.
    pub(crate) fn resolve(self, now: Now) -> Millis {
        let instant = match self {
            Self::In(span) => now.mono.after(whole_millis(span)),
            Self::At(date) => now.mono_of(date),
        };
        instant.min(now.mono.after(LONGEST))
    }
}

/// Rounds up: a call early by a part of a millisecond is one too many.
fn whole_millis(span: Duration) -> Duration {
    Duration::from_millis(span.as_nanos().div_ceil(1_000_000).try_into().unwrap_or(u64::MAX))
}

fn number(text: &str) -> Option<When> {
    let span = duration::count(text, Duration::from_secs(1))?;
    Some(match span.as_secs() {
        seconds @ UNIX_MILLIS.. => When::At(UnixMillis(seconds)),
        UNIX_SECONDS.. => When::At(UnixMillis(span.as_millis().try_into().unwrap_or(u64::MAX))),
        _ => When::In(span),
    })
}

fn protobuf(seconds: Option<&Value>, nanos: Option<&Value>) -> Option<Duration> {
    if seconds.is_none() && nanos.is_none() {
        return None;
    }
    let count = |value: Option<&Value>, unit| {
        let text = value.map_or_else(
            || "0".to_owned(),
            |value| value.as_str().map_or_else(|| value.to_string(), str::to_owned),
        );
        duration::count(&text, unit)
    };
    Some(count(seconds, Duration::from_secs(1))?.saturating_add(count(nanos, Duration::from_nanos(1))?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Now = Now { mono: Millis(1_000), wall: UnixMillis(1_780_000_000_000) };

    fn check(text: &str, expected: Option<u64>) {
        assert_eq!(When::read(text).map(|when| when.resolve(NOW).0 - NOW.mono.0), expected, "{text}");
    }

    const YEAR: u64 = 366 * 24 * 60 * 60 * 1_000;

    #[test]
    fn every_form_is_read() {
        check("120", Some(120_000));
        check(" 3.5 ", Some(3_500));
        check("1780000060", Some(60_000));
        check("1780000060.25", Some(60_250));
        check("1780000060000", Some(60_000));
        check("Thu, 28 May 2026 20:27:40 GMT", Some(60_000));
        check("2026-05-28T20:27:40Z", Some(60_000));
        check("6m0s", Some(360_000));
        check("500ms", Some(500));
        check("391609.795772632s", Some(391_609_796));
    }

    #[test]
    fn the_past_is_now_and_the_absurd_is_a_year() {
        for past in
            ["0", "-5", "-3.9s", "1700000000", "2001-01-01T00:00:00Z", "Sun, 06 Nov 1994 08:49:37 GMT"]
        {
            check(past, Some(0));
        }
        for absurd in [
            "999999999",
            "99999999999",
            "340282366920938463463374607431768211456",
            "9999-12-31T23:59:59Z",
            "99999999h",
        ] {
            check(absurd, Some(YEAR));
        }
    }

    #[test]
    fn what_is_no_time_is_nothing() {
        for text in [
            "",
            " ",
            "soon",
            "NaN",
            "inf",
            "1e3",
            "0x10",
            "--1",
            "1.2.3",
            "5 apples",
            "2026-13-40T00:00:00Z",
            "s",
            ".",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn members_are_read_as_they_come() {
        let read = |json: &str| When::of(&serde_json::from_str(json).expect("valid"));
        let millis = |millis| Some(When::In(Duration::from_millis(millis)));
        assert_eq!(read(r#"{"seconds":3,"nanos":957525076}"#), Some(When::In(Duration::new(3, 957_525_076))));
        assert_eq!(read(r#"{"seconds":"3"}"#), millis(3_000));
        assert_eq!(read(r#"{"nanos":5000000}"#), millis(5));
        assert_eq!(read(r#"{"seconds":-3,"nanos":-1}"#), millis(0));
        assert_eq!(read("7.5"), millis(7_500));
        assert_eq!(read(r#""3.9s""#), millis(3_900));
        assert_eq!(read("{}"), None);
        assert_eq!(read("null"), None);
        assert_eq!(read("1e30"), None);
    }

    proptest! {
        #[test]
        fn no_text_panics_or_leaves_the_range(text in r"[-+0-9.:TZhmsd ]{0,40}|\PC{0,20}", mono: u64, wall: u64) {
            let now = Now { mono: Millis(mono), wall: UnixMillis(wall) };
            if let Some(when) = When::read(&text) {
                let instant = when.resolve(now);
                prop_assert!(instant >= now.mono && instant <= now.mono.after(LONGEST));
            }
        }
    }
}
