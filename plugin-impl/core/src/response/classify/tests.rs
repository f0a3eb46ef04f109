//! Tables beside the golden fixtures: the order of hints, the kinds, the statuses, and that nothing
//! panics.

mod proofs;

use http::{HeaderName, HeaderValue};
use proptest::prelude::*;

use super::*;
use crate::formats::WireFormat;
use crate::response::outcome::{Hint, HintSource, LimitKind, SignIn};
use crate::time::{Millis, UnixMillis};

const NOW: Now = Now { mono: Millis(10_000), wall: UnixMillis(1_780_000_000_000) };

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let pair = |&(name, value): &(&'static str, &str)| {
        (HeaderName::from_static(name), HeaderValue::from_str(value).expect("a value"))
    };
    pairs.iter().map(pair).collect()
}

fn outcome(status: u16, pairs: &[(&'static str, &str)], body: &str) -> Outcome {
    let head = Head { status: StatusCode::from_u16(status).expect("a status"), headers: &headers(pairs) };
    classify(Asked::of(WireFormat::Anthropic), head, body.as_bytes(), NOW).outcome
}

/// A limit: its kind, and when it is over.
struct Limited {
    kind: LimitKind,
    hint: Hint,
}

fn limited(pairs: &[(&'static str, &str)], body: &str) -> Limited {
    let head = Head { status: StatusCode::TOO_MANY_REQUESTS, headers: &headers(pairs) };
    let evidence = classify(Asked::of(WireFormat::Anthropic), head, body.as_bytes(), NOW);
    let Outcome::Limited(kind) = evidence.outcome else { panic!("{evidence:?} is no limit") };
    Limited { kind, hint: evidence.until }
}

/// Checks after how many milliseconds a limit ends, and who said so.
fn hint(pairs: &[(&'static str, &str)], body: &str, millis: u64, source: HintSource) {
    let until = Millis(NOW.mono.0 + millis);
    assert_eq!(limited(pairs, body).hint, Hint::Until { until, source }, "{pairs:?} {body}");
}

fn kind(pairs: &[(&'static str, &str)], body: &str, expected: LimitKind) {
    assert_eq!(limited(pairs, body).kind, expected, "{pairs:?} {body}");
}

fn google(details: &str) -> String {
    format!(
        r#"{{"error":{{"code":429,"status":"RESOURCE_EXHAUSTED","message":"m, retry in 6s","details":[{details}]}}}}"#
    )
}

#[test]
fn the_places_of_a_hint_come_in_their_order() {
    let body = google(r#"{"retryDelay":"3s"},{"metadata":{"quotaResetDelay":"2s"}}"#);
    let bare = google("");
    let mut all = vec![
        ("x-ratelimit-reset", "5"),
        ("anthropic-ratelimit-unified-reset", "1780000004"),
        ("retry-after", "2"),
        ("retry-after-ms", "1000"),
    ];
    hint(&all, &body, 1_000, HintSource::RetryAfterMs);
    all.pop();
    hint(&all, &body, 2_000, HintSource::RetryAfter);
    all.pop();
    hint(&all, &body, 3_000, HintSource::RetryInfo);
    hint(&all, &bare, 4_000, HintSource::Provider);
    all.pop();
    hint(&all, &bare, 5_000, HintSource::Provider);
    all.pop();
    hint(&all, &bare, 6_000, HintSource::Message);
    assert_eq!(limited(&[], "").hint, Hint::Unknown);
}

#[test]
fn of_googles_three_the_latest_counts() {
    use HintSource::{QuotaResetDelay, QuotaResetTimeStamp, RetryInfo};

    let three = |retry: &str, stamp: &str, delay: &str| {
        google(&format!(
            r#"{{"retryDelay":"{retry}"}},{{}},{{"metadata":{{"quotaResetTimeStamp":"{stamp}","quotaResetDelay":"{delay}"}}}}"#
        ))
    };
    hint(&[], &three("9s", "2026-05-28T20:26:45Z", "7s"), 9_000, RetryInfo);
    hint(&[], &three("1s", "2026-05-28T20:26:45Z", "2s"), 5_000, QuotaResetTimeStamp);
    hint(&[], &three("1s", "2026-05-28T20:26:45Z", "7s"), 7_000, QuotaResetDelay);
    hint(&[], &three("5s", "2026-05-28T20:26:45Z", "5s"), 5_000, RetryInfo);
    hint(&[], &three("soon", "1999-01-01T00:00:00Z", "later"), 6_000, HintSource::Message);
}

#[test]
fn all_details_are_read() {
    let many =
        r#"{"reason":"a"},"text",7,null,[],{"retryDelay":"4s"},{"retryDelay":"8s"},{"retryDelay":"5s"}"#;
    hint(&[], &google(many), 8_000, HintSource::RetryInfo);
}

#[test]
fn a_retry_after_may_be_a_date_or_a_decimal() {
    use HintSource::RetryAfter;

    hint(&[("retry-after", "Thu, 28 May 2026 20:27:40 GMT")], "", 60_000, RetryAfter);
    hint(&[("retry-after", "1.5")], "", 1_500, RetryAfter);
    hint(&[("retry-after", "50 seconds")], "", 50_000, RetryAfter);
    hint(&[("retry-after", "Thu, 28 May 2026 20:27:40 +0000")], "", 60_000, RetryAfter);
    hint(&[("retry-after", "soon"), ("x-ratelimit-reset", "5")], "", 5_000, HintSource::Provider);
}

/// Checks that an end is not believed, and whose it is.
fn doubted(pairs: &[(&'static str, &str)], body: &str, expected: HintSource) {
    let hint = limited(pairs, body).hint;
    let Hint::Doubted { source, .. } = hint else { panic!("{hint:?} is believed: {pairs:?} {body}") };
    assert_eq!(source, expected, "{pairs:?} {body}");
}

#[test]
fn an_end_that_is_past_or_too_far_is_none() {
    use HintSource::{Message, RetryAfter, RetryAfterMs};

    for past in ["0", "-7", "Thu, 01 Jan 1970 00:00:00 GMT"] {
        doubted(&[("retry-after", past)], "", RetryAfter);
    }
    doubted(&[("retry-after", "99999999999999999999999")], "", RetryAfter);
    doubted(&[("retry-after", "1555200")], "", RetryAfter);
    doubted(&[("retry-after-ms", "1555200000")], "", RetryAfterMs);
    doubted(&[], "quota resets in 20 days", Message);
    hint(&[("retry-after", "604800")], "", 604_800_000, RetryAfter);
    let rate = r#"{"error":{"message":"5 requests per minute"}}"#;
    doubted(&[("retry-after", "3601")], rate, RetryAfter);
    hint(&[("retry-after", "3600")], rate, 3_600_000, RetryAfter);
    let next = [("retry-after", "0"), ("x-ratelimit-reset", "5")];
    hint(&next, "", 5_000, HintSource::Provider);
}

#[test]
fn a_lack_of_room_lasts_for_minutes() {
    let told = |seconds: &str| {
        let pairs = headers(&[("retry-after", seconds)]);
        let head = Head { status: StatusCode::SERVICE_UNAVAILABLE, headers: &pairs };
        classify(Asked::of(WireFormat::Anthropic), head, b"", NOW).until
    };
    assert_eq!(told("600").until(), Some(Millis(610_000)));
    assert!(matches!(told("86400"), Hint::Doubted { .. }));
}

#[test]
fn a_date_counts_from_the_upstreams_clock() {
    let date = [("date", "Thu, 28 May 2026 21:26:40 GMT"), ("retry-after", "Thu, 28 May 2026 21:26:42 GMT")];
    hint(&date, "", 2_000, HintSource::RetryAfter);
}

#[test]
fn of_rejected_windows_the_latest_reset_counts() {
    let mut all = vec![
        ("anthropic-ratelimit-unified-reset", "1780000001"),
        ("anthropic-ratelimit-unified-5h-status", "rejected"),
        ("anthropic-ratelimit-unified-5h-reset", "1780000002"),
        ("anthropic-ratelimit-unified-7d-status", "allowed"),
        ("anthropic-ratelimit-unified-7d-reset", "1780000009"),
        ("anthropic-ratelimit-unified-7d_oi-status", "rejected"),
        ("anthropic-ratelimit-unified-7d_oi-reset", "1780000005"),
    ];
    hint(&all, "", 5_000, HintSource::Provider);
    kind(&all, "", LimitKind::Quota);
    all.truncate(1);
    hint(&all, "", 1_000, HintSource::Provider);
    all.push(("anthropic-ratelimit-unified-status", "allowed"));
    assert_eq!(limited(&all, "").hint, Hint::Unknown, "a window with room does not say when the limit ends");
}

#[test]
fn a_bucket_counts_where_nothing_remains() {
    let all = [
        ("anthropic-ratelimit-requests-remaining", "12"),
        ("anthropic-ratelimit-requests-reset", "2026-05-28T20:28:40Z"),
        ("anthropic-ratelimit-input-tokens-remaining", "0"),
        ("anthropic-ratelimit-input-tokens-reset", "2026-05-28T20:27:40Z"),
    ];
    hint(&all, "", 60_000, HintSource::Provider);
    kind(&all, "", LimitKind::Rate);
    assert_eq!(limited(&all[..2], "").hint, Hint::Unknown);

    let openai = [
        ("x-ratelimit-remaining-requests", "12"),
        ("x-ratelimit-reset-requests", "8s"),
        ("x-ratelimit-remaining-tokens", "0"),
        ("x-ratelimit-reset-tokens", "6m0s"),
    ];
    hint(&openai, "", 360_000, HintSource::Provider);
    assert_eq!(limited(&openai[..2], "").hint, Hint::Unknown);
    hint(
        &[("x-ratelimit-reset-requests", "8s"), ("x-ratelimit-reset-tokens", "1s")],
        "",
        8_000,
        HintSource::Provider,
    );
    hint(&[("x-ratelimit-reset", "1780000060000")], "", 60_000, HintSource::Provider);
}

#[test]
fn a_codex_window_counts_where_it_is_used_up() {
    let mut all = vec![
        ("x-codex-primary-used-percent", "100"),
        ("x-codex-primary-reset-after-seconds", "60"),
        ("x-codex-secondary-used-percent", "99.5"),
        ("x-codex-secondary-reset-after-seconds", "600"),
    ];
    hint(&all, "", 60_000, HintSource::Provider);
    kind(&all, "", LimitKind::Quota);
    all[2].1 = "100.0";
    hint(&all, "", 600_000, HintSource::Provider);
    let body = r#"{"error":{"type":"usage_limit_reached","resets_at":1780000007,"resets_in_seconds":5}}"#;
    hint(&all, body, 7_000, HintSource::Provider);
}

#[test]
fn kinds_are_told_by_the_most_particular_words() {
    use LimitKind::{Quota, Rate, Unknown};

    let reason = |reason: &str, quota: &str| {
        google(&format!(r#"{{"violations":[{{"quotaId":"{quota}"}}]}},{{"reason":"{reason}"}}"#))
    };
    kind(&[], &reason("RATE_LIMIT_EXCEEDED", "GenerateRequestsPerDayPerProject"), Quota);
    kind(&[], &reason("RATE_LIMIT_EXCEEDED", "GenerateRequestsPerMinutePerProject"), Rate);
    kind(&[], &reason("QUOTA_EXHAUSTED", ""), Quota);
    kind(&[], &reason("RATE_LIMIT_EXCEEDED", ""), Rate);
    kind(&[], &reason("INSUFFICIENT_G1_CREDITS_BALANCE", ""), Quota);
    kind(
        &[],
        &google(
            r#"{"violations":[{"quotaId":"APerMinute"},{"quotaId":"BPerDay"},{"quotaId":"CPerMinute"}]}"#,
        ),
        Quota,
    );
    kind(&[], &google(r#"{"metadata":{"quota_limit":"RequestsPerMinutePerUser"}}"#), Rate);
    kind(&[], &google(""), Unknown);
    kind(&[], r#"{"error":{"code":"insufficient_quota"}}"#, Quota);
    kind(&[], r#"{"error":{"code":"rate_limit_exceeded","message":"on requests per day (RPD)"}}"#, Quota);
    kind(&[], r#"{"error":{"type":"rate_limit_error","message":"50,000 input tokens per minute"}}"#, Rate);
    kind(&[], r#"{"error":{"type":"rate_limit_error","message":"your account's rate limit"}}"#, Unknown);
    kind(&[], "", Unknown);
}

#[test]
fn each_status_has_its_outcome() {
    let rows = [
        (101, Outcome::Good),
        (200, Outcome::Good),
        (204, Outcome::Good),
        (302, Outcome::Good),
        (400, Outcome::Refused),
        (401, Outcome::Unauthorized),
        (402, Outcome::Unpaid),
        (403, Outcome::Refused),
        (404, Outcome::Refused),
        (407, Outcome::Unreachable(NetworkFault::Connect)),
        (408, Outcome::Unreachable(NetworkFault::Timeout)),
        (409, Outcome::ServerError),
        (412, Outcome::Refused),
        (413, Outcome::TooLarge),
        (422, Outcome::Refused),
        (451, Outcome::RequestFault),
        (499, Outcome::ServerError),
        (500, Outcome::ServerError),
        (501, Outcome::ServerError),
        (502, Outcome::ServerError),
        (503, Outcome::Capacity),
        (504, Outcome::ServerError),
        (520, Outcome::ServerError),
        (524, Outcome::ServerError),
        (529, Outcome::Capacity),
        (599, Outcome::ServerError),
        (100, Outcome::Unreachable(NetworkFault::Garbage)),
        (999, Outcome::Unreachable(NetworkFault::Garbage)),
    ];
    for (status, expected) in rows {
        assert_eq!(outcome(status, &[], ""), expected, "{status}");
        if status != 200 && status != 204 {
            assert_eq!(outcome(status, &[], "no, and that is all"), expected, "{status}");
        }
    }
}

#[test]
fn words_count_for_more_than_the_status() {
    let error =
        |code: &str, message: &str| format!(r#"{{"error":{{"code":"{code}","message":"{message}"}}}}"#);
    let capacity = Outcome::Capacity;
    assert_eq!(outcome(429, &[], &error("MODEL_CAPACITY_EXHAUSTED", "")), capacity);
    assert_eq!(outcome(500, &[], &error("overloaded_error", "")), capacity);
    assert_eq!(outcome(429, &[], &error("", "The selected model is at capacity.")), capacity);
    assert_eq!(
        outcome(400, &[], &error("", "\\\"the model is overloaded\\\" is no role")),
        Outcome::RequestFault
    );
    assert_eq!(outcome(400, &[], &error("API_KEY_INVALID", "")), Outcome::Unauthorized);
    assert_eq!(
        outcome(400, &[], &error("", "Your credit balance is too low to access the API")),
        Outcome::Unpaid
    );
    assert_eq!(
        outcome(400, &[], &error("", "This organization has been disabled.")),
        Outcome::NeedsSignIn(SignIn::Disabled)
    );
    assert_eq!(outcome(403, &[], &error("account_deactivated", "")), Outcome::NeedsSignIn(SignIn::Disabled));
    assert_eq!(outcome(429, &[], &error("billing_not_active", "")), Outcome::Unpaid);
    assert!(matches!(outcome(403, &[], &error("rateLimitExceeded", "")), Outcome::Limited(_)));
    assert_eq!(outcome(401, &[], &error("rate_limit_error", "")), Outcome::Unauthorized);
    assert_eq!(outcome(403, &[("cf-mitigated", "challenge")], "<html>"), Outcome::ServerError);
}

#[test]
fn extra_usage_is_the_requests_option_unless_a_window_is_used_up() {
    let body = r#"{"type":"error","error":{"type":"rate_limit_error","message":"Extra usage is required for long context requests."}}"#;
    assert_eq!(outcome(429, &[], body), Outcome::RequestFault);
    let rejected = [("anthropic-ratelimit-unified-5h-status", "rejected")];
    assert!(matches!(outcome(429, &rejected, body), Outcome::Limited(_)));
}

#[test]
fn a_link_is_shown_only_where_it_is_one() {
    let url = |url: &str| {
        let body = format!(
            r#"{{"error":{{"details":[{{"reason":"VALIDATION_REQUIRED","metadata":{{"verify_url":"{url}"}}}}]}}}}"#
        );
        let outcome = outcome(403, &[], &body);
        let Outcome::NeedsSignIn(SignIn::Verification { url }) = outcome else { panic!("{outcome:?}") };
        url
    };
    assert_eq!(url("https://accounts.example/v?x=1").as_deref(), Some("https://accounts.example/v?x=1"));
    for bad in [
        "",
        "javascript:alert(1)",
        "https://a b",
        "https://a\\u001b[31m",
        &format!("https://{}", "x".repeat(3_000)),
    ] {
        assert_eq!(url(bad), None, "{bad}");
    }
}

#[test]
fn a_good_status_does_not_hide_a_page_or_an_error() {
    let html = [("content-type", "text/html; charset=utf-8")];
    assert_eq!(outcome(200, &html, ""), Outcome::ServerError);
    assert_eq!(outcome(200, &[], "\n<!doctype HTML><title>Sign in</title>"), Outcome::ServerError);
    assert_eq!(outcome(302, &html, "<html>"), Outcome::Good);
    assert_eq!(
        outcome(200, &[], r#"{"type":"error","error":{"type":"overloaded_error"}}"#),
        Outcome::Capacity
    );
    assert_eq!(outcome(200, &[], r#"{"error":{"message":"who knows"}}"#), Outcome::ServerError);
    assert_eq!(
        outcome(200, &[], r#"[{"error":{"code":400,"status":"INVALID_ARGUMENT"}}]"#),
        Outcome::RequestFault
    );
    assert_eq!(
        outcome(200, &[], r#"{"id":"r","error":null,"output":[{"error":{"code":429}}]}"#),
        Outcome::Good
    );
    assert_eq!(outcome(200, &[], r#"{"candidates":[{"error":{}"#), Outcome::Good);
}

#[test]
fn a_body_that_was_cut_still_says_what_it_said() {
    let body =
        google(r#"{"reason":"QUOTA_EXHAUSTED","metadata":{"quotaResetDelay":"7s"}},{"debug":"xxxxxxxx"}"#);
    let cut = &body[..body.len() - 8];
    hint(&[], cut, 7_000, HintSource::QuotaResetDelay);
    kind(&[], cut, LimitKind::Quota);

    let long = google(&format!(r#"{{"retryDelay":"4s"}},{{"debug":"{}"}}"#, "x".repeat(2 * MAX_PREFIX)));
    hint(&[], &long, 4_000, HintSource::RetryInfo);
}

#[test]
fn nesting_without_an_end_is_no_harm() {
    assert_eq!(limited(&[], &"[".repeat(MAX_PREFIX)).hint, Hint::Unknown);
    assert_eq!(limited(&[], &r#"{"error":"#.repeat(9_000)).hint, Hint::Unknown);
    assert_eq!(
        limited(&[], &format!("{}1{}", r#"{"error":"#.repeat(100), "}".repeat(100))).hint,
        Hint::Unknown
    );
}

fn any_header() -> impl Strategy<Value = (HeaderName, HeaderValue)> {
    let name = prop::sample::select(vec![
        "retry-after",
        "retry-after-ms",
        "anthropic-ratelimit-unified-5h-status",
        "anthropic-ratelimit-unified-5h-reset",
        "anthropic-ratelimit-unified-reset",
        "anthropic-ratelimit-tokens-remaining",
        "anthropic-ratelimit-tokens-reset",
        "x-codex-primary-used-percent",
        "x-codex-primary-reset-after-seconds",
        "x-ratelimit-reset",
        "content-type",
    ]);
    let value = prop_oneof![
        r"-?[0-9]{0,25}(\.[0-9]{0,12})?[a-z]{0,2}".prop_map(String::into_bytes),
        prop::collection::vec(0x20_u8..0x7f, 0..20),
        prop::sample::select(vec!["rejected", "0", "100", "text/html"])
            .prop_map(|text| text.as_bytes().to_vec()),
    ];
    (name, value).prop_map(|(name, value)| {
        (HeaderName::from_static(name), HeaderValue::from_bytes(&value).expect("visible bytes"))
    })
}

fn any_body() -> impl Strategy<Value = Vec<u8>> {
    let number = r"-?[0-9]{1,25}(\.[0-9]{1,12})?(ms|s|m|h|)";
    let error = (number, number, r"\PC{0,20}").prop_map(|(one, other, text)| {
        let text = serde_json::Value::from(format!("resets in {other} {text}"));
        format!(
            r#"{{"error":{{"code":429,"message":{text},"resets_at":"{one}","details":[{{"retryDelay":"{one}"}},
                {{"retryDelay":{{"seconds":"{other}","nanos":7}}}},{{"metadata":{{"quotaResetDelay":"{other}","quotaResetTimeStamp":"{one}"}}}}]}}}}"#
        )
        .into_bytes()
    });
    prop_oneof![prop::collection::vec(any::<u8>(), 0..128), error]
}

proptest! {
    #[test]
    fn nothing_panics_and_every_hint_is_in_its_range(
        status in 100_u16..1_000,
        headers in prop::collection::vec(any_header(), 0..6),
        body in any_body(),
        cut in any::<prop::sample::Index>(),
        mono: u64,
        wall: u64,
    ) {
        let now = Now { mono: Millis(mono), wall: UnixMillis(wall) };
        let headers: HeaderMap = headers.into_iter().collect();
        let head = Head { status: StatusCode::from_u16(status).expect("a status"), headers: &headers };
        let body = &body[..cut.index(body.len() + 1)];
        let evidence = classify(Asked::of(WireFormat::Gemini), head, body, now);
        if let Some(until) = evidence.until.until() {
            prop_assert!(until > now.mono);
            prop_assert!(until.0 <= mono.saturating_add(8 * 24 * 3_600_000));
        }
        let _ = classify_token(head.status, body);
    }
}
