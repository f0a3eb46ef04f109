//! The layers: who may use what, by manifests and by names in the sources.

use std::path::Path;

use pointsman_tests::tree;

/// What the core may depend on: small, pure crates. `http` is types only.
const CORE_MAY_USE: [&str; 10] = [
    "foldhash",
    "http",
    "jiff",
    "loom",
    "memchr",
    "serde_json",
    "shuttle",
    "smallvec",
    "thiserror",
    "pointsman-core",
];

/// The names of the packages that a manifest depends on, in the tables whose names end in one of `tables`.
fn dependencies(manifest: &str, tables: &[&str]) -> Vec<String> {
    let mut inside = false;
    let mut found = Vec::new();
    for line in tree::text(manifest).lines().map(str::trim) {
        if let Some(table) = line.strip_prefix('[') {
            let table = table.trim_end_matches(']');
            inside = tables.iter().any(|wanted| table == *wanted || table.ends_with(&format!(".{wanted}")));
            // A table of its own for one dependency: `[dependencies.name]`.
            found.extend(tables.iter().filter_map(|wanted| {
                table.split_once(&format!("{wanted}.")).map(|(_, name)| name.to_owned())
            }));
        } else if inside && !line.starts_with('#') {
            found.extend(
                line.split(['=', '.', ' ']).next().filter(|name| !name.is_empty()).map(str::to_owned),
            );
        }
    }
    found
}

/// Finds words in the sources of a folder; `skips` are the files that may have them.
fn naming(folder: &str, words: &[&str], may: impl Fn(&str) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for (path, text) in tree::sources(folder) {
        let path = slashed(&path);
        if may(&path) {
            continue;
        }
        for (number, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            found.extend(
                words
                    .iter()
                    .filter(|word| has_word(code, word))
                    .map(|word| format!("{path}:{}: {word}", number + 1)),
            );
        }
    }
    found
}

fn slashed(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}

/// Says whether `word` stands in `code` and is not part of a longer name.
fn has_word(code: &str, word: &str) -> bool {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        let after = code[at + word.len()..].chars().next();
        !before.is_some_and(is_name) && !after.is_some_and(is_name)
    })
}

#[test]
fn the_core_depends_on_small_pure_crates_only() {
    let dependencies = dependencies("plugin-impl/core/Cargo.toml", &["dependencies"]);
    assert!(!dependencies.is_empty(), "the manifest was understood");
    let others: Vec<_> = dependencies.iter().filter(|name| !CORE_MAY_USE.contains(&name.as_str())).collect();
    assert!(others.is_empty(), "{others:?}: the core decides and does no I/O; is it a small, pure crate?");
}

#[test]
fn the_core_reads_no_clock_draws_no_randomness_and_does_no_io() {
    let words = [
        "Instant::now",
        "SystemTime::now",
        "std::fs",
        "std::net",
        "std::env",
        "std::io",
        "std::process",
        "std::thread",
        "tracing",
        "rand",
        "tokio",
        "println",
        "eprintln",
        "dbg",
    ];
    let found = naming("plugin-impl/core/src", &words, |_| false);
    assert!(found.is_empty(), "{found:#?}");
}

/// Store and ABI have shapes of their own, so that a change of the core changes neither.
#[test]
fn types_of_the_core_are_not_serializable() {
    let found = naming("plugin-impl/core/src", &["Serialize", "Deserialize"], |_| false);
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn the_interface_knows_no_runtime_and_no_logic() {
    let dependencies = dependencies("plugin-api/Cargo.toml", &["dependencies"]);
    let allowed = ["abi_stable", "async-ffi"];
    assert!(dependencies.iter().all(|name| allowed.contains(&name.as_str())), "{dependencies:?}");
}

/// The host knows the plugin by its ABI only.
#[test]
fn the_host_does_not_link_the_plugin() {
    for manifest in ["host-demo/Cargo.toml", "host-demo/loader/Cargo.toml", "host-demo/upstream/Cargo.toml"] {
        let tables = ["dependencies", "build-dependencies"];
        let dependencies = dependencies(manifest, &tables);
        assert!(!dependencies.is_empty(), "{manifest} was understood");
        for forbidden in ["pointsman-plugin", "pointsman-core"] {
            assert!(!dependencies.iter().any(|name| name == forbidden), "{manifest} depends on {forbidden}");
        }
    }
    let found = naming("host-demo", &["pointsman_plugin", "pointsman_core"], |path| path.contains("/find"));
    assert!(found.is_empty(), "{found:#?}");
}

/// The types of the boundary stay at the boundary: every other face and edge has plain ones.
#[test]
fn only_the_abi_face_names_the_types_of_the_boundary() {
    let words = [
        "abi_stable",
        "async_ffi",
        "pointsman_api",
        "RString",
        "RVec",
        "RBox",
        "RResult",
        "ROption",
        "FfiFuture",
    ];
    let face = |path: &str| {
        ["plugin-impl/src/faces/abi.rs", "plugin-impl/src/faces/abi/"]
            .iter()
            .any(|face| path.starts_with(face))
    };
    let found = naming("plugin-impl/src", &words, face);
    assert!(found.is_empty(), "{found:#?}");
}

/// What C can call is at the two faces that are called, so that each such function is fenced.
#[test]
fn only_the_faces_export_functions() {
    let face = |path: &str| {
        ["faces/abi.rs", "faces/abi/", "faces/capi.rs", "faces/capi/"]
            .iter()
            .any(|face| path.strip_prefix("plugin-impl/src/").is_some_and(|path| path.starts_with(face)))
    };
    let found = naming("plugin-impl/src", &["extern", "no_mangle"], face);
    assert!(found.is_empty(), "{found:#?}");
}

/// Fleet and driver ask the edges; they do not know how the edges do it.
#[test]
fn fleet_and_driver_do_not_name_the_http_client() {
    let outside = |path: &str| {
        !["fleet", "runtime/driver"].iter().any(|part| path.starts_with(&format!("plugin-impl/src/{part}")))
    };
    let found = naming("plugin-impl/src", &["reqwest", "std::fs", "std::path"], outside);
    assert!(found.is_empty(), "{found:#?}");
}

/// Edges know the core and the fleet, and each other only through them.
#[test]
fn the_upstream_edge_is_the_only_one_with_an_http_client() {
    let edge = |path: &str| path.starts_with("plugin-impl/src/edges/upstream");
    let found = naming("plugin-impl/src", &["reqwest"], edge);
    assert!(found.is_empty(), "{found:#?}");
}

/// Faces say what the driver says; how the core decides is no matter of theirs.
#[test]
fn faces_decide_nothing() {
    let faces = ["plugin-impl/src/faces/abi", "plugin-impl/src/http", "plugin-impl/src/faces/capi"];
    let outside = |path: &str| !faces.iter().any(|face| path.starts_with(face));
    let words = [
        "pointsman_core::admission::cell",
        "pointsman_core::planning::plan",
        "pointsman_core::dispatch",
        "pointsman_core::admission::blame",
    ];
    let found = naming("plugin-impl/src", &words, outside);
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn words_are_found_whole() {
    assert!(has_word("use tracing::info;", "tracing") && has_word("rand()", "rand"));
    assert!(!has_word("let operand = 1;", "rand") && !has_word("SystemTimeError", "SystemTime"));
}

#[test]
fn manifests_are_read_in_each_form() {
    let found = dependencies("tests/Cargo.toml", &["dependencies"]);
    assert!(
        ["bytes", "hyper", "pointsman-loader"].iter().all(|name| found.iter().any(|known| known == name))
    );
    assert!(!found.iter().any(|name| name == "tempfile"), "dev-dependencies are another table");
}
