//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::run::AgentName;

const EXAMPLES: &str = "\
Examples:
  pointsman demo                     what it does, without any account
  pointsman init                     write a configuration for the keys set
  pointsman check                    is the configuration right? Nothing is sent
  pointsman run -- claude            an agent, through a gateway
  pointsman serve                    one gateway for several agents
  pointsman status                   every account and pool of the gateway
  pointsman explain last             why the last request went where it went
  pointsman accounts reset           forget all limits, also in running gateways

Exit codes:
  0    done
  1    failed: a port is taken, nobody answers, a proof of the demo fails
  2    usage or configuration
  N    of `run`: the agent's own; 126 or 127: it cannot be started;
       128 + N: signal N ended it

Environment:
  POINTSMAN_CONFIG      the configuration file
  POINTSMAN_PLUGIN      the library
  POINTSMAN_LOG=debug   tell how each request is routed
  NO_COLOR=1            no colours
";

/// Spreads the requests of many subagents over your accounts and quota pools.
#[derive(Debug, Parser)]
#[command(name = "pointsman", version, propagate_version = true, max_term_width = 100, after_help = EXAMPLES)]
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
    Accounts(Accounts),
    Check(Check),
    Init(Init),
    Trust(Trust),
    Demo(Demo),
    /// Install the library and its adapter into an agent that loads it
    Install(Install),
    /// Take them away again
    Uninstall(Install),
}

/// Agree to the configuration of a project, which came with its folder
///
/// A ./pointsman.yaml that nobody named needs this once, where it could send requests or keys elsewhere, or run a
/// command. A change of that needs it anew.
#[derive(Args, Debug)]
pub(crate) struct Trust {
    /// The configuration [default: ./pointsman.yaml]
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
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
    /// PORT, HOST:PORT or unix:PATH [default: the setting `listen`]
    #[arg(long, value_name = "ADDRESS", value_parser = listen_address)]
    pub listen: Option<String>,
    /// Show warnings and errors only
    #[arg(long, short)]
    pub quiet: bool,
}

/// Run an agent through a gateway: pointsman run -- claude
///
/// It uses the gateway of a `pointsman serve` that runs with the same configuration, else one of its own. The agent is told by variables and arguments of this one process; your files are left as they are.
/// Its exit code is this command's.
#[derive(Args, Debug)]
pub(crate) struct Run {
    /// The configuration file [default: $POINTSMAN_CONFIG, ./pointsman.yaml, your configuration folder]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// What to take the command for [default: its name]
    #[arg(long = "as", value_enum, value_name = "AGENT")]
    pub agent: Option<AgentName>,
    /// Start a gateway of its own, also where one runs
    #[arg(long)]
    pub own: bool,
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

/// See accounts, forget their limits, take them out of service and back
///
/// Orders go by the state file, so that every running gateway and agent obeys them within a second. Exit codes: 0
/// done; 1 the state file cannot be used; 2 no such account, or a broken configuration.
#[derive(Args, Debug)]
pub(crate) struct Accounts {
    /// The configuration file [default: $POINTSMAN_CONFIG, ./pointsman.yaml, your configuration folder]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Print JSON in place of the table
    #[arg(long, global = true)]
    pub json: bool,
    #[command(subcommand)]
    pub command: AccountsCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AccountsCommand {
    /// Show accounts and pools as the state file knows them
    List,
    /// Forget limits and cooldowns, of one account or of all
    Reset {
        /// The account, such as anthropic:work [default: all]
        #[arg(value_name = "ID")]
        id: Option<String>,
        /// Only limits that hold this model back
        #[arg(long, value_name = "MODEL")]
        model: Option<String>,
    },
    /// Take an account back into service
    Enable(OnAccount),
    /// Take an account out of service
    Disable(OnAccount),
}

#[derive(Args, Debug)]
pub(crate) struct OnAccount {
    /// The account, such as anthropic:work
    #[arg(value_name = "ID")]
    pub id: String,
}

/// Check the whole configuration, secrets and all; nothing is sent
#[derive(Args, Debug)]
pub(crate) struct Check {
    /// The configuration file [default: $POINTSMAN_CONFIG, ./pointsman.yaml, your configuration folder]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// Write a first configuration, from the keys that are set in the environment
#[derive(Args, Debug)]
pub(crate) struct Init {
    /// The file to write [default: pointsman/pointsman.yaml in your configuration folder]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
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

/// Reads an address; a port alone is one of this machine.
fn listen_address(text: &str) -> Result<String, std::num::ParseIntError> {
    let port = text.strip_prefix(':').unwrap_or(text);
    if port.is_empty() || !port.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(text.to_owned());
    }
    Ok(format!("127.0.0.1:{}", port.parse::<u16>()?))
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
    fn an_order_names_its_account() {
        let Command::Accounts(accounts) =
            parse("pointsman accounts reset a:b --model m --json").expect("it is valid").command
        else {
            panic!("it is about accounts")
        };
        assert!(accounts.json);
        let AccountsCommand::Reset { id, model } = accounts.command else { panic!("a reset") };
        assert_eq!((id.as_deref(), model.as_deref()), (Some("a:b"), Some("m")));
        assert_eq!(parse("pointsman accounts disable").expect_err("whom?").exit_code(), 2);
    }

    #[test]
    fn a_port_alone_is_one_of_this_machine() {
        for (text, address) in [
            ("8787", "127.0.0.1:8787"),
            (":8787", "127.0.0.1:8787"),
            ("localhost:80", "localhost:80"),
            ("unix:/run/p.sock", "unix:/run/p.sock"),
        ] {
            let Command::Serve(serve) =
                parse(&format!("pointsman serve --listen {text}")).expect(text).command
            else {
                panic!("{text}")
            };
            assert_eq!(serve.listen.as_deref(), Some(address));
        }
        assert_eq!(parse("pointsman serve --listen 99999").expect_err("no port").exit_code(), 2);
    }

    #[test]
    fn it_is_called_pointsman_and_its_help_has_examples_and_exit_codes() {
        let version = parse("pointsman -V").expect_err("it is told").to_string();
        assert_eq!(version, concat!("pointsman ", env!("CARGO_PKG_VERSION"), "\n"));
        let help = parse("pointsman --help").expect_err("it is told").to_string();
        for part in ["pointsman run -- claude", "pointsman init", "Exit codes:", "POINTSMAN_LOG"] {
            assert!(help.contains(part), "{part} in {help}");
        }
        assert!(EXAMPLES.lines().all(|line| line.chars().count() <= 80), "{EXAMPLES}");
    }

    #[test]
    fn the_length_of_the_demo_is_bounded() {
        assert!(parse("pointsman demo --seconds 300").is_ok());
        for line in ["pointsman demo --seconds 4", "pointsman demo --seconds 301"] {
            assert_eq!(parse(line).expect_err(line).exit_code(), 2);
        }
    }
}
