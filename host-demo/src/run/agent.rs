//! The agents, as data: what each has to be told so that it goes through the gateway.
//!
//! A row is what was found by running that agent, not what its documentation says; `docs/agents` has a
//! page for each. `{base}` stands for the gateway's URL, `{key}` for a placeholder where an agent wants a
//! key, and `{session}` for an id of this launch.

use std::ffi::OsStr;
use std::path::Path;

use clap::ValueEnum;

/// A wire format, as far as a host has to tell them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Anthropic,
    OpenAi,
    Gemini,
}

/// A variable of an agent's environment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Variable {
    pub name: &'static str,
    pub value: &'static str,
    /// It is set only where this format has accounts: else what there was stays.
    pub for_format: Format,
    /// What is there already stays, with this after it and a comma between.
    pub appended: bool,
}

/// Settings of an agent that no variable or argument of its own can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Settings {
    None,
    /// A private home with the user's settings and another way to sign in.
    GeminiHome,
    /// Base URLs inside of `OPENCODE_CONFIG_CONTENT`.
    OpencodeConfig,
}

/// What one agent has to be told.
#[derive(Debug)]
pub(super) struct Agent {
    pub name: &'static str,
    pub speaks: &'static [Format],
    pub variables: &'static [Variable],
    /// Variables that would lead it another way, or lend it a key that is not the placeholder.
    pub without: &'static [&'static str],
    /// They go before the user's own, which win where an option is given twice.
    pub arguments: &'static [&'static str],
    pub settings: Settings,
}

/// The agents that have a row of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum AgentName {
    Claude,
    Codex,
    Gemini,
    Opencode,
    Any,
}

const fn set(name: &'static str, value: &'static str, for_format: Format) -> Variable {
    Variable { name, value, for_format, appended: false }
}

/// Claude Code. With a bearer token in place of a key it does not ask whether the key may be used.
static CLAUDE: Agent = Agent {
    name: "claude",
    speaks: &[Format::Anthropic],
    variables: &[
        set("ANTHROPIC_BASE_URL", "{base}", Format::Anthropic),
        set("ANTHROPIC_AUTH_TOKEN", "{key}", Format::Anthropic),
    ],
    without: &[
        "ANTHROPIC_API_KEY",
        "ANTHROPIC_UNIX_SOCKET",
        "CLAUDE_CODE_USE_BEDROCK",
        "CLAUDE_CODE_USE_VERTEX",
        "CLAUDE_CODE_USE_FOUNDRY",
    ],
    arguments: &[],
    settings: Settings::None,
};

/// Codex. A provider of its own asks for no sign-in and tries no WebSocket first.
static CODEX: Agent = Agent {
    name: "codex",
    speaks: &[Format::OpenAi],
    variables: &[],
    without: &[],
    arguments: &[
        "-c",
        r#"model_provider="pointsman""#,
        "-c",
        r#"model_providers.pointsman={name="Pointsman",base_url="{base}/v1",wire_api="responses"}"#,
    ],
    settings: Settings::None,
};

/// Gemini CLI. It names no session, so each launch is a root session; its agents are known by how their
/// conversations begin.
static GEMINI: Agent = Agent {
    name: "gemini",
    speaks: &[Format::Gemini],
    variables: &[
        set("GOOGLE_GEMINI_BASE_URL", "{base}", Format::Gemini),
        set("GEMINI_API_KEY", "{key}", Format::Gemini),
        Variable {
            name: "GEMINI_CLI_CUSTOM_HEADERS",
            value: "x-pointsman-root: {session}",
            for_format: Format::Gemini,
            appended: true,
        },
    ],
    without: &["GOOGLE_GENAI_USE_VERTEXAI", "GOOGLE_GENAI_USE_GCA"],
    arguments: &[],
    settings: Settings::GeminiHome,
};

/// opencode, by base URLs.
static OPENCODE: Agent = Agent {
    name: "opencode",
    speaks: &Format::ALL,
    variables: &[],
    without: &[],
    arguments: &[],
    settings: Settings::OpencodeConfig,
};

/// Whatever else: what the providers' own libraries read.
static ANY: Agent = Agent {
    name: "the command",
    speaks: &Format::ALL,
    variables: &[
        set("ANTHROPIC_BASE_URL", "{base}", Format::Anthropic),
        set("ANTHROPIC_API_KEY", "{key}", Format::Anthropic),
        set("OPENAI_BASE_URL", "{base}/v1", Format::OpenAi),
        set("OPENAI_API_BASE", "{base}/v1", Format::OpenAi),
        set("OPENAI_API_KEY", "{key}", Format::OpenAi),
        set("GOOGLE_GEMINI_BASE_URL", "{base}", Format::Gemini),
        set("GEMINI_API_KEY", "{key}", Format::Gemini),
        set("GOOGLE_API_KEY", "{key}", Format::Gemini),
    ],
    without: &[],
    arguments: &[],
    settings: Settings::None,
};

impl Agent {
    /// Returns the row for a command, by the name of its file.
    pub(super) fn of(program: &OsStr) -> &'static Self {
        let name = Path::new(program).file_stem().and_then(OsStr::to_str).unwrap_or_default();
        AgentName::from_str(name, true).map_or(&ANY, Self::named)
    }

    /// Returns a row by its name.
    pub(super) fn named(name: AgentName) -> &'static Self {
        match name {
            AgentName::Claude => &CLAUDE,
            AgentName::Codex => &CODEX,
            AgentName::Gemini => &GEMINI,
            AgentName::Opencode => &OPENCODE,
            AgentName::Any => &ANY,
        }
    }
}

impl Format {
    pub(super) const ALL: [Self; 3] = [Self::Anthropic, Self::OpenAi, Self::Gemini];

    /// Returns the name that an account's status has.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Anthropic => "anthropic",
            Self::OpenAi => "openai",
            Self::Gemini => "gemini",
        }
    }

    /// Returns the name for people.
    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Anthropic => "Anthropic Messages",
            Self::OpenAi => "OpenAI",
            Self::Gemini => "Gemini",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_is_known_by_the_name_of_its_file() {
        for (program, name) in [
            ("claude", "claude"),
            ("/opt/bin/codex", "codex"),
            ("gemini.cmd", "gemini"),
            ("./opencode.exe", "opencode"),
            ("aider", "the command"),
            ("claude-wrapper", "the command"),
        ] {
            assert_eq!(Agent::of(program.as_ref()).name, name, "{program}");
        }
    }

    #[test]
    fn a_variable_is_for_a_format_that_its_agent_speaks() {
        for agent in [&CLAUDE, &CODEX, &GEMINI, &OPENCODE, &ANY] {
            for variable in agent.variables {
                assert!(agent.speaks.contains(&variable.for_format), "{} {}", agent.name, variable.name);
                assert!(!agent.without.contains(&variable.name), "{} {}", agent.name, variable.name);
            }
        }
    }
}
