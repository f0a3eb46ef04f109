//! What a pool makes of the headers in which accounts tell of their limits.

use pointsman_tests::raw::Raw;
use pointsman_tests::setup::free;
use pointsman_tests::{Ask, Heard, Setup, Stage};

const CLAUDE: &str = "claude-cli/2.1.332 (external, cli)";
const STATUS: &str = "anthropic-ratelimit-unified-status";
const RESET: &str = "anthropic-ratelimit-unified-reset";
const CLAIM: &str = "anthropic-ratelimit-unified-representative-claim";
const USED: &str = "anthropic-ratelimit-unified-5h-utilization";

fn answer(status: &str, headers: &[(&str, String)], body: &str) -> Vec<u8> {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
    )
    .into_bytes()
}

fn in_seconds(seconds: u64) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("it is later");
    (now.as_secs() + seconds).to_string()
}

/// An account whose window of five hours is at 93 %.
fn warning() -> Vec<u8> {
    let headers = [
        (STATUS, "allowed_warning".to_owned()),
        (RESET, in_seconds(3_600)),
        (CLAIM, "five_hour".to_owned()),
        (USED, "0.93".to_owned()),
        ("anthropic-ratelimit-unified-5h-surpassed-threshold", "0.9".to_owned()),
    ];
    answer("200 OK", &headers, r#"{"id":"m","type":"message","role":"assistant","content":[]}"#)
}

/// An account whose window of five hours is used up for so many seconds.
fn rejected(seconds: u64) -> Vec<u8> {
    let headers = [
        ("retry-after", seconds.to_string()),
        (STATUS, "rejected".to_owned()),
        (RESET, in_seconds(seconds)),
        (CLAIM, "five_hour".to_owned()),
        ("anthropic-ratelimit-unified-5h-status", "rejected".to_owned()),
        ("anthropic-ratelimit-unified-5h-reset", in_seconds(seconds)),
    ];
    answer(
        "429 Too Many Requests",
        &headers,
        r#"{"type":"error","error":{"type":"rate_limit_error","message":"limit"}}"#,
    )
}

fn stage(accounts: &[&str], answers: Vec<Vec<u8>>) -> Stage {
    let raw = Raw::in_turn(answers);
    let setup = Setup::new().provider("anthropic", "base_url", raw.base_url());
    accounts.iter().fold(setup, |setup, label| setup.anthropic(label, free())).start()
}

async fn asked(stage: &Stage, agent: &str) -> Heard {
    stage.fetch(&Ask::messages().header("user-agent", agent)).await
}

#[tokio::test]
async fn one_accounts_warning_is_not_passed_on_while_another_is_open() {
    let two = asked(&stage(&["a", "b"], vec![warning()]), CLAUDE).await.good();
    assert_eq!((two.header(STATUS), two.header(USED)), (Some("allowed"), None));
    assert!(two.header(RESET).is_some());
    let alone = asked(&stage(&["a"], vec![warning()]), CLAUDE).await.good();
    assert_eq!((alone.header(STATUS), alone.header(USED)), (Some("allowed_warning"), Some("0.93")));
}

/// The other account is used up, so that the warning is the pool's.
#[tokio::test]
async fn the_last_open_accounts_warning_is_passed_on() {
    let stage = stage(&["a", "b"], vec![rejected(3_600), warning()]);
    let answer = asked(&stage, CLAUDE).await.good();
    assert_eq!((answer.attempts(), answer.header(USED)), (2, Some("0.93")));
}

#[tokio::test]
async fn where_all_ends_were_told_claude_code_is_told_of_the_earliest_as_an_account_tells() {
    let stage = stage(&["a", "b"], vec![rejected(7_200), rejected(3_600)]);
    let refused = asked(&stage, CLAUDE).await.refused(429);
    assert_eq!((refused.header(STATUS), refused.header(CLAIM)), (Some("rejected"), Some("five_hour")));
    let reset: u64 = refused.header(RESET).and_then(|reset| reset.parse().ok()).expect("an instant");
    let earliest: u64 = in_seconds(3_600).parse().expect("a number");
    assert!(reset.abs_diff(earliest) <= 5, "{reset} {earliest}");
    let other = asked(&stage, "Anthropic/Python 0.79.0").await.refused(429);
    assert_eq!(other.header(STATUS), None);
}

/// Nobody has told the end, or it is a moment away: then it is no limit to tell of.
#[tokio::test]
async fn what_was_not_told_or_is_short_is_not_told_as_a_usage_limit() {
    let bare =
        answer("429 Too Many Requests", &[], r#"{"type":"error","error":{"type":"rate_limit_error"}}"#);
    for answers in [vec![rejected(3_600), bare], vec![rejected(20)]] {
        let refused = asked(&stage(&["a", "b"], answers), CLAUDE).await.refused(429);
        assert_eq!(refused.header(STATUS), None);
    }
}
