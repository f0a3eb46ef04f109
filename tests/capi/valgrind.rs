//! The C interface under valgrind: no error, and nothing lost.

use std::path::Path;

use pointsman_tests::setup::{free, spent};
use pointsman_tests::{Setup, tools};

/// Calls every function, some of them wrongly: see `tour.c`.
#[test]
fn a_tour_through_the_interface_is_clean() {
    let folder = tempfile::tempdir().expect("a folder");
    let tour = tools::compiled("tests/capi/tour.c", folder.path());
    check_clean(&tour, folder.path());
}

#[test]
fn the_c_example_is_clean() {
    let folder = tempfile::tempdir().expect("a folder");
    let ask = tools::compiled("host-demo/examples/c/ask.c", folder.path());
    check_clean(&ask, folder.path());
}

#[track_caller]
fn check_clean(program: &Path, folder: &Path) {
    let setup = Setup::new().anthropic("spent", spent(60)).anthropic("good", free());
    let upstream = setup.upstream();
    let config = folder.join("pointsman.yaml");
    std::fs::write(&config, setup.config(&upstream.base_url())).expect("a file");
    let mut valgrind = tools::valgrind();
    valgrind.args(["--error-exitcode=99", "--leak-check=full", "--errors-for-leak-kinds=definite"]);
    valgrind.args(["--show-leak-kinds=definite", "--num-callers=30", "--fair-sched=yes"]);
    valgrind.arg(program).arg(config).arg("Say hello.");
    let ended = tools::run(&mut valgrind).good();
    assert!(ended.errors.contains("ERROR SUMMARY: 0 errors"), "{}", ended.errors);
    assert!(ended.out.contains("message_stop"), "{}", ended.out);
}
