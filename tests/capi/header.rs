//! The header is made from the sources, and C and C++ take it.

use std::process::Command;

use cbindgen::{Builder, Config, EnumConfig, ExportConfig, Language, Style};
use pointsman_tests::tools;
use pointsman_tests::tree;

const HEADER: &str = "plugin-impl/include/pointsman.h";

/// The sources whose functions C sees, in the order of the header.
const SOURCES: [&str; 4] = ["errors", "text", "router", "request"];

const BEGINNING: &str = "\
/* Pointsman for programs in C, and in all that can call C. The contract is in docs/C-ABI.md.
 *
 * Made by `UPDATE_HEADER=1 cargo test -p pointsman-tests --test capi`; do not edit. */";

fn generated() -> String {
    let config = Config {
        language: Language::C,
        style: Style::Type,
        header: Some(BEGINNING.to_owned()),
        include_guard: Some("POINTSMAN_H".to_owned()),
        no_includes: true,
        sys_includes: vec!["stddef.h".to_owned(), "stdint.h".to_owned()],
        cpp_compat: true,
        usize_is_size_t: true,
        documentation_style: cbindgen::DocumentationStyle::C99,
        export: ExportConfig {
            rename: [("Router", "pointsman_router"), ("Request", "pointsman_request")]
                .map(|(rust, c)| (rust.to_owned(), c.to_owned()))
                .into(),
            ..ExportConfig::default()
        },
        enumeration: EnumConfig::default(),
        ..Config::default()
    };
    let sources = SOURCES.map(|name| format!("plugin-impl/src/faces/capi/{name}.rs")).into_iter();
    let builder = sources.fold(Builder::new().with_config(config), |builder, source| {
        builder.with_src(tree::root().join(source))
    });
    let mut text = Vec::new();
    builder.generate().expect("the sources are understood").write(&mut text);
    String::from_utf8(text).expect("a header is text").replace("// # Safety", "// What the caller sees to:")
}

#[test]
fn the_header_is_that_of_the_sources() {
    let generated = generated();
    if std::env::var_os("UPDATE_HEADER").is_some() {
        std::fs::write(tree::root().join(HEADER), &generated).expect("the header can be written");
    }
    assert!(
        tree::text(HEADER) == generated,
        "{HEADER} is stale: UPDATE_HEADER=1 cargo test -p pointsman-tests --test capi"
    );
}

/// Every function that the library exports for C is in the header, and none besides.
#[test]
fn the_header_has_every_function() {
    let exported = tree::sources("plugin-impl/src/faces/capi").into_iter().flat_map(|(_, text)| {
        let functions = text
            .split("extern \"C\" fn ")
            .skip(1)
            .map(|rest| rest.split('(').next().unwrap_or_default().to_owned());
        functions.collect::<Vec<_>>()
    });
    let exported: Vec<_> = exported.collect();
    assert!(exported.len() > 20, "{exported:?}");
    let header = tree::text(HEADER);
    let missing: Vec<_> = exported.iter().filter(|name| !header.contains(&format!("{name}("))).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn c_and_cpp_take_the_header_without_a_warning() {
    let include = tree::root().join("plugin-impl/include");
    let folder = tempfile::tempdir().expect("a folder");
    for (language, standard) in [("c", "c99"), ("c++", "c++11")] {
        let source = folder.path().join(format!("header.{language}"));
        std::fs::write(&source, "#include \"pointsman.h\"\n").expect("a file");
        let mut compiler = Command::new(tools::compiler());
        compiler.args([
            "-x",
            language,
            &format!("-std={standard}"),
            "-Wall",
            "-Wextra",
            "-Wpedantic",
            "-Werror",
        ]);
        compiler.args(["-fsyntax-only", "-I"]).arg(&include).arg(&source);
        tools::run(&mut compiler).good();
    }
}
