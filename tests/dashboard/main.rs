//! The dashboard in a real browser, and whether the page that is checked in is what the sources build.
//!
//! By itself, because it installs packages and needs Chromium: `cargo test -p pointsman-tests --test dashboard`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use pointsman_tests::packages::{is_there, node};
use pointsman_tests::setup::{free, limited, spent};
use pointsman_tests::{Ask, Setup, Stage};

const TARGET: &str = env!("CARGO_TARGET_TMPDIR");
const FILES: [&str; 4] = ["index.html", "dashboard.js", "dashboard.css", "licenses.txt"];

#[test]
fn the_page_that_is_checked_in_is_what_the_sources_build() {
    let Some(()) = is_there("npm", &["--version"]) else { return };
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugin-impl/dashboard");
    let copy = Path::new(TARGET).join("dashboard-build");
    copy_tree(&sources, &copy);
    run(Command::new("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(&copy));
    run(Command::new("npx").args(["--no-install", "tsc", "--noEmit"]).current_dir(&copy));
    let built = copy.join("built");
    run(Command::new("node").args(["build.mjs".as_ref(), built.as_os_str()]).current_dir(&copy));
    for name in FILES {
        let read = |folder: PathBuf| fs::read(folder.join(name)).expect("the file is there");
        assert!(
            read(built.clone()) == read(sources.join("dist")),
            "{name} is not what the sources build; run `npm ci && npm run build` in plugin-impl/dashboard"
        );
    }
}

/// Every page, live updates, keys, both themes, three widths, and no serious finding of the accessibility checker.
#[tokio::test]
async fn the_pages_work_in_a_browser() {
    let Some(()) = is_there("chromium", &["--version"]) else { return };
    let Some(installed) = node(TARGET, "dashboard") else { return };
    let stage = stage();
    let asks = (0..12).map(|agent| {
        Ask::messages()
            .header("x-claude-code-session-id", if agent < 6 { "one" } else { "other" })
            .header("x-claude-code-agent-id", &format!("agent-{agent}"))
            .header("user-agent", "claude-cli/2.1.332 (external, cli)")
    });
    for heard in stage.fetch_all(asks).await {
        heard.good();
    }
    let base = format!("http://{}", stage.gateway());
    let output = tokio::task::spawn_blocking(move || {
        Command::new(installed.program)
            .arg("browse.mjs")
            .current_dir(&installed.folder)
            .env("POINTSMAN_BASE", base)
            .stdin(Stdio::null())
            .output()
    });
    let output = output.await.expect("the thread has no panic").expect("Node is there");
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{said}");
}

fn stage() -> Stage {
    Setup::new()
        .anthropic("work@example.com", limited(100, 3_600))
        .anthropic("home", spent(3_600))
        .anthropic("team", free())
        .gemini("other", free())
        .start()
}

fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder below the target folder");
    for entry in fs::read_dir(from).expect("the sources are there").flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        if path.is_dir() && name != "node_modules" {
            copy_tree(&path, &to.join(name));
        } else if path.is_file() {
            fs::copy(&path, to.join(name)).expect("a file can be copied");
        }
    }
}

fn run(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().expect("the program is there");
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&said));
}
