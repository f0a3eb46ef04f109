//! The pages of `docs/agents`: what each tells its reader to type is typed, and has to come to what it says.

use std::fs;
use std::path::Path;

use pointsman_tests::program::pointsman;
use pointsman_tests::{Setup, tree};
use pointsman_upstream::{Account, Script, Upstream};

use crate::rig::{Places, Rig};

/// Where the commands of a page are.
const COMMANDS: &str = "## Two commands";

/// A page's blocks of code: what is typed first, and what is seen then.
struct Page {
    typed: String,
    seen: String,
}

impl Page {
    /// Reads a page from `heading` on.
    fn read(name: &str, heading: &str) -> Self {
        let text = tree::text(Path::new("docs/agents").join(name));
        let (_, text) = text.split_once(heading).unwrap_or_else(|| panic!("{name} has no {heading:?}"));
        let mut blocks = text.split("```").skip(1).step_by(2);
        let mut block = |kind: &str| {
            let block = blocks.next().and_then(|block| block.strip_prefix(kind));
            block.unwrap_or_else(|| panic!("{name}: a block of {kind} is missing")).trim().to_owned()
        };
        Self { typed: block("sh\n"), seen: block("text\n") }
    }

    /// The variable that the page sets first, and its value.
    fn key(&self) -> (&str, &str) {
        let line = self.typed.lines().find_map(|line| line.strip_prefix("export "));
        line.and_then(|line| line.split_once('=')).expect("a page sets a key first")
    }
}

/// Types the commands of a page in a shell, on a machine where nothing is configured; variables say where the
/// providers are.
async fn check(name: &str, heading: &str) {
    if Rig::agents(Setup::new()).is_none() {
        return;
    }
    let page = Page::read(name, heading);
    let (_, key) = page.key();
    let script = Script::new(7).account(Account::new("you").api_key(key));
    let upstream = Upstream::start_blocking(script).expect("the upstream starts");
    let places = Places::new();
    prepare(&places);
    let mut shell = places.command("sh");
    shell.arg("-ec").arg(&page.typed);
    let base = upstream.base_url();
    for (provider, base) in [("ANTHROPIC", &base), ("OPENAI", &format!("{base}/v1")), ("GEMINI", &base)] {
        shell.env(format!("POINTSMAN_PROVIDERS__{provider}__BASE_URL"), base);
    }
    let said = places.start(shell).said().await.answered_by("you");
    for line in page.seen.lines() {
        assert!(said.err.lines().any(|told| told == line), "{name}: no {line:?} in {said:#?}");
    }
}

/// The reader has built the project, and is in its folder.
fn prepare(places: &Places) {
    let release = places.project().join("target/release");
    fs::create_dir_all(&release).expect("a folder");
    std::os::unix::fs::symlink(pointsman(), release.join("pointsman")).expect("a link");
}

#[tokio::test]
async fn the_page_on_claude_works() {
    check("claude.md", COMMANDS).await;
}

#[tokio::test]
async fn the_page_on_codex_works() {
    check("codex.md", COMMANDS).await;
}

#[tokio::test]
async fn the_page_on_gemini_works() {
    check("gemini.md", COMMANDS).await;
}

#[tokio::test]
async fn the_page_on_opencode_works() {
    check("opencode.md", "## Without installing anything").await;
}

#[tokio::test]
async fn the_page_on_everything_else_works() {
    check("any.md", COMMANDS).await;
}

/// Pages whose rows are tried by tests of their own, and where these are. The agents of `others.md` were run by
/// hand: most of them do not install offline.
const TRIED_ELSEWHERE: [(&str, &str); 3] = [
    ("hold.md", "tests/it/hold.rs"),
    ("launched.md", "tests/agents/rows.rs"),
    ("others.md", "docs/agents/others.md"),
];

#[test]
fn every_page_is_tried() {
    let tried = tree::text("tests/agents/pages.rs");
    for path in tree::files("docs/agents") {
        let name = path.file_name().expect("a file").to_string_lossy().into_owned();
        let elsewhere = TRIED_ELSEWHERE.iter().find(|(page, _)| *page == name);
        let is_tried = elsewhere.is_some_and(|(_, place)| tree::root().join(place).exists());
        assert!(is_tried || tried.contains(&format!("check(\"{name}\",")), "{name} is not tried");
    }
}
