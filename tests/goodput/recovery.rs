//! After a limit: how much of what four accounts allow is served once three of them are open again.
//!
//! Twelve agents ask a gateway over HTTP without a pause. All accounts but the third are limited from the start,
//! and say until when. What is served after that is told as a share of what the quotas allow. The gateway is
//! `pointsman serve` with default settings, or whatever listens at `--gateway ADDRESS` and asks the upstream at
//! `--upstream-port` with the keys `hush-key-a0` to `hush-key-a3`.

use std::fmt;
use std::io;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use pointsman_tests::client::Client;
use pointsman_tests::program::pointsman;
use pointsman_tests::setup::secret;
use pointsman_tests::{Ask, plugin};
use pointsman_upstream::{Account, Hint, Pace, Pool, Script, Upstream};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::{sleep, sleep_until};

use super::option;

const AGENTS: usize = 12;
/// Requests of each account in a second.
const RATES: [u32; 4] = [10, 10, 20, 5];
/// The account that is open from the start.
const OPEN: usize = 2;
/// How long the others are limited.
const TROUBLE: Duration = Duration::from_secs(12);
const ANSWER_AFTER: Duration = Duration::from_millis(20);
/// The longest pause of an agent that was refused.
const PAUSE: Duration = Duration::from_secs(1);
/// Affinity is told from this part of the measured time on, in hundredths: agents spread before.
const SPREADING: u32 = 33;

pub(crate) const HEAD: &str = "| quotas | limited before | served ÷ fluid limit | by account | upstream 429s | \
    429s to callers | stayed |\n|---|---|---|---|---|---|---|";

/// What the accounts allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quotas {
    /// Token buckets that hold what comes in a second.
    Buckets,
    /// Windows of ten seconds.
    Windows,
}

/// What is measured.
#[derive(Clone, Copy, Debug)]
struct Scenario {
    quotas: Quotas,
    is_limited_before: bool,
    /// How long it is measured once all accounts are open.
    after: Duration,
}

/// One answer: when it came, which agent got it, and from which account; none is a refusal.
#[derive(Clone, Debug)]
struct Answer {
    at: Duration,
    agent: usize,
    account: Option<String>,
}

/// A gateway of ours, or the address of another one.
struct Gateway {
    address: String,
    /// Ends with the value.
    _child: Option<(Child, tempfile::TempDir)>,
}

/// Measures all scenarios, one after the other.
pub(crate) async fn measure(mut tell: impl FnMut(&str) -> io::Result<()>) -> io::Result<()> {
    tell(HEAD)?;
    let seconds = option("--seconds").and_then(|seconds| seconds.parse().ok());
    for quotas in [Quotas::Buckets, Quotas::Windows] {
        // Of windows as many are measured as begin in the time.
        let after = Duration::from_secs(seconds.unwrap_or(if quotas == Quotas::Buckets { 45 } else { 50 }));
        for is_limited_before in [true, false] {
            let scenario = Scenario { quotas, is_limited_before, after };
            tell(&scenario.run().await?.to_string())?;
        }
    }
    Ok(())
}

impl Scenario {
    fn pool(self, account: usize) -> Pool {
        let second = Duration::from_secs(1);
        let pool = match self.quotas {
            Quotas::Buckets => Pool::bucket(RATES[account], second),
            Quotas::Windows => Pool::limited(RATES[account] * 10, second * 10),
        };
        pool.hint(Hint::HeaderOnly)
    }

    fn trouble(self) -> Duration {
        if self.is_limited_before { TROUBLE } else { Duration::ZERO }
    }

    /// Returns how many requests the accounts let in from the end of the trouble on.
    fn fluid(self) -> f64 {
        let rate = f64::from(RATES.iter().sum::<u32>());
        let stored = if self.quotas == Quotas::Buckets { rate } else { 0.0 };
        rate * self.after.as_secs_f64() + stored
    }

    async fn run(self) -> io::Result<Report> {
        let port = option("--upstream-port").and_then(|port| port.parse().ok()).unwrap_or(0);
        let script = Script::new(7).port(port).pace(Pace::default().head(ANSWER_AFTER));
        let script = (0..RATES.len()).fold(script, |script, place| {
            let account = Account::new(label(place)).api_key(secret("key", &label(place)));
            script.account(account.pool("default", self.pool(place)))
        });
        let upstream = Upstream::start_blocking(script)?;
        let gateway = Gateway::start(&upstream).await?;
        let answers = self.ask(&upstream, &gateway.address).await;
        let limited = upstream.ledger().count(|entry| entry.status == Some(429));
        Ok(Report { scenario: self, answers, limited })
    }

    /// Lets the agents ask until the time is over, and opens the limited accounts on the way.
    async fn ask(self, upstream: &Upstream, address: &str) -> Vec<Answer> {
        let begin = Instant::now();
        if self.is_limited_before {
            self.limit(upstream);
        }
        let end = begin + self.trouble() + self.after;
        let answers = Arc::<Mutex<Vec<_>>>::default();
        let agents: Vec<_> = (0..AGENTS)
            .map(|agent| tokio::spawn(work(agent, address.to_owned(), [begin, end], answers.clone())))
            .collect();
        sleep_until((begin + self.trouble()).into()).await;
        (0..RATES.len()).for_each(|place| set(upstream, place, self.pool(place)));
        for agent in agents {
            agent.await.expect("an agent works to the end");
        }
        std::mem::take(&mut *answers.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Uses up all accounts but one until the trouble is over.
    fn limit(self, upstream: &Upstream) {
        for place in (0..RATES.len()).filter(|place| *place != OPEN) {
            set(upstream, place, Pool::limited(1, TROUBLE).hint(Hint::HeaderOnly));
            upstream.exhaust(&label(place), "default").expect("it is in the script");
        }
    }
}

fn label(place: usize) -> String {
    format!("a{place}")
}

fn set(upstream: &Upstream, place: usize, pool: Pool) {
    upstream.set_pool(&label(place), "default", pool).expect("it is in the script");
}

/// Asks as one agent, without a pause, until the end.
async fn work(agent: usize, address: String, [begin, end]: [Instant; 2], answers: Arc<Mutex<Vec<Answer>>>) {
    let mut client = Client::connect(&address).await;
    let ask = Ask::chat().session(&format!("agent-{agent}"));
    let ask =
        ask.header("authorization", "Bearer of-the-measurement").header("content-type", "application/json");
    while Instant::now() < end {
        let Ok(heard) = tokio::time::timeout_at(end.into(), client.send(&ask)).await else { return };
        let account = (heard.status == 200).then(|| served_by(&heard.text()));
        let is_refused = account.is_none();
        let answer = Answer { at: begin.elapsed(), agent, account };
        answers.lock().unwrap_or_else(PoisonError::into_inner).push(answer);
        if is_refused {
            sleep(heard.retry_after().map_or(PAUSE, Duration::from_secs).min(PAUSE)).await;
        }
    }
}

/// The upstream's text says who served.
fn served_by(text: &str) -> String {
    let from = text.split_once("pong from ").map_or("", |(_, from)| from);
    from.split('/').next().unwrap_or_default().to_owned()
}

impl Gateway {
    async fn start(upstream: &Upstream) -> io::Result<Self> {
        if let Some(address) = option("--gateway") {
            return Ok(Self { address, _child: None });
        }
        let folder = tempfile::tempdir()?;
        let config = folder.path().join("pointsman.yaml");
        std::fs::write(&config, config_of(upstream))?;
        let mut serve = Command::new(pointsman());
        serve.args(["serve", "--listen", "127.0.0.1:0", "--config"]).arg(&config);
        serve.env("POINTSMAN_PLUGIN", plugin::path()).env("HOME", folder.path());
        let mut child = serve.stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true).spawn()?;
        let out = child.stdout.take().ok_or_else(|| io::Error::other("no output"))?;
        let line = BufReader::new(out).lines().next_line().await?.unwrap_or_default();
        let address = line.split_once("http://").map(|(_, address)| address);
        let address = address.and_then(|address| address.split_whitespace().next());
        let address = address.ok_or_else(|| io::Error::other(format!("no address in {line:?}")))?.to_owned();
        Ok(Self { address, _child: Some((child, folder)) })
    }
}

/// Accounts and where they are; all else is as it is by default.
fn config_of(upstream: &Upstream) -> String {
    let account = |place| format!("  - {{id: 'openai:a{place}', api_key: hush-key-a{place}}}\n");
    let accounts: String = (0..RATES.len()).map(account).collect();
    let base = upstream.base_url();
    format!("store: memory\nproviders:\n  openai: {{base_url: '{base}/v1'}}\naccounts:\n{accounts}")
}

/// What a run came to, as a row.
struct Report {
    scenario: Scenario,
    answers: Vec<Answer>,
    limited: usize,
}

impl Report {
    /// The answers that count, and the accounts of those that were served.
    fn served(&self) -> impl Iterator<Item = (&Answer, &str)> {
        let since = self.scenario.trouble();
        let answers = self.answers.iter().filter(move |answer| answer.at >= since);
        answers.filter_map(|answer| Some((answer, answer.account.as_deref()?)))
    }

    fn by_account(&self) -> Vec<usize> {
        let count = |place| self.served().filter(|(_, account)| *account == label(place)).count();
        (0..RATES.len()).map(count).collect()
    }

    /// Returns the share of requests that met the account of their agent's last one.
    fn stayed(&self) -> f64 {
        let since = self.scenario.trouble() + self.scenario.after * SPREADING / 100;
        let mut last = [None; AGENTS];
        let (mut came, mut stayed) = (0_u32, 0_u32);
        for (answer, account) in self.served() {
            let before = last[answer.agent].replace(account);
            if let Some(before) = before.filter(|_| answer.at >= since) {
                came += 1;
                stayed += u32::from(before == account);
            }
        }
        f64::from(stayed) / f64::from(came.max(1))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quotas = match self.scenario.quotas {
            Quotas::Buckets => "buckets",
            Quotas::Windows => "windows of 10 s",
        };
        let limited_before = if self.scenario.is_limited_before { "three, 12 s" } else { "none" };
        let by_account = self.by_account();
        let goodput = by_account.iter().sum::<usize>() as f64 / self.scenario.fluid();
        let shown = self.answers.iter().filter(|answer| answer.account.is_none()).count();
        let Self { limited, .. } = self;
        let stayed = self.stayed();
        write!(
            f,
            "| {quotas} | {limited_before} | {goodput:.2} | {by_account:?} | {limited} | {shown} | {stayed:.2} |"
        )
    }
}
