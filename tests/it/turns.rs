//! The state of a turn that Codex sends again within the turn: to the account that began it, and to no other.

use pointsman_tests::raw::Raw;
use pointsman_tests::setup::free;
use pointsman_tests::{Ask, Setup, Stage};

const STATE: &str = "x-codex-turn-state";

fn answer(status: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
    )
    .into_bytes()
}

fn good(headers: &str) -> Vec<u8> {
    answer("200 OK", headers, r#"{"id":"r","object":"response","status":"completed","output":[]}"#)
}

fn limited() -> Vec<u8> {
    answer("429 Too Many Requests", "retry-after: 60\r\n", r#"{"error":{"message":"rate limit"}}"#)
}

/// Two accounts that take turns, so that nothing but the state keeps a request from the other one.
fn two(raw: &Raw) -> Stage {
    let setup = Setup::new().set("strategy", "round-robin").openai("a", free()).openai("b", free());
    setup.provider("openai", "base_url", raw.base_url()).start()
}

fn asked(raw: &Raw) -> (String, Vec<String>) {
    let asked = raw.next();
    let state = asked.values(STATE).into_iter().map(str::to_owned).collect();
    (asked.values("authorization").concat(), state)
}

#[tokio::test]
async fn a_turn_goes_on_at_the_account_that_began_it() {
    let raw = Raw::in_turn(vec![good("x-codex-turn-state: T\r\n"), good("")]);
    let stage = two(&raw);
    let first = stage.fetch(&Ask::responses()).await.good();
    assert_eq!(first.header(STATE), Some("T"));
    let (began, _) = asked(&raw);
    for _ in 0..3 {
        stage.fetch(&Ask::responses().header(STATE, "T")).await.good();
        assert_eq!(asked(&raw), (began.clone(), vec!["T".to_owned()]));
    }
}

#[tokio::test]
async fn a_turn_that_moves_on_leaves_its_state_behind() {
    let raw = Raw::in_turn(vec![good("x-codex-turn-state: T\r\n"), limited(), good("")]);
    let stage = two(&raw);
    stage.fetch(&Ask::responses()).await.good();
    let (began, _) = asked(&raw);
    stage.fetch(&Ask::responses().header(STATE, "T")).await.good();
    assert_eq!(asked(&raw), (began.clone(), vec!["T".to_owned()]));
    let (moved, state) = asked(&raw);
    assert_ne!(moved, began);
    assert!(state.is_empty(), "{state:?}");
}

/// After a start nobody knows who began a turn, and each account but one would be the wrong one.
#[tokio::test]
async fn a_state_that_nobody_is_known_to_have_begun_ends_here() {
    let raw = Raw::in_turn(vec![good("")]);
    let stage = two(&raw);
    stage.fetch(&Ask::responses().header(STATE, "of another day")).await.good();
    assert!(asked(&raw).1.is_empty());
}
