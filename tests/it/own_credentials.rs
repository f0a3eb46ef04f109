//! Callers' own credentials: sent unchanged, for that caller alone, and kept nowhere.

use pointsman_tests::setup::{free, limited, secret, spent};
use pointsman_tests::{Ask, Heard, Setup, Stage, within};

/// Alice and Bob have keys of their own, and one account is there for everybody.
fn stage(alice: pointsman_upstream::Pool) -> Stage {
    Setup::new()
        .callers("anthropic", "own")
        .anthropic("shared", free())
        .caller("alice", alice)
        .caller("bob", free())
        .start()
}

fn by(caller: &str) -> Ask {
    Ask::messages().header("x-api-key", &secret("key", caller)).session(caller)
}

fn served(answer: Heard) -> (String, String, u32) {
    let answer = answer.good();
    (answer.account().to_owned(), answer.reason().to_owned(), answer.attempts())
}

fn went(account: &str, reason: &str, attempts: u32) -> (String, String, u32) {
    (account.to_owned(), reason.to_owned(), attempts)
}

#[tokio::test]
async fn each_callers_credential_is_sent_unchanged_for_its_own_requests_only() {
    let stage = stage(free());
    for caller in ["alice", "bob", "alice"] {
        assert_eq!(served(stage.fetch(&by(caller)).await), went("own", "own-credential", 1));
    }
    // Nobody's credential is lent to who has none.
    for nobody in [Ask::messages(), Ask::messages().header("authorization", "Bearer routed-by-pointsman")] {
        assert_eq!(served(stage.fetch(&nobody).await).0, "shared");
    }
    assert_eq!(["alice", "bob", "shared"].map(|label| stage.calls(label)), [2, 1, 2]);
    for entry in stage.upstream.ledger().entries() {
        let account = entry.account.as_deref().expect("an account");
        assert_eq!(entry.header("x-api-key"), Some(&*secret("key", account)));
        assert_eq!(entry.header("authorization"), None);
    }
    let view = stage.account("own");
    assert_eq!(view.extensions.text("credential"), Some("caller"));
    assert_eq!(view.pools[0].served, 3, "of all callers together");
}

/// A limit of one caller says nothing on another, and ends for the caller that it is of.
#[tokio::test]
async fn a_limited_caller_goes_on_at_the_other_accounts_and_comes_back_after() {
    let stage = stage(limited(1, 2));
    assert_eq!(served(stage.fetch(&by("alice")).await), went("own", "own-credential", 1));
    assert_eq!(served(stage.fetch(&by("alice")).await), went("shared", "next-account", 2));
    assert_eq!(served(stage.fetch(&by("bob")).await), went("own", "own-credential", 1));
    let back = within(async {
        loop {
            let answer = stage.fetch(&by("alice")).await.good();
            if answer.account() == "own" {
                return answer;
            }
            assert_eq!((answer.account(), answer.attempts()), ("shared", 1), "the limit is known");
            tokio::task::yield_now().await;
        }
    });
    assert_eq!(back.await.reason(), "probe");
    assert_eq!(stage.upstream.ledger().rate_limited("alice", "default"), 1);
}

/// What an upstream does not take is not tried again, and the request goes on.
#[tokio::test]
async fn a_credential_that_is_rejected_costs_one_refusal() {
    let stage = stage(free());
    let junk = || Ask::messages().header("x-api-key", "any-key-will-do");
    assert_eq!(served(stage.fetch(&junk()).await), went("shared", "next-account", 2));
    assert_eq!(served(stage.fetch(&junk()).await), went("shared", "preferred", 1));
    assert_eq!(served(stage.fetch(&by("alice")).await), went("own", "own-credential", 1));
}

/// The credential was sent for one provider, and no other one sees it.
#[tokio::test]
async fn a_credential_never_goes_to_another_provider() {
    let stage = Setup::new()
        .callers("anthropic", "own")
        .caller("alice", spent(60))
        .beside("acme", "anthropic")
        .keyed("acme", "paid", free(), 1)
        .chain("claude-sonnet-4-6", &["acme/claude-sonnet-4-6"])
        .start();
    let answer = stage.fetch(&by("alice").header("chatgpt-account-id", "of-alice")).await.good();
    assert_eq!((answer.account(), answer.reason()), ("paid", "fallback-provider"));
    let entries = stage.upstream.ledger().entries();
    let sent: Vec<_> = entries.iter().map(|entry| entry.header("x-api-key").map(str::to_owned)).collect();
    assert_eq!(sent, [Some(secret("key", "alice")), Some(secret("key", "paid"))]);
    assert_eq!(entries[1].header("chatgpt-account-id"), None, "it belongs to the credential");
}

/// A key that was sent to the address of one provider is for that provider, whoever else could be asked.
#[tokio::test]
async fn a_key_for_the_address_of_a_provider_goes_nowhere_else() {
    let stage = Setup::new()
        .beside("acme", "anthropic")
        .callers("acme", "own")
        .keyed("acme", "paid", free(), 1)
        .caller("alice", free())
        .start();
    assert_eq!(served(stage.fetch(&by("alice")).await).0, "paid");
    assert_eq!(stage.calls("alice"), 0);
    let mut client = stage.client().await;
    let answer = client.send(&by("alice")).await.good();
    assert_eq!(answer.account(), "own", "whoever asks at the gateway leaves the provider to it");
}

#[tokio::test]
async fn a_request_without_a_credential_is_told_that_it_needs_one() {
    let stage = Setup::new().callers("anthropic", "own").start();
    let pinned = Ask::messages().header("x-pointsman-account", "anthropic:own");
    for ask in [Ask::messages(), pinned] {
        let text = stage.fetch(&ask).await.refused(401).text();
        let words = "account `anthropic:own` uses the caller's own credential (`credential: caller`)";
        assert!(text.contains(words), "{text}");
    }
    assert!(stage.upstream.ledger().entries().is_empty());
}

/// A limit of a caller is in no store and in no text that anybody can read.
#[tokio::test]
async fn nothing_of_a_caller_is_told_or_stored() {
    let stage = stage(spent(60));
    let mut said = Vec::new();
    for caller in ["alice", "bob", "nobody"] {
        let answer = stage.fetch(&by(caller)).await.good();
        said.push(format!("{:?} {}", answer.headers, answer.text()));
    }
    said.extend(stage.told.texts());
    said.extend(stage.told.lines());
    said.push(format!("{:?}", stage.status()));
    for page in ["/account-limits", "/explain"] {
        let mut client = stage.client().await;
        said.push(client.send(&Ask::messages().get().to(page)).await.text());
    }
    let leaks: Vec<_> = said.iter().filter(|text| text.contains("hush-")).collect();
    assert!(leaks.is_empty(), "{leaks:#?}");
}
