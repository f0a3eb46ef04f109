//! Families: main agents with subagents, in the shapes that real agents send.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use pointsman_tests::ask::Format;
use pointsman_tests::setup::free;
use pointsman_tests::{Ask, Setup, Stage};
use pointsman_upstream::Pace;
use serde_json::{Value, json};

const USER: &str = "user";
const MODEL: &str = "assistant";

/// One agent of a session: its headers, and the text that its conversation begins with.
#[derive(Clone)]
struct Who {
    headers: Vec<(&'static str, String)>,
    system: String,
    text: String,
}

/// How one program names its main agent (0) and its subagents (1 and more).
type Shape = fn(session: &str, agent: usize) -> Who;

const SHAPES: [(&str, Shape); 4] =
    [("Claude Code", claude), ("Codex", codex), ("opencode", opencode), ("Gemini CLI by `run`", gemini)];
/// The format that each of them speaks; opencode speaks all.
const FORMATS: [Format; 4] = [Format::Messages, Format::Responses, Format::Chat, Format::Gemini];

fn who(headers: Vec<(&'static str, String)>, session: &str, agent: usize) -> Who {
    let system = if agent == 0 { "you are main" } else { "you explore" };
    Who { headers, system: system.to_owned(), text: format!("task {agent} of {session}") }
}

fn claude(session: &str, agent: usize) -> Who {
    let mut headers = vec![("x-claude-code-session-id", session.to_owned())];
    if agent > 0 {
        headers.push(("x-claude-code-agent-id", format!("a{agent}")));
    }
    who(headers, session, agent)
}

fn codex(session: &str, agent: usize) -> Who {
    let thread = if agent == 0 { session.to_owned() } else { format!("{session} thread {agent}") };
    let mut headers = vec![
        ("originator", "codex_exec".to_owned()),
        ("session-id", session.to_owned()),
        ("thread-id", thread.clone()),
        ("x-client-request-id", thread),
    ];
    if agent > 0 {
        headers.push(("x-codex-parent-thread-id", session.to_owned()));
        headers.push(("x-openai-subagent", "collab_spawn".to_owned()));
    }
    who(headers, session, agent)
}

fn opencode(session: &str, agent: usize) -> Who {
    let own = if agent == 0 { session.to_owned() } else { format!("{session} child {agent}") };
    let mut headers = vec![("x-session-affinity", own.clone()), ("x-session-id", own)];
    if agent > 0 {
        headers.push(("x-parent-session-id", session.to_owned()));
    }
    who(headers, session, agent)
}

fn gemini(session: &str, agent: usize) -> Who {
    who(vec![("x-pointsman-root", session.to_owned())], session, agent)
}

impl Who {
    /// A turn of its conversation. The `prompt_cache_key` is the session's for all, as Codex sends it.
    fn turn(&self, turn: usize) -> Ask {
        let mut messages = vec![json!({"role": "user", "content": self.text})];
        for turn in 0..turn {
            messages.push(json!({"role": "assistant", "content": format!("answer {turn}")}));
            messages.push(json!({"role": "user", "content": "go on"}));
        }
        let body = json!({"model": "claude-sonnet-4-6", "max_tokens": 10, "system": self.system,
            "messages": messages});
        self.named(Ask::messages().body(body.to_string()))
    }

    /// The same in a format.
    fn turn_in(&self, format: Format, turn: usize) -> Ask {
        let later =
            (0..turn).flat_map(|turn| [(MODEL, format!("answer {turn}")), (USER, "go on".to_owned())]);
        let said = std::iter::once((USER, self.text.clone())).chain(later);
        let body = match format {
            Format::Messages => return self.turn(turn),
            Format::Chat => {
                let system = std::iter::once(("system", self.system.clone()));
                json!({"model": "gpt-5", "messages": system.chain(said).map(message).collect::<Value>()})
            }
            Format::Responses => {
                let input: Value = said.map(message).collect();
                // Codex sends the session's key for all its threads.
                json!({"model": "gpt-5", "instructions": self.system, "input": input, "prompt_cache_key": "S"})
            }
            Format::Gemini => {
                let contents: Value = said.map(content).collect();
                json!({"systemInstruction": {"parts": [{"text": self.system}]}, "contents": contents})
            }
        };
        self.named(Ask::of(format).body(body.to_string()))
    }

    fn named(&self, ask: Ask) -> Ask {
        self.headers.iter().fold(ask, |ask, (name, value)| ask.header(name, value))
    }
}

fn message((role, text): (&str, String)) -> Value {
    json!({"role": role, "content": text})
}

fn content((role, text): (&str, String)) -> Value {
    let role = if role == MODEL { "model" } else { role };
    json!({"role": role, "parts": [{"text": text}]})
}

fn stage(strategy: &str, accounts: &[&str]) -> Stage {
    let setup = Setup::new().set("strategy", strategy);
    accounts.iter().fold(setup, |setup, label| setup.anthropic(label, free())).start()
}

/// Lets agents take their turns one after the other, and returns the accounts that each was served by.
async fn served(stage: &Stage, agents: &[Who], turns: usize) -> Vec<Vec<String>> {
    let mut served = vec![Vec::new(); agents.len()];
    for turn in 0..turns {
        for (agent, served) in agents.iter().zip(&mut served) {
            let answer = stage.fetch(&agent.turn(turn)).await.good();
            served.push(answer.account().to_owned());
        }
    }
    served
}

#[tokio::test]
async fn main_and_four_subagents_use_three_accounts_and_each_stays_on_its_own() {
    for strategy in ["hybrid", "sticky", "headroom"] {
        for (name, shape) in SHAPES {
            let stage = stage(strategy, &["a", "b", "c"]);
            let agents: Vec<_> = (0..5).map(|agent| shape("S", agent)).collect();
            let served = served(&stage, &agents, 5).await;
            for (agent, accounts) in served.iter().enumerate() {
                let used: BTreeSet<_> = accounts.iter().collect();
                assert_eq!(used.len(), 1, "{name}, {strategy}: agent {agent} by {accounts:?}");
            }
            let used: BTreeSet<_> = served[1..].iter().map(|accounts| &accounts[0]).collect();
            assert!(used.len() >= 2, "{name}, {strategy}: {served:?}");
            let counts = agents_of(&served);
            assert!(counts.values().all(|agents| *agents <= 2), "{name}, {strategy}: {counts:?}");
        }
    }
}

/// The same for agents that ask at the same time, each program in its own format.
#[tokio::test]
async fn four_subagents_at_once_use_the_accounts_and_each_stays_on_its_own() {
    for strategy in ["hybrid", "sticky", "headroom"] {
        for ((name, shape), format) in SHAPES.into_iter().zip(FORMATS) {
            let account = |setup: Setup, label: &&str| match format {
                Format::Messages => setup.anthropic(label, free()),
                Format::Chat | Format::Responses => setup.openai(label, free()),
                Format::Gemini => setup.gemini(label, free()),
            };
            // Long enough for all of a turn to be under way together.
            let setup =
                Setup::new().set("strategy", strategy).pace(Pace::default().head(Duration::from_millis(20)));
            let stage = ["a", "b", "c"].iter().fold(setup, account).start();
            stage.fetch(&shape("S", 0).turn_in(format, 0)).await.good();
            let mut served = vec![BTreeSet::new(); 5];
            for turn in 0..5 {
                let asks = (0..5).map(|agent| shape("S", agent).turn_in(format, turn));
                let answers = stage.fetch_all(asks).await;
                for (served, answer) in served.iter_mut().zip(answers) {
                    served.insert(answer.good().account().to_owned());
                }
            }
            assert!(served.iter().all(|accounts| accounts.len() == 1), "{name}, {strategy}: {served:?}");
            let used: BTreeSet<_> = served[1..].iter().flatten().collect();
            assert!(used.len() >= 2, "{name}, {strategy}: {served:?}");
        }
    }
}

fn agents_of(served: &[Vec<String>]) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    served.iter().for_each(|accounts| *counts.entry(accounts[0].as_str()).or_default() += 1);
    counts
}

/// Two types of subagents, three of each, on three accounts that each have one of them already.
#[tokio::test]
async fn siblings_of_one_type_sit_together() {
    let stage = stage("sticky", &["a", "b"]);
    let of_type = |agent: usize, kind: &str| Who { system: kind.to_owned(), ..claude("S", agent) };
    let agents = [of_type(1, "explores"), of_type(2, "plans"), of_type(3, "explores"), of_type(4, "plans")];
    let served = served(&stage, &agents, 1).await;
    assert_ne!(served[0], served[1]);
    assert_eq!((&served[2], &served[3]), (&served[0], &served[1]));
}

/// A fork has the conversation of its parent, and so the parent's cache.
#[tokio::test]
async fn a_fork_begins_beside_its_parent_and_many_forks_spread() {
    for strategy in ["hybrid", "sticky"] {
        let setup = Setup::new().set("strategy", strategy);
        let setup = setup.set("hybrid", json!({"weight_tokens": 0, "weight_idle": 0, "health_success": 0}));
        let stage = ["a", "b", "c"].iter().fold(setup, |setup, label| setup.anthropic(label, free())).start();
        let main = opencode("S", 0);
        let fork = |agent| {
            let text = main.text.clone();
            Who { system: main.system.clone(), text, ..opencode("S", agent) }
        };
        let agents: Vec<_> = std::iter::once(main.clone()).chain((1..4).map(fork)).collect();
        let served = served(&stage, &agents, 1).await;
        assert_eq!(served[1], served[0], "{strategy}");
        let used: BTreeSet<_> = served.iter().collect();
        assert_eq!(used.len(), 3, "{strategy}: {served:?}");
    }
}

/// What no upstream may learn of.
#[tokio::test]
async fn the_launch_id_ends_here() {
    let stage = stage("hybrid", &["a"]);
    stage.fetch(&gemini("S", 0).turn(0)).await.good();
    let entries = stage.upstream.ledger().entries();
    assert!(entries[0].headers.keys().all(|name| !name.as_str().contains("pointsman")));
}
