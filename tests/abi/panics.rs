//! The fence: a bug of the plugin costs one request, and the host goes on.

#![expect(unsafe_code, reason = "the broken router is asked for by a plain function of its library")]

use std::time::Duration;

use pointsman_loader::Answer;
use pointsman_loader::api::abi_stable::std_types::RResult;
use pointsman_loader::api::{Error, ErrorCode, PluginBox, Request};
use pointsman_tests::{plugin, within};

/// Starts the router of which everything panics, from an image of its own.
fn panicking() -> PluginBox {
    let path = plugin::example("panicking_plugin");
    // SAFETY: it is one of this package's examples, whose initializers are those of any Rust library.
    let library = unsafe { libloading::Library::new(path) }.expect("it can be loaded");
    // SAFETY: the example defines this function with this type, and both are built from the same sources.
    let start =
        unsafe { library.get::<extern "C-unwind" fn() -> PluginBox>("panicking_plugin") }.map(|start| *start);
    let start = start.expect("it is exported");
    // A library is never unloaded: its threads outlive any handle.
    std::mem::forget(library);
    start()
}

#[track_caller]
fn check<T>(result: RResult<T, Error>, bug: &str) {
    let RResult::RErr(error) = result else { panic!("no error for {bug}") };
    assert_eq!(error.code, ErrorCode::INTERNAL);
    assert!(error.message.contains("fenced in") && error.message.contains(bug), "{error}");
}

#[tokio::test]
async fn a_panic_in_fetch_is_an_error_of_that_request() {
    let plugin = panicking();
    for _ in 0..3 {
        check(within(plugin.fetch(Request::post("http://any/", ""))).await, "a bug in fetch");
    }
}

#[tokio::test]
async fn a_panic_in_the_middle_of_a_stream_breaks_that_stream() {
    let plugin = panicking();
    let RResult::ROk(response) = within(plugin.fetch(Request::post("http://any/stream", ""))).await else {
        panic!("there is a head")
    };
    let mut body = Answer::from(response).body;
    let error = within(body.next()).await.expect("a piece").expect_err("a broken one");
    assert_eq!(error.code, ErrorCode::INTERNAL, "{error}");
    assert!(within(body.next()).await.is_none(), "after an error there is the end");
}

#[tokio::test]
async fn panics_in_all_other_entries_are_errors() {
    let plugin = panicking();
    check(plugin.status(), "a bug in status");
    check(plugin.listen("127.0.0.1:0".into()), "a bug in listen");
    let RResult::RErr(error) = within(plugin.shutdown(0)).await else { panic!("no error") };
    assert_eq!(error.code, ErrorCode::INTERNAL);
}

/// A broken router does nothing to the sound one beside it.
#[tokio::test]
async fn a_sound_router_goes_on_beside_a_broken_one() {
    let broken = panicking();
    let stage = pointsman_tests::Setup::new().anthropic("a", pointsman_tests::setup::free()).start();
    for _ in 0..3 {
        check(within(broken.fetch(Request::post("http://any/", ""))).await, "a bug in fetch");
        stage.fetch(&pointsman_tests::Ask::messages()).await.good();
    }
    drop(broken);
    within(stage.router.shutdown(Duration::ZERO)).await.expect("it is shut down");
}

/// The host's callbacks may panic too; that is the host's affair, and no request notices.
#[tokio::test]
async fn a_panic_of_the_host_goes_no_further() {
    let host = pointsman_loader::HostFns::new()
        .on_notice(|_| panic!("a bug of the host"))
        .on_log(|_| panic!("another bug of the host"));
    let setup = pointsman_tests::Setup::new().anthropic("a", pointsman_tests::setup::spent(60));
    let upstream = setup.upstream();
    let options = pointsman_tests::setup::options(&setup.config(&upstream.base_url()));
    let router = plugin::library().start(options, host).expect("the router starts");
    for _ in 0..2 {
        let answer =
            within(router.fetch(pointsman_tests::Ask::messages().request())).await.expect("an answer");
        assert_eq!(answer.status, 429);
    }
}
