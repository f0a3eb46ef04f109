//! Refusals: the router's own answer if nothing can serve a request in time.
//!
//! A refusal is written in the caller's wire format and gives the number of accounts limited, in cooldown,
//! disabled or in need of sign-in, and the earliest helpful instant. The status is 429 only if a limit is
//! part of the cause, the upstream's or the user's own. A known agent gets a [`Form`] it understands.

use http::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::json;

use crate::formats::WireFormat;
use crate::formats::agent::Agent;
use crate::formats::format::error::{Detail, ErrorFacts};
use crate::ids::AccountId;
use crate::planning::plan::{Counts, Refusal};
use crate::reporting::agent::{Cause, Form};
use crate::reporting::blocked::{Blocked, named, remedies};
use crate::reporting::notice::seconds_until;
use crate::time::{Now, UnixMillis};

/// An answer of the router's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: StatusCode,
    /// Whole seconds, for the header `retry-after`.
    pub retry_after: Option<u64>,
    /// Another attempt would be in vain: the header `x-should-retry: false`.
    pub is_final: bool,
    /// JSON.
    pub body: String,
}

/// The header obeyed by the providers' own libraries.
const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

impl Answer {
    /// Returns the headers for the content type, and for the time to come back.
    pub fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CONTENT_LENGTH, self.body.len().into());
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        if self.is_final {
            headers.insert(SHOULD_RETRY, HeaderValue::from_static("false"));
        }
        headers
    }
}

/// The refused request.
#[derive(Clone, Copy, Debug)]
pub struct Refused<'a> {
    pub family: &'a str,
    /// The number of upstream calls made.
    pub attempts: u32,
    /// The candidate accounts, all blocked.
    pub blocked: &'a [Blocked],
    /// The account that the request is bound to.
    pub bound: Option<&'a BoundTo>,
}

/// The account that a request is bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoundTo {
    pub account: AccountId,
    /// The resources that bind the request, as a phrase.
    pub by: String,
    /// Whether the setting `unbind` would let the request go on elsewhere.
    pub is_droppable: bool,
}

impl BoundTo {
    fn phrase(&self) -> String {
        let Self { account, by, is_droppable } = self;
        let remedy =
            if *is_droppable { "; `unbind: true` leaves that out and goes on elsewhere" } else { "" };
        format!("; the request is bound to {account} by {by}, which no other account can use{remedy}")
    }
}

/// Writes a refusal.
pub fn refuse(format: WireFormat, agent: Agent, refusal: &Refusal, refused: Refused<'_>, now: Now) -> Answer {
    let wait = refusal.until.map(|until| seconds_until(until, now.mono));
    let until = refusal.until.map(|until| now.wall_of(until));
    let message = message(refusal.counts, refused, wait);
    // A place that is taken is free again in a moment.
    let soon = (refusal.counts.busy > 0).then_some(1);
    let form = agent.form(cause(refusal.counts), wait.or(soon));
    written(format, form, Words { message: &message, until, bound: refused.bound })
}

/// Writes a router error with no remedy in waiting.
pub fn fault(format: WireFormat, status: StatusCode, message: &str) -> Answer {
    let form = Form { status, retry_after: None, is_final: false, detail: Detail::Usual };
    written(format, form, Words { message, until: None, bound: None })
}

/// The facts of a refusal besides its form.
struct Words<'a> {
    message: &'a str,
    until: Option<UnixMillis>,
    bound: Option<&'a BoundTo>,
}

fn written(format: WireFormat, form: Form, words: Words<'_>) -> Answer {
    let Form { status, retry_after, is_final, detail } = form;
    let Words { message, until, bound } = words;
    let facts = ErrorFacts { status, message: format!("Pointsman: {message}"), retry_after, until, detail };
    let mut body = (format.main().error)(&facts);
    if let Some(BoundTo { account, by, .. }) = bound {
        body["error"]["bound_to"] = json!({"account": account.as_str(), "by": by});
    }
    Answer { status, retry_after, is_final, body: body.to_string() }
}

fn cause(counts: Counts) -> Cause {
    if counts.limited > 0 {
        Cause::Limit
    } else if counts.protected > 0 || counts.excluded > 0 && counts.excluded == counts.total() {
        Cause::Protection
    } else if counts.passing() > 0 {
        Cause::Trouble
    } else {
        Cause::Owner
    }
}

fn message(counts: Counts, refused: Refused<'_>, retry_after: Option<u64>) -> String {
    let Refused { family, attempts, blocked, bound } = refused;
    let total = counts.total();
    let accounts = if total == 1 { "account" } else { "accounts" };
    let until = match retry_after {
        Some(seconds) => format!("; the earliest that could help is in {}", span(seconds)),
        None => String::new(),
    };
    let tried = match attempts {
        0 => String::new(),
        1 => " (after 1 attempt)".to_owned(),
        n => format!(" (after {n} attempts)"),
    };
    let (causes, named) = (counts.causes(), named(blocked));
    // Where time helps, it need not be said what else would.
    let remedies = if cause(counts) == Cause::Owner { remedies(blocked) } else { String::new() };
    let bound = bound.map(BoundTo::phrase).unwrap_or_default();
    format!(
        "no account can serve {family} now: of {total} {accounts} {causes}{named}{remedies}{bound}{until}{tried}"
    )
}

fn span(seconds: u64) -> String {
    match (seconds / 3_600, seconds % 3_600 / 60, seconds % 60) {
        (0, 0, s) => format!("{s}s"),
        (0, m, 0) => format!("{m}m"),
        (0, m, s) => format!("{m}m{s}s"),
        (h, 0, _) => format!("{h}h"),
        (h, m, _) => format!("{h}h{m}m"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::admission::blame::Reason;
    use crate::ids::AccountId;
    use crate::planning::plan::Cooling;
    use crate::planning::snapshot::Why;
    use crate::time::Millis;

    const NOW: Now = Now { mono: Millis(10_000), wall: UnixMillis(1_780_000_000_000) };

    fn refusal(counts: Counts, until: Option<u64>) -> Refusal {
        Refusal { until: until.map(Millis), last_resort: None, counts }
    }

    const fn asked(family: &str, attempts: u32) -> Refused<'_> {
        Refused { family, attempts, blocked: &[], bound: None }
    }

    #[test]
    fn a_rejected_credential_is_told_with_account_and_remedy_and_ends_each_agent() {
        let counts = Counts { cooling: Cooling::by(Reason::Auth, 1), ..Counts::default() };
        let blocked = [Blocked {
            without: None,
            account: AccountId::new("acme:work"),
            why: Why::Cooling(Reason::Auth),
            status: Some(401),
            place: "api.acme.example:443".into(),
        }];
        let refused = Refused { blocked: &blocked, ..asked("gpt", 0) };
        for (agent, status) in [
            (Agent::ClaudeCode, 401),
            (Agent::Codex, 400),
            (Agent::GeminiCli, 401),
            (Agent::Opencode, 401),
            (Agent::Other, 401),
        ] {
            for format in WireFormat::ALL {
                let answer = refuse(format, agent, &refusal(counts, None), refused, NOW);
                let told = (answer.status.as_u16(), answer.retry_after, answer.is_final);
                assert_eq!(told, (status, None, true), "{agent:?}");
                let words = "no account can serve gpt now: of 1 account 1 rejected; the credential of \
                             acme:work was rejected (401); give it a valid credential in pointsman.yaml";
                assert!(answer.body.contains(words), "{}", answer.body);
                assert!(!answer.body.contains("cooldown"), "{}", answer.body);
            }
        }
    }

    #[test]
    fn it_counts_the_causes_and_names_the_earliest_instant() {
        let counts = Counts { limited: 2, needs_sign_in: 1, ..Counts::default() };
        let answer =
            refuse(WireFormat::OpenAi, Agent::Other, &refusal(counts, Some(72_500)), asked("gpt", 2), NOW);
        assert_eq!((answer.status.as_u16(), answer.retry_after), (429, Some(63)));
        let body: Value = serde_json::from_str(&answer.body).expect("JSON");
        assert_eq!(
            body["error"]["message"],
            "Pointsman: no account can serve gpt now: of 3 accounts 2 limited, 1 in need of sign-in; \
             the earliest that could help is in 1m3s (after 2 attempts)"
        );
    }

    #[test]
    fn a_bound_request_is_told_by_what_and_to_whom() {
        let limited = refusal(Counts { limited: 1, ..Counts::default() }, Some(70_000));
        let mut bound = BoundTo {
            account: AccountId::new("openai:a"),
            by: "encrypted reasoning".into(),
            is_droppable: true,
        };
        for format in WireFormat::ALL {
            let refused = Refused { bound: Some(&bound), ..asked("gpt", 1) };
            let answer = refuse(format, Agent::Other, &limited, refused, NOW);
            let body: Value = serde_json::from_str(&answer.body).expect("JSON");
            let told = &body["error"]["bound_to"];
            assert_eq!(*told, json!({"account": "openai:a", "by": "encrypted reasoning"}));
            let message = body["error"]["message"].as_str().expect("a message");
            let words = "of 1 account 1 limited; the request is bound to openai:a by encrypted reasoning, which no \
                         other account can use; `unbind: true` leaves that out and goes on elsewhere; the earliest";
            assert!(message.contains(words), "{message}");
        }
        bound.is_droppable = false;
        let refused = Refused { bound: Some(&bound), ..asked("gpt", 1) };
        let answer = refuse(WireFormat::OpenAi, Agent::Other, &limited, refused, NOW);
        assert!(!answer.body.contains("unbind"), "{}", answer.body);
        let free = refuse(WireFormat::OpenAi, Agent::Other, &limited, asked("gpt", 1), NOW);
        assert!(!free.body.contains("bound"), "{}", free.body);
    }

    #[test]
    fn the_users_own_limit_has_words_of_its_own() {
        let counts = Counts { protected: 2, ..Counts::default() };
        let answer =
            refuse(WireFormat::Gemini, Agent::Other, &refusal(counts, Some(70_000)), asked("gemini", 0), NOW);
        assert_eq!((answer.status.as_u16(), answer.retry_after), (429, Some(60)));
        assert!(answer.body.contains("of 2 accounts 2 kept back by quota_protection;"), "{}", answer.body);
        assert!(!answer.body.contains("limited"), "{}", answer.body);
    }

    /// Both agents have words of their own for a long limit, and would show those.
    #[test]
    fn what_the_user_keeps_back_is_shown_in_our_words_by_every_agent() {
        let counts = Counts { protected: 2, cooling: Cooling::by(Reason::Server, 1), ..Counts::default() };
        let refusal = refusal(counts, Some(NOW.mono.0 + 7_200_000));
        for (agent, format) in [(Agent::Codex, WireFormat::OpenAi), (Agent::GeminiCli, WireFormat::Gemini)] {
            let (answer, body) = told_to(agent, format, &refusal);
            assert_eq!((answer.status.as_u16(), answer.is_final), (424, true), "{agent:?}");
            let message = body["error"]["message"].as_str().expect("a message");
            assert!(message.contains("2 kept back by quota_protection, 1 in cooldown"), "{message}");
            assert!(!body.to_string().contains("limit"), "{body}");
        }
    }

    #[test]
    fn what_is_no_limit_is_no_429_and_never_says_rate() {
        for (counts, status) in [
            (Counts { cooling: Cooling::by(Reason::Server, 2), ..Counts::default() }, 503),
            (Counts { busy: 1, disabled: 1, ..Counts::default() }, 503),
            (Counts { needs_sign_in: 1, ..Counts::default() }, 401),
        ] {
            for format in WireFormat::ALL {
                let answer =
                    refuse(format, Agent::Other, &refusal(counts, Some(11_000)), asked("claude", 1), NOW);
                assert_eq!(answer.status.as_u16(), status);
                assert!(!answer.body.contains("rate"), "{}", answer.body);
            }
        }
    }

    #[test]
    fn each_format_gets_its_own_error_type() {
        let limited = refusal(Counts { limited: 1, ..Counts::default() }, Some(15_000));
        let body = |format| -> Value {
            serde_json::from_str(&refuse(format, Agent::Other, &limited, asked("x", 0), NOW).body)
                .expect("JSON")
        };
        assert_eq!(body(WireFormat::Anthropic)["error"]["type"], "rate_limit_error");
        assert_eq!(body(WireFormat::OpenAi)["error"]["code"], "rate_limit_exceeded");
        assert_eq!(body(WireFormat::Gemini)["error"]["details"][0]["retryDelay"], "5s");
    }

    fn limited_for(seconds: u64) -> Refusal {
        let counts = Counts { limited: 2, ..Counts::default() };
        refusal(counts, Some(NOW.mono.0 + seconds * 1_000))
    }

    fn told_to(agent: Agent, format: WireFormat, refusal: &Refusal) -> (Answer, Value) {
        let answer = refuse(format, agent, refusal, asked("x", 1), NOW);
        let body = serde_json::from_str(&answer.body).expect("JSON");
        (answer, body)
    }

    #[test]
    fn a_wait_that_is_short_asks_every_agent_to_come_back() {
        for agent in [Agent::ClaudeCode, Agent::Codex, Agent::GeminiCli, Agent::Opencode, Agent::Other] {
            for format in WireFormat::ALL {
                let (answer, _) = told_to(agent, format, &limited_for(9));
                assert_eq!((answer.status.as_u16(), answer.retry_after), (429, Some(9)), "{agent:?}");
                assert!(!answer.is_final, "{agent:?}");
            }
        }
    }

    #[test]
    fn codex_is_told_when_the_usage_limit_ends() {
        let (answer, body) = told_to(Agent::Codex, WireFormat::OpenAi, &limited_for(7_200));
        assert_eq!((answer.status.as_u16(), answer.retry_after, answer.is_final), (429, None, true));
        assert_eq!(body["error"]["type"], "usage_limit_reached");
        assert_eq!(body["error"]["resets_at"], 1_780_007_200);
    }

    #[test]
    fn gemini_cli_is_told_that_the_quota_of_a_day_is_used_up() {
        let (_, body) = told_to(Agent::GeminiCli, WireFormat::Gemini, &limited_for(7_200));
        let details = body["error"]["details"].as_array().expect("details");
        assert!(details.iter().any(|detail| {
            detail["violations"][0]["quotaId"].as_str().is_some_and(|id| id.contains("PerDay"))
        }));
        assert!(!body.to_string().contains("RetryInfo"), "it would be taken for a wait");
    }

    #[test]
    fn opencode_finds_no_word_that_makes_it_try_again() {
        let trouble = refusal(
            Counts { cooling: Cooling::by(Reason::Server, 2), ..Counts::default() },
            Some(NOW.mono.0 + 7_200_000),
        );
        for refusal in [limited_for(7_200), trouble] {
            for format in WireFormat::ALL {
                let (answer, body) = told_to(Agent::Opencode, format, &refusal);
                assert_eq!((answer.status.as_u16(), answer.retry_after), (424, None));
                let text = body.to_string().to_lowercase();
                for word in ["rate", "exhausted", "overloaded", "unavailable", "server_error", "try again"] {
                    assert!(!text.contains(word), "{word} in {text}");
                }
            }
        }
    }

    #[test]
    fn a_place_that_is_taken_is_worth_another_try() {
        let busy = refusal(Counts { busy: 1, ..Counts::default() }, None);
        let (answer, _) = told_to(Agent::Codex, WireFormat::OpenAi, &busy);
        assert_eq!((answer.status.as_u16(), answer.retry_after, answer.is_final), (503, Some(1), false));
    }
}
