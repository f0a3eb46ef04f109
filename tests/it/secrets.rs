//! Secrets: nothing that anybody can read holds one.

use pointsman_loader::api::Request;
use pointsman_tests::setup::{CLIENT_SECRET, free, spent};
use pointsman_tests::{Ask, Setup, Stage, within};
use pointsman_upstream::{Fault, Harm, Shape, TokenMode};

/// How every secret of these tests begins, and the tokens that the upstream issues.
const MARKS: [&str; 2] = ["hush-", "ya29.local"];

/// Collects everything that the plugin says, while all goes wrong that can.
#[tokio::test]
async fn no_credential_is_ever_told() {
    for harm in [
        Harm::Reset,
        Harm::Garbage,
        Harm::Html { code: 500 },
        Harm::Hang,
        Harm::Status { shape: Shape::Unauthorized, code: None, retry: None },
        Harm::Status { shape: Shape::Verification, code: None, retry: None },
        Harm::Status { shape: Shape::ServerError, code: None, retry: None },
    ] {
        let stage = stage();
        let mut said = ask_everybody(&stage).await;
        stage.upstream.revoke_tokens("home").expect("it is in the script");
        stage.upstream.inject(Fault::new(harm));
        said.extend(ask_everybody(&stage).await);
        said.extend(everything(&stage).await);
        check(&said);
    }
}

#[tokio::test]
async fn a_token_endpoint_in_trouble_tells_no_secret() {
    for mode in [TokenMode::InvalidGrant, TokenMode::ServerError, TokenMode::Html] {
        let stage = stage();
        stage.upstream.set_token_mode(mode);
        let mut said = ask_everybody(&stage).await;
        said.extend(everything(&stage).await);
        check(&said);
    }
}

/// A key that is part of the URL is not in the error of a URL that cannot be reached.
#[tokio::test]
async fn a_key_in_a_url_is_not_in_its_errors() {
    let setup = Setup::new().provider("gemini", "auth", "query-key");
    let stage = setup.provider("gemini", "base_url", "http://127.0.0.1:9").gemini("g", free()).start();
    let mut said = vec![stage.fetch(&Ask::gemini()).await.text()];
    let url = "http://127.0.0.1:10/any?key=hush-of-the-caller";
    let error = within(stage.router.fetch(Request::post(url, ""))).await.expect_err("nobody is there");
    said.push(format!("{error:?}"));
    for url in ["/any?key=hush-of-the-caller", "any host?key=hush-of-the-caller", "http://me:hush-pw@ /x"] {
        let error = within(stage.router.fetch(Request::post(url, ""))).await.expect_err("it is no URL");
        said.push(format!("{error:?}"));
    }
    said.extend(everything(&stage).await);
    check(&said);
}

/// A configuration that cannot be used is told without what is secret in it.
#[tokio::test]
async fn a_broken_configuration_is_told_without_its_secrets() {
    let broken = r#"{"accounts": [{"id": "nobody:a", "api_key": "hush-key", "weight": "hush"}]}"#;
    let options = pointsman_tests::setup::options(broken);
    let error = pointsman_tests::plugin::library().start(options, pointsman_tests::Told::default());
    let text = format!("{:?}", error.expect_err("it is broken"));
    assert!(!text.contains("hush-key"), "{text}");
}

fn stage() -> Stage {
    Setup::new()
        .hasty()
        .anthropic("a", spent(60))
        .anthropic("b", free())
        .openai("o", free())
        .gemini("g", free())
        .refreshing("home", &[("gemini-cli", free())])
        .provider("gemini", "auth", "query-key")
        .start()
}

/// Asks in every way, and returns all that came back, headers and all.
async fn ask_everybody(stage: &Stage) -> Vec<String> {
    let asks = [
        Ask::messages(),
        Ask::messages().streaming(),
        Ask::chat(),
        Ask::gemini(),
        Ask::gemini().model("antigravity/gemini-3-flash"),
        Ask::gemini().header("x-pointsman-account", "antigravity:home"),
    ];
    stage.fetch_all(asks).await.iter().map(|answer| format!("{answer:?} {}", answer.text())).collect()
}

async fn everything(stage: &Stage) -> Vec<String> {
    let mut said = stage.told.lines();
    said.extend(stage.told.notices().iter().map(|notice| format!("{notice:?}")));
    said.push(format!("{:?}", stage.status()));
    said.push(stage.client().await.send(&Ask::messages().get().to("/account-limits")).await.text());
    said
}

#[track_caller]
fn check(said: &[String]) {
    assert!(CLIENT_SECRET.starts_with(MARKS[0]), "every secret is marked");
    assert!(!said.is_empty());
    for line in said {
        assert!(MARKS.iter().all(|mark| !line.contains(mark)), "a secret is told: {line}");
    }
}
