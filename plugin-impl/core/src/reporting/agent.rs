//! Habits of agents, and each agent's form of a refusal.
//!
//! Agents react differently to a 429 or a 503. Some sleep silently for the hour in `Retry-After`, some ask
//! thirty times in half a minute, some show their user the status alone. Each row of `HABITS` was found by
//! running the agent. After a short wait the agent has to come back in time; for a long wait the agent has
//! to fail at once, with a text for people.

use http::{HeaderMap, StatusCode};

use crate::formats::agent::Agent;
use crate::formats::format::error::Detail;

/// The cause of a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// An upstream's limit contributes.
    Limit,
    /// The user's own [protection](crate::quota::protection) contributes, and no upstream's limit.
    Protection,
    /// Trouble other than a limit, or no free slot.
    Trouble,
    /// Only the accounts' owner can help: a rejected credential, or a due sign-in.
    Owner,
}

/// The form of a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    pub status: StatusCode,
    /// Whole seconds, for the header `retry-after`.
    pub retry_after: Option<u64>,
    /// A retry is useless: the header `x-should-retry: false`.
    pub is_final: bool,
    pub detail: Detail,
}

/// The longest retry time for agents, in seconds. Claude Code waits up to a minute; the others would wait
/// for hours, silently.
pub const SHORT: u64 = 60;

/// The habits of an agent.
struct Habits {
    agent: Agent,
    /// The agent sleeps for any `Retry-After`.
    sleeps: bool,
    /// The ending that makes the agent fail at once on a lasting limit.
    limit: Ending,
    /// The ending for causes without words of the agent's own, so the agent shows ours: trouble, and
    /// reserved quota.
    other: Ending,
    /// The ending if only the accounts' owner can help.
    owner: Ending,
}

/// The difference of a final refusal from the usual.
#[derive(Clone, Copy)]
struct Ending {
    /// The status, in place of the usual.
    status: Option<StatusCode>,
    tells_retry_after: bool,
    detail: Detail,
}

/// Only `x-should-retry: false`, respected by the providers' libraries.
const USUAL: Ending = Ending { status: None, tells_retry_after: true, detail: Detail::Usual };

/// A status that blames a third party and that no agent retries.
const SOMEBODY_ELSE: Ending =
    Ending { status: Some(StatusCode::FAILED_DEPENDENCY), tells_retry_after: false, detail: Detail::Usual };

const HABITS: [Habits; 5] = [
    Habits { agent: Agent::ClaudeCode, sleeps: false, limit: USUAL, other: USUAL, owner: USUAL },
    // A 429 with a usage limit is the one that it shows with its end. A 503 it tries thirty times, a 401 six
    // times; a 400 ends the turn at once with the message.
    Habits {
        agent: Agent::Codex,
        sleeps: true,
        limit: Ending { status: None, tells_retry_after: false, detail: Detail::UsageLimit },
        other: SOMEBODY_ELSE,
        owner: Ending {
            status: Some(StatusCode::BAD_REQUEST),
            tells_retry_after: false,
            detail: Detail::Usual,
        },
    },
    // It heeds the body and no header, and takes nothing but the quota of a day for an end.
    Habits {
        agent: Agent::GeminiCli,
        sleeps: false,
        limit: Ending { status: None, tells_retry_after: true, detail: Detail::DailyQuota },
        other: SOMEBODY_ELSE,
        owner: USUAL,
    },
    // It tries every 429 and 5xx again, and whatever speaks of rates in its text.
    Habits { agent: Agent::Opencode, sleeps: true, limit: SOMEBODY_ELSE, other: SOMEBODY_ELSE, owner: USUAL },
    Habits { agent: Agent::Other, sleeps: false, limit: USUAL, other: USUAL, owner: USUAL },
];

impl Cause {
    const fn status(self) -> StatusCode {
        match self {
            Self::Limit | Self::Protection => StatusCode::TOO_MANY_REQUESTS,
            Self::Trouble => StatusCode::SERVICE_UNAVAILABLE,
            Self::Owner => StatusCode::UNAUTHORIZED,
        }
    }
}

impl Agent {
    /// Returns the form of a refusal with a wait of `wait` seconds; none for a wait without a known end.
    pub fn form(self, cause: Cause, wait: Option<u64>) -> Form {
        let status = cause.status();
        if wait.is_some_and(|wait| wait <= SHORT) {
            return Form { status, retry_after: wait, is_final: false, detail: Detail::Usual };
        }
        let habits = self.habits();
        let ending = match cause {
            Cause::Limit => habits.limit,
            Cause::Protection | Cause::Trouble => habits.other,
            Cause::Owner => habits.owner,
        };
        Form {
            status: ending.status.unwrap_or(status),
            retry_after: if ending.tells_retry_after { wait } else { None },
            is_final: true,
            detail: ending.detail,
        }
    }

    /// Removes a wait from an upstream's error head for an agent that would sleep through the wait.
    pub fn spare(self, status: StatusCode, headers: &mut HeaderMap) {
        const WAITS: [(&str, u64); 2] = [("retry-after", 1), ("retry-after-ms", 1_000)];
        if !self.habits().sleeps || status.is_success() {
            return;
        }
        for (name, per_second) in WAITS {
            let wait = headers.get(name).and_then(|value| value.to_str().ok()?.trim().parse::<f64>().ok());
            // A date is as good as a long wait: no provider writes one for a few seconds.
            let is_short = wait.is_some_and(|wait| wait <= (SHORT * per_second) as f64);
            if !is_short {
                headers.remove(name);
            }
        }
    }

    fn habits(self) -> &'static Habits {
        let of_agent = HABITS.iter().find(|habits| habits.agent == self);
        of_agent.expect("every agent has a row, which a test checks")
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const ALL: [Agent; 5] =
        [Agent::ClaudeCode, Agent::Codex, Agent::GeminiCli, Agent::Opencode, Agent::Other];

    fn headers(name: &'static str, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name.parse().expect("a name"), HeaderValue::from_static(value))])
    }

    #[test]
    fn every_agent_has_habits() {
        for agent in ALL {
            assert_eq!(agent.habits().agent, agent);
        }
    }

    #[test]
    fn a_short_wait_is_told_to_everybody_alike() {
        for agent in ALL {
            let form = agent.form(Cause::Limit, Some(SHORT));
            assert_eq!((form.status.as_u16(), form.retry_after, form.is_final), (429, Some(60), false));
        }
    }

    #[test]
    fn a_long_wait_ends_each_agent_in_its_own_way() {
        for (agent, cause, status, retry_after, detail) in [
            (Agent::ClaudeCode, Cause::Limit, 429, Some(61), Detail::Usual),
            (Agent::ClaudeCode, Cause::Protection, 429, Some(61), Detail::Usual),
            (Agent::ClaudeCode, Cause::Trouble, 503, Some(61), Detail::Usual),
            (Agent::Codex, Cause::Limit, 429, None, Detail::UsageLimit),
            (Agent::Codex, Cause::Protection, 424, None, Detail::Usual),
            (Agent::Codex, Cause::Trouble, 424, None, Detail::Usual),
            (Agent::GeminiCli, Cause::Limit, 429, Some(61), Detail::DailyQuota),
            (Agent::GeminiCli, Cause::Protection, 424, None, Detail::Usual),
            (Agent::GeminiCli, Cause::Trouble, 424, None, Detail::Usual),
            (Agent::Opencode, Cause::Limit, 424, None, Detail::Usual),
            (Agent::Opencode, Cause::Trouble, 424, None, Detail::Usual),
            (Agent::Other, Cause::Limit, 429, Some(61), Detail::Usual),
            (Agent::Other, Cause::Protection, 429, Some(61), Detail::Usual),
            (Agent::ClaudeCode, Cause::Owner, 401, Some(61), Detail::Usual),
            (Agent::Codex, Cause::Owner, 400, None, Detail::Usual),
            (Agent::GeminiCli, Cause::Owner, 401, Some(61), Detail::Usual),
            (Agent::Opencode, Cause::Owner, 401, Some(61), Detail::Usual),
        ] {
            let form = agent.form(cause, Some(61));
            let told = (form.status.as_u16(), form.retry_after, form.detail);
            assert_eq!(told, (status, retry_after, detail), "{agent:?} {cause:?}");
            assert!(form.is_final);
        }
    }

    #[test]
    fn what_nobody_knows_the_end_of_is_final() {
        for agent in ALL {
            let form = agent.form(Cause::Trouble, None);
            assert_eq!((form.retry_after, form.is_final), (None, true), "{agent:?}");
        }
    }

    #[test]
    fn an_agent_that_would_sleep_is_spared_a_long_wait() {
        for (agent, name, value, stays) in [
            (Agent::Codex, "retry-after", "3600", false),
            (Agent::Codex, "retry-after", "60", true),
            (Agent::Codex, "retry-after", "Thu, 28 May 2026 20:00:00 GMT", false),
            (Agent::Opencode, "retry-after-ms", "60001", false),
            (Agent::Opencode, "retry-after-ms", "250", true),
            (Agent::ClaudeCode, "retry-after", "3600", true),
            (Agent::Other, "retry-after", "3600", true),
        ] {
            let mut headers = headers(name, value);
            agent.spare(StatusCode::from_u16(529).expect("a status"), &mut headers);
            assert_eq!(headers.contains_key(name), stays, "{agent:?} {name}: {value}");
        }
    }
}
