//! The rig: an upstream, a configuration for it, and agents that are run as a person would.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Once;
use std::time::Duration;

use pointsman_tests::program::pointsman;
use pointsman_tests::{Setup, plugin, tree};
use pointsman_upstream::{Entry, Pool, Upstream};
use tempfile::TempDir;
use tokio::process::{Child, Command};

/// Longer than any run here takes, two at a time on a slow machine; it only ends one that hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// An agent, as it is run for one prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Agent {
    Claude,
    Codex,
    Gemini,
    Opencode,
}

/// An upstream, and a configuration that a person would write for it.
#[derive(Debug)]
pub(crate) struct Rig {
    pub(crate) upstream: Upstream,
    folder: TempDir,
}

/// A command that is under way.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) child: Child,
    /// The home and the project of the command, which nothing else uses.
    _places: TempDir,
}

/// What came of a command.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Agent {
    /// Returns the command that asks it once, without a conversation.
    pub(crate) fn asked(self, prompt: &str) -> Vec<String> {
        let words: &[&str] = match self {
            Self::Claude => &["claude", "-p", prompt],
            Self::Codex => &["codex", "exec", "--skip-git-repo-check", prompt],
            Self::Gemini => return self.asked_for("gemini-3-flash-preview", prompt),
            Self::Opencode => &["opencode", "run", prompt],
        };
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    /// The same, for a model.
    pub(crate) fn asked_for(self, model: &str, prompt: &str) -> Vec<String> {
        let words: &[&str] = match self {
            Self::Claude => &["claude", "--model", model, "-p", prompt],
            Self::Codex => &["codex", "exec", "--skip-git-repo-check", "-m", model, prompt],
            Self::Gemini => &["gemini", "--skip-trust", "-m", model, "-p", prompt],
            Self::Opencode => &["opencode", "run", "-m", model, prompt],
        };
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    /// Adds an account in the wire format that it speaks first.
    pub(crate) fn account(self, setup: Setup, label: &str, pool: Pool) -> Setup {
        match self {
            Self::Claude | Self::Opencode => setup.anthropic(label, pool),
            Self::Codex => setup.openai(label, pool),
            Self::Gemini => setup.gemini(label, pool),
        }
    }
}

impl Rig {
    /// Starts the upstream, and writes the configuration down.
    pub(crate) fn new(setup: Setup) -> Self {
        let upstream = setup.upstream();
        let folder = tempfile::tempdir().expect("a folder");
        let config = setup.config(&upstream.base_url());
        fs::write(folder.path().join("pointsman.yaml"), config).expect("the configuration is written");
        Self { upstream, folder }
    }

    /// As [`Rig::new`], or nothing where the agents are not to be run; then it says so.
    ///
    /// They are run where they are installed. With `AGENT_TESTS=required` it is an error when they are
    /// not; with `AGENT_TESTS=skip` they are left alone.
    ///
    /// # Panics
    /// Where they are required and not installed.
    pub(crate) fn agents(setup: Setup) -> Option<Self> {
        let wish = std::env::var("AGENT_TESTS").unwrap_or_default();
        let installed = bin().join("claude").exists();
        assert!(installed || wish != "required", "no agents in target/agents; run tests/agents/install");
        if installed && wish != "skip" {
            return Some(Self::new(setup));
        }
        static SAID: Once = Once::new();
        let why =
            if installed { "AGENT_TESTS=skip" } else { "they are not installed (tests/agents/install)" };
        // Straight to the terminal: what a test prints is shown only where it fails.
        SAID.call_once(|| drop(writeln!(io::stderr(), "skipped: the tests with real agents; {why}")));
        None
    }

    /// Returns the path of the configuration.
    pub(crate) fn config(&self) -> PathBuf {
        self.folder.path().join("pointsman.yaml")
    }

    /// Runs an agent for one prompt, to its end.
    pub(crate) async fn ask(&self, agent: Agent, prompt: &str) -> Said {
        self.run(&agent.asked(prompt)).await
    }

    /// Runs a command through `pointsman run`, to its end.
    pub(crate) async fn run<S: AsRef<str>>(&self, command: &[S]) -> Said {
        self.start(command).said().await
    }

    /// Runs a command through `pointsman run`, which is to take it for an agent.
    pub(crate) async fn run_as<S: AsRef<str>>(&self, agent: &str, command: &[S]) -> Said {
        let places = Places::new();
        let run = self.command(&places, &["--as", agent], command);
        places.start(run).said().await
    }

    /// Starts a command through `pointsman run`.
    pub(crate) fn start<S: AsRef<str>>(&self, command: &[S]) -> Running {
        let places = Places::new();
        let run = self.command(&places, &[], command);
        places.start(run)
    }

    /// Returns `pointsman run` of a command.
    pub(crate) fn command<S: AsRef<str>>(&self, places: &Places, options: &[&str], command: &[S]) -> Command {
        let mut run = places.command(pointsman());
        run.arg("run").arg("--config").arg(self.config()).args(options).arg("--");
        run.args(command.iter().map(AsRef::as_ref));
        run
    }

    /// Returns how many requests of an account the upstream has seen, token counts left out.
    pub(crate) fn calls(&self, label: &str) -> usize {
        self.upstream.ledger().count(|entry| entry.account.as_deref() == Some(label))
    }

    /// Returns how many requests a pool of any account has seen.
    pub(crate) fn calls_of_pool(&self, pool: &str) -> usize {
        self.upstream.ledger().count(|entry| entry.pool.as_deref() == Some(pool))
    }

    /// Waits until the upstream's requests are so.
    ///
    /// # Panics
    /// Where they do not come to be so.
    pub(crate) async fn wait_for(&self, are_so: impl FnMut(&[Entry]) -> bool) -> Vec<Entry> {
        let found = tokio::time::timeout(PATIENCE, self.upstream.ledger().wait_for(are_so)).await;
        found.expect("the agent asks in time")
    }
}

/// A home and a project that nobody has used, with what keeps agents from calling home.
#[derive(Debug)]
pub(crate) struct Places(TempDir);

impl Places {
    /// Makes both.
    pub(crate) fn new() -> Self {
        let places = tempfile::tempdir().expect("a folder");
        for (path, text) in [
            ("project/README.md", "An empty project.\n"),
            ("home/.codex/config.toml", CODEX),
            ("home/.gemini/settings.json", GEMINI),
        ] {
            let path = places.path().join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(path, text).expect("a file");
        }
        Self(places)
    }

    /// Returns the path of the home.
    pub(crate) fn home(&self) -> PathBuf {
        self.0.path().join("home")
    }

    /// Returns the path of the project.
    pub(crate) fn project(&self) -> PathBuf {
        self.0.path().join("project")
    }

    /// Returns a command in the project, with nothing of this process's environment but the path.
    pub(crate) fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        let path = std::env::var("PATH").unwrap_or_default();
        command
            .env_clear()
            .env("PATH", format!("{}:{path}", bin().display()))
            .env("HOME", self.home())
            .env("POINTSMAN_PLUGIN", plugin::path())
            .envs(QUIET)
            .current_dir(self.project())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// Starts a command, which keeps the places for as long as it runs.
    pub(crate) fn start(self, mut command: Command) -> Running {
        Running { child: command.spawn().expect("the command starts"), _places: self.0 }
    }
}

impl Running {
    /// Waits for its end.
    ///
    /// # Panics
    /// Where it does not come.
    pub(crate) async fn said(self) -> Said {
        let Self { child, _places } = self;
        let output = tokio::time::timeout(PATIENCE, child.wait_with_output()).await;
        let output = output.expect("the command ends in time").expect("its output can be read");
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Said { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

impl Said {
    /// Checks that it went well and that the upstream's answer was printed, and returns it. It is known by
    /// the account, or account and pool, that the upstream says it is from.
    ///
    /// # Panics
    /// Where it is not so.
    #[track_caller]
    pub(crate) fn answered_by(self, whom: &str) -> Self {
        let rest = if whom.contains('/') { " model " } else { "/" };
        let answer = format!("pong from {whom}{rest}");
        assert!(self.code == Some(0) && self.out.contains(&answer), "no {answer:?} in {self:#?}");
        self
    }

    /// Checks that it failed and said this, wherever it says such things, and returns it.
    ///
    /// # Panics
    /// Where it is not so.
    #[track_caller]
    pub(crate) fn failed_with(self, words: &str) -> Self {
        let said = self.out.contains(words) || self.err.contains(words);
        assert!(self.code != Some(0) && said, "no {words:?} in {self:#?}");
        self
    }

    /// Checks that a line on standard error is this, after `pointsman: `, and returns what was said.
    ///
    /// # Panics
    /// Where none is.
    #[track_caller]
    pub(crate) fn told(self, line: &str) -> Self {
        let line = format!("pointsman: {line}");
        assert!(self.err.lines().any(|told| told == line), "no {line:?} in {self:#?}");
        self
    }
}

/// Variables that keep agents from looking for anything but the model.
const QUIET: [(&str, &str); 11] = [
    ("LANG", "C.UTF-8"),
    ("TERM", "xterm-256color"),
    ("NO_COLOR", "1"),
    ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
    ("DISABLE_AUTOUPDATER", "1"),
    ("DISABLE_TELEMETRY", "1"),
    ("DISABLE_ERROR_REPORTING", "1"),
    ("OPENCODE_DISABLE_MODELS_FETCH", "1"),
    ("OPENCODE_DISABLE_AUTOUPDATE", "1"),
    ("OPENCODE_DISABLE_LSP_DOWNLOAD", "1"),
    ("OPENCODE_DISABLE_DEFAULT_PLUGINS", "1"),
];

const CODEX: &str = "check_for_update_on_startup = false\n\
                     [analytics]\nenabled = false\n[features]\nplugins = false\n";

const GEMINI: &str = r#"{"privacy": {"usageStatisticsEnabled": false}, "telemetry": {"enabled": false},
    "general": {"enableAutoUpdate": false, "enableAutoUpdateNotification": false}}"#;

/// Returns where the agents are.
pub(crate) fn bin() -> PathBuf {
    tree::root().join("target/agents/node_modules/.bin")
}
