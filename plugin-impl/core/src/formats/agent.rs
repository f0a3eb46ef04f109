//! Agents: the clients with known habits, told apart by their `user-agent`.

use http::{HeaderMap, header};

/// An agent with known habits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Agent {
    ClaudeCode,
    Codex,
    GeminiCli,
    Opencode,
    /// Any other client, including the providers' own libraries.
    #[default]
    Other,
}

/// The lower-case prefixes of each agent's `user-agent`.
const NAMES: [(Agent, &str); 4] = [
    (Agent::ClaudeCode, "claude-cli/"),
    (Agent::Codex, "codex"),
    (Agent::GeminiCli, "geminicli"),
    (Agent::Opencode, "opencode/"),
];

impl Agent {
    /// Identifies the agent.
    pub fn of(headers: &HeaderMap) -> Self {
        let Some(name) = headers.get(header::USER_AGENT) else { return Self::Other };
        let begins = |with: &str| {
            name.as_bytes().get(..with.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(with.as_bytes()))
        };
        let known = NAMES.iter().find(|(_, name)| begins(name));
        known.map_or(Self::Other, |(agent, _)| *agent)
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(name: &'static str, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name.parse().expect("a name"), HeaderValue::from_static(value))])
    }

    #[test]
    fn an_agent_is_known_by_its_user_agent() {
        for (name, agent) in [
            ("claude-cli/2.1.197 (external, sdk-cli)", Agent::ClaudeCode),
            ("codex_exec/0.169.0 (Debian 12; x86_64)", Agent::Codex),
            ("codex_cli_rs/0.1", Agent::Codex),
            ("GeminiCLI/0.61.0/gemini-2.5-flash (linux; x64; terminal)", Agent::GeminiCli),
            ("GeminiCLI-vscode/0.61.0", Agent::GeminiCli),
            ("opencode/1.18.33 ai-sdk/5 runtime/bun/1.3.14", Agent::Opencode),
            ("Anthropic/Python 0.79.0", Agent::Other),
            ("my-opencode/1", Agent::Other),
            ("", Agent::Other),
        ] {
            assert_eq!(Agent::of(&headers("user-agent", name)), agent, "{name}");
        }
        assert_eq!(Agent::of(&HeaderMap::new()), Agent::Other);
    }
}
