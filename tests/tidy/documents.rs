//! The documents: what they name is there.

use std::collections::BTreeSet;

use pointsman_tests::tree;

const ARCHITECTURE: &str = "docs/ARCHITECTURE.md";
const INVARIANTS: &str = "docs/INVARIANTS.md";

/// Returns what stands between backticks in a line.
fn quoted(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

/// Returns the names of all tests there are.
fn tests() -> BTreeSet<String> {
    let folders = ["plugin-api", "plugin-impl", "host-demo", "tests"];
    let sources = folders.iter().flat_map(|folder| tree::sources(folder));
    let mut names = BTreeSet::new();
    for (_, text) in sources {
        let functions =
            text.lines().filter_map(|line| line.trim().trim_start_matches("async ").strip_prefix("fn "));
        names.extend(functions.filter_map(|rest| rest.split(['(', '<']).next()).map(str::to_owned));
    }
    names
}

/// A line of the codemap begins with a path: `- path — what it is`.
#[test]
fn every_path_of_the_codemap_is_there() {
    let document = tree::text(ARCHITECTURE);
    let entries = document.lines().filter_map(|line| line.trim_start().strip_prefix("- "));
    let paths: Vec<_> = entries
        .filter_map(|entry| entry.split_once(" — "))
        .map(|(path, _)| path.trim_matches('`'))
        .filter(|path| path.contains('/') || path.ends_with(".rs"))
        .collect();
    assert!(paths.len() >= 10, "the codemap was found: {paths:?}");
    let missing: Vec<_> = paths.into_iter().filter(|path| !tree::root().join(path).exists()).collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

/// Returns the names of all types, variants and fields there are.
fn declared() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (_, text) in
        ["plugin-api", "plugin-impl", "host-demo"].iter().flat_map(|folder| tree::sources(folder))
    {
        for line in text.lines().map(str::trim) {
            let line = line
                .trim_start_matches("pub ")
                .trim_start_matches("pub(crate) ")
                .trim_start_matches("pub(super) ");
            let item = ["struct ", "enum ", "trait "].iter().find_map(|kind| line.strip_prefix(kind));
            let name: String =
                item.unwrap_or(line).chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            let rest = item.map_or(line.strip_prefix(&*name).unwrap_or_default(), |_| "");
            if item.is_some() || rest.starts_with([',', ':', '(']) || rest.starts_with(" {") {
                names.insert(name);
            }
        }
    }
    names
}

/// A row of the glossary explains words of the code: each is the name of a type, a variant or a field, or a phrase with
/// such a name.
#[test]
fn every_word_of_the_glossary_is_in_the_code() {
    let document = tree::text(ARCHITECTURE);
    let glossary =
        document.split("## Glossary").nth(1).and_then(|rest| rest.split("\n## ").next()).expect("a glossary");
    let rows: Vec<_> =
        glossary.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next()).collect();
    assert!(rows.len() >= 15, "the table was found: {rows:?}");
    let declared = declared();
    let is_there = |word: &str| {
        let mut letters = word.chars();
        let capital = letters.next().map(|first| first.to_uppercase().collect::<String>() + letters.as_str());
        // `ResourceOwners` for an owner, `Floors` for a floor.
        capital.is_some_and(|capital| {
            declared.iter().any(|name| name.starts_with(&capital) || name.ends_with(&capital))
                || declared.contains(word)
        })
    };
    let words = rows.iter().filter(|row| **row != "word").flat_map(|row| row.split(", "));
    let missing: Vec<_> = words.filter(|phrase| !phrase.split(' ').any(is_there)).collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

/// A row of the invariants ends with the tests, or the lint, that guard the rule: ``| state | rule | `name`, `name` |``.
#[test]
fn every_test_that_guards_an_invariant_is_there() {
    let document = tree::text(INVARIANTS);
    let (tests, lints) = (tests(), tree::text("clippy.toml") + &tree::text("Cargo.toml"));
    let rows: Vec<_> = document.lines().filter_map(guards_of_a_row).collect();
    assert!(rows.len() >= 50, "the table was found: {} rows", rows.len());
    assert!(rows.iter().all(|guards| !guards.is_empty()), "each rule has a test");
    let is_there = |name: &str| tests.contains(name) || lints.contains(&format!("{name} = "));
    let missing: Vec<_> = rows.into_iter().flatten().filter(|name| !is_there(name)).collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

/// Returns the names in the last column of a row, or nothing for the head of a table and for other lines.
fn guards_of_a_row(line: &str) -> Option<Vec<&str>> {
    let cells: Vec<_> = line.strip_prefix("| ")?.split(" | ").collect();
    let [state, _, guards] = cells[..] else { return None };
    (state != "state").then(|| quoted(guards).collect())
}

#[test]
fn there_is_a_changelog_with_what_is_to_come() {
    let changelog = tree::text("CHANGELOG.md");
    assert!(changelog.starts_with("# ") && changelog.contains("\n## "), "it has a title and releases");
}

/// Links from one document to another lead somewhere.
#[test]
fn links_between_documents_lead_somewhere() {
    let mut dead = Vec::new();
    for path in tree::tracked().into_iter().filter(|path| path.extension().is_some_and(|kind| kind == "md")) {
        let text = tree::text(&path);
        let folder = tree::root().join(path.parent().unwrap_or("".as_ref()));
        let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        let files = targets.map(|target| target.split('#').next().unwrap_or_default());
        let local = files
            .filter(|target| !target.is_empty() && !target.contains("://") && !target.starts_with("mailto:"));
        dead.extend(
            local
                .filter(|target| !folder.join(target).exists())
                .map(|target| format!("{}: {target}", path.display())),
        );
    }
    assert!(dead.is_empty(), "{dead:#?}");
}

/// Each of these sections begins with one command that does it.
#[test]
fn the_readme_says_how_to_run_and_how_to_test() {
    let readme = tree::text("README.md");
    for section in ["## Run it", "## Test it"] {
        let (_, rest) = readme.split_once(section).unwrap_or_else(|| panic!("README.md has no {section:?}"));
        let block = rest.split("```").nth(1).unwrap_or_default();
        let commands = block.lines().skip(1).filter(|line| !line.trim().is_empty()).count();
        assert_eq!(commands, 1, "{section}: the first block is one command: {block}");
    }
}

#[test]
fn quoted_words_are_found() {
    assert_eq!(quoted("Guarded by `a`, and `b::c`.").collect::<Vec<_>>(), ["a", "b::c"]);
    assert!(tests().contains("quoted_words_are_found"));
}

/// A dependency that drifts can break what was tested: a peer's fresh install answered every stream with 500.
#[test]
fn every_build_is_of_the_locked_dependencies() {
    let root = tree::root();
    let script = std::fs::read_to_string(root.join("tests/run")).expect("the test command is there");
    let joined = script.replace("\\\n", " ");
    let builds = ["cargo build", "cargo test", "cargo clippy", "cargo doc"];
    let lines: Vec<_> =
        joined.lines().filter(|line| builds.iter().any(|build| line.contains(build))).collect();
    assert!(lines.len() >= 5, "the builds are found");
    let drifting: Vec<_> = lines.iter().filter(|line| !line.contains("--locked")).collect();
    assert!(drifting.is_empty(), "{drifting:#?}");
    let list = std::fs::read_to_string(root.join("tests/sdks/python/requirements.txt")).expect("a list");
    assert!(list.lines().all(|line| line.contains("==")), "{list}");
    let lock = std::fs::read_to_string(root.join("tests/sdks/node/package-lock.json")).expect("a lock");
    assert!(lock.contains("\"integrity\"") && !lock.contains("\"resolved\""));
}
