//! Live reload: an edit is taken over, a broken one is told and changes nothing.

use std::path::Path;

use pointsman_loader::api::{ErrorCode, NoticeKind, PoolState};
use pointsman_tests::setup::{free, limited, options, spent};
use pointsman_tests::{Ask, Setup, Stage, Told, plugin, within};
use pointsman_upstream::{Fault, Shape};

/// Writes another configuration, and waits until it is in force.
async fn reload(stage: &Stage, file: &Path, setup: &Setup) {
    let before = stage.told.of_kind(NoticeKind::CONFIG).len();
    std::fs::write(file, setup.config(&stage.upstream.base_url())).expect("written");
    within(async {
        while stage.told.of_kind(NoticeKind::CONFIG).len() == before {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn an_edit_of_the_file_is_taken_over_and_what_is_known_stays() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("pointsman.yaml");
    let setup = Setup::new().anthropic("old", spent(60));
    let with_another = setup.clone().anthropic("new", free());
    // The upstream knows both from the start; the configuration learns of the second.
    let stage = Stage::start(with_another.upstream(), {
        let base = "http://127.0.0.1:9";
        std::fs::write(&file, setup.config(base)).expect("written");
        pointsman_loader::api::StartOptions {
            config_path: pointsman_loader::api::abi_stable::std_types::RSome(file.to_string_lossy().into()),
            ..Default::default()
        }
    });
    std::fs::write(&file, setup.config(&stage.upstream.base_url())).expect("written");
    stage.told.wait_for("Configuration reloaded").await;
    stage.fetch(&Ask::messages()).await.refused(429);

    reload(&stage, &file, &with_another).await;
    assert_eq!(stage.fetch(&Ask::messages()).await.good().account(), "new");
    assert_eq!(stage.pool("old", "anthropic").state, PoolState::LIMITED, "what is known of an account stays");
    assert_eq!(stage.calls("old"), 1);
}

/// An account that comes back is another one, and begins with what was kept of the first.
#[tokio::test]
async fn a_limit_comes_back_with_its_account_as_what_it_was() {
    let folder = tempfile::tempdir().expect("a folder");
    let bare = Fault::status(Shape::Bare).next(1);
    let guessed = Setup::new().anthropic("a", free()).fault(bare);
    let told = Setup::new().anthropic("a", spent(60));
    for (setup, state) in [(guessed, PoolState::ESTIMATED), (told, PoolState::LIMITED)] {
        let file = folder.path().join("pointsman.yaml");
        let stage = setup.clone().start_from(&file);
        stage.fetch(&Ask::messages()).await.refused(429);
        let before = stage.pool("a", "anthropic");
        reload(&stage, &file, &Setup::new()).await;
        assert!(stage.status().accounts.is_empty());
        reload(&stage, &file, &setup).await;
        let after = stage.pool("a", "anthropic");
        assert_eq!((before.state, after.state, after.served), (state, state, 0));
        let until = [before, after].map(|pool| pool.until_unix_ms.unwrap_or(0));
        assert!(until[0].abs_diff(until[1]) < 100, "{until:?}");
    }
}

#[tokio::test]
async fn a_limit_that_a_reading_ended_does_not_come_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("pointsman.yaml");
    let bare = Fault::status(Shape::Bare).path("generateContent").next(1);
    let setup = Setup::new().enveloped().set("quota_refresh", "20ms").fault(bare);
    let setup = setup.antigravity("work", &[("gemini-cli", limited(10, 3_600))]);
    let stage = setup.clone().start_from(&file);
    stage.fetch(&Ask::gemini()).await.refused(429);
    // Nobody else asks, so that it is the reading alone that ends it.
    within(async {
        while stage.counter("limits_moved") == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    reload(&stage, &file, &Setup::new()).await;
    reload(&stage, &file, &setup).await;
    assert_eq!(stage.pool("work", "gemini-cli").state, PoolState::OPEN);
    assert_eq!(stage.fetch(&Ask::gemini()).await.good().reason(), "preferred");
}

#[tokio::test]
async fn a_broken_edit_is_told_and_the_old_configuration_stays() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("pointsman.yaml");
    let stage = Setup::new().anthropic("a", free()).start_from(&file);
    std::fs::write(&file, "stratgy: sticky\n").expect("written");
    let text = stage.told.wait_for("Configuration not reloaded").await;
    assert!(text.contains("stratgy") && text.contains("strategy") && text.contains(":1"), "{text}");
    stage.fetch(&Ask::messages()).await.good();
    assert_eq!(stage.status().extensions.text("config"), file.to_str());
}

/// Editors empty a file before they write it, and others remove it: neither means that there are no accounts.
#[tokio::test]
async fn a_file_that_is_empty_or_gone_or_no_file_changes_nothing_and_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("pointsman.yaml");
    let stage = Setup::new().anthropic("a", free()).start_from(&file);
    std::fs::write(&file, "# nothing yet\n").expect("written");
    stage.told.wait_for("is empty").await;
    stage.fetch(&Ask::messages()).await.good();
    std::fs::remove_file(&file).expect("removed");
    stage.told.wait_for("is gone").await;
    stage.fetch(&Ask::messages()).await.good();
    std::fs::create_dir(&file).expect("a folder");
    stage.told.wait_for("is a folder and no file").await;
    stage.fetch(&Ask::messages()).await.good();
}

/// A configuration that cannot be used is an error that names file, line, key and remedy.
#[tokio::test]
async fn a_broken_configuration_starts_nothing() {
    let broken = "max_wait: soon\naccounts:\n  - {id: \"anthropic:a\", api_kye: k}\n";
    let error = plugin::library().start(options(broken), Told::default()).expect_err("it is broken");
    assert_eq!(error.code, ErrorCode::CONFIG);
    for part in ["max_wait", "soon", "api_kye", "api_key", "line 1", "line 3"] {
        let line_of = part.strip_prefix("line ").map(|line| format!(":{line}"));
        assert!(error.message.contains(line_of.as_deref().unwrap_or(part)), "{part}: {error}");
    }
}

#[tokio::test]
async fn a_changed_address_is_told_to_wait_for_the_next_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("pointsman.yaml");
    let setup = Setup::new().anthropic("a", free());
    let stage = setup.clone().start_from(&file);
    reload(&stage, &file, &setup.set("listen", "127.0.0.1:9")).await;
    let told = "`listen` is 127.0.0.1:9 now, not 127.0.0.1:8787: a gateway that runs stays where it is";
    assert!(stage.told.lines().iter().any(|line| line.contains(told)), "{:?}", stage.told.lines());
}
