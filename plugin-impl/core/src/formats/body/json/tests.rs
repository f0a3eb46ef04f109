use proptest::prelude::*;
use serde_json::Value as Tree;

use super::cursor::{Cursor, is_number};
use super::*;

fn wrong(text: &str, offset: usize, what: &'static str) {
    let found = members(text.as_bytes()).find_map(Result::err);
    assert_eq!(found, Some(NotJson { offset, what }), "{text}");
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    wrong("", 0, "expected an object");
    wrong("  [1]", 2, "expected an object");
    wrong("{", 1, "expected a key");
    wrong("{a:1}", 1, "expected a key");
    wrong(r#"{"a" 1}"#, 5, "expected a colon");
    wrong(r#"{"a":"#, 5, "the text ends where a value should be");
    wrong(r#"{"a":01}"#, 5, "expected a value");
    wrong(r#"{"a":}"#, 5, "expected a value");
    wrong(r#"{"a":"b"#, 5, "a string without an end");
    wrong(r#"{"a":[{"b":1}"#, 5, "a container without an end");
    wrong(r#"{"a":1 "b":2}"#, 7, "expected a comma or the end of the container");
    wrong(r#"{"a":1,}"#, 7, "expected a key");
    wrong(r#"{"a":1} x"#, 8, "text after the end of the value");
    wrong("<html>", 0, "expected an object");
}

#[test]
fn quotes_and_backslashes_end_strings_where_they_should() {
    let text = br#"{"a":"x\\","b":"y\\\"]}","c\"":[["\\\\"],{"}":"{"}],"d":null}"#;
    let all: Vec<_> = members(text).map(|member| member.expect("valid")).collect();
    let values: Vec<_> = all.iter().map(|member| member.value.bytes()).collect();
    assert_eq!(
        values,
        [&br#""x\\""#[..], &br#""y\\\"]}""#[..], &br#"[["\\\\"],{"}":"{"}]"#[..], &b"null"[..]]
    );
    assert_eq!(all[1].value.string().as_deref(), Some(r#"y\"]}"#));
    assert!(all[2].key.is("c\""));
}

#[test]
fn a_key_is_found_behind_its_escapes() {
    let text = br#"{"m\u006fdel":"a"}"#;
    assert!(members(text).next().expect("one").expect("valid").key.is("model"));
}

#[test]
fn numbers_are_those_of_the_standard() {
    for good in ["0", "-0", "10", "1.5", "1e9", "1E+9", "-1.25e-3", "1e999"] {
        assert!(is_number(good.as_bytes()), "{good}");
    }
    for bad in ["", "-", "01", "+1", ".5", "1.", "1e", "1e+", "0x1", "NaN", "1 "] {
        assert!(!is_number(bad.as_bytes()), "{bad}");
    }
}

#[test]
fn deep_nesting_is_counted_and_not_recursed_into() {
    let text = format!("{{\"a\":{}{}}}", "[".repeat(200_000), "]".repeat(200_000));
    assert!(members(text.as_bytes()).all(|member| member.is_ok()));
}

fn tree() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![
        Just(Tree::Null),
        any::<bool>().prop_map(Tree::from),
        any::<i64>().prop_map(Tree::from),
        any::<f64>().prop_map(Tree::from),
        any::<String>().prop_map(Tree::from),
        r#"[\\"{}\[\],: é]{0,12}"#.prop_map(Tree::from),
    ];
    leaf.prop_recursive(4, 48, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Tree::from),
            prop::collection::hash_map(any::<String>(), inner, 0..6)
                .prop_map(|map| Tree::Object(map.into_iter().collect())),
        ]
    })
}

fn same(value: Value<'_>, tree: &Tree) {
    let parsed: Tree = serde_json::from_slice(value.bytes()).expect("a value is JSON by itself");
    assert_eq!(&parsed, tree);
    assert_eq!(value.string().as_deref(), tree.as_str());
    assert_eq!(value.flag(), tree.as_bool());
    if let Some(array) = tree.as_array() {
        let elements: Vec<_> = value.elements().map(|element| element.expect("valid")).collect();
        assert_eq!(elements.len(), array.len());
        elements.into_iter().zip(array).for_each(|(element, tree)| same(element, tree));
    }
    if let Some(object) = tree.as_object() {
        let members: Vec<_> = value.members().map(|member| member.expect("valid")).collect();
        assert_eq!(members.len(), object.len());
        for member in members {
            same(member.value, &object[&*member.key.read().expect("a key")]);
        }
    }
}

proptest! {
    #[test]
    fn every_value_is_read_as_a_full_parser_reads_it(tree in tree(), pretty: bool) {
        let text = if pretty { serde_json::to_vec_pretty(&tree) } else { serde_json::to_vec(&tree) };
        let text = text.expect("a tree prints");
        let value = Cursor::new(&text).value().expect("valid");
        let tree: Tree = serde_json::from_slice(&text).expect("what was printed parses");
        same(value, &tree);
    }

    #[test]
    fn no_bytes_panic_and_no_valid_object_is_refused(
        text in prop_oneof![prop::collection::vec(any::<u8>(), 0..64).boxed(),
            r#"[{}\[\]",:\\a1tnu. -]{0,40}"#.prop_map(String::into_bytes).boxed()]
    ) {
        let steps = members(&text).last();
        if let Ok(Tree::Object(map)) = serde_json::from_slice(&text) {
            prop_assert_eq!(steps.is_some(), !map.is_empty());
            prop_assert!(steps.is_none_or(|last| last.is_ok()));
        }
        for element in elements(&text).flatten() {
            let _ = element.string();
            let _ = element.member("a");
        }
    }
}
