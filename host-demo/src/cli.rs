//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::run::AgentName;

/// Spreads the requests of many subagents over your accounts and quota pools.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true, max_term_width = 100)]
pub(crate) struct Cli {
    /// The plugin's library [default: $POINTSMAN_PLUGIN, beside this program, your plugin folder]
    #[arg(long, global = true, value_name = "PATH")]
    pub plugin: Option<PathBuf>,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Serve(Serve),
    Run(Run),
    Status(Status),
    Explain(Explain),
    Demo(Demo),
    /// Install the library and its adapter into an agent that loads it
    Install(Install),
    /// Take them away again
    Uninstall(Install),
}

#[derive(Args, Debug)]
pub(crate) struct Install {
    #[arg(value_enum)]
    pub agent: Agent,
}

/// An agent that loads the library itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Agent {
    /// Into `plugin` of `$OPENCODE_CONFIG_DIR`, or of ~/.config/opencode
    Opencode,
}

/// Serve agents as a local gateway, until interrupted
#[derive(Args, Debug)]
pub(crate) struct Serve {
    /// The configuration file [default: $POINTSMAN_CONFIG, ./pointsman.yaml, your configuration folder]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// HOST:PORT or unix:PATH [default: the setting `listen`]
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<String>,
    /// Show warnings and errors only
    #[arg(long, short)]
    pub quiet: bool,
}

/// Run an agent through a gateway of its own: pointsman run -- claude
///
/// The agent is told by variables and arguments of this one process; your files are left as they are.
/// Its exit code is this command's.
#[derive(Args, Debug)]
pub(crate) struct Run {
    /// The configuration file [default: $POINTSMAN_CONFIG, ./pointsman.yaml, your configuration folder]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// What to take the command for [default: its name]
    #[arg(long = "as", value_enum, value_name = "AGENT")]
    pub agent: Option<AgentName>,
    /// Show warnings and errors only
    #[arg(long, short)]
    pub quiet: bool,
    /// The command and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}

/// Show the state of every account and pool
#[derive(Args, Debug)]
pub(crate) struct Status {
    /// The configuration file [default: $POINTSMAN_CONFIG, ./pointsman.yaml, your configuration folder]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The gateway to ask [default: the setting `listen`]
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Table,
    Json,
}

/// Tell why a request of a running gateway went where it went
///
/// Without a request it lists the last ones. A gateway keeps 1,000.
#[derive(Args, Debug)]
pub(crate) struct Explain {
    /// The id, as in the header x-pointsman-request-id, or `last`
    #[arg(value_name = "REQUEST")]
    pub request: Option<String>,
    /// The configuration file [default: $POINTSMAN_CONFIG, ./pointsman.yaml, your configuration folder]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The gateway to ask [default: the setting `listen`]
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    #[arg(long, value_enum, default_value_t = Page::Text)]
    pub format: Page,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Page {
    Text,
    Json,
}

/// Run a dozen subagents against a local upstream with real quotas, and prove what matters
///
/// Needs no account and no network. Exits with 1 if a proof fails.
#[derive(Args, Debug)]
pub(crate) struct Demo {
    /// For how long the subagents start requests
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(5..=300))]
    pub seconds: u64,
    /// The same seed gives the same scenario
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Print lines in place of the live view
    #[arg(long)]
    pub plain: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(line.split_whitespace())
    }

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_plugin_may_be_named_before_and_after_the_command() {
        for line in ["pointsman --plugin p.so demo", "pointsman demo --plugin p.so"] {
            assert_eq!(parse(line).expect(line).plugin, Some("p.so".into()));
        }
    }

    #[test]
    fn what_is_run_keeps_its_own_options() {
        for line in
            ["pointsman run --quiet -- claude -p hi --config x", "pointsman run -q claude -p hi --config x"]
        {
            let Command::Run(run) = parse(line).expect(line).command else { panic!("{line}") };
            assert_eq!(run.command, ["claude", "-p", "hi", "--config", "x"]);
            assert!(run.quiet && run.config.is_none());
        }
        assert_eq!(parse("pointsman run --").expect_err("no command").exit_code(), 2);
    }

    #[test]
    fn the_length_of_the_demo_is_bounded() {
        assert!(parse("pointsman demo --seconds 300").is_ok());
        for line in ["pointsman demo --seconds 4", "pointsman demo --seconds 301"] {
            assert_eq!(parse(line).expect_err(line).exit_code(), 2);
        }
    }
}
