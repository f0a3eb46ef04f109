//! Readings in the answer of a quota endpoint.
//!
//! | who | shape |
//! |---|---|
//! | Code Assist, `retrieveUserQuota` | `{"buckets":[{"modelId":"…","tokenType":"REQUESTS","remainingFraction":0.6,"resetTime":"…"}]}` |
//! | Code Assist, `fetchAvailableModels` | `{"models":{"<id>":{"quotaInfo":{"remainingFraction":0.42,"resetTime":"…"}}}}` |
//! | Anthropic, usage | `{"five_hour":{"utilization":41.0,"resets_at":"…"},"seven_day":{…}}` |

use serde_json::Value;

use super::headers::window_of_claim;
use super::{MAX_WINDOWS, Reading, share_of};
use crate::ids::{ModelId, WindowId};
use crate::quota::model_set::ModelSet;
use crate::response::classify::when::When;
use crate::time::{Millis, Now};

/// Returns the readings of a quota endpoint's answer; none for any other answer.
pub fn in_quota_answer(body: &[u8], now: Now) -> Vec<Reading> {
    let Ok(Value::Object(answer)) = serde_json::from_slice(body) else { return Vec::new() };
    let mut readings: Vec<Reading> = if let Some(buckets) = answer.get("buckets").and_then(Value::as_array) {
        buckets.iter().filter_map(|bucket| of_bucket(bucket, now)).collect()
    } else if let Some(models) = answer.get("models").and_then(Value::as_object) {
        models.iter().filter_map(|(id, model)| of_model(id, model.get("quotaInfo")?, now)).collect()
    } else {
        answer.iter().filter_map(|(claim, window)| of_usage(claim, window, now)).collect()
    };
    readings.truncate(MAX_WINDOWS);
    readings
}

fn of_bucket(bucket: &Value, now: Now) -> Option<Reading> {
    let kind = bucket.get("tokenType").and_then(Value::as_str).unwrap_or("requests").to_ascii_lowercase();
    let model = bucket.get("modelId").and_then(Value::as_str);
    google(&kind, model, bucket, now)
}

fn of_model(id: &str, quota: &Value, now: Now) -> Option<Reading> {
    google("requests", Some(id), quota, now)
}

/// Protocol buffers leave zero values out of their JSON: a reset without a fraction has nothing left.
fn google(window: &str, model: Option<&str>, quota: &Value, now: Now) -> Option<Reading> {
    let reset = instant(quota.get("resetTime"), now);
    let remaining = match quota.get("remainingFraction") {
        Some(fraction) => share_of(fraction.as_f64()?)?,
        None => reset.map(|_| 0)?,
    };
    let model = model.map(|id| ModelSet::One(ModelId::new(id.strip_prefix("models/").unwrap_or(id))));
    Some(Reading { model, ..reading(window, remaining, reset, now) })
}

fn of_usage(claim: &str, window: &Value, now: Now) -> Option<Reading> {
    let used = window.get("utilization")?.as_f64()?;
    let remaining = share_of(1.0 - used / 100.0)?;
    Some(reading(&window_of_claim(claim), remaining, instant(window.get("resets_at"), now), now))
}

fn reading(window: &str, remaining: u16, reset: Option<Millis>, now: Now) -> Reading {
    Reading {
        window: WindowId::new(window),
        model: super::models_of(window),
        remaining: Some(remaining),
        count: None,
        reset,
        observed: now.mono,
    }
}

fn instant(value: Option<&Value>, now: Now) -> Option<Millis> {
    Some(When::of(value?)?.resolve(now))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::time::UnixMillis;

    const NOW: Now = Now { mono: Millis(1_000), wall: UnixMillis(1_780_000_000_000) };

    /// A row: window, model, thousandths left, seconds until the reset.
    fn check(body: &str, expected: &[(&str, Option<&str>, u16, Option<u64>)]) {
        let readings = in_quota_answer(body.as_bytes(), NOW);
        let rows: Vec<_> = readings
            .iter()
            .map(|reading| {
                let reset = reading.reset.map(|reset| reset.since(NOW.mono).as_secs());
                let model = reading.model.as_ref().map(|set| set.to_string().leak() as &str);
                (reading.window.as_str(), model, reading.remaining.expect("a share"), reset)
            })
            .collect();
        assert_eq!(rows, expected, "{body}");
    }

    #[test]
    fn buckets_are_windows_of_single_models() {
        check(
            r#"{"buckets":[
                {"remainingAmount":"120","remainingFraction":0.6,"resetTime":"2026-05-28T20:27:40Z","tokenType":"REQUESTS","modelId":"gemini-2.5-pro"},
                {"resetTime":"2026-05-28T21:26:40Z","tokenType":"REQUESTS","modelId":"gemini-2.5-flash"},
                {"remainingFraction":1,"modelId":"x"},
                {"modelId":"nothing-told"}]}"#,
            &[
                ("requests", Some("gemini-2.5-pro"), 600, Some(60)),
                ("requests", Some("gemini-2.5-flash"), 0, Some(3_600)),
                ("requests", Some("x"), 1_000, None),
            ],
        );
    }

    #[test]
    fn models_tell_their_quota() {
        check(
            r#"{"models":{"gemini-3-flash":{"displayName":"F","quotaInfo":{"remainingFraction":0.42,"resetTime":"2026-05-28T20:27:40Z"}},"tab":{"displayName":"T"}}}"#,
            &[("requests", Some("gemini-3-flash"), 420, Some(60))],
        );
    }

    #[test]
    fn usage_is_told_in_percent_of_what_is_used() {
        check(
            r#"{"five_hour":{"utilization":41.0,"resets_at":"2026-05-28T20:27:40Z"},"seven_day":{"utilization":100.0,"resets_at":null},"seven_day_sonnet":null,"extra_usage":{"is_enabled":false}}"#,
            &[("5h", None, 590, Some(60)), ("7d", None, 0, None)],
        );
    }

    #[test]
    fn what_is_no_answer_tells_nothing() {
        for body in ["", "<html>", "[]", "null", "{}", r#"{"buckets":7}"#, r#"{"error":{"code":403}}"#] {
            check(body, &[]);
        }
    }

    proptest! {
        #[test]
        fn no_body_panics(body in r#"(\{"buckets":\[\{"remainingFraction":-?[0-9.eE]{0,9},"resetTime":"[-0-9TZ:]{0,20}"\}\]\})|.{0,60}"#) {
            let _ = in_quota_answer(body.as_bytes(), NOW);
        }
    }
}
