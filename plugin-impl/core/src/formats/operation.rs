//! Operations: the kind of request, as far as upstreams count and refuse kinds apart.

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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_is_at_its_own_index() {
        for (index, operation) in Operation::ALL.into_iter().enumerate() {
            assert_eq!(operation.index(), index);
        }
    }
}
