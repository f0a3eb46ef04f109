//! Limits that end before their told end, by what a head says.

use pointsman_tests::raw::Raw;
use pointsman_tests::setup::free;
use pointsman_tests::{Ask, Setup};

fn answer(status: &str, headers: &[(&str, String)], body: &str) -> Vec<u8> {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let length = body.len();
    format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n{headers}\r\n{body}")
        .into_bytes()
}

fn in_days(days: u64) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("it is later");
    (now.as_secs() + days * 86_400).to_string()
}

/// The week of Opus is used up; the week of all models is not.
fn opus_limited() -> Vec<u8> {
    let headers = [
        ("anthropic-ratelimit-unified-status", "rejected".to_owned()),
        ("anthropic-ratelimit-unified-representative-claim", "seven_day_opus".to_owned()),
        ("anthropic-ratelimit-unified-7d_opus-status", "rejected".to_owned()),
        ("anthropic-ratelimit-unified-7d_opus-reset", in_days(3)),
        ("anthropic-ratelimit-unified-7d-status", "allowed".to_owned()),
        ("anthropic-ratelimit-unified-7d-reset", in_days(3)),
    ];
    answer(
        "429 Too Many Requests",
        &headers,
        r#"{"type":"error","error":{"type":"rate_limit_error","message":"m"}}"#,
    )
}

/// Another model is served, and the head says how much of Opus's week is used.
fn served(opus_used: &str) -> Vec<u8> {
    let headers = [
        ("anthropic-ratelimit-unified-status", "allowed".to_owned()),
        ("anthropic-ratelimit-unified-7d-status", "allowed".to_owned()),
        ("anthropic-ratelimit-unified-7d-utilization", "0.4".to_owned()),
        ("anthropic-ratelimit-unified-7d-reset", in_days(3)),
        (
            "anthropic-ratelimit-unified-7d_opus-status",
            if opus_used == "1.0" { "rejected" } else { "allowed" }.to_owned(),
        ),
        ("anthropic-ratelimit-unified-7d_opus-utilization", opus_used.to_owned()),
        ("anthropic-ratelimit-unified-7d_opus-reset", in_days(7)),
    ];
    answer(
        "200 OK",
        &headers,
        r#"{"id":"m","type":"message","role":"assistant","content":[{"type":"text","text":"fine"}]}"#,
    )
}

#[tokio::test]
async fn a_head_that_says_more_is_left_ends_the_limit_of_one_model() {
    let (opus, sonnet) =
        (|| Ask::messages().model("claude-opus-4-5"), || Ask::messages().model("claude-sonnet-4-6"));
    for (used, status) in [("1.0", 429), ("0.1", 200)] {
        let raw = Raw::in_turn(vec![opus_limited(), served(used), served(used)]);
        let stage =
            Setup::new().provider("anthropic", "base_url", raw.base_url()).anthropic("a", free()).start();
        stage.fetch(&opus()).await.refused(429);
        stage.fetch(&sonnet()).await.good();
        let answer = stage.fetch(&opus()).await;
        assert_eq!(answer.status, status, "{used} of the week is used: {answer:?}");
    }
}

#[tokio::test]
async fn a_limit_without_a_word_leaves_the_other_models_where_nothing_else_is_known() {
    let bare = answer(
        "429 Too Many Requests",
        &[("retry-after", "3600".to_owned())],
        r#"{"error":{"message":"slow"}}"#,
    );
    let good = answer(
        "200 OK",
        &[],
        r#"{"id":"c","object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"fine"}}]}"#,
    );
    for (scope, other) in [("auto", 200), ("model", 200), ("pool", 429)] {
        let raw = Raw::in_turn(vec![bare.clone(), good.clone()]);
        let setup =
            Setup::new().provider("openai", "base_url", raw.base_url()).provider("openai", "scope", scope);
        let stage = setup.openai("a", free()).start();
        stage.fetch(&Ask::chat().model("gpt-5")).await.refused(429);
        assert_eq!(stage.fetch(&Ask::chat().model("gpt-4.1")).await.status, other, "{scope}");
        assert_eq!(stage.fetch(&Ask::chat().model("gpt-5")).await.status, 429, "{scope}");
    }
}
