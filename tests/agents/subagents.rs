//! Real agents that spawn subagents: one main agent and four subagents over three accounts.
//!
//! The upstream scripts the tool calls: the main agent spawns four subagents, each subagent uses a tool in turn
//! after turn, and the main agent answers at the end.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use pointsman_tests::Setup;
use pointsman_tests::setup::free;
use pointsman_upstream::{Act, Entry, Pace, Play};
use serde_json::{Value, json};

use crate::rig::{Agent, Rig, Said};

const SUBAGENTS: usize = 4;
/// The turns of a subagent in which it uses a tool; the last one is its answer.
const TOOL_TURNS: usize = 5;
const ACCOUNTS: [&str; 3] = ["one", "two", "three"];
const PROMPT: &str = "divide the work among four helpers";

/// What the program's tools are called, and what they take.
struct Tools {
    /// The call that spawns a subagent for a task.
    spawn: fn(&str) -> Act,
    /// The turns of the main agent in which it waits for them.
    waits: Vec<Act>,
    /// What a subagent does in a turn.
    work: Act,
    /// How a subagent ends, where text does not end it.
    end: Option<Act>,
}

/// The task of a subagent, by which its requests are known.
fn task(number: usize) -> String {
    format!("helper task number {number}")
}

impl Tools {
    fn of(agent: Agent) -> Self {
        let (spawn, work): (fn(&str) -> Act, _) = match agent {
            Agent::Claude => (claude_spawn, Act::call("Bash", json!({"command": "echo hello"}))),
            Agent::Codex => (codex_spawn, Act::call("exec_command", json!({"cmd": "echo hello"}))),
            Agent::Gemini => (gemini_spawn, Act::call("glob", json!({"pattern": "*.md"}))),
            Agent::Opencode => (opencode_spawn, Act::call("glob", json!({"pattern": "*.md"}))),
        };
        let waits = if agent == Agent::Codex { codex_waits() } else { Vec::new() };
        let end = (agent == Agent::Gemini)
            .then(|| Act::call("complete_task", json!({"result": {"response": "done"}})));
        Self { spawn, waits, work, end }
    }

    /// What the main agent does, and what each of its subagents does.
    fn plays(&self) -> Vec<Play> {
        let spawned = (0..SUBAGENTS).map(|number| (self.spawn)(&task(number)));
        let main = Play::about(PROMPT).turn(spawned);
        let main = self.waits.iter().fold(main, |main, wait| main.turn([wait.clone()]));
        let subagents = (0..SUBAGENTS).map(|number| {
            let works = (0..TOOL_TURNS).map(|_| self.work.clone()).chain(self.end.clone());
            works.fold(Play::about(&task(number)), |play, act| play.turn([act]))
        });
        std::iter::once(main).chain(subagents).collect()
    }
}

fn claude_spawn(task: &str) -> Act {
    let input = json!({"description": "a task", "prompt": task, "subagent_type": "general-purpose"});
    Act::call("Agent", input)
}

fn codex_spawn(task: &str) -> Act {
    Act::call("spawn_agent", json!({"message": task}))
}

/// Codex spawns at once, and waits for whoever of those it names is the first to end.
fn codex_waits() -> Vec<Act> {
    let wait = |number| {
        let target = format!("$result.{number}.agent_id");
        Act::call("wait_agent", json!({"targets": [target], "timeout_ms": 60_000}))
    };
    (0..SUBAGENTS).map(wait).collect()
}

fn gemini_spawn(task: &str) -> Act {
    Act::call("invoke_agent", json!({"agent_name": "generalist", "prompt": task}))
}

fn opencode_spawn(task: &str) -> Act {
    let input: Value = json!({"description": "a task", "prompt": task, "subagent_type": "general"});
    Act::call("task", input)
}

/// Returns which agent sent a request: none is the main one. Only the main agent's conversation has its prompt.
fn sender(entry: &Entry) -> Option<usize> {
    let body = String::from_utf8_lossy(&entry.body);
    if body.contains(PROMPT) {
        return None;
    }
    (0..SUBAGENTS).find(|number| body.contains(&task(*number)))
}

/// What came of a run with subagents.
struct Family {
    said: Said,
    entries: Vec<Entry>,
}

impl Family {
    /// Lets an agent spawn its subagents, or returns nothing where the agents are not to be run.
    async fn run(agent: Agent) -> Option<Self> {
        // Long enough for the four to be under way together.
        let setup = Setup::new().patient().pace(Pace::default().head(Duration::from_millis(300)));
        let setup = Tools::of(agent).plays().into_iter().fold(setup, Setup::play);
        let setup = ACCOUNTS.iter().fold(setup, |setup, label| agent.account(setup, label, free()));
        let rig = Rig::agents(setup)?;
        // The model that Codex chooses by itself is driven by scripts in place of tools.
        let asked =
            if agent == Agent::Codex { agent.asked_for("gpt-5", PROMPT) } else { agent.asked(PROMPT) };
        let said = rig.run(&asked).await;
        let entries = rig.upstream.ledger().entries();
        let generated = |entry: &Entry| entry.method == "POST" && !entry.path.contains("count_tokens");
        Some(Self { said, entries: entries.into_iter().filter(generated).collect() })
    }

    /// The accounts that served each subagent, in the order of its turns.
    fn accounts(&self) -> BTreeMap<usize, Vec<&str>> {
        let mut accounts = BTreeMap::<_, Vec<_>>::new();
        for entry in &self.entries {
            if let Some(number) = sender(entry) {
                accounts.entry(number).or_default().push(entry.account.as_deref().unwrap_or("nobody"));
            }
        }
        accounts
    }

    /// Checks that the subagents worked, spread, and stayed; that nobody met a limit; that the answer came.
    fn check(&self) {
        let Self { said, entries } = self;
        assert_eq!(said.code, Some(0), "{said:#?}");
        assert!(said.out.contains("pong from "), "{said:#?}");
        assert!(entries.iter().all(|entry| entry.status == Some(200)), "{said:#?}");
        let summary =
            said.err.lines().find(|line| line.starts_with("pointsman: ") && line.contains(" requests: "));
        assert!(
            summary.is_some_and(|line| !line.contains("limit") && !line.contains("refused")),
            "{said:#?}"
        );
        let accounts = self.accounts();
        let turns: Vec<_> = accounts.values().map(Vec::len).collect();
        assert_eq!(turns, [TOOL_TURNS + 1; SUBAGENTS], "{accounts:?} {said:#?}");
        for (number, turns) in &accounts {
            let own = turns.iter().filter(|account| **account == turns[0]).count();
            // 95 % of six turns are all of them.
            assert_eq!(own, turns.len(), "subagent {number}: {turns:?}");
        }
        let used: BTreeSet<_> = accounts.values().map(|turns| turns[0]).collect();
        assert!(used.len() >= ACCOUNTS.len() - 1, "{accounts:?}");
    }

    /// Returns the values of a header, each with how many requests have it.
    fn values(&self, header: &str) -> BTreeMap<Option<&str>, usize> {
        let mut values = BTreeMap::new();
        self.entries.iter().for_each(|entry| *values.entry(entry.header(header)).or_default() += 1);
        values
    }

    /// Returns how many different values a header has, requests without it left out.
    fn named(&self, header: &str) -> usize {
        self.values(header).into_keys().flatten().count()
    }
}

#[tokio::test]
async fn claude_spreads_its_subagents_over_the_accounts() {
    let Some(family) = Family::run(Agent::Claude).await else { return };
    family.check();
    assert_eq!(family.named("x-claude-code-agent-id"), SUBAGENTS, "each has its id");
    let roots = family.values("x-claude-code-session-id");
    assert!(roots.len() == 1 && !roots.contains_key(&None), "one root session: {roots:?}");
    // `run` asks it to tell for whom each request is, which decides who goes first in the queue.
    for entry in &family.entries {
        let class = if sender(entry).is_some() { "subagent" } else { "main" };
        assert_eq!(entry.header("x-claude-code-request-class"), Some(class), "{}", entry.path);
    }
}

#[tokio::test]
async fn codex_spreads_its_subagents_over_the_accounts() {
    let Some(family) = Family::run(Agent::Codex).await else { return };
    family.check();
    assert_eq!(family.named("thread-id"), SUBAGENTS + 1, "each has its id");
    let roots = family.values("session-id");
    assert!(roots.len() == 1 && !roots.contains_key(&None), "one root session: {roots:?}");
}

#[tokio::test]
async fn opencode_spreads_its_subagents_over_the_accounts() {
    let Some(family) = Family::run(Agent::Opencode).await else { return };
    family.check();
    assert_eq!(family.named("x-session-affinity"), SUBAGENTS + 1, "each has its id");
    assert_eq!(family.named("x-parent-session-id"), 1, "one root session");
}

/// Gemini CLI names nobody: its agents are known by the openings of their conversations, and their root session
/// by the launch id, which ends at the gateway.
#[tokio::test]
async fn gemini_spreads_its_subagents_over_the_accounts() {
    let Some(family) = Family::run(Agent::Gemini).await else { return };
    family.check();
    assert_eq!(family.named("x-pointsman-root"), 0);
}
