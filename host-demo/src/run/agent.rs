//! The agents, as data: the settings that lead each agent through the gateway.
//!
//! A row was found by running the agent, not by reading documentation; `docs/agents` has a page for each.
//! `{base}` stands for the gateway's URL, `{key}` for a placeholder key, `{session}` for an id of the
//! launch.

use std::ffi::OsStr;
use std::path::Path;

use clap::ValueEnum;

/// A wire format, from a host's view.
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
    /// Set only if this format has accounts; otherwise the user's value stays.
    pub for_format: Format,
    /// The user's value stays in front, with a comma.
    pub appended: bool,
}

/// Settings out of reach of an agent's variables and arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Settings {
    None,
    /// A private home with the user's settings and another sign-in method.
    GeminiHome,
    /// Base URLs inside of `OPENCODE_CONFIG_CONTENT`.
    OpencodeConfig,
}

/// The settings of an agent.
#[derive(Debug)]
pub(super) struct Agent {
    pub name: &'static str,
    pub speaks: &'static [Format],
    pub variables: &'static [Variable],
    /// Variables with another target, or with a real key.
    pub without: &'static [&'static str],
    /// Arguments before the user's own; of duplicate options the user's win.
    pub arguments: &'static [&'static str],
    pub settings: Settings,
}

/// The agents with a row.
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

/// Claude Code. A bearer token in place of a key avoids a question about the key.
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

/// Codex. A custom provider needs no sign-in and tries no WebSocket.
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

/// Gemini CLI. Requests name no session, so each launch is a root session; the start of a conversation
/// identifies an agent.
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

/// Every other command: the variables of the providers' own libraries.
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
    /// Returns the row of a command, by its file name.
    pub(super) fn of(program: &OsStr) -> &'static Self {
        let name = Path::new(program).file_stem().and_then(OsStr::to_str).unwrap_or_default();
        AgentName::from_str(name, true).map_or(&ANY, Self::named)
    }

    /// Returns a row by name.
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

    /// Returns the name in an account's status.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Anthropic => "anthropic",
            Self::OpenAi => "openai",
            Self::Gemini => "gemini",
        }
    }

    /// Returns the display name.
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
