//! The three wire formats, and the envelope that one upstream puts around one of them.

use std::fmt;

/// How requests and answers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WireFormat {
    /// Anthropic's Messages API.
    Anthropic,
    /// OpenAI's Chat Completions and Responses APIs.
    OpenAi,
    /// Google's Gemini API.
    Gemini,
}

impl WireFormat {
    /// All formats, in the order they are listed to people.
    pub const ALL: [Self; 3] = [Self::Anthropic, Self::OpenAi, Self::Gemini];

    /// Returns the name that the configuration uses, as in `kind: openai`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Anthropic => "anthropic",
            Self::OpenAi => "openai",
            Self::Gemini => "gemini",
        }
    }
}

impl fmt::Display for WireFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What is put around a body on its way to a pool, and taken off the answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Envelope {
    /// Bytes pass through.
    #[default]
    None,
    /// Code Assist: `{"project", "model", "request"}` out, `{"response"}` back.
    CodeAssist,
}
