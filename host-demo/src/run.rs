//! `pointsman run`: an unmodified agent, with a gateway for the agent's lifetime.
//!
//! * [`agent`]: the needs of each agent, as data; [`agent_environment`]: their values for a launch;
//! * [`droid_file`], [`gemini_home`], [`opencode_config`]: settings out of reach of variables;
//! * [`way`]: the agent's gateway, its own or a running gateway;
//! * [`child`]: the agent in the foreground, its signals and exit code;
//! * [`report`], [`terminal`], [`summary`]: messages during and after the run.
//!
//! The user's files stay unchanged: all settings hold for this process and its children.

mod agent;
mod agent_environment;
pub(crate) mod child;
mod droid_file;
mod gemini_home;
mod jsonc;
mod opencode_config;
mod report;
#[cfg(test)]
pub(crate) mod samples;
mod summary;
mod terminal;
mod way;

use std::ffi::OsString;
use std::path::Path;

use anyhow::Context as _;
use pointsman_api::{AccountState, AccountView, Error, ErrorCode, Status};

use crate::cli::Run;
use crate::lines::Lines;
use crate::operator::summary::{NO_ACCOUNT, configuration};
use crate::plugin;

pub(crate) use self::agent::AgentName;
use self::agent::{Agent, Format};
use self::agent_environment::{AgentEnvironment, Launch};
use self::report::Reporter;
use self::way::Way;

/// Runs the agent to its end, and returns its exit code.
pub(crate) async fn run(library: Option<&Path>, arguments: &Run) -> anyhow::Result<u8> {
    let lines = Lines::to_stderr()?;
    let code = launched(library, arguments, Reporter::new(arguments.quiet, lines.clone())).await;
    lines.flush();
    code
}

async fn launched(library: Option<&Path>, arguments: &Run, reporter: Reporter) -> anyhow::Result<u8> {
    let library = plugin::open(library)?;
    let router = library.start(plugin::configured_by(arguments.config.as_deref()), reporter.clone())?;
    let status = router.status()?;
    reporter.say(&configuration(&status));
    let (program, rest) = arguments.command.split_first().context("there is no command to run")?;
    let agent = arguments.agent.map_or_else(|| Agent::of(program), Agent::named);
    let served = served(&status);
    check(agent, &served, &status)?;

    let way = if arguments.own { Way::own(router)? } else { Way::choose(router, &status).await? };
    if let Way::Shared { url, .. } = &way {
        reporter.say(&format!("uses the gateway at {url}; notices are told where it was started"));
    }
    let launch = Launch::new(way.url().to_owned(), served, own(&status));
    let agent_environment = AgentEnvironment::new(agent, &launch, rest)?;
    reporter.agent_begins();
    let code = child::run(command(program, rest, &agent_environment), program).await;
    reporter.agent_ended();
    let line = way.end().await?;
    let code = code?;
    reporter.say(&line);
    Ok(code)
}

fn command(
    program: &OsString,
    rest: &[OsString],
    agent_environment: &AgentEnvironment,
) -> std::process::Command {
    let mut command = std::process::Command::new(program);
    command
        .args(&agent_environment.arguments)
        .args(droid_file::after_command(rest, &agent_environment.of_command));
    for name in &agent_environment.without {
        command.env_remove(name);
    }
    command.envs(agent_environment.variables.iter().map(|(name, value)| (name, value)));
    command
}

/// Returns the wire formats that there is an account for.
fn served(status: &Status) -> Vec<Format> {
    let has = |format: &Format| {
        let usable = status.accounts.iter().filter(|account| account.state != AccountState::DISABLED);
        usable.into_iter().any(|account| account.extensions.text("format") == Some(format.name()))
    };
    Format::ALL.into_iter().filter(has).collect()
}

/// Returns the wire formats in which callers use credentials of their own.
fn own(status: &Status) -> Vec<Format> {
    let has = |format: &Format| {
        let of_callers = |account: &&AccountView| account.extensions.text("credential") == Some("caller");
        let mut accounts = status.accounts.iter().filter(of_callers);
        accounts.any(|account| account.extensions.text("format") == Some(format.name()))
    };
    Format::ALL.into_iter().filter(has).collect()
}

/// An agent that nobody could answer is not started.
fn check(agent: &Agent, served: &[Format], status: &Status) -> Result<(), Error> {
    let refuse = |text: String| Err(Error::new(ErrorCode::CONFIG, text));
    if status.accounts.is_empty() {
        return refuse(NO_ACCOUNT.to_owned());
    }
    if agent.speaks.iter().any(|format| served.contains(format)) {
        return Ok(());
    }
    if status.accounts.iter().all(|account| account.state == AccountState::DISABLED) {
        return refuse(format!("all accounts are disabled: {}", reasons(status)));
    }
    let speaks: Vec<_> = agent.speaks.iter().map(|format| format.title()).collect();
    refuse(format!(
        "{} speaks {}, and none of the accounts does: {}",
        agent.name,
        speaks.join(" or "),
        ids(status)
    ))
}

/// Returns each account with the reason why it is disabled.
fn reasons(status: &Status) -> String {
    let reasons = status.accounts.iter().map(|account| match account.reason.as_str() {
        "" => format!("{} by `enabled: false`", account.id),
        reason => format!("{}, because {reason}", account.id),
    });
    reasons.collect::<Vec<_>>().join("; ")
}

fn ids(status: &Status) -> String {
    let ids: Vec<_> = status.accounts.iter().map(|account| account.id.as_str()).collect();
    ids.join(", ")
}

#[cfg(test)]
mod tests {
    use super::samples::{account, status};
    use super::*;

    #[test]
    fn an_agent_that_nobody_could_answer_is_not_started() {
        let openai = status(vec![account("openai:env", "openai", 0)], &[]);
        let error = check(Agent::of("claude".as_ref()), &served(&openai), &openai).expect_err("refused");
        assert_eq!(error.code, ErrorCode::CONFIG);
        assert_eq!(
            error.message.as_str(),
            "claude speaks Anthropic Messages, and none of the accounts does: openai:env"
        );
        assert!(check(Agent::of("opencode".as_ref()), &served(&openai), &openai).is_ok());
        let nobody = status(vec![], &[]);
        let error = check(Agent::of("any".as_ref()), &served(&nobody), &nobody).expect_err("refused");
        assert!(error.message.contains("ANTHROPIC_API_KEY"), "{}", error.message);
    }
}
