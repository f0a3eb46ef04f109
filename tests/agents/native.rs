//! opencode with the library inside of its own process: two files in its plugin folder, and nothing else.

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use pointsman_tests::program::pointsman;
use pointsman_tests::setup::{free, secret, spent};
use pointsman_tests::{Ask, Client, Setup, plugin, tree, within};
use pointsman_upstream::{Ending, Fault, Harm, Moment};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use crate::rig::{Places, Rig, Said, bin};

/// Longer than any run here takes on a slow machine; it only ends one that hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// A person's machine: a home, a project, and accounts in `pointsman.yaml`.
struct Machine {
    rig: Rig,
    places: Places,
}

impl Machine {
    /// Installs Pointsman into opencode, or returns nothing where the agents are not to be run.
    async fn installed(setup: Setup) -> Option<Self> {
        let machine = Self { rig: Rig::agents(setup)?, places: Places::new() };
        let said = machine.pointsman("install").await;
        assert!(said.code == Some(0) && said.out.contains("opencode loads Pointsman"), "{said:#?}");
        machine.configure(&json!({}));
        Some(machine)
    }

    /// Puts the package of npm into the project and names it, with options; or returns nothing.
    fn with_package(setup: Setup, options: &Value) -> Option<Self> {
        let machine = Self { rig: Rig::agents(setup)?, places: Places::new() };
        let folder = machine.project().join("pointsman");
        fs::create_dir_all(&folder).expect("a folder");
        for name in ["package.json", "pointsman.ts"] {
            fs::copy(tree::root().join("host-demo/opencode").join(name), folder.join(name)).expect("a file");
        }
        fs::copy(plugin::path(), folder.join(pointsman_loader::FILE_NAME)).expect("a file");
        machine.configure(&json!({"plugin": [["./pointsman/pointsman.ts", options]]}));
        Some(machine)
    }

    /// Writes `opencode.json`, with what keeps opencode from looking for anything but the model. None of
    /// its providers has a key, and only the one that has to has a URL.
    fn configure(&self, more: &Value) {
        let provider = |npm: &str, model: &str| json!({"npm": npm, "models": {model: {"name": model}}});
        let mut chat = provider("@ai-sdk/openai-compatible", "gpt-5");
        chat["options"] = json!({"baseURL": "https://api.openai.com/v1"});
        let mut config = json!({
            "autoupdate": false, "share": "disabled", "snapshot": false, "lsp": false, "formatter": false,
            "model": "anthropic/claude-sonnet-4-6", "small_model": "anthropic/claude-sonnet-4-6",
            "provider": {
                "anthropic": provider("@ai-sdk/anthropic", "claude-sonnet-4-6"),
                "openai": provider("@ai-sdk/openai", "gpt-5"),
                "google": provider("@ai-sdk/google", "gemini-3-flash"),
                "chat": chat,
            },
        });
        for (name, value) in more.as_object().into_iter().flatten() {
            config[name] = value.clone();
        }
        fs::write(self.project().join("opencode.json"), config.to_string()).expect("a file");
        // With a plugin opencode runs npm in its folders, and waits for it, unless it has done so before.
        for folder in [self.folder(), self.project().join(".opencode")] {
            fs::create_dir_all(folder.join("node_modules")).expect("a folder");
            let needs = r#"{"dependencies":{"@opencode-ai/plugin":"1.18.33"}}"#;
            let has = format!(r#"{{"lockfileVersion":3,"packages":{{"":{needs}}}}}"#);
            fs::write(folder.join("package.json"), needs).expect("a file");
            fs::write(folder.join("package-lock.json"), has).expect("a file");
        }
    }

    fn folder(&self) -> PathBuf {
        self.places.home().join(".config/opencode")
    }

    fn project(&self) -> PathBuf {
        self.places.home().parent().expect("a folder").join("project")
    }

    async fn pointsman(&self, command: &str) -> Said {
        let mut pointsman = self.places.command(pointsman());
        pointsman.args([command, "opencode"]);
        said(&mut pointsman).await
    }

    /// Returns opencode, which finds the library where it was installed.
    fn opencode(&self, arguments: &[&str]) -> Command {
        let mut opencode = self.places.command(bin().join("opencode"));
        opencode.args(arguments).env_remove("POINTSMAN_PLUGIN").env("POINTSMAN_CONFIG", self.rig.config());
        opencode
    }

    /// Runs a command line, with both programs where the shell finds them.
    async fn shell(&self, line: &str) -> Said {
        let path = std::env::var("PATH").unwrap_or_default();
        let own = pointsman().parent().expect("a folder");
        let mut shell = self.places.command("sh");
        shell.args(["-c", line]).env("PATH", format!("{}:{}:{path}", own.display(), bin().display()));
        said(shell.env("POINTSMAN_CONFIG", self.rig.config())).await
    }

    async fn ask(&self, model: &str) -> Said {
        said(&mut self.opencode(&["run", "--model", model, "say hi"])).await
    }

    fn paths_of(&self, label: &str) -> Vec<String> {
        let entries = self.rig.upstream.ledger().entries();
        entries
            .into_iter()
            .filter(|entry| entry.account.as_deref() == Some(label))
            .map(|entry| entry.path)
            .collect()
    }
}

async fn said(command: &mut Command) -> Said {
    let output = tokio::time::timeout(PATIENCE, command.output()).await;
    let output = output.expect("it ends in time").expect("it starts");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Said { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// Two at a time, so that each process needs a socket of its own.
#[tokio::test]
async fn opencode_asks_in_four_formats_through_the_library_inside_of_it() {
    let setup = Setup::new().anthropic("a", free()).openai("o", free()).gemini("g", free());
    let Some(machine) = Machine::installed(setup).await else { return };
    // By itself: two processes that make opencode's database at the same time disturb each other.
    let anthropic = machine.ask("anthropic/claude-sonnet-4-6").await;
    let (google, responses) = tokio::join!(machine.ask("google/gemini-3-flash"), machine.ask("openai/gpt-5"));
    let chat = machine.ask("chat/gpt-5").await;
    anthropic.answered_by("a");
    google.answered_by("g");
    responses.answered_by("o");
    chat.answered_by("o");
    assert!(machine.paths_of("a").iter().any(|path| path.starts_with("/v1/messages")));
    assert!(machine.paths_of("g").iter().any(|path| path.starts_with("/v1beta/models/gemini-3-flash:")));
    let paths = machine.paths_of("o");
    for path in ["/v1/responses", "/v1/chat/completions"] {
        assert!(paths.iter().any(|known| known == path), "{path} in {paths:?}");
    }
}

/// With the package of npm and with options, in place of the plugin folder and of settings in the file.
#[tokio::test]
async fn opencode_is_told_of_a_fallback_in_a_single_run() {
    let pools = [("gemini-cli", spent(5 * 3_600)), ("antigravity", free())];
    let setup = Setup::new().anthropic("a", free()).antigravity("work", &pools);
    let options = json!({"quota_fallback": true, "providers": ["google", "anthropic"]});
    let Some(machine) = Machine::with_package(setup, &options) else { return };
    let said =
        said(&mut machine.opencode(&["run", "--print-logs", "--model", "google/gemini-3-flash", "say hi"]))
            .await;
    said.answered_by("work")
        .told("Gemini CLI quota exhausted, using Antigravity quota")
        .told("info: serves anthropic, google");
}

/// What a person sees in the TUI, and does there.
#[tokio::test]
async fn a_fallback_is_a_toast_and_an_abort_closes_the_request_upstream() {
    let pools = [("gemini-cli", spent(5 * 3_600)), ("antigravity", free())];
    let setup = Setup::new().falling_back("account-first").anthropic("a", free()).antigravity("work", &pools);
    let setup = setup.fault(Fault::new(Harm::Stall { at: Moment::Content(1) }));
    let Some(machine) = Machine::installed(setup).await else { return };
    let mut server = machine.opencode(&["serve", "--port", "0", "--hostname", "127.0.0.1"]);
    let mut server = server.stderr(Stdio::null()).spawn().expect("it starts");
    let mut lines = BufReader::new(server.stdout.take().expect("a pipe")).lines();
    let address = loop {
        let line = lines.next_line().await.expect("text").expect("a line with the address");
        if let Some((_, address)) = line.split_once("http://") {
            break address.trim_end_matches('/').to_owned();
        }
    };

    let mut client = Client::connect(&address).await;
    let session = client.send(&post("/session", &json!({}))).await.good().json();
    let session = session["id"].as_str().expect("an id").to_owned();
    let mut listener = Client::connect(&address).await;
    let mut events = listener.open(&Ask::chat().get().to("/event")).await.expect("a head");
    let message = json!({
        "model": {"providerID": "google", "modelID": "gemini-3-flash"},
        "parts": [{"type": "text", "text": "say hi"}],
    });
    client.send(&post(&format!("/session/{session}/prompt_async"), &message)).await;

    let toast = event(&mut events, "tui.toast.show").await;
    assert_eq!(toast["properties"]["message"], "Gemini CLI quota exhausted, using Antigravity quota");
    let ledger = machine.rig.upstream.ledger();
    within(ledger.wait_for(|entries| entries.iter().any(is_stalled))).await;
    client.send(&post(&format!("/session/{session}/abort"), &json!({}))).await.good();
    let taken = Instant::now();
    within(ledger.wait_for(|entries| {
        entries
            .iter()
            .any(|entry| entry.ending == Ending::Aborted && entry.pool.as_deref() == Some("antigravity"))
    }))
    .await;
    assert!(taken.elapsed() < Duration::from_secs(1), "{:?}", taken.elapsed());
    server.kill().await.expect("it ends");
}

/// A terminal in which a program draws, until words are to be read there.
const SCREEN: &str = r#"
import fcntl, os, pty, re, struct, sys, termios, time
words, pid_fd = sys.argv[1], pty.fork()
pid, fd = pid_fd
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 140, 0, 0))
    os.execvp(sys.argv[2], sys.argv[2:])
seen, until = b"", time.monotonic() + 60
plain = ""
while words not in plain and time.monotonic() < until:
    try:
        seen += os.read(fd, 65536)
    except OSError:
        break
    # Places and colours are left out; what is drawn in one row stays together.
    plain = re.sub(rb"\x1b(\[[0-9;?<>=:$ ]*[a-zA-Z~]|[\]P_^][^\x07\x1b]*(\x07|\x1b\\)|[^\[\]P_^])", b"", seen).decode(errors="replace")
os.kill(pid, 15)
sys.stdout.write(plain)
sys.exit(0 if words in plain else 1)
"#;

/// The same toast where a person reads it.
#[tokio::test]
async fn a_toast_is_on_the_screen() {
    let pools = [("gemini-cli", spent(5 * 3_600)), ("antigravity", free())];
    let setup = Setup::new().falling_back("account-first").anthropic("a", free()).antigravity("work", &pools);
    let Some(machine) = Machine::installed(setup).await else { return };
    let opencode = machine.opencode(&["--model", "google/gemini-3-flash", "--prompt", "say hi"]);
    let mut terminal = machine.places.command("python3");
    terminal.args(["-c", SCREEN, "Gemini CLI quota exhausted"]);
    terminal.arg(opencode.as_std().get_program()).args(opencode.as_std().get_args());
    terminal.env_remove("POINTSMAN_PLUGIN").env("POINTSMAN_CONFIG", machine.rig.config());
    let said = said(&mut terminal).await;
    assert_eq!(said.code, Some(0), "{said:#?}");
}

#[tokio::test]
async fn a_broken_configuration_is_one_line_and_opencode_goes_on() {
    let setup = Setup::new().anthropic("a", free());
    let Some(machine) = Machine::installed(setup).await else { return };
    fs::write(machine.rig.config(), "strategy: nonsense\n").expect("a file");
    let url = format!("{}/v1", machine.rig.upstream.base_url());
    machine.configure(&json!({"provider": {"anthropic": {
        "npm": "@ai-sdk/anthropic",
        "models": {"claude-sonnet-4-6": {"name": "itself"}},
        "options": {"baseURL": url, "apiKey": secret("key", "a")},
    }}}));
    let said = machine.ask("anthropic/claude-sonnet-4-6").await.answered_by("a");
    let lines: Vec<_> = said.err.lines().filter(|line| line.starts_with("pointsman: ")).collect();
    assert_eq!(lines.len(), 1, "{said:#?}");
    assert!(lines[0].contains("not loaded") && lines[0].contains("strategy"), "{lines:?}");
}

/// The commands of the page, as somebody would copy them.
#[tokio::test]
async fn the_page_does_what_it_says() {
    let setup = Setup::new().anthropic("a", free()).openai("o", free());
    let Some(machine) = Machine::installed(setup).await else { return };
    let page = tree::text("docs/agents/opencode.md");
    let blocks: Vec<_> = page.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    let (install, look) = (blocks[0].lines().next().expect("a command"), blocks[1]);
    let installed = machine.shell(install).await;
    assert!(installed.code == Some(0) && installed.out.contains("pointsman.ts"), "{installed:#?}");
    let seen = machine.shell(look).await;
    assert!(seen.out.contains("pointsman: info: serves anthropic, chat, openai"), "{seen:#?}");
    for told in
        page.split('`').filter(|quoted| quoted.starts_with("serves no") || quoted.starts_with("not loaded"))
    {
        let words = told.split([':', '…']).next().unwrap_or_default();
        assert!(tree::text("host-demo/opencode/pointsman.ts").contains(words), "{told}");
    }
}

#[tokio::test]
async fn installing_again_changes_nothing_and_uninstalling_takes_both_away() {
    let Some(machine) = Machine::installed(Setup::new()).await else { return };
    let names = || {
        let entries = fs::read_dir(machine.folder().join("plugin")).expect("a folder").flatten();
        let mut names: Vec<_> = entries.map(|entry| entry.file_name().into_string().expect("text")).collect();
        names.sort();
        names
    };
    let library = pointsman_loader::FILE_NAME;
    assert_eq!(names(), [library, "pointsman.ts"]);
    let again = machine.pointsman("install").await;
    assert_eq!(again.out.matches("unchanged").count(), 2, "{again:#?}");
    fs::write(machine.folder().join("plugin/pointsman.ts"), "older").expect("a file");
    let update = machine.pointsman("install").await;
    assert_eq!((update.out.matches("updated").count(), names().len()), (1, 2), "{update:#?}");
    let gone = machine.pointsman("uninstall").await;
    assert_eq!((gone.out.matches("removed").count(), names().len()), (2, 0), "{gone:#?}");
    let again = machine.pointsman("uninstall").await;
    assert_eq!((again.code, again.out.matches("not there").count()), (Some(0), 2), "{again:#?}");
}

/// The adapter by itself, in the runtime that is inside of opencode: whose notices are toasts.
async fn toasts(options: Value) -> Option<Vec<String>> {
    let pools = [("gemini-cli", spent(5 * 3_600)), ("antigravity", free())];
    let setup = Setup::new().falling_back("account-first").antigravity("work", &pools);
    let setup =
        setup.set("strategy", "round-robin").anthropic("used-up", spent(60)).anthropic("good", free());
    let machine = Machine::installed(setup).await?;
    let mut script = machine.opencode(&[]);
    script.arg(tree::root().join("tests/agents/adapter.ts")).arg(options.to_string()).env("BUN_BE_BUN", "1");
    script.env("POINTSMAN_PLUGIN", plugin::path());
    let said = said(&mut script).await;
    assert_eq!(said.code, Some(0), "{said:#?}");
    let seen: Value = serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {said:#?}"));
    assert_eq!(seen["served"], json!(["elsewhere", "anthropic", "google"]), "{seen}");
    assert_eq!(seen["shared"], true, "folders share a router: {seen}");
    assert_eq!(seen["statuses"], json!([200, 200, 200]), "{seen}");
    Some(serde_json::from_value(seen["toasts"].clone()).expect("texts"))
}

const SUBAGENTS: &str = "Gemini CLI quota exhausted, using Antigravity quota";

#[tokio::test]
async fn what_subagents_meet_is_shown_only_on_demand_and_nothing_in_quiet_mode() {
    let Some(root) = toasts(json!({})).await else { return };
    assert!(root.len() == 1 && root[0].contains("switching to next account"), "{root:?}");
    let all = toasts(json!({"toasts": "all"})).await.expect("run");
    assert!(all.len() == 2 && all.contains(&SUBAGENTS.to_owned()), "{all:?}");
    assert_eq!(toasts(json!({"toasts": "all", "quiet_mode": true})).await, Some(Vec::new()));
    assert_eq!(toasts(json!({"toasts": "none"})).await, Some(Vec::new()));
}

fn is_stalled(entry: &pointsman_upstream::Entry) -> bool {
    entry.pool.as_deref() == Some("antigravity") && entry.status == Some(200) && entry.ending == Ending::Open
}

fn post(path: &str, body: &Value) -> Ask {
    Ask::chat().to(path).body(body.to_string()).header("content-type", "application/json")
}

/// Waits for an event of opencode of this type.
async fn event(events: &mut http::Response<hyper::body::Incoming>, kind: &str) -> Value {
    use http_body_util::BodyExt;

    within(async {
        let mut text = String::new();
        loop {
            let frame = events.body_mut().frame().await.expect("opencode goes on").expect("a good frame");
            text.push_str(&String::from_utf8_lossy(frame.data_ref().map_or(&[], |bytes| bytes)));
            let data =
                text.lines().filter_map(|line| serde_json::from_str(line.strip_prefix("data: ")?).ok());
            if let Some(found) = data.into_iter().find(|event: &Value| event["type"] == kind) {
                return found;
            }
        }
    })
    .await
}
