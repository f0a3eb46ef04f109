//! Wire formats are data: shared logic asks a format's value, and names no format.

use std::path::Path;

use pointsman_tests::tree;

/// The registry, and the folders of the formats.
const FORMATS: &str = "plugin-impl/core/src/formats";

/// Files outside of the formats' folders that may name one, each with its reason. None so far.
const MAY_NAME_A_FORMAT: [(&str, &str); 0] = [];

/// Sources with tests or their fixtures alone.
const OF_TESTS: [&str; 4] = ["/tests/", "/tests.rs", "/testing.rs", "/fixtures.rs"];

/// The source without comments and without the tests at its end.
fn code(text: &str) -> String {
    let text = text.split("\nmod tests {").next().unwrap_or_default();
    text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// The names of the APIs and of the formats in the registry.
fn registered() -> (Vec<String>, Vec<String>) {
    let text = code(&tree::text(format!("{FORMATS}.rs")));
    let (_, registry) = text.split_once("\nregistry! {").expect("the registry");
    let (registry, _) = registry.split_once("\n}").expect("the end of the registry");
    let lines = registry.split(';').filter_map(|line| line.split_once('='));
    let (apis, formats): (Vec<_>, Vec<_>) = lines.unzip();
    let name = |name: &str| name.trim().to_owned();
    let formats = formats.into_iter().flat_map(|formats| formats.split(',')).map(name).collect();
    (apis.into_iter().map(name).collect(), formats)
}

/// Finds the names of formats in the code of the plugin, outside of the formats' folders.
fn named(path: &str, text: &str, names: &[String]) -> Vec<String> {
    let code = code(text);
    let is_whole = |at: usize, name: &str| {
        !code[at + name.len()..].starts_with(|next: char| next.is_alphanumeric() || next == '_')
    };
    let found =
        names.iter().filter(|name| code.match_indices(name.as_str()).any(|(at, _)| is_whole(at, name)));
    found.map(|name| format!("{path}: {name}")).collect()
}

fn names() -> Vec<String> {
    let (apis, formats) = registered();
    let apis =
        apis.into_iter().flat_map(|api| [format!("WireFormat::{api}"), format!("WireFormat::{{{api}")]);
    let formats = formats.into_iter().map(|format| format!("formats::{format}"));
    apis.chain(formats).chain(["Envelope::CodeAssist".to_owned()]).collect()
}

#[test]
fn shared_logic_names_no_format() {
    let names = names();
    let sources = ["plugin-impl/core/src", "plugin-impl/src"].into_iter().flat_map(tree::sources);
    let mut found = Vec::new();
    for (path, text) in sources {
        let path = path.to_string_lossy().replace('\\', "/");
        let is_formats = path.starts_with(FORMATS);
        let may = MAY_NAME_A_FORMAT.iter().any(|(may, _)| path == *may);
        if !is_formats && !may && !OF_TESTS.iter().any(|part| path.contains(part)) {
            found.extend(named(&path, &text, &names));
        }
    }
    assert!(found.is_empty(), "{found:#?}: ask the format's value, in {FORMATS}/format.rs");
}

#[test]
fn each_format_has_its_own_folder_and_a_place_in_the_registry() {
    let (apis, formats) = registered();
    assert!(apis.len() >= 3 && formats.len() >= 5, "{apis:?} {formats:?}");
    for format in &formats {
        let text = tree::text(format!("{FORMATS}/{format}.rs"));
        assert!(text.contains("pub(super) static FORMAT: Format"), "{format}");
    }
    let values =
        tree::sources(FORMATS).into_iter().filter(|(_, text)| text.contains("static FORMAT: Format"));
    let values: Vec<_> =
        values.filter_map(|(path, _)| path.file_stem().map(Path::new).map(Path::to_owned)).collect();
    assert_eq!(values.len(), formats.len(), "{values:?} against {formats:?}");
}

#[test]
fn a_format_that_is_named_is_found() {
    let names = names();
    for code in [
        "if intent.format == WireFormat::Gemini {",
        "use WireFormat::{Anthropic, Gemini};",
        "use crate::formats::openai_responses::FORMAT;",
        "    Envelope::CodeAssist => 1,",
    ] {
        assert_eq!(named("a.rs", code, &names).len(), 1, "{code}");
    }
    for code in
        ["// as WireFormat::Gemini does", "WireFormat::ALL", "formats::format::Format", "Envelope::None"]
    {
        assert!(named("a.rs", code, &names).is_empty(), "{code}");
    }
}
