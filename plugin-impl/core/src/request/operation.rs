//! Operations: the kind of request, as far as upstreams count and refuse kinds apart.

use crate::request::intent::{Intent, ModelPlace};

/// The kind of request. A limit or a refusal of one operation proves nothing about another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// A model's output.
    #[default]
    Generating,
    /// The number of tokens of a request.
    Counting,
    /// A list of models.
    Listing,
    /// Stored resources: files, batches, caches, past answers.
    Files,
    /// Vectors.
    Embedding,
}

impl Operation {
    /// The number of operations.
    pub const COUNT: usize = 5;

    /// Every operation, at its own index.
    pub const ALL: [Self; Self::COUNT] =
        [Self::Generating, Self::Counting, Self::Listing, Self::Files, Self::Embedding];

    /// Returns the operation's index in [`Operation::ALL`].
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Returns the display word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Generating => "generating",
            Self::Counting => "counting",
            Self::Listing => "listing",
            Self::Files => "files",
            Self::Embedding => "embedding",
        }
    }

    /// Reads the operation of a request.
    pub fn of(intent: &Intent) -> Self {
        match &intent.model {
            ModelPlace::Nowhere if intent.resource().0 == "models" => Self::Listing,
            ModelPlace::Optional if matches!(intent.resource().0, "audio" | "images") => Self::Generating,
            ModelPlace::Nowhere | ModelPlace::Optional | ModelPlace::Requests => Self::Files,
            ModelPlace::Path { action, .. } if action.eq_ignore_ascii_case("countTokens") => Self::Counting,
            ModelPlace::Path { .. } | ModelPlace::Body if intent.embeds() => Self::Embedding,
            ModelPlace::Path { .. } => Self::Generating,
            ModelPlace::Body => match intent.resource() {
                (_, Some("count_tokens" | "input_tokens")) => Self::Counting,
                ("messages", Some("batches")) | ("batches", _) => Self::Files,
                _ => Self::Generating,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;

    fn check(method: &Method, path: &str, expected: Operation) {
        let intent = Intent::read(method, path, None, None).expect("a known path");
        assert_eq!(Operation::of(&intent), expected, "{path}");
    }

    #[test]
    fn the_path_tells_the_operation() {
        for path in ["/v1/messages", "/v1/chat/completions", "/v1/responses"] {
            check(&Method::POST, path, Operation::Generating);
        }
        check(&Method::POST, "/v1beta/models/g:streamGenerateContent", Operation::Generating);
        for path in
            ["/v1/messages/count_tokens", "/v1beta/models/g:countTokens", "/v1/responses/input_tokens"]
        {
            check(&Method::POST, path, Operation::Counting);
        }
        for path in ["/v1/models", "/v1/models/m", "/v1beta/models"] {
            check(&Method::GET, path, Operation::Listing);
        }
        check(&Method::POST, "/v1/files", Operation::Files);
        check(&Method::POST, "/v1/messages/batches", Operation::Files);
        check(&Method::GET, "/v1/responses/resp_1", Operation::Files);
        check(&Method::POST, "/v1/embeddings", Operation::Embedding);
        check(&Method::POST, "/v1beta/models/g:embedContent", Operation::Embedding);
    }

    #[test]
    fn every_operation_is_at_its_own_index() {
        for (index, operation) in Operation::ALL.into_iter().enumerate() {
            assert_eq!(operation.index(), index);
        }
    }
}
