//! Runs the local upstream by hand or for a benchmark. The first line on stdout is the base URL.

use std::io::{self, Write};
use std::process::ExitCode;

use pointsman_upstream::{Script, ScriptError, Upstream, demo_script};
use tokio::runtime::Builder;

const USAGE: &str = "\
usage: pointsman-upstream [--port N] [--anonymous | --script FILE.json]

  --port N        listen on 127.0.0.1:N (any free port if not given)
  --anonymous     ask for no credential, limit nobody, record nothing
  --script FILE   play this script (the demo's if not given)
";

/// The demo plays the same every time.
const SEED: u64 = 7;

/// What the command line asks for.
#[derive(Debug, Default)]
struct Options {
    port: Option<u16>,
    script: Option<String>,
    anonymous: bool,
    help: bool,
}

#[derive(Debug, thiserror::Error)]
enum UsageError {
    #[error("option {0:?} is not known")]
    Unknown(String),
    #[error("option {0} needs a value")]
    NoValue(&'static str),
    #[error("port {0:?} is not a number up to 65535")]
    Port(String),
    #[error("--anonymous and --script exclude each other")]
    TwoScripts,
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{0}\n\n{USAGE}")]
    Usage(#[from] UsageError),
    #[error("script {path:?}: {error}")]
    Unread { path: String, error: io::Error },
    #[error("script {path:?}: {error}")]
    Script { path: String, error: ScriptError },
    #[error("failed to serve: {0}")]
    Serve(#[from] io::Error),
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Where nobody reads the error, its code is left.
            let _ = writeln!(io::stderr(), "{failure}");
            ExitCode::from(if matches!(failure, Failure::Serve(_)) { 1 } else { 2 })
        }
    }
}

fn run() -> Result<(), Failure> {
    let options = parse(std::env::args().skip(1))?;
    if options.help {
        return Ok(io::stdout().write_all(USAGE.as_bytes())?);
    }
    let script = script(&options)?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    Ok(runtime.block_on(serve(script))?)
}

fn parse(mut args: impl Iterator<Item = String>) -> Result<Options, UsageError> {
    let mut options = Options::default();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--port" => options.port = Some(port(args.next().ok_or(UsageError::NoValue("--port"))?)?),
            "--script" => options.script = Some(args.next().ok_or(UsageError::NoValue("--script"))?),
            "--anonymous" => options.anonymous = true,
            "--help" | "-h" => options.help = true,
            _ => return Err(UsageError::Unknown(arg)),
        }
    }
    if options.anonymous && options.script.is_some() { Err(UsageError::TwoScripts) } else { Ok(options) }
}

fn port(text: String) -> Result<u16, UsageError> {
    text.parse().map_err(|_| UsageError::Port(text))
}

fn script(options: &Options) -> Result<Script, Failure> {
    let script = match &options.script {
        Some(path) => read(path)?,
        None if options.anonymous => Script::anonymous(),
        None => demo_script(SEED),
    };
    Ok(match options.port {
        Some(port) => script.port(port),
        None => script,
    })
}

fn read(path: &str) -> Result<Script, Failure> {
    let text =
        std::fs::read_to_string(path).map_err(|error| Failure::Unread { path: path.to_owned(), error })?;
    Script::from_json(&text).map_err(|error| Failure::Script { path: path.to_owned(), error })
}

async fn serve(script: Script) -> io::Result<()> {
    let upstream = Upstream::start(script).await?;
    announce(&upstream)?;
    // Runs until it is killed; there is nothing to save.
    std::future::pending().await
}

fn announce(upstream: &Upstream) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{}", upstream.base_url())?;
    stdout.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(args: &[&str]) -> Result<Options, UsageError> {
        parse(args.iter().map(|arg| (*arg).to_owned()))
    }

    #[test]
    fn options_are_read_in_any_order() {
        let options = parsed(&["--anonymous", "--port", "8080"]).unwrap();
        assert!(options.anonymous && options.port == Some(8080));
    }

    #[test]
    fn a_wrong_command_line_names_what_is_wrong() {
        for (args, named) in [
            (&["--prot"][..], "--prot"),
            (&["--port"][..], "--port"),
            (&["--port", "99999"][..], "99999"),
            (&["--anonymous", "--script", "x"][..], "--script"),
        ] {
            let error = parsed(args).unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
        }
    }
}
