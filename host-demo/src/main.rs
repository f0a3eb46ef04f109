//! The reference host of Pointsman.
//!
//! It knows the plugin by its ABI only: every command finds the library, loads it and starts a router
//! from it, as any agent would. `pointsman-loader` is the part to reuse; the commands here show how.
//!
//! * [`serve`]: the router as a local gateway;
//! * [`mod@run`]: an agent with a gateway of its own;
//! * [`status`]: the state of its accounts;
//! * [`explain`]: why a request went where it went;
//! * [`install`]: the library and its adapter into an agent that loads it;
//! * [`demo`]: a dozen subagents against a local upstream with real quotas, and a proof of what matters.

mod cli;
mod client;
mod console;
mod demo;
mod exit;
mod explain;
mod install;
mod paint;
mod plugin;
mod run;
mod serve;
mod signals;
mod status;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command};

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
        Command::Demo(arguments) => demo::run(plugin, arguments).await?,
        Command::Install(arguments) => install::install(plugin, arguments)?,
        Command::Uninstall(arguments) => install::uninstall(arguments)?,
    }
    Ok(0)
}
