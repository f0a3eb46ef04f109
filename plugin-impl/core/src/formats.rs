//! Wire formats: each one a value of data and small pure functions, and the registry of all of them.
//!
//! A new format is a folder below this one, its `mod`, and a name in the registry. Shared logic asks
//! [`WireFormat::main`] for what holds for a whole API, [`WireFormat::formats`] for what its formats say
//! together, and [`all`] where the format is not known: gateways answer in any format.

pub mod agent;
mod anthropic;
pub mod body;
mod code_assist;
pub mod envelope;
pub mod format;
mod gemini;
mod made_ids;
mod openai;
mod openai_responses;
pub mod operation;

#[cfg(test)]
mod tests;

use std::fmt;

use self::format::Format;
use self::format::envelope::Wrapping;

/// Makes the type of all APIs from one line each: the API's name, its main format, and its other formats.
macro_rules! registry {
    ($($(#[$doc:meta])* $api:ident = $main:ident $(, $other:ident)*;)+) => {
        /// The API of a provider or a caller: one wire format, or several at different paths.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum WireFormat {
            $($(#[$doc])* $api,)+
        }

        impl WireFormat {
            /// All APIs, in the order of lists for people.
            pub const ALL: [Self; [$(Self::$api),+].len()] = [$(Self::$api),+];
        }

        /// The names of the APIs in the configuration, as in `kind: openai`.
        pub static KINDS: [(&str, WireFormat); WireFormat::ALL.len()] =
            [$(($main::FORMAT.name, WireFormat::$api)),+];

        /// The formats of each API, its main format first.
        static FORMATS: [&[&Format]; WireFormat::ALL.len()] =
            [$(&[&$main::FORMAT $(, &$other::FORMAT)*]),+];
    };
}

registry! {
    /// Anthropic's Messages API.
    Anthropic = anthropic;
    /// OpenAI's Chat Completions and Responses APIs.
    OpenAi = openai, openai_responses;
    /// Google's Gemini API, also inside of Code Assist.
    Gemini = gemini, code_assist;
}

impl WireFormat {
    /// Returns the formats of the API, the main one first.
    pub fn formats(self) -> &'static [&'static Format] {
        FORMATS[self as usize]
    }

    /// Returns the format of everything that an API has once: errors, the list of models, credentials.
    pub fn main(self) -> &'static Format {
        self.formats()[0]
    }

    /// Returns the API's name in the configuration, as in `kind: openai`.
    pub fn name(self) -> &'static str {
        self.main().name
    }
}

impl Default for WireFormat {
    /// The API of most services.
    fn default() -> Self {
        Self::OpenAi
    }
}

impl fmt::Display for WireFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Returns every format of every API.
pub fn all() -> impl Iterator<Item = &'static Format> {
    FORMATS.into_iter().flatten().copied()
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

/// The names of the envelopes in the configuration, as in `envelope: code-assist`.
pub static ENVELOPES: [(&str, Envelope); 2] =
    [("none", Envelope::None), (code_assist::FORMAT.name, Envelope::CodeAssist)];

impl Envelope {
    /// Returns the way into the envelope.
    pub fn wrapping(self) -> Option<&'static Wrapping> {
        match self {
            Self::None => None,
            Self::CodeAssist => code_assist::FORMAT.envelope,
        }
    }
}
