//! Tables of what answers prove: how much they name, whose fault they tell, and the user's rules.

use super::*;
use crate::formats::operation::Operation;
use crate::quota::model_set::ModelSet;
use crate::response::evidence::{Extent, Ground};
use crate::response::rule::{Means, Rule};

/// Checks how much a limit of `claude-opus-4` is of.
fn extent(pairs: &[(&'static str, &str)], body: &str, expected: &str) {
    let asked = Asked { model: "claude-opus-4", named: "claude-opus-4", ..Asked::of(WireFormat::Anthropic) };
    let (status, headers) = (StatusCode::TOO_MANY_REQUESTS, headers(pairs));
    let evidence = classify(asked, Head { status, headers: &headers }, body.as_bytes(), NOW);
    let told = match &evidence.extent {
        Extent::Models(models) => models.to_string(),
        Extent::Pool => "pool".to_owned(),
        Extent::Usual => "usual".to_owned(),
        Extent::Nothing | Extent::Account => panic!("{evidence:?}"),
    };
    assert_eq!(told, expected, "{pairs:?} {body}");
}

#[test]
fn a_limit_is_of_the_smallest_thing_that_it_names() {
    let rejected = |window: &'static str| (window, "rejected");
    let (week, opus) =
        ("anthropic-ratelimit-unified-7d-status", "anthropic-ratelimit-unified-7d_opus-status");
    extent(&[rejected(opus)], "", "*opus*");
    extent(&[rejected(opus), rejected(week)], "", "pool");
    extent(&[rejected("anthropic-ratelimit-unified-7d_oi-status")], "", "claude-opus-4");
    let claim = ("anthropic-ratelimit-unified-representative-claim", "seven_day_opus");
    extent(&[rejected("anthropic-ratelimit-unified-status"), claim], "", "*opus*");
    let spark = [("x-codex-otter-primary-used-percent", "100"), ("x-codex-otter-limit-name", "Claude-Opus")];
    extent(&spark, "", "*claude-opus*");
    extent(&[("x-codex-primary-used-percent", "100")], "", "pool");
    extent(
        &[],
        &google(r#"{"violations":[{"quotaId":"x","quotaDimensions":{"model":"m"}}]}"#),
        "claude-opus-4",
    );
    extent(
        &[],
        &google(r#"{"violations":[{"quotaId":"GeneratePerDayPerProjectPerModel"}]}"#),
        "claude-opus-4",
    );
    extent(&[], r#"{"error":{"message":"limit for model `x` on tokens"}}"#, "claude-opus-4");
    extent(&[], r#"{"error":{"message":"claude-opus-4 is rate-limited"}}"#, "claude-opus-4");
    extent(&[], r#"{"error":{"message":"would exceed your account's rate limit"}}"#, "pool");
    extent(&[], r#"{"error":{"message":"slow down"}}"#, "usual");
}

#[test]
fn a_bad_request_is_the_requests_where_it_says_so_and_in_doubt_where_it_does_not() {
    let said =
        |status, message: &str| outcome(status, &[], &format!(r#"{{"error":{{"message":"{message}"}}}}"#));
    for message in ["max_tokens: Field required", "prompt is too long: 9 > 8", "roles must alternate"] {
        assert_eq!(said(400, message), Outcome::RequestFault, "{message}");
    }
    assert_eq!(said(400, "This workspace has no access"), Outcome::ProjectRefused);
    assert_eq!(said(400, "no"), Outcome::Refused);
    assert_eq!(said(404, "no"), Outcome::Refused);
    assert_eq!(said(403, "Access denied. Please check your network settings."), Outcome::Refused);
    assert!(matches!(outcome(403, &[("retry-after", "7")], ""), Outcome::Limited(_)));
}

#[test]
fn what_cannot_be_counted_or_listed_is_nobodys_fault() {
    let head = Head { status: StatusCode::NOT_FOUND, headers: &HeaderMap::new() };
    for operation in [Operation::Counting, Operation::Listing, Operation::Files] {
        let asked = Asked { operation, ..Asked::of(WireFormat::Anthropic) };
        assert_eq!(classify(asked, head, b"", NOW).outcome, Outcome::RequestFault, "{operation:?}");
    }
}

#[test]
fn the_users_rules_go_before_all_words() {
    let rule = |means, lasts| Rule {
        status: Some(418),
        code: Some("teapot".to_owned()),
        text: Some("short and stout".to_owned()),
        means,
        lasts,
    };
    let read = |rules: &[Rule], status: u16| {
        let head =
            Head { status: StatusCode::from_u16(status).expect("a status"), headers: &HeaderMap::new() };
        let body = br#"{"error":{"code":"tea_pot","message":"I am short and stout"}}"#;
        let asked = Asked { model: "m", rules, ..Asked::of(WireFormat::OpenAi) };
        classify(asked, head, body, NOW)
    };
    let minute = Some(std::time::Duration::from_secs(60));
    let limited = read(&[rule(Means::Quota, minute)], 418);
    assert_eq!(limited.outcome, Outcome::Limited(LimitKind::Quota));
    assert_eq!(limited.until, Hint::Until { until: Millis(70_000), source: HintSource::Rule });
    assert_eq!(limited.ground, Ground::Rule(0));
    assert_eq!(read(&[rule(Means::Model, None)], 418).extent, Extent::Models(ModelSet::read("m")));
    assert_eq!(read(&[rule(Means::Quota, minute)], 419).outcome, Outcome::RequestFault);
}
