//! The environment of an agent's launch.

use std::collections::hash_map::RandomState;
use std::ffi::OsString;
use std::hash::{BuildHasher, Hasher};

use tempfile::TempDir;

use super::agent::{Agent, Format, Settings, Variable};
use super::{droid_file, gemini_home, opencode_config};

/// The placeholder for an agent's key. The gateway asks for no key, and sends the account's upstream.
const PLACEHOLDER: &str = "routed-by-pointsman";

/// A launch: the gateway's address and formats.
#[derive(Debug)]
pub(super) struct Launch {
    pub base: String,
    pub served: Vec<Format>,
    /// The formats in which callers use credentials of their own.
    pub own: Vec<Format>,
    session: String,
}

/// Variables, arguments and files of a launch.
#[derive(Debug, Default)]
pub(super) struct AgentEnvironment {
    pub variables: Vec<(&'static str, OsString)>,
    pub without: Vec<&'static str>,
    pub arguments: Vec<String>,
    /// Arguments that go after the command of the agent's own, such as `exec`.
    pub of_command: Vec<OsString>,
    /// Files that are there as long as this is.
    _files: Option<TempDir>,
}

impl Launch {
    pub(super) fn new(base: String, served: Vec<Format>, own: Vec<Format>) -> Self {
        // The keys of a hasher are the randomness that the standard library has.
        let session = format!("pointsman-run-{:016x}", RandomState::new().build_hasher().finish());
        Self { base, served, own, session }
    }

    /// Fills in a value of an agent's row.
    pub(super) fn fill(&self, template: &str) -> String {
        template
            .replace("{base}", &self.base)
            .replace("{key}", PLACEHOLDER)
            .replace("{session}", &self.session)
            .replace("{own}", if self.own.contains(&Format::OpenAi) { "true" } else { "false" })
    }

    /// Returns the formats in which an agent is told to ask.
    fn formats(&self, agent: &Agent) -> Vec<Format> {
        let served = agent.speaks.iter().copied().filter(|format| self.served.contains(format));
        served.take(if agent.manner.one_format { 1 } else { Format::ALL.len() }).collect()
    }
}

impl AgentEnvironment {
    /// Makes the environment for `agent`, from the present environment.
    ///
    /// # Errors
    /// Where settings of the user's that it has to build on cannot be read, or a file cannot be made.
    pub(super) fn new(agent: &Agent, launch: &Launch, rest: &[OsString]) -> anyhow::Result<Self> {
        let mut agent_environment = Self::from(agent, launch, &|name| std::env::var_os(name))?;
        if agent.settings == Settings::DroidFile {
            let (file, folder) = droid_file::for_command(rest, launch)?;
            agent_environment.of_command = vec!["--settings".into(), file.into()];
            agent_environment._files = Some(folder);
        }
        Ok(agent_environment)
    }

    fn from(
        agent: &Agent,
        launch: &Launch,
        environment: &dyn Fn(&str) -> Option<OsString>,
    ) -> anyhow::Result<Self> {
        let formats = launch.formats(agent);
        let keeps_keys = agent.speaks.iter().any(|format| launch.own.contains(format));
        let keys = if keeps_keys { &[][..] } else { agent.keys };
        let arguments = agent.arguments.iter().filter(|(format, _)| formats.contains(format));
        let mut agent_environment = Self {
            variables: variables(agent, launch, environment),
            without: agent.without.iter().chain(keys).copied().collect(),
            arguments: arguments.map(|(_, argument)| launch.fill(argument)).collect(),
            of_command: Vec::new(),
            _files: None,
        };
        match agent.settings {
            Settings::None | Settings::DroidFile => {}
            Settings::GeminiHome => {
                if let Some(home) = gemini_home::beside(gemini_home::of_user(environment).as_deref())? {
                    agent_environment.variables.push((gemini_home::VARIABLE, home.path().into()));
                    agent_environment._files = Some(home);
                }
            }
            Settings::OpencodeConfig => {
                let written = environment(opencode_config::VARIABLE);
                let config = opencode_config::with_bases(written.as_deref(), launch)?;
                agent_environment.variables.push((opencode_config::VARIABLE, config.into()));
            }
        }
        Ok(agent_environment)
    }
}

fn variables(
    agent: &Agent,
    launch: &Launch,
    environment: &dyn Fn(&str) -> Option<OsString>,
) -> Vec<(&'static str, OsString)> {
    let formats = launch.formats(agent);
    // A key of the user's own stays where the account is the user's own; who is signed in needs none.
    let is_own = |variable: &&Variable| {
        let is_key = variable.value == "{key}" && launch.own.contains(&variable.for_format);
        is_key && (agent.manner.signs_in || environment(variable.name).is_some())
    };
    let of_formats = agent.variables.iter().filter(|variable| formats.contains(&variable.for_format));
    let wanted = of_formats.filter(|variable| !is_own(variable));
    let set = wanted.map(|variable| {
        let there = if variable.appended { environment(variable.name) } else { None };
        (variable.name, after(there, ",", &launch.fill(variable.value)))
    });
    set.chain(no_proxy(environment)).collect()
}

/// Excludes this machine's gateway from an internet proxy.
fn no_proxy(environment: &dyn Fn(&str) -> Option<OsString>) -> Vec<(&'static str, OsString)> {
    const PROXIES: [&str; 6] =
        ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
    if PROXIES.iter().all(|name| environment(name).is_none()) {
        return Vec::new();
    }
    let set = |name| (name, after(environment(name), ",", "127.0.0.1"));
    vec![set("NO_PROXY"), set("no_proxy")]
}

fn after(there: Option<OsString>, separator: &str, text: &str) -> OsString {
    let mut value = there.filter(|there| !there.is_empty()).unwrap_or_default();
    if !value.is_empty() {
        value.push(separator);
    }
    value.push(text);
    value
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::agent::AgentName;
    use super::*;

    pub(crate) fn launch(served: &[Format]) -> Launch {
        Launch { base: "http://127.0.0.1:7".into(), served: served.into(), own: vec![], session: "s1".into() }
    }

    fn agent_environment(
        name: AgentName,
        served: &[Format],
        environment: &[(&str, &str)],
    ) -> AgentEnvironment {
        let lookup = |name: &str| {
            environment.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value))
        };
        AgentEnvironment::from(Agent::named(name), &launch(served), &lookup).expect("an outfit")
    }

    fn value<'a>(agent_environment: &'a AgentEnvironment, name: &str) -> Option<&'a str> {
        agent_environment
            .variables
            .iter()
            .find(|(known, _)| *known == name)
            .and_then(|(_, value)| value.to_str())
    }

    #[test]
    fn claude_gets_the_gateway_and_a_placeholder_in_place_of_its_key() {
        let agent_environment =
            agent_environment(AgentName::Claude, &[Format::Anthropic], &[("ANTHROPIC_API_KEY", "sk-own")]);
        assert_eq!(value(&agent_environment, "ANTHROPIC_BASE_URL"), Some("http://127.0.0.1:7"));
        assert_eq!(value(&agent_environment, "ANTHROPIC_AUTH_TOKEN"), Some(PLACEHOLDER));
        assert!(agent_environment.without.contains(&"ANTHROPIC_API_KEY"));
        assert!(agent_environment.arguments.is_empty());
    }

    #[test]
    fn a_user_who_brings_a_credential_keeps_it() {
        let launch = Launch { own: vec![Format::Anthropic, Format::OpenAi], ..launch(&Format::ALL) };
        let own = |name: &str| (name == "ANTHROPIC_API_KEY").then(|| OsString::from("sk-own"));
        let agent_environment =
            |agent| AgentEnvironment::from(Agent::named(agent), &launch, &own).expect("an outfit");
        let claude = agent_environment(AgentName::Claude);
        assert_eq!(value(&claude, "ANTHROPIC_BASE_URL"), Some("http://127.0.0.1:7"));
        assert_eq!(value(&claude, "ANTHROPIC_AUTH_TOKEN"), None);
        assert!(!claude.without.contains(&"ANTHROPIC_API_KEY"));
        assert!(agent_environment(AgentName::Codex).arguments[3].contains("requires_openai_auth=true"));
        let any = agent_environment(AgentName::Any);
        assert_eq!(value(&any, "ANTHROPIC_API_KEY"), None, "what is there stays");
        assert_eq!(value(&any, "OPENAI_API_KEY"), Some(PLACEHOLDER), "libraries do not start without one");
        assert_eq!(value(&any, "GEMINI_API_KEY"), Some(PLACEHOLDER), "nobody brings one for this format");
    }

    #[test]
    fn an_agent_of_one_format_at_a_time_is_told_one() {
        let copilot = agent_environment(AgentName::Copilot, &[Format::OpenAi, Format::Anthropic], &[]);
        assert_eq!(value(&copilot, "COPILOT_PROVIDER_TYPE"), Some("anthropic"));
        assert_eq!(value(&copilot, "COPILOT_PROVIDER_BASE_URL"), Some("http://127.0.0.1:7"));
        let copilot = agent_environment(AgentName::Copilot, &[Format::OpenAi], &[]);
        assert_eq!(value(&copilot, "COPILOT_PROVIDER_BASE_URL"), Some("http://127.0.0.1:7/v1"));
        assert!(copilot.without.contains(&"COPILOT_PROVIDER_BEARER_TOKEN"));
        let qwen = agent_environment(AgentName::Qwen, &[Format::Anthropic], &[]);
        assert_eq!(qwen.arguments, ["--auth-type=anthropic"]);
        assert_eq!(value(&qwen, "OPENAI_BASE_URL"), None);
    }

    #[test]
    fn agy_is_told_the_format_of_its_gateway() {
        let agy = agent_environment(AgentName::Agy, &[Format::Gemini], &[]);
        assert_eq!(value(&agy, "AGY_LLM_GATEWAY_WIRE_PROTOCOL"), Some("genai"));
        assert_eq!(value(&agy, "AGY_LLM_GATEWAY_URL"), Some("http://127.0.0.1:7"));
    }

    #[test]
    fn codex_is_told_by_arguments_alone() {
        let agent_environment = agent_environment(AgentName::Codex, &[Format::OpenAi], &[]);
        assert!(agent_environment.variables.is_empty());
        assert!(
            agent_environment.arguments[3].contains(r#"base_url="http://127.0.0.1:7/v1""#),
            "{agent_environment:?}"
        );
    }

    #[test]
    fn what_nobody_could_answer_is_left_as_it_is() {
        let agent_environment =
            agent_environment(AgentName::Any, &[Format::OpenAi], &[("ANTHROPIC_API_KEY", "sk-own")]);
        assert_eq!(value(&agent_environment, "OPENAI_BASE_URL"), Some("http://127.0.0.1:7/v1"));
        assert_eq!(value(&agent_environment, "ANTHROPIC_BASE_URL"), None);
        assert_eq!(value(&agent_environment, "ANTHROPIC_API_KEY"), None);
    }

    #[test]
    fn headers_of_the_users_stay() {
        let own = [("GEMINI_CLI_CUSTOM_HEADERS", "x-team: blue")];
        let agent_environment = agent_environment(AgentName::Gemini, &[Format::Gemini], &own);
        let headers = value(&agent_environment, "GEMINI_CLI_CUSTOM_HEADERS");
        assert_eq!(headers, Some("x-team: blue,x-pointsman-root: s1"));
    }

    #[test]
    fn the_gateway_is_not_looked_for_behind_a_proxy() {
        let own = [("HTTPS_PROXY", "http://proxy.example:3128"), ("NO_PROXY", "intranet.example")];
        let agent_environment = agent_environment(AgentName::Claude, &[Format::Anthropic], &own);
        assert_eq!(value(&agent_environment, "NO_PROXY"), Some("intranet.example,127.0.0.1"));
        assert_eq!(value(&agent_environment, "no_proxy"), Some("127.0.0.1"));
    }

    #[test]
    fn no_two_launches_are_one_session() {
        let session = || Launch::new(String::new(), vec![], vec![]).fill("{session}");
        assert_ne!(session(), session());
    }
}
