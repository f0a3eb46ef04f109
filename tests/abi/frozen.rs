//! The frozen interface: what changes in it is seen and decided, never met by accident.

use pointsman_tests::abi_hash::abi_hash;
use pointsman_tests::{layout, tree};

/// Where the layout of this version of the interface is kept.
const FROZEN: &str = "tests/abi/layout-1.txt";

/// A type of the interface changed. Within a major version traits and the root module may only grow at
/// their end, and plain structs not at all; `docs/ABI.md` has the rules.
#[cfg(target_pointer_width = "64")]
#[test]
fn the_layout_of_every_type_is_the_frozen_one() {
    let (frozen, current) = (tree::text(FROZEN), layout::describe());
    if std::env::var_os("FREEZE_ABI").is_some() {
        std::fs::write(tree::root().join(FROZEN), &current).expect("it can be written");
        return;
    }
    assert!(
        frozen == current,
        "the layout of the interface changed:\n{}\n\n{}",
        difference(&frozen, &current),
        "If an item was appended as docs/ABI.md allows: raise the minor version in plugin-api (Cargo.toml and \
         AbiVersion::CURRENT), run FREEZE_ABI=1 cargo test -p pointsman-tests --test abi, and commit the file. \
         Anything else needs a new major version."
    );
}

/// The sources of the interface changed: look at `docs/ABI.md`, and write the new hash into it.
#[test]
fn the_document_is_of_these_sources() {
    let line = format!("ABI hash: {}", abi_hash());
    let document = tree::text("docs/ABI.md");
    assert!(
        document.contains(&line),
        "plugin-api/src changed since docs/ABI.md was last looked at. If the document is still right, put \
         this line into it:\n{line}"
    );
}

/// Returns the lines that only one of two texts has.
fn difference(before: &str, after: &str) -> String {
    let only = |mark: char, one: &str, other: &str| {
        let others: Vec<&str> = other.lines().collect();
        let lines = one.lines().filter(|line| !others.contains(line));
        lines.map(|line| format!("{mark} {line}\n")).collect::<String>()
    };
    only('-', before, after) + &only('+', after, before)
}

#[test]
fn a_difference_names_what_went_and_what_came() {
    assert_eq!(difference("a\nb\n", "b\nc\n"), "- a\n+ c\n");
}
