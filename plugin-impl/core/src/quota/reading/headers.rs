//! Readings in the head of an answer.
//!
//! | who | headers | resets |
//! |---|---|---|
//! | Anthropic, subscription | `anthropic-ratelimit-unified-<window>-{status,utilization,reset}` | Unix seconds |
//! | Anthropic, API key | `anthropic-ratelimit-{requests,tokens,…}-{limit,remaining,reset}` | RFC 3339 |
//! | OpenAI and most others | `x-ratelimit-{limit,remaining,reset}-{requests,tokens}`, or without an end | `6m0s`, `20ms` |
//! | Codex | `x-codex-{primary,secondary}-{used-percent,window-minutes,reset-after-seconds}` | seconds |
//!
//! Every row is tried regardless of the request's format: gateways pass on any provider's headers.

use http::HeaderMap;

use super::{Count, Reading, models_of, share_of};
use crate::ids::WindowId;
use crate::quota::model_set::ModelSet;
use crate::response::classify::when::{When, clock};
use crate::time::{Millis, Now};

const UNIFIED: &str = "anthropic-ratelimit-unified-";
const ANTHROPIC: &str = "anthropic-ratelimit-";
const CODEX: &str = "x-codex-";
const RATELIMIT: &str = "x-ratelimit-";

/// A bound above the number of windows of any upstream.
const MOST: usize = 16;

/// Returns the readings in the headers.
pub fn in_headers(headers: &HeaderMap, now: Now) -> Vec<Reading> {
    // Some resets are dates by the upstream's clock, so correct ours by its `date` header first.
    let now = clock::corrected(now, headers);
    let mut families = Families::default();
    // One pass over the names spares most answers a dozen failed lookups.
    headers.keys().for_each(|name| families.note(name.as_str()));
    let head = HeaderScan { headers, now };
    let mut readings = Vec::new();
    if families.anthropic {
        readings.extend(head.unified());
        readings.extend(
            ["requests", "tokens", "input-tokens", "output-tokens"]
                .into_iter()
                .filter_map(|bucket| head.bucket(bucket, |part| format!("{ANTHROPIC}{bucket}-{part}"))),
        );
    }
    if families.codex {
        readings.extend(["primary", "secondary"].into_iter().filter_map(|window| head.codex(window)));
        readings.extend(head.codex_of_models());
    }
    if families.ratelimit {
        let bucket = |bucket: &str| head.bucket(bucket, |part| format!("{RATELIMIT}{part}-{bucket}"));
        readings.extend(["requests", "tokens"].into_iter().filter_map(bucket));
        readings.extend(head.bucket("rate", |part| format!("{RATELIMIT}{part}")));
    }
    // The bound keeps a hostile answer from filling memory.
    readings.truncate(MOST);
    readings
}

/// The providers with headers present: most answers have none.
#[derive(Default)]
struct Families {
    anthropic: bool,
    codex: bool,
    ratelimit: bool,
}

impl Families {
    fn note(&mut self, name: &str) {
        self.anthropic |= name.starts_with(ANTHROPIC);
        self.codex |= name.starts_with(CODEX);
        self.ratelimit |= name.starts_with(RATELIMIT);
    }
}

struct HeaderScan<'a> {
    headers: &'a HeaderMap,
    now: Now,
}

impl<'a> HeaderScan<'a> {
    fn text(&self, name: &str) -> Option<&'a str> {
        Some(self.headers.get(name)?.to_str().ok()?.trim())
    }

    fn number<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.text(name)?.parse().ok()
    }

    fn instant(&self, name: &str) -> Option<Millis> {
        Some(When::read(self.text(name)?)?.resolve(self.now))
    }

    fn reading(&self, window: &str, remaining: Option<u16>, reset: Option<Millis>) -> Reading {
        let window = WindowId::new(window);
        let model = models_of(window.as_str());
        Reading { window, model, remaining, count: None, reset, observed: self.now.mono }
    }

    /// A bucket with counts. `name` makes the name of a header from `limit`, `remaining` or `reset`.
    fn bucket(&self, window: &str, name: impl Fn(&str) -> String) -> Option<Reading> {
        let remaining: f64 = self.number(&name("remaining"))?;
        // Some write counts with a decimal point. Below zero and beyond the range the cast saturates.
        let remaining = remaining as u64;
        let limit = self.number::<f64>(&name("limit")).map(|limit| limit as u64);
        let count = limit.map(|limit| Count { remaining, limit });
        // Without a limit only an exhausted window has a known share.
        let share = count.map(Count::share).or((remaining == 0).then_some(0));
        Some(Reading { count, ..self.reading(window, share, self.instant(&name("reset"))) })
    }

    fn codex(&self, window: &str) -> Option<Reading> {
        let used: f64 = self.number(&format!("{CODEX}{window}-used-percent"))?;
        let reset = self
            .instant(&format!("{CODEX}{window}-reset-after-seconds"))
            .or_else(|| self.instant(&format!("{CODEX}{window}-reset-at")));
        Some(self.reading(window, Some(share_of(1.0 - used / 100.0)?), reset))
    }

    /// The windows of single models: `x-codex-<limit>-primary-used-percent`, with the model's name beside it.
    fn codex_of_models(&self) -> Vec<Reading> {
        let windows = self.headers.keys().filter_map(|name| {
            let window = name.as_str().strip_prefix(CODEX)?.strip_suffix("-used-percent")?;
            let limit = window.strip_suffix("-primary").or_else(|| window.strip_suffix("-secondary"))?;
            let name = self.text(&format!("{CODEX}{limit}-limit-name")).unwrap_or(limit);
            let model = Some(ModelSet::Naming(name.to_lowercase().into()));
            Some(Reading { model, ..self.codex(window)? })
        });
        windows.collect()
    }

    /// The windows of a subscription. Without a named window, the overall reading counts for its claim.
    fn unified(&self) -> Vec<Reading> {
        let mut windows: Vec<&str> =
            self.headers.keys().filter_map(|name| unified_window(name.as_str())).collect();
        // Each window has several headers; take each window once.
        windows.sort_unstable();
        windows.dedup();
        let readings: Vec<_> =
            windows.into_iter().filter_map(|window| self.unified_reading(window)).collect();
        if readings.is_empty() { self.representative().into_iter().collect() } else { readings }
    }

    fn unified_reading(&self, window: &str) -> Option<Reading> {
        let part = |part| format!("{UNIFIED}{window}-{part}");
        let rejected = self.text(&part("status")) == Some("rejected");
        // A window that is used up beside an answer that is allowed is not one of this request's.
        if rejected && self.is_allowed() {
            return None;
        }
        let utilization = self.number::<f64>(&part("utilization"));
        let told = utilization.and_then(|used| share_of(1.0 - used));
        let remaining = if rejected { Some(0) } else { told };
        Some(self.reading(window, remaining, self.instant(&part("reset"))))
    }

    fn is_allowed(&self) -> bool {
        self.text(&format!("{UNIFIED}status")).is_some_and(|status| status.starts_with("allowed"))
    }

    fn representative(&self) -> Option<Reading> {
        let rejected = self.text(&format!("{UNIFIED}status")) == Some("rejected");
        let claim =
            self.text(&format!("{UNIFIED}representative-claim")).filter(|claim| *claim != "overage")?;
        let reset = self.instant(&format!("{UNIFIED}reset"));
        rejected.then(|| self.reading(&window_of_claim(claim), Some(0), reset))
    }
}

/// Returns the window of a header. `overage` is no window: it tells whether more may be bought.
fn unified_window(name: &str) -> Option<&str> {
    let rest = name.strip_prefix(UNIFIED)?;
    let window = rest.strip_suffix("-status").or_else(|| rest.strip_suffix("-utilization"))?;
    (window != "overage").then_some(window)
}

/// Returns the window in the words of the headers: a claim calls `7d_opus` `seven_day_opus`.
pub(crate) fn window_of_claim(claim: &str) -> String {
    for (long, short) in [("five_hour", "5h"), ("seven_day", "7d")] {
        if let Some(rest) = claim.strip_prefix(long) {
            return format!("{short}{rest}");
        }
    }
    claim.to_owned()
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};
    use proptest::prelude::*;

    use super::*;
    use crate::time::UnixMillis;

    const NOW: Now = Now { mono: Millis(1_000), wall: UnixMillis(1_780_000_000_000) };

    fn read(headers: &[(&str, &str)]) -> Vec<Reading> {
        let headers = headers.iter().map(|(name, value)| {
            let name: HeaderName = name.parse().expect("a name");
            (name, HeaderValue::from_str(value).expect("a value"))
        });
        in_headers(&headers.collect(), NOW)
    }

    /// A row: window, thousandths left, counts, seconds until the reset.
    type Row = (&'static str, Option<u16>, Option<(u64, u64)>, Option<u64>);

    fn check(headers: &[(&str, &str)], expected: &[Row]) {
        let rows: Vec<_> = read(headers)
            .into_iter()
            .map(|reading| {
                assert_eq!(reading.observed, NOW.mono);
                let is_of_models = reading.window.as_str().contains('_');
                assert_eq!(reading.model.is_some(), is_of_models);
                let count = reading.count.map(|count| (count.remaining, count.limit));
                let reset = reading.reset.map(|reset| reset.since(NOW.mono).as_secs());
                (reading.window.to_string(), reading.remaining, count, reset)
            })
            .collect();
        let rows: Vec<Row> =
            rows.iter().map(|(window, left, count, reset)| (leak(window), *left, *count, *reset)).collect();
        assert_eq!(rows, expected, "{headers:?}");
    }

    fn leak(text: &str) -> &'static str {
        Box::leak(text.to_owned().into_boxed_str())
    }

    #[test]
    fn a_subscription_tells_each_window() {
        check(
            &[
                ("anthropic-ratelimit-unified-status", "allowed"),
                ("anthropic-ratelimit-unified-reset", "1780003600"),
                ("anthropic-ratelimit-unified-representative-claim", "five_hour"),
                ("anthropic-ratelimit-unified-5h-status", "allowed"),
                ("anthropic-ratelimit-unified-5h-utilization", "0.41"),
                ("anthropic-ratelimit-unified-5h-reset", "1780003600"),
                ("anthropic-ratelimit-unified-7d-status", "allowed_warning"),
                ("anthropic-ratelimit-unified-7d-utilization", "0.9"),
                ("anthropic-ratelimit-unified-7d-reset", "1780300000"),
                ("anthropic-ratelimit-unified-overage-status", "rejected"),
                ("anthropic-ratelimit-unified-overage-disabled-reason", "org_level_disabled"),
            ],
            &[("5h", Some(590), None, Some(3_600)), ("7d", Some(100), None, Some(300_000))],
        );
    }

    #[test]
    fn a_refusal_names_the_window_that_is_used_up() {
        check(
            &[
                ("retry-after", "3600"),
                ("anthropic-ratelimit-unified-status", "rejected"),
                ("anthropic-ratelimit-unified-reset", "1780003600"),
                ("anthropic-ratelimit-unified-representative-claim", "five_hour"),
                ("anthropic-ratelimit-unified-5h-status", "rejected"),
                ("anthropic-ratelimit-unified-5h-reset", "1780003600"),
                ("anthropic-ratelimit-unified-7d-status", "allowed"),
                ("anthropic-ratelimit-unified-7d-reset", "1780300000"),
            ],
            &[("5h", Some(0), None, Some(3_600)), ("7d", None, None, Some(300_000))],
        );
        check(
            &[
                ("anthropic-ratelimit-unified-status", "rejected"),
                ("anthropic-ratelimit-unified-reset", "1780300000"),
                ("anthropic-ratelimit-unified-representative-claim", "seven_day_opus"),
            ],
            &[("7d_opus", Some(0), None, Some(300_000))],
        );
    }

    #[test]
    fn a_used_up_window_beside_an_allowed_answer_is_another_models() {
        check(
            &[
                ("anthropic-ratelimit-unified-status", "allowed"),
                ("anthropic-ratelimit-unified-5h-status", "allowed"),
                ("anthropic-ratelimit-unified-5h-utilization", "0.1"),
                ("anthropic-ratelimit-unified-7d_oi-status", "rejected"),
                ("anthropic-ratelimit-unified-7d_oi-utilization", "1.0"),
            ],
            &[("5h", Some(900), None, None)],
        );
    }

    #[test]
    fn an_api_key_has_buckets() {
        check(
            &[
                ("anthropic-ratelimit-requests-limit", "50"),
                ("anthropic-ratelimit-requests-remaining", "49"),
                ("anthropic-ratelimit-requests-reset", "2026-05-28T20:26:42Z"),
                ("anthropic-ratelimit-tokens-limit", "40000"),
                ("anthropic-ratelimit-tokens-remaining", "0"),
                ("anthropic-ratelimit-tokens-reset", "2026-05-28T20:27:40Z"),
                ("anthropic-ratelimit-input-tokens-limit", "30000"),
                ("anthropic-ratelimit-input-tokens-remaining", "15000"),
                ("anthropic-ratelimit-output-tokens-remaining", "0"),
            ],
            &[
                ("requests", Some(980), Some((49, 50)), Some(2)),
                ("tokens", Some(0), Some((0, 40_000)), Some(60)),
                ("input-tokens", Some(500), Some((15_000, 30_000)), None),
                ("output-tokens", Some(0), None, None),
            ],
        );
    }

    #[test]
    fn openai_tells_spans() {
        check(
            &[
                ("x-ratelimit-limit-requests", "60"),
                ("x-ratelimit-remaining-requests", "59"),
                ("x-ratelimit-reset-requests", "1s"),
                ("x-ratelimit-limit-tokens", "150000"),
                ("x-ratelimit-remaining-tokens", "149984"),
                ("x-ratelimit-reset-tokens", "6m0s"),
            ],
            &[
                ("requests", Some(983), Some((59, 60)), Some(1)),
                ("tokens", Some(999), Some((149_984, 150_000)), Some(360)),
            ],
        );
        let short =
            &read(&[("x-ratelimit-remaining-requests", "0"), ("x-ratelimit-reset-requests", "20ms")])[0];
        assert_eq!((short.remaining, short.reset), (Some(0), Some(Millis(1_020))));
        check(
            &[
                ("x-ratelimit-limit", "20"),
                ("x-ratelimit-remaining", "5.0"),
                ("x-ratelimit-reset", "1780000060000"),
            ],
            &[("rate", Some(250), Some((5, 20)), Some(60))],
        );
    }

    #[test]
    fn codex_tells_percents() {
        check(
            &[
                ("x-codex-primary-used-percent", "100.0"),
                ("x-codex-primary-window-minutes", "300"),
                ("x-codex-primary-reset-after-seconds", "561"),
                ("x-codex-secondary-used-percent", "37"),
                ("x-codex-secondary-window-minutes", "10080"),
                ("x-codex-secondary-reset-after-seconds", "561635"),
                ("x-codex-primary-over-secondary-limit-percent", "0"),
            ],
            &[("primary", Some(0), None, Some(561)), ("secondary", Some(630), None, Some(561_635))],
        );
    }

    #[test]
    fn what_is_no_reading_is_none() {
        check(&[("content-type", "text/event-stream"), ("x-request-id", "1")], &[]);
        check(
            &[
                ("x-ratelimit-remaining-requests", "soon"),
                ("x-codex-primary-used-percent", "NaN"),
                ("anthropic-ratelimit-requests-remaining", ""),
                ("anthropic-ratelimit-unified-status", "allowed"),
                ("anthropic-ratelimit-unified-representative-claim", "five_hour"),
            ],
            &[],
        );
        let negative = [("x-ratelimit-remaining-requests", "-7"), ("x-ratelimit-limit-requests", "1e99")];
        check(&negative, &[("requests", Some(0), Some((0, u64::MAX)), None)]);
    }

    proptest! {
        #[test]
        fn no_value_panics_and_no_share_leaves_its_range(
            value in r"[-+0-9.eEinfaN:TZhms]{0,20}|\PC{0,10}", mono: u64, wall: u64,
        ) {
            let Ok(value) = HeaderValue::from_str(&value) else { return Ok(()) };
            let names = [
                "anthropic-ratelimit-unified-5h-utilization", "anthropic-ratelimit-unified-5h-reset",
                "anthropic-ratelimit-requests-remaining", "anthropic-ratelimit-requests-limit",
                "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens",
                "x-codex-primary-used-percent", "x-codex-primary-reset-after-seconds",
            ];
            let headers: HeaderMap =
                names.into_iter().map(|name| (HeaderName::from_static(name), value.clone())).collect();
            let now = Now { mono: Millis(mono), wall: UnixMillis(wall) };
            for reading in in_headers(&headers, now) {
                prop_assert!(reading.remaining.is_none_or(|share| share <= 1_000));
                prop_assert!(reading.reset.is_none_or(|reset| reset >= now.mono));
            }
        }
    }
}
