//! Answers on state of another account: encrypted reasoning or signatures that this account cannot read.

/// The words of the three APIs, in lower case.
const WORDS: [&str; 8] = [
    // Responses: `invalid_encrypted_content`, "The encrypted content … could not be verified".
    "invalid_encrypted_content",
    "encrypted content",
    // Messages: "messages.1.content.0: Invalid `signature` in `thinking` block".
    "invalid `signature`",
    "invalid signature in thinking",
    "thinking.signature",
    // Gemini: "Corrupted thought signature", "Thought signature is not valid".
    "thought signature",
    "thought_signature",
    "thoughtsignature",
];

/// Returns whether an answer refuses state that another account made.
pub fn is_foreign_state(status: u16, body: &[u8]) -> bool {
    // Longer answers are none of this kind.
    const LONGEST: usize = 64 * 1024;
    if status != 400 || body.len() > LONGEST {
        return false;
    }
    let text = String::from_utf8_lossy(body).to_lowercase();
    WORDS.iter().any(|word| text.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_of_state_are_told_from_other_refusals() {
        for body in [
            r#"{"error":{"message":"The encrypted content gAAA... could not be verified.","code":"invalid_encrypted_content"}}"#,
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"messages.1.content.0: Invalid `signature` in `thinking` block"}}"#,
            r#"{"error":{"code":400,"message":"Corrupted thought signature.","status":"INVALID_ARGUMENT"}}"#,
        ] {
            assert!(is_foreign_state(400, body.as_bytes()), "{body}");
            assert!(!is_foreign_state(403, body.as_bytes()), "{body}");
        }
        assert!(!is_foreign_state(400, br#"{"error":{"message":"max_tokens is required"}}"#));
    }
}
