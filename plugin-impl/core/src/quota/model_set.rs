//! Sets of models counted together by an upstream.

use std::fmt;

use crate::ids::ModelId;

/// The models of a limit or a window.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ModelSet {
    /// One model.
    One(ModelId),
    /// Every model with this text in the name. The text is lower case.
    Naming(Box<str>),
}

impl ModelSet {
    /// Returns the set of the models named by `text`, or only `model` if its name does not hold the text.
    pub fn named(text: &str, model: &str) -> Self {
        let text = text.trim().to_ascii_lowercase();
        if !text.is_empty() && model.to_ascii_lowercase().contains(&text) {
            Self::Naming(text.into())
        } else {
            Self::One(ModelId::new(model))
        }
    }

    /// Returns whether a model is in the set.
    pub fn covers(&self, model: &str) -> bool {
        match self {
            Self::One(one) => one.as_str() == model,
            Self::Naming(text) => holds(model, text),
        }
    }

    /// Parses the display form of [`ModelSet`]: `opus` is one model, `*opus*` every model with that text in
    /// the name.
    pub fn read(text: &str) -> Self {
        let inner = text.strip_prefix('*').and_then(|text| text.strip_suffix('*'));
        inner.map_or_else(|| Self::One(ModelId::new(text)), |inner| Self::Naming(inner.to_lowercase().into()))
    }
}

fn holds(model: &str, text: &str) -> bool {
    let (model, text) = (model.as_bytes(), text.as_bytes());
    model.windows(text.len().max(1)).any(|part| part.eq_ignore_ascii_case(text))
}

impl fmt::Display for ModelSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(model) => write!(f, "{model}"),
            Self::Naming(text) => write!(f, "*{text}*"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_covers_the_models_with_its_text_in_their_names() {
        let opus = ModelSet::named("Opus", "claude-opus-4-5");
        assert_eq!(opus, ModelSet::Naming("opus".into()));
        assert!(opus.covers("Claude-OPUS-4-1") && !opus.covers("claude-sonnet-4-6"));
        assert_eq!(
            ModelSet::named("oi", "claude-sonnet-4-6"),
            ModelSet::One(ModelId::new("claude-sonnet-4-6"))
        );
        assert_eq!(ModelSet::named("", "m"), ModelSet::One(ModelId::new("m")));
    }

    #[test]
    fn what_is_printed_is_read_again() {
        for set in [ModelSet::One(ModelId::new("gpt-5")), ModelSet::Naming("opus".into())] {
            assert_eq!(ModelSet::read(&set.to_string()), set);
        }
    }
}
