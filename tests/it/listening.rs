//! Where the gateway listens, and who may reach it.

use pointsman_loader::api::ErrorCode;
use pointsman_tests::setup::free;
use pointsman_tests::{Ask, Client, Setup, Stage};

fn stage() -> Stage {
    Setup::new().anthropic("a", free()).start()
}

#[cfg(unix)]
#[tokio::test]
async fn a_unix_socket_is_its_owners_and_streams() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("deeper").join("gateway.sock");
    let stage = stage();
    let address = stage.router.listen(&format!("unix:{}", path.display())).expect("a socket");
    let mode = |path: &std::path::Path| path.metadata().expect("it is there").permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(path.parent().expect("a folder"))), (0o600, 0o700));

    let answer = Client::connect(&address).await.send(&Ask::messages().streaming()).await.good();
    assert!(answer.events().len() >= 3);
}

/// A socket that nobody listens on any more is replaced; one that is in use is not.
#[cfg(unix)]
#[tokio::test]
async fn a_socket_that_was_left_behind_is_replaced() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("gateway.sock");
    drop(std::os::unix::net::UnixListener::bind(&path).expect("a socket"));
    let stage = stage();
    let address = format!("unix:{}", path.display());
    stage.router.listen(&address).expect("the old one is replaced");
    let error = stage.router.listen(&address).expect_err("it is in use");
    assert_eq!(error.code, ErrorCode::LISTEN);
    Client::connect(&address).await.send(&Ask::messages()).await.good();
}

#[tokio::test]
async fn other_machines_are_not_let_in_unless_the_configuration_says_so() {
    let error = stage().router.listen("0.0.0.0:0").expect_err("not local");
    assert_eq!(error.code, ErrorCode::LISTEN);
    assert!(error.message.contains("allow_remote"), "{error}");
}

#[tokio::test]
async fn a_malformed_or_taken_address_is_named() {
    let stage = stage();
    let taken = stage.gateway();
    for address in ["nowhere", "127.0.0.1:", ":80", "unix:", taken.as_str()] {
        let error = stage.router.listen(address).expect_err(address);
        assert_eq!(error.code, ErrorCode::LISTEN, "{address}");
        assert!(error.message.contains(address), "{error}");
    }
}
