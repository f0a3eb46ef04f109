//! Processes that are killed at any point lose no token that they were told is kept, and damage nothing.
//!
//! The test runs itself again as the process to be killed. `POINTSMAN_KILLS` says how often.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};

use super::*;

/// Names the file of the process to be killed.
const FILE: &str = "POINTSMAN_TEST_KILLED";
/// The name of this test to the test's own program.
const TEST: &str = "edges::store::tests::killed::a_killed_process_loses_no_token_and_no_account";
/// The kills where nobody says how many; a thousand take about a minute.
const KILLS: u64 = 25;

/// Lands tokens for ever, and says so after each.
fn land_for_ever(path: PathBuf) -> ! {
    let store = Store::open(path);
    let mut serial = store.token(&key()).map_or(0, |token| token.version.serial);
    loop {
        serial += 1;
        let fence = match block(store.depart(&key(), Some(TokenVersion { serial, fence: u64::MAX }))) {
            Departed::Exchange { fence, .. } => fence,
            Departed::Use(token) => panic!("{token:?} is none of ours"),
        };
        assert!(fence > 0, "the file is there");
        block(store.land(&key(), token(serial, fence, &serial.to_string())));
        learn(&store, None, heard(serial, FAR));
        let orders = AccountRecord::default();
        store.learn(Key::of(Kind::Account, &account(), &[]), Record::Account(orders));
        flush(&store);
        let mut output = std::io::stderr();
        writeln!(output, "landed {serial}").expect("the parent reads");
    }
}

fn child(path: &Path) -> Child {
    let mut command = Command::new(std::env::current_exe().expect("a program"));
    command.args(["--exact", TEST, "--nocapture"]).env(FILE, path);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command.spawn().expect("it starts")
}

/// Kills a process after a number of landings and a while. Returns the last landing that it told.
fn kill_after(path: &Path, landings: u64, pause: Duration) -> u64 {
    let mut child = child(path);
    let lines = BufReader::new(child.stderr.take().expect("its output")).lines();
    let mut told = 0;
    for (count, line) in (1..).zip(lines.map_while(Result::ok)) {
        told = line.strip_prefix("landed ").and_then(|serial| serial.parse().ok()).unwrap_or(told);
        if count == landings {
            std::thread::sleep(pause);
            child.kill().expect("it runs");
        }
    }
    child.wait().expect("it ended");
    told
}

#[test]
fn a_killed_process_loses_no_token_and_no_account() {
    if let Some(path) = std::env::var_os(FILE) {
        land_for_ever(path.into());
    }
    let kills = std::env::var("POINTSMAN_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(KILLS);
    let (_folder, path) = folder();
    // A sequence of points that differ in landings and in the instant after: an even spread of both.
    for kill in 0..kills {
        let pause = Duration::from_micros(kill * 7_919 % 5_000);
        let told = kill_after(&path, 1 + kill % 5, pause);
        let file = Connection::open(&path).expect("it opens");
        let whole: String =
            file.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("an answer");
        assert_eq!(whole, "ok", "after kill {kill}");
        let (serial, access): (u64, String) = file
            .query_row("SELECT serial, access FROM token", [], |row| {
                Ok((row.get::<_, i64>(0)? as u64, row.get(1)?))
            })
            .expect("a token");
        assert!(serial >= told, "kill {kill}: {serial} is in the file, and {told} was told to be");
        assert_eq!(access, format!("access-{serial}"));
        let forms = |kind: &str| -> String {
            let query = "SELECT group_concat(form) FROM record WHERE kind = ?1";
            file.query_row(query, [kind], |row| row.get(0)).unwrap_or_default()
        };
        let heard = forms("limit").split(['{', ',', ':', '}']).nth(2).and_then(|at| at.parse().ok());
        assert!(heard >= Some(told), "kill {kill}: {heard:?} is in the file, and {told} was told to be");
        assert!(forms("account").contains("removed"), "kill {kill}: the account is gone");
        // The lease of the killed would block the next for its length; another test waits for that.
        file.execute_batch("UPDATE lease SET until = 0").expect("it is written");
    }
}
