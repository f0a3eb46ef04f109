//! Wire formats: which there are, and how their bodies are looked into without a parse.

pub mod agent;
pub mod body;
pub mod code_assist;
pub mod operation;

use std::fmt;

/// The wire format of requests and answers.
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
    /// All formats, in the order of lists for people.
    pub const ALL: [Self; 3] = [Self::Anthropic, Self::OpenAi, Self::Gemini];

    /// Returns the format's name in the configuration, as in `kind: openai`.
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

/// The envelope of a pool: put around request bodies, taken off answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Envelope {
    /// Bytes pass through.
    #[default]
    None,
    /// Code Assist: `{"project", "model", "request"}` out, `{"response"}` back.
    CodeAssist,
}
