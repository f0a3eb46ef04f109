//! The sources themselves: short files, no leftovers, nothing of one machine.

use std::path::{Path, PathBuf};

use pointsman_tests::tree;

/// Lines that a file may have. Longer ones hold more than one thought.
const LONGEST: usize = 500;

/// Longer files, each with its reason. None so far.
const MAY_BE_LONGER: [&str; 0] = [];

/// Files of the project that are text, with their texts.
fn texts() -> Vec<(PathBuf, String)> {
    let root = tree::root();
    let read = |path: PathBuf| std::fs::read_to_string(root.join(&path)).ok().map(|text| (path, text));
    tree::tracked().into_iter().filter_map(read).collect()
}

fn rust() -> Vec<(PathBuf, String)> {
    texts()
        .into_iter()
        .filter(|(path, _)| path.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}

fn is_fixture(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str() == "fixtures")
}

/// Lists the lines with one of `marks`, as `path:line`.
fn lines_with(files: &[(PathBuf, String)], marks: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for (path, text) in files {
        let lines = text.lines().enumerate();
        let hits = lines.filter(|(_, line)| marks.iter().any(|mark| line.contains(mark.as_str())));
        found
            .extend(hits.map(|(number, line)| format!("{}:{}: {}", path.display(), number + 1, line.trim())));
    }
    found
}

/// Words that this file must be able to name without having them.
fn spelled(parts: &[&[&str]]) -> Vec<String> {
    parts.iter().map(|parts| parts.concat()).collect()
}

#[test]
fn files_are_short() {
    let long = rust().into_iter().filter(|(path, text)| {
        text.lines().count() > LONGEST
            && !is_fixture(path)
            && !MAY_BE_LONGER.iter().any(|may| path == Path::new(may))
    });
    let long: Vec<_> =
        long.map(|(path, text)| format!("{}: {} lines", path.display(), text.lines().count())).collect();
    assert!(long.is_empty(), "{long:#?}");
}

/// An exception to a lint is expected, with its reason, so that it goes when it is not needed any more.
#[test]
fn no_lint_is_switched_off() {
    let found = lines_with(&rust(), &spelled(&[&["#[", "allow("], &["#![", "allow("]]));
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn nothing_is_left_to_be_done() {
    let marks =
        spelled(&[&["TO", "DO"], &["FIX", "ME"], &["XX", "X"], &["unimple", "mented!"], &["to", "do!("]]);
    let found: Vec<_> =
        lines_with(&texts(), &marks).into_iter().filter(|line| !line.starts_with("Cargo.lock")).collect();
    let found: Vec<_> = found.into_iter().filter(|line| !line.contains("todo = \"warn\"")).collect();
    assert!(found.is_empty(), "{found:#?}");
}

/// Paths of one machine help nobody else.
#[test]
fn no_path_of_a_machine_is_named() {
    let marks =
        spelled(&[&["/wo", "rk/"], &["/tm", "p/"], &["/ro", "ot/"], &["/home", "/user"], &["/Use", "rs/"]]);
    let found = lines_with(&texts(), &marks);
    let found: Vec<_> = found.into_iter().filter(|line| !is_allowed_path(line)).collect();
    assert!(found.is_empty(), "{found:#?}");
}

/// Fixtures and examples that show people a path of theirs.
fn is_allowed_path(line: &str) -> bool {
    line.contains("/fixtures/") || line.contains("tempfile")
}

#[test]
fn files_end_with_one_line_feed_and_lines_without_blanks() {
    for (path, text) in rust() {
        assert!(text.is_empty() || text.ends_with('\n') && !text.ends_with("\n\n"), "{}", path.display());
        assert!(text.lines().all(|line| line == line.trim_end()), "{}", path.display());
        assert!(!text.contains('\t'), "{}", path.display());
    }
}

/// Every file begins by saying why it exists, but for those that only hold the tests of another.
#[test]
fn every_source_says_why_it_exists() {
    let silent: Vec<_> = rust()
        .into_iter()
        .filter(|(path, text)| !text.starts_with("//!") && !is_fixture(path) && !is_tests_of_another(path))
        .map(|(path, _)| path)
        .collect();
    assert!(silent.is_empty(), "{silent:#?}");
}

fn is_tests_of_another(path: &Path) -> bool {
    path.file_stem().is_some_and(|stem| stem == "tests")
}
