//! Metrics: what a monitoring system reads of the gateway.

use std::io::Write;
use std::process::{Command, Stdio};

use pointsman_tests::packages::is_there;
use pointsman_tests::setup::{free, limited};
use pointsman_tests::{Ask, Setup, Stage};

async fn metrics(stage: &Stage) -> String {
    let heard = stage.client().await.send(&Ask::messages().get().to("/metrics")).await.good();
    assert_eq!(heard.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    heard.text()
}

/// Returns the value of a metric, by its name with labels.
fn value(text: &str, name: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
    line.parse().ok()
}

#[tokio::test]
async fn metrics_follow_what_happens() {
    let stage = Setup::new().anthropic("a", limited(1, 60)).anthropic("b", free()).start();
    assert_eq!(value(&metrics(&stage).await, "pointsman_requests_total"), Some(0.0));
    while value(&metrics(&stage).await, "pointsman_trips_total") == Some(0.0) {
        stage.fetch(&Ask::messages().session("one")).await.good();
        stage.fetch(&Ask::messages().session("other")).await.good();
    }
    let text = metrics(&stage).await;
    let pool = |name: &str, label: &str| {
        value(&text, &format!(r#"pointsman_pool_{name}{{account="anthropic:{label}",pool="anthropic"}}"#))
    };
    assert_eq!((pool("open", "a"), pool("open", "b")), (Some(0.0), Some(1.0)));
    assert_eq!((pool("limited_total", "a"), pool("trips_total", "a")), (Some(1.0), Some(1.0)));
    assert_eq!(value(&text, r#"pointsman_account_ready{account="anthropic:a"}"#), Some(1.0));
    let left = r#"pointsman_window_remaining_ratio{account="anthropic:a",pool="anthropic",window="requests",model=""}"#;
    assert_eq!(value(&text, left), Some(0.0), "{text}");
}

/// The checker of the Prometheus project finds nothing to say.
#[tokio::test]
async fn metrics_keep_the_conventions() {
    let Some(()) = is_there("promtool", &["--version"]) else { return };
    let stage = Setup::new().anthropic("a", free()).gemini("b", limited(5, 60)).start();
    stage.fetch(&Ask::messages()).await.good();
    stage.fetch(&Ask::gemini()).await.good();
    let text = metrics(&stage).await;
    let mut checker = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool is there");
    checker.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("promtool reads");
    let output = checker.wait_with_output().expect("promtool ends");
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success() && said.trim().is_empty(), "{said}\n{text}");
}
