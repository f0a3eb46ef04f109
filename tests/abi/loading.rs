//! Loading: the right library in a moment, a wrong one with one sentence.

use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use pointsman_loader::api::AbiVersion;
use pointsman_loader::{LoadError, load};
use pointsman_tests::plugin;
use tempfile::TempDir;

#[test]
fn the_library_speaks_this_version() {
    assert_eq!(plugin::library().abi_version(), AbiVersion::CURRENT);
}

/// It is told and not asserted: a debug build is large, and test machines are busy.
#[test]
fn how_long_loading_takes() {
    let begun = Instant::now();
    load(&plugin::path()).expect("it can be loaded");
    println!("loaded in {:?}", begun.elapsed());
}

#[test]
fn a_library_of_another_major_version_is_refused_in_one_sentence() {
    let path = plugin::example("plugin_of_abi_2");
    let error = load(&path).expect_err("another major version");
    assert!(matches!(error, LoadError::Version { .. }), "{error}");
    let text = error.to_string();
    let sentence = text.strip_prefix(&format!("{}: ", path.display())).expect("it names the file");
    assert_eq!(
        sentence,
        "the plugin speaks ABI 2.0 and this host needs ABI 1.0: update the host, or take both from one release"
    );
}

/// The dynamic linker dies of a file that was cut off, so it must not see one.
#[test]
fn a_file_that_was_cut_off_is_refused_before_the_linker_sees_it() {
    let whole = fs::read(plugin::path()).expect("the library can be read");
    for kept in [0, 3, 64, 4_096, whole.len() / 2, whole.len() - 1] {
        let (_folder, path) = file(&whole[..kept]);
        let error = load(&path).expect_err("it is cut off");
        assert!(matches!(error, LoadError::Inspect(_)), "{kept} bytes: {error}");
        assert_eq!(error.to_string().lines().count(), 1, "{error}");
    }
}

#[test]
fn a_foreign_file_is_refused_before_the_linker_sees_it() {
    let executable = fs::read(std::env::current_exe().expect("this test")).expect("it can be read");
    for bytes in [b"#!/bin/sh\nexit 1\n".to_vec(), vec![0; 10_000], executable] {
        let (_folder, path) = file(&bytes);
        let error = load(&path).expect_err("it is no plugin");
        assert!(matches!(error, LoadError::Inspect(_)), "{error}");
    }
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = load("no/such/library".as_ref()).expect_err("it is not there");
    assert!(error.to_string().contains("no/such/library"), "{error}");
}

fn file(bytes: &[u8]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("plugin.so");
    fs::write(&path, bytes).expect("it can be written");
    (folder, path)
}
