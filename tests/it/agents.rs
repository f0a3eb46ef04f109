//! Agents by their user agents: each gets the refusal that ends it at once, or brings it back in time.

use std::time::Duration;

use pointsman_tests::setup::{free, spent};
use pointsman_tests::{Ask, Heard, Setup};
use pointsman_upstream::{Fault, Harm, Shape};
use serde_json::json;

const CLAUDE: &str = "claude-cli/2.1.197 (external, sdk-cli)";
const CODEX: &str = "codex_exec/0.169.0 (Debian 12.0.0; x86_64)";
const GEMINI: &str = "GeminiCLI/0.61.0/gemini-3-flash (linux; x64; terminal)";
const OPENCODE: &str = "opencode/1.18.33 ai-sdk/provider-utils/4 runtime/bun/1.3.14";

/// Asks as an agent where the only account of each format is limited for so many seconds.
async fn refused(agent: &str, ask: Ask, seconds: u64) -> Heard {
    let pool = || spent(seconds);
    let stage = Setup::new().anthropic("a", pool()).openai("o", pool()).gemini("g", pool()).start();
    stage.fetch(&ask.header("user-agent", agent)).await
}

#[tokio::test]
async fn claude_is_told_the_long_wait_and_not_to_try() {
    let answer = refused(CLAUDE, Ask::messages(), 7_200).await.refused(429);
    assert_eq!(answer.header("x-should-retry"), Some("false"));
    assert!(answer.retry_after().is_some_and(|wait| wait > 60));
    assert_eq!(answer.json()["error"]["type"], "rate_limit_error");
}

#[tokio::test]
async fn codex_is_told_no_wait_that_it_would_sleep_through() {
    let answer = refused(CODEX, Ask::responses(), 7_200).await.refused(429);
    assert_eq!(answer.retry_after(), None);
    assert_eq!(answer.json()["error"]["type"], "usage_limit_reached");
    assert!(answer.json()["error"]["resets_at"].is_u64(), "{}", answer.text());
}

#[tokio::test]
async fn gemini_is_told_by_the_body() {
    let answer = refused(GEMINI, Ask::gemini(), 7_200).await.refused(429);
    let details = answer.json()["error"]["details"].clone();
    assert_eq!(details[0]["@type"], "type.googleapis.com/google.rpc.QuotaFailure", "{details}");
    let answer = refused(GEMINI, Ask::gemini(), 30).await.refused(429);
    assert_eq!(answer.json()["error"]["details"][0]["@type"], "type.googleapis.com/google.rpc.RetryInfo");
}

#[tokio::test]
async fn opencode_is_told_in_words_that_it_does_not_try_again_for() {
    for ask in [Ask::messages(), Ask::responses(), Ask::gemini()] {
        let answer = refused(OPENCODE, ask, 7_200).await.refused(424);
        assert_eq!(answer.retry_after(), None);
        assert!(answer.text().contains("no account can serve"), "{}", answer.text());
        assert_eq!(answer.reason(), "refused");
    }
}

#[tokio::test]
async fn a_short_wait_brings_every_agent_back() {
    for (agent, ask) in [(CLAUDE, Ask::messages()), (CODEX, Ask::responses()), (OPENCODE, Ask::chat())] {
        let answer = refused(agent, ask, 30).await.refused(429);
        assert!(answer.retry_after().is_some_and(|wait| wait <= 31), "{agent}"); // rounded up
        assert_eq!(answer.header("x-should-retry"), None, "{agent}");
    }
}

#[tokio::test]
async fn a_library_of_the_provider_is_told_not_to_try_in_vain() {
    let answer = refused("OpenAI/Python 2.1.0", Ask::chat(), 3_000).await.refused(429);
    assert_eq!(answer.header("x-should-retry"), Some("false"));
    assert!(answer.retry_after().is_some_and(|wait| wait > 60));
}

/// The upstream's own 401 passes on as it came. What follows from it is ours: it names the account and what to
/// do, with the status that ends the agent at once.
#[tokio::test]
async fn a_rejected_credential_is_told_with_its_account_and_ends_each_agent() {
    for (agent, status) in [(CLAUDE, 401), (CODEX, 400), (GEMINI, 401), (OPENCODE, 401)] {
        let setup = Setup::new().openai("o", free()).set("max_wait", json!("5s"));
        let stage = setup.fault(Fault::status(Shape::Unauthorized)).start();
        let ask = Ask::responses().header("user-agent", agent);
        // One odd answer proves nothing; a second one in a row does.
        for _ in 0..2 {
            let own = stage.fetch(&ask).await.refused(401);
            assert!(!own.text().contains("Pointsman"), "{}", own.text());
        }
        let answer = stage.fetch(&ask).await.refused(status);
        assert_eq!((answer.retry_after(), answer.header("x-should-retry")), (None, Some("false")), "{agent}");
        let words = "of 1 account 1 rejected; the credential of openai:o was rejected (401); give it a valid";
        assert!(answer.text().contains(words), "{}", answer.text());
        assert!(!answer.text().contains("cooldown") && !answer.text().contains("limit"), "{}", answer.text());
        let expected = "openai rejected the credential of o (401): give it a valid one";
        assert_eq!(stage.told.texts().last().map(String::as_str), Some(expected));
    }
}

/// One account is rejected and the other one limited: the caller waits for the second, and reads of the first.
#[tokio::test]
async fn a_rejected_account_beside_a_limited_one_is_told_as_well() {
    let fault = Fault::status(Shape::Unauthorized).account("o");
    let stage = Setup::new().openai("o", free()).openai("p", spent(3_000)).fault(fault).start();
    let answer = stage.fetch(&Ask::chat()).await.refused(429);
    for words in ["of 2 accounts 1 limited, 1 rejected; ", " has refused openai:o; the earliest"] {
        assert!(answer.text().contains(words), "{}", answer.text());
    }
}

/// An upstream's own error passes, but for a wait of an hour where the agent would sleep it.
#[tokio::test]
async fn an_upstreams_long_wait_is_kept_from_agents_that_would_sleep() {
    let harm = Harm::Status { shape: Shape::Capacity, code: None, retry: Some(Duration::from_secs(3_600)) };
    for (agent, told) in [(CODEX, false), (OPENCODE, false), (CLAUDE, true)] {
        let stage = Setup::new().anthropic("a", free()).fault(Fault::new(harm)).start();
        let answer = stage.fetch(&Ask::messages().header("user-agent", agent)).await;
        assert!(answer.status >= 500 || answer.status == 424, "{agent}: {}", answer.status);
        let long = answer.retry_after().is_some_and(|wait| wait > 60);
        assert!(!long || told, "{agent}: {:?}", answer.headers);
    }
}
