//! The agents, as data: the settings that lead each agent through the gateway.
//!
//! A row was found by running the agent, not by reading documentation; `docs/agents` has a page for each.
//! `{base}` stands for the gateway's URL, `{key}` for a placeholder key, `{session}` for an id of the
//! launch, and `{own}` for whether callers use credentials of their own.

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
    /// A private file with the models of the gateway, for `droid exec --settings`.
    DroidFile,
}

/// The settings of an agent.
#[derive(Debug)]
pub(super) struct Agent {
    pub name: &'static str,
    pub speaks: &'static [Format],
    pub variables: &'static [Variable],
    /// Variables that would lead it another way.
    pub without: &'static [&'static str],
    /// Variables that would lend it a key that is not the placeholder. They stay where callers use keys of
    /// their own.
    pub keys: &'static [&'static str],
    /// Arguments for one format each. They go before the user's own, which win where an option is given twice.
    pub arguments: &'static [(Format, &'static str)],
    pub settings: Settings,
    pub manner: Manner,
}

/// How an agent takes what it is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Manner {
    /// One format at a time: the first format with an account.
    pub one_format: bool,
    /// A sign-in replaces the key in the environment.
    pub signs_in: bool,
}

/// The agents with a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum AgentName {
    Claude,
    Codex,
    Gemini,
    Opencode,
    Copilot,
    Qwen,
    Droid,
    Agy,
    Any,
}

const PLAIN: Manner = Manner { one_format: false, signs_in: false };
const ONE_FORMAT: Manner = Manner { one_format: true, signs_in: false };

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
        // Each request tells whether a person waits for it, which decides who goes first in the queue.
        set("CLAUDE_CODE_GATEWAY_HINT_HEADERS", "1", Format::Anthropic),
    ],
    without: &[
        "ANTHROPIC_UNIX_SOCKET",
        "CLAUDE_CODE_USE_BEDROCK",
        "CLAUDE_CODE_USE_VERTEX",
        "CLAUDE_CODE_USE_FOUNDRY",
    ],
    keys: &["ANTHROPIC_API_KEY"],
    arguments: &[],
    settings: Settings::None,
    manner: Manner { one_format: false, signs_in: true },
};

/// Codex. A custom provider needs no sign-in and tries no WebSocket.
static CODEX: Agent = Agent {
    name: "codex",
    speaks: &[Format::OpenAi],
    variables: &[],
    without: &[],
    keys: &[],
    arguments: &[
        (Format::OpenAi, "-c"),
        (Format::OpenAi, r#"model_provider="pointsman""#),
        (Format::OpenAi, "-c"),
        (
            Format::OpenAi,
            r#"model_providers.pointsman={name="Pointsman",base_url="{base}/v1",wire_api="responses",requires_openai_auth={own}}"#,
        ),
    ],
    settings: Settings::None,
    manner: Manner { one_format: false, signs_in: true },
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
    keys: &[],
    arguments: &[],
    settings: Settings::GeminiHome,
    manner: PLAIN,
};

/// opencode, by base URLs.
static OPENCODE: Agent = Agent {
    name: "opencode",
    speaks: &Format::ALL,
    variables: &[],
    without: &[],
    keys: &[],
    arguments: &[],
    settings: Settings::OpencodeConfig,
    manner: PLAIN,
};

/// GitHub Copilot CLI with a provider of the user's own. The user names the model, by `COPILOT_MODEL` or `--model`.
static COPILOT: Agent = Agent {
    name: "copilot",
    speaks: &[Format::Anthropic, Format::OpenAi],
    variables: &[
        set("COPILOT_PROVIDER_BASE_URL", "{base}", Format::Anthropic),
        set("COPILOT_PROVIDER_TYPE", "anthropic", Format::Anthropic),
        set("COPILOT_PROVIDER_API_KEY", "{key}", Format::Anthropic),
        set("COPILOT_PROVIDER_BASE_URL", "{base}/v1", Format::OpenAi),
        set("COPILOT_PROVIDER_TYPE", "openai", Format::OpenAi),
        set("COPILOT_PROVIDER_API_KEY", "{key}", Format::OpenAi),
    ],
    without: &["COPILOT_PROVIDER_TRANSPORT"],
    keys: &["COPILOT_PROVIDER_BEARER_TOKEN", "COPILOT_PROVIDER_API_KEY_COMMAND"],
    arguments: &[],
    settings: Settings::None,
    manner: ONE_FORMAT,
};

/// Qwen Code. The general variables count once a variable names the sign-in.
static QWEN: Agent = Agent {
    name: "qwen",
    speaks: &[Format::OpenAi, Format::Anthropic],
    variables: &[
        set("OPENAI_BASE_URL", "{base}/v1", Format::OpenAi),
        set("OPENAI_API_KEY", "{key}", Format::OpenAi),
        set("ANTHROPIC_BASE_URL", "{base}", Format::Anthropic),
        set("ANTHROPIC_API_KEY", "{key}", Format::Anthropic),
    ],
    without: &[],
    keys: &[],
    arguments: &[(Format::OpenAi, "--auth-type=openai"), (Format::Anthropic, "--auth-type=anthropic")],
    settings: Settings::None,
    manner: ONE_FORMAT,
};

/// Factory's droid, as `droid exec -m custom:MODEL`: a model of a private file needs no account there.
static DROID: Agent = Agent {
    name: "droid",
    speaks: &[Format::Anthropic, Format::OpenAi],
    variables: &[],
    without: &[],
    keys: &[],
    arguments: &[],
    settings: Settings::DroidFile,
    manner: PLAIN,
};

/// Antigravity CLI, from the documentation: the program is on no registry, and was never run here.
static AGY: Agent = Agent {
    name: "agy",
    speaks: &[Format::Gemini],
    variables: &[
        set("AGY_LLM_GATEWAY_URL", "{base}", Format::Gemini),
        set("AGY_LLM_GATEWAY_API_KEY", "{key}", Format::Gemini),
        set("AGY_LLM_GATEWAY_WIRE_PROTOCOL", "genai", Format::Gemini),
    ],
    without: &[],
    keys: &[],
    arguments: &[],
    settings: Settings::None,
    manner: PLAIN,
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
        set("GEMINI_API_BASE", "{base}", Format::Gemini),
        set("GEMINI_API_KEY", "{key}", Format::Gemini),
        set("GOOGLE_API_KEY", "{key}", Format::Gemini),
    ],
    without: &[],
    keys: &[],
    arguments: &[],
    settings: Settings::None,
    manner: PLAIN,
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
            AgentName::Copilot => &COPILOT,
            AgentName::Qwen => &QWEN,
            AgentName::Droid => &DROID,
            AgentName::Agy => &AGY,
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
            ("copilot", "copilot"),
            ("qwen", "qwen"),
            ("droid", "droid"),
            ("agy", "agy"),
            ("aider", "the command"),
            ("claude-wrapper", "the command"),
        ] {
            assert_eq!(Agent::of(program.as_ref()).name, name, "{program}");
        }
    }

    #[test]
    fn a_variable_is_for_a_format_that_its_agent_speaks() {
        for agent in [&CLAUDE, &CODEX, &GEMINI, &OPENCODE, &COPILOT, &QWEN, &DROID, &AGY, &ANY] {
            for variable in agent.variables {
                assert!(agent.speaks.contains(&variable.for_format), "{} {}", agent.name, variable.name);
                let taken = agent.without.iter().chain(agent.keys).any(|name| *name == variable.name);
                assert!(!taken, "{} {}", agent.name, variable.name);
            }
        }
    }
}
