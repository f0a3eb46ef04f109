//! The models that an account may be used for, by its owner's wish.

use crate::admission::cap::ModelPattern;
use crate::ids::ModelId;

/// The models of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowedModels {
    /// The only allowed models; empty for all.
    pub only: Vec<ModelPattern>,
    /// Models that are never allowed.
    pub never: Vec<ModelPattern>,
}

impl AllowedModels {
    /// Returns whether the account may be used for a model.
    #[inline]
    pub fn allows(&self, model: &ModelId) -> bool {
        let has = |patterns: &[ModelPattern]| patterns.iter().any(|pattern| pattern.matches(model));
        (self.only.is_empty() || has(&self.only)) && !has(&self.never)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_and_never_decide_and_never_wins() {
        let patterns = |names: &[&str]| names.iter().map(|name| ModelPattern::new(name)).collect();
        for (only, never, model, allowed) in [
            (&[][..], &[][..], "gpt-5", true),
            (&["claude-*"], &[], "Claude-Sonnet-4-6", true),
            (&["claude-*"], &[], "gpt-5", false),
            (&["gpt-5"], &[], "gpt-5-mini", false),
            (&[], &["claude-opus-*"], "claude-opus-4-5", false),
            (&[], &["claude-opus-*"], "claude-sonnet-4-6", true),
            (&["claude-*"], &["claude-opus-*"], "claude-opus-4-5", false),
        ] {
            let models = AllowedModels { only: patterns(only), never: patterns(never) };
            assert_eq!(models.allows(&ModelId::new(model)), allowed, "{models:?} {model}");
        }
    }
}
