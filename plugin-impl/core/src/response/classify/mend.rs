//! Repairs cut JSON.
//!
//! Only the beginning of an answer is read. If the text ends inside of a value, everything before the last
//! comma or bracket is still good; the repair closes the containers open there.

use super::nesting::{Mark, Nesting};

/// Returns the text up to its last complete item, with its containers closed; none without an open
/// container.
pub(super) fn mended(text: &[u8]) -> Option<Vec<u8>> {
    let mut nesting = Nesting::default();
    let (mut good, mut at) = (0, 0);
    while let Some((behind, mark)) = nesting.next(text, at) {
        good = if mark == Mark::Comma { behind - 1 } else { behind };
        at = behind;
    }
    // Each bracket moves the mark, so what is open at the end is what is open at the mark.
    (nesting.depth() > 0).then(|| text[..good].iter().copied().chain(nesting.closers()).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    #[test]
    fn what_was_complete_is_kept() {
        let mend = |text: &str| mended(text.as_bytes()).map(|text| String::from_utf8(text).expect("text"));
        assert_eq!(mend(r#"{"a":{"b":[1,2,{"c":"x, y"#).as_deref(), Some(r#"{"a":{"b":[1,2,{}]}}"#));
        assert_eq!(mend(r#"{"a":"\"},{","b":1"#).as_deref(), Some(r#"{"a":"\"},{"}"#));
        assert_eq!(mend(r#"{"a":[{}],"#).as_deref(), Some(r#"{"a":[{}]}"#));
        assert_eq!(mend("no brackets, but a comma"), None);
    }

    proptest! {
        #[test]
        fn an_error_that_is_cut_anywhere_parses(
            message in any::<String>(),
            cut in any::<prop::sample::Index>(),
        ) {
            let quoted = Value::from(message).to_string();
            let text = format!(r#"[{{"error":{{"code":429,"message":{quoted},"details":[{{"a":[1,{{}}]}},{quoted}]}}}}]"#);
            let cut = &text.as_bytes()[..1 + cut.index(text.len() - 1)];
            prop_assert!(serde_json::from_slice::<Value>(&mended(cut).expect("a container is open")).is_ok());
        }

        #[test]
        fn no_bytes_panic(text in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = mended(&text);
        }
    }
}
