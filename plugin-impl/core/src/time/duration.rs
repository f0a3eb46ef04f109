//! Durations as people, Go and protobuf write them: decimal numbers with units, one after the other.
//!
//! The only reader of durations: of answers, of error messages and of settings.

use std::time::Duration;

const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// Units as people and Go write them, in nanoseconds. Longer words come before their beginnings.
const UNITS: [(&str, u64); 29] = [
    ("milliseconds", 1_000_000),
    ("millisecond", 1_000_000),
    ("minutes", 60 * NANOS_PER_SECOND),
    ("minute", 60 * NANOS_PER_SECOND),
    ("mins", 60 * NANOS_PER_SECOND),
    ("min", 60 * NANOS_PER_SECOND),
    ("ms", 1_000_000),
    ("m", 60 * NANOS_PER_SECOND),
    ("seconds", NANOS_PER_SECOND),
    ("second", NANOS_PER_SECOND),
    ("secs", NANOS_PER_SECOND),
    ("sec", NANOS_PER_SECOND),
    ("s", NANOS_PER_SECOND),
    ("hours", 3_600 * NANOS_PER_SECOND),
    ("hour", 3_600 * NANOS_PER_SECOND),
    ("hrs", 3_600 * NANOS_PER_SECOND),
    ("hr", 3_600 * NANOS_PER_SECOND),
    ("h", 3_600 * NANOS_PER_SECOND),
    ("days", 86_400 * NANOS_PER_SECOND),
    ("day", 86_400 * NANOS_PER_SECOND),
    ("d", 86_400 * NANOS_PER_SECOND),
    ("weeks", 604_800 * NANOS_PER_SECOND),
    ("week", 604_800 * NANOS_PER_SECOND),
    ("w", 604_800 * NANOS_PER_SECOND),
    ("us", 1_000),
    // U+00B5 and U+03BC: Go prints the first and reads both.
    ("\u{b5}s", 1_000),
    ("\u{3bc}s", 1_000),
    ("nanoseconds", 1),
    ("ns", 1),
];

/// Whether the parts of a span may be apart, as in a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Words {
    /// `1h2m3.5s`.
    Joined,
    /// `1 hour, 2 minutes and 3.5 seconds` too.
    Apart,
}

/// Returns the span that all of the text is. One below zero is zero.
pub fn whole(text: &str) -> Option<Duration> {
    let (negative, text) = sign(text);
    let (span, rest) = parts(text, Words::Joined)?;
    rest.is_empty().then_some(if negative { Duration::ZERO } else { span })
}

/// Returns the span that the text begins with.
pub(crate) fn span_at_start(text: &str) -> Option<Duration> {
    parts(text, Words::Apart).map(|(span, _)| span)
}

/// Returns as many units as the whole text says. A count below zero is zero.
pub(crate) fn count(text: &str, unit: Duration) -> Option<Duration> {
    let (negative, text) = sign(text);
    let (decimal, rest) = Decimal::at_start(text)?;
    let unit = unit.as_nanos().try_into().unwrap_or(u64::MAX);
    rest.is_empty().then_some(if negative { Duration::ZERO } else { span_of(decimal.times(unit)) })
}

/// Reads numbers with units while there are any; returns their sum and the rest.
fn parts(text: &str, words: Words) -> Option<(Duration, &str)> {
    let (mut sum, mut rest) = part(text, words)?;
    while let Some((nanos, after)) = part(between(rest, words), words) {
        sum = sum.saturating_add(nanos);
        rest = after;
    }
    Some((span_of(sum), rest))
}

fn part(text: &str, words: Words) -> Option<(u128, &str)> {
    let (decimal, rest) = Decimal::at_start(text)?;
    let rest = if words == Words::Apart { rest.trim_start() } else { rest };
    let (unit, rest) = UNITS.iter().find_map(|&(name, nanos)| Some((nanos, rest.strip_prefix(name)?)))?;
    let ends = !rest.starts_with(char::is_alphabetic);
    ends.then(|| (decimal.times(unit), rest))
}

fn between(text: &str, words: Words) -> &str {
    match words {
        Words::Joined => text,
        Words::Apart => {
            let text = text.trim_start_matches([' ', ',']);
            text.strip_prefix("and ").unwrap_or(text)
        }
    }
}

fn sign(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(text) => (true, text),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

fn span_of(nanos: u128) -> Duration {
    let seconds = u64::try_from(nanos / u128::from(NANOS_PER_SECOND));
    let rest = (nanos % u128::from(NANOS_PER_SECOND)) as u32;
    seconds.map_or(Duration::MAX, |seconds| Duration::new(seconds, rest))
}

/// A decimal number, saturating, with nine digits behind the point.
#[derive(Clone, Copy, Debug)]
struct Decimal {
    whole: u64,
    billionths: u64,
}

impl Decimal {
    fn at_start(text: &str) -> Option<(Self, &str)> {
        let (whole, rest) = digits(text);
        let (fraction, rest) = rest.strip_prefix('.').map_or(("", rest), digits);
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let decimal = Self { whole: value(whole.bytes()), billionths: value(padded(fraction)) };
        // A full stop ends a sentence; it is not the point of a number.
        let rest = if fraction.is_empty() { text.strip_prefix(whole).unwrap_or(rest) } else { rest };
        Some((decimal, rest))
    }

    /// Returns so many of a unit. 64 bits times 64 bits fit.
    fn times(self, unit: u64) -> u128 {
        let fraction = u128::from(self.billionths) * u128::from(unit) / u128::from(NANOS_PER_SECOND);
        (u128::from(self.whole) * u128::from(unit)).saturating_add(fraction)
    }
}

fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.bytes().take_while(u8::is_ascii_digit).count())
}

fn padded(fraction: &str) -> impl Iterator<Item = u8> {
    fraction.bytes().chain(std::iter::repeat(b'0')).take(9)
}

fn value(digits: impl Iterator<Item = u8>) -> u64 {
    digits.fold(0, |value, digit| value.saturating_mul(10).saturating_add(u64::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_of_go_and_of_protobuf_are_read() {
        for (text, expected) in [
            ("3.9s", Duration::from_millis(3_900)),
            ("500ms", Duration::from_millis(500)),
            ("108h48m20.795762633s", Duration::new(391_700, 795_762_633)),
            ("391609.795772632s", Duration::new(391_609, 795_772_632)),
            ("166h9m16s", Duration::from_secs(598_156)),
            ("1m0.5s", Duration::from_millis(60_500)),
            (".5s", Duration::from_millis(500)),
            ("12\u{b5}s", Duration::from_micros(12)),
            ("12\u{3bc}s", Duration::from_micros(12)),
            ("2d", Duration::from_secs(172_800)),
            ("-3s", Duration::ZERO),
            ("99999999999999999999999999w", Duration::from_secs(u64::MAX).saturating_mul(2)),
        ] {
            let read = whole(text).expect(text);
            assert_eq!(
                read.min(Duration::from_secs(u64::MAX)),
                expected.min(Duration::from_secs(u64::MAX)),
                "{text}"
            );
        }
    }

    #[test]
    fn spans_in_sentences_are_read_to_their_end() {
        for (text, seconds) in [
            ("12s.", 12),
            ("12 seconds, please", 12),
            ("5 minutes", 300),
            ("1 hour, 2 minutes and 3 seconds", 3_723),
            ("5 days 3 hours", 442_800),
            ("2 mins and then more", 120),
        ] {
            assert_eq!(span_at_start(text), Some(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["5 apples", "12", "12 sentences", "5 metres", "s", ""] {
            assert_eq!(span_at_start(text), None, "{text}");
        }
    }
}
