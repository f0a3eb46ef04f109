//! The reference host of Pointsman.
//!
//! The host knows the plugin by its ABI only: every command finds and loads the library and starts a
//! router, like any agent. `pointsman-loader` is the reusable part; the commands are examples.
//!
//! * [`serve`]: the router as a local gateway;
//! * [`mod@run`]: an agent with a gateway of its own;
//! * [`operator`]: the state of accounts, the reasons of routing, the validity of the configuration;
//! * [`gateway`]: the search for running gateways;
//! * [`install`]: the library and its adapter in an agent;
//! * [`demo`]: a dozen subagents against a local upstream with real quotas, and proofs.

mod cli;
mod console;
mod demo;
mod exit;
mod gateway;
mod install;
mod lines;
mod operator;
mod paint;
mod plugin;
mod run;
mod serve;
mod signals;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command};
use crate::operator::{accounts, check, explain, init, status, trust};

fn main() -> ExitCode {
    let cli = Cli::parse();
    exit::code(command(&cli))
}

#[tokio::main]
async fn command(cli: &Cli) -> anyhow::Result<u8> {
    let plugin = cli.plugin.as_deref();
    match &cli.command {
        Command::Serve(arguments) => serve::run(plugin, arguments).await?,
        Command::Run(arguments) => return run::run(plugin, arguments).await,
        Command::Status(arguments) => status::run(plugin, arguments).await?,
        Command::Explain(arguments) => explain::run(plugin, arguments).await?,
        Command::Accounts(arguments) => accounts::run(plugin, arguments)?,
        Command::Check(arguments) => check::run(plugin, arguments)?,
        Command::Init(arguments) => init::run(arguments)?,
        Command::Trust(arguments) => trust::run(plugin, arguments)?,
        Command::Demo(arguments) => demo::run(plugin, arguments).await?,
        Command::Install(arguments) => install::install(plugin, arguments)?,
        Command::Uninstall(arguments) => install::uninstall(arguments)?,
    }
    Ok(0)
}
