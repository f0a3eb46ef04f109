//! The answer to a request over its quota, as its hint and its wire format want it.

use std::time::Duration;

use crate::format::Format;
use crate::quota::{Level, Verdict};
use crate::readings;
use crate::refusal::{Refusal, put};
use crate::script::{Hint, Unit};
use crate::shape::{Particulars, Shape};
use crate::span::ceil_seconds;

/// An allowance of at least this span is a quota; below it is a rate.
const QUOTA_SPAN: Duration = Duration::from_secs(600);

/// The refusal of a meter's verdict; an admission has none.
pub(crate) fn refusal(
    verdict: Verdict,
    hint: Hint,
    levels: &[Level],
    particulars: &Particulars<'_>,
) -> Option<Refusal> {
    match verdict {
        Verdict::Admitted => None,
        // No provider tells when a place is free.
        Verdict::Busy => Some(Shape::Bare.refusal(particulars)),
        Verdict::Limited { window, wait } => Some(hinted(window, wait, hint, levels, particulars)),
    }
}

fn hinted(
    window: usize,
    wait: Duration,
    hint: Hint,
    levels: &[Level],
    particulars: &Particulars<'_>,
) -> Refusal {
    let told = Particulars { wait, ..*particulars };
    match hint {
        Hint::Full => full(window, levels, &told),
        Hint::HeaderOnly => retry_after(Shape::Bare.refusal(&told), wait),
        Hint::Bare => Shape::Bare.refusal(&told),
        Hint::Overlong(wait) => full(window, levels, &Particulars { wait, ..told }),
        Hint::Wrong(lie) => full(window, &lying(levels, lie), &Particulars { wait: lie, ..told }),
    }
}

fn full(window: usize, levels: &[Level], told: &Particulars<'_>) -> Refusal {
    let mut refusal = shape(told.format, &levels[window]).refusal(told);
    refusal.headers.extend(readings::headers(told.format, levels, told.unix));
    match told.format {
        // Google tells the wait in the body only.
        Format::Gemini | Format::CodeAssist => refusal,
        Format::Anthropic => retry_after(refusal, told.wait),
        Format::OpenaiChat | Format::OpenaiResponses => {
            put(&mut refusal.headers, "retry-after-ms", &told.wait.as_millis().to_string());
            retry_after(refusal, told.wait)
        }
    }
}

/// Adds the wait to a scripted error, where its body does not tell it.
pub(crate) fn told(mut refusal: Refusal, shape: Shape, particulars: &Particulars<'_>) -> Refusal {
    if shape.tells_wait(particulars.format) {
        return refusal;
    }
    if shape == Shape::UsageLimit {
        let levels = [used_up(particulars.wait)];
        refusal.headers.extend(readings::headers(particulars.format, &levels, particulars.unix));
    }
    retry_after(refusal, particulars.wait)
}

/// The level that a usage limit without a real window stands for.
fn used_up(wait: Duration) -> Level {
    let every = Duration::from_secs(5 * 3_600);
    Level { name: "5h".to_owned(), unit: Unit::Requests, limit: 100, used: 100, every, resets_in: wait }
}

fn shape(format: Format, level: &Level) -> Shape {
    match format {
        Format::Anthropic | Format::OpenaiResponses => Shape::UsageLimit,
        Format::OpenaiChat => Shape::RateLimitExceeded,
        Format::Gemini | Format::CodeAssist if level.every >= QUOTA_SPAN => Shape::QuotaExhausted,
        Format::Gemini | Format::CodeAssist => Shape::RateLimitExceeded,
    }
}

fn retry_after(refusal: Refusal, wait: Duration) -> Refusal {
    refusal.header("retry-after", &ceil_seconds(wait).to_string())
}

fn lying(levels: &[Level], lie: Duration) -> Vec<Level> {
    levels.iter().map(|level| Level { resets_in: lie, ..level.clone() }).collect()
}

#[cfg(test)]
mod tests {
    use crate::shape::tests::particulars;

    use super::*;

    const WAIT: Duration = Duration::from_millis(3_200);

    fn limited(format: Format, hint: Hint) -> Refusal {
        let every = Duration::from_secs(4);
        let levels = [Level {
            name: "5h".to_owned(),
            unit: Unit::Requests,
            limit: 2,
            used: 2,
            every,
            resets_in: WAIT,
        }];
        let verdict = Verdict::Limited { window: 0, wait: WAIT };
        refusal(verdict, hint, &levels, &particulars(format)).unwrap()
    }

    fn header<'a>(refusal: &'a Refusal, name: &str) -> Option<&'a str> {
        refusal.headers.get(name).map(|value| value.to_str().unwrap())
    }

    #[test]
    fn google_tells_the_wait_in_the_body_and_the_others_in_headers() {
        let google = limited(Format::CodeAssist, Hint::Full);
        assert!(google.body.contains(r#""retryDelay":"3.2s""#), "{}", google.body);
        assert!(google.body.contains("RATE_LIMIT_EXCEEDED") && google.headers.is_empty());
        assert_eq!(header(&limited(Format::Anthropic, Hint::Full), "retry-after"), Some("4"));
        let codex = limited(Format::OpenaiResponses, Hint::Full);
        assert_eq!(header(&codex, "retry-after-ms"), Some("3200"));
        assert_eq!(header(&codex, "x-codex-primary-used-percent"), Some("100"));
        assert!(codex.body.contains(r#""resets_in_seconds":4"#), "{}", codex.body);
        assert!(limited(Format::OpenaiChat, Hint::Full).body.contains("Please try again in 3.2s."));
    }

    #[test]
    fn a_header_only_hint_has_a_bare_body() {
        for format in Format::ALL {
            let refusal = limited(format, Hint::HeaderOnly);
            assert_eq!(header(&refusal, "retry-after"), Some("4"), "{format:?}");
            assert!(!refusal.body.contains("3.2"), "{}", refusal.body);
        }
    }

    #[test]
    fn a_bare_refusal_tells_no_time_at_all() {
        for format in Format::ALL {
            let refusal = limited(format, Hint::Bare);
            assert_eq!((refusal.code, header(&refusal, "retry-after")), (429, None), "{format:?}");
            assert!(!refusal.body.contains("3.2") && !refusal.body.contains("reset"), "{}", refusal.body);
        }
    }

    #[test]
    fn a_wrong_hint_lies_everywhere() {
        let lie = Hint::Wrong(Duration::from_secs(3_600));
        assert!(limited(Format::CodeAssist, lie).body.contains(r#""retryDelay":"3600s""#));
        let anthropic = limited(Format::Anthropic, lie);
        assert_eq!(header(&anthropic, "retry-after"), Some("3600"));
        assert_eq!(header(&anthropic, "anthropic-ratelimit-unified-5h-reset"), Some("1780003600"));
    }

    #[test]
    fn an_overlong_hint_stands_beside_true_readings() {
        let anthropic = limited(Format::Anthropic, Hint::Overlong(Duration::from_secs(3_600)));
        assert_eq!(header(&anthropic, "retry-after"), Some("3600"));
        assert_eq!(header(&anthropic, "anthropic-ratelimit-unified-5h-reset"), Some("1780000004"));
    }

    #[test]
    fn the_longest_lie_is_told_without_a_panic() {
        for format in Format::ALL {
            assert_eq!(limited(format, Hint::Wrong(Duration::MAX)).code, 429);
        }
    }

    #[test]
    fn a_busy_pool_is_refused_without_a_hint() {
        let busy = refusal(Verdict::Busy, Hint::Full, &[], &particulars(Format::Anthropic)).unwrap();
        assert_eq!((busy.code, header(&busy, "retry-after")), (429, None));
    }

    #[test]
    fn a_scripted_error_tells_its_wait_once() {
        let scripted =
            |shape: Shape, format| told(shape.refusal(&particulars(format)), shape, &particulars(format));
        let google = scripted(Shape::QuotaExhausted, Format::CodeAssist);
        assert_eq!(header(&google, "retry-after"), None);
        assert_eq!(header(&scripted(Shape::Capacity, Format::CodeAssist), "retry-after"), Some("391610"));
        let usage = scripted(Shape::UsageLimit, Format::Anthropic);
        assert_eq!(header(&usage, "anthropic-ratelimit-unified-5h-status"), Some("rejected"));
    }

    #[test]
    fn an_admission_is_no_refusal() {
        assert!(refusal(Verdict::Admitted, Hint::Full, &[], &particulars(Format::Gemini)).is_none());
    }
}
