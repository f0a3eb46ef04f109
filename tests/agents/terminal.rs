//! `pointsman run` in a terminal: what is typed there reaches the agent once, and a shell can stop and resume
//! both.

use pointsman_tests::Setup;
use pointsman_tests::setup::{free, limited};

use crate::rig::{Places, Rig, Said};
use crate::run::ASK;

/// Runs a command in a terminal of its own. Of the pairs after `typed:` the second is typed once the first was
/// seen, after what was seen before; `\\x1a` is ^Z.
const TERMINAL: &str = r#"
import os, pty, sys
cut = sys.argv.index("typed:")
steps = [text.encode().decode("unicode_escape").encode() for text in sys.argv[cut + 1:]]
pid, fd = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:cut])
seen, at = b"", 0
while True:
    while steps and (found := seen.find(steps[0], at)) >= 0:
        at = found + len(steps[0])
        os.write(fd, steps[1])
        steps = steps[2:]
    try:
        more = os.read(fd, 4096)
    except OSError:
        break
    if not more:
        break
    seen += more
sys.stdout.write(seen.decode())
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"#;

/// An agent that counts interrupts and ends after the first. It starts nothing while it may be stopped: a
/// shell that was stopped between the two halves of starting a program does not stop.
const COUNTING: &str = "n=0; trap 'n=$((n+1))' INT; sleep 60 & p=$!; test -t 0 && test -t 2 && echo ready; \
                        while [ $n = 0 ]; do wait $p; done; kill -9 $p; sleep 0.3; echo times $n; exit 6";

fn rig() -> Rig {
    Rig::new(Setup::new().anthropic("work", free()))
}

/// Says whether the terminal shows a line of ours besides the first, which names the configuration before the
/// command begins.
fn has_lines_of_ours(screen: &str) -> bool {
    let first = "pointsman: configuration: ";
    screen.matches("pointsman: ").count() != screen.matches(first).count()
        || screen.matches(first).count() > 1
}

/// Runs a command in a terminal, in which is typed.
async fn in_terminal(places: Places, command: &[&str], typed: &[(&str, &str)]) -> Said {
    let mut terminal = places.command("python3");
    terminal.arg("-c").arg(TERMINAL).args(command).arg("typed:");
    terminal.args(typed.iter().flat_map(|(seen, typed)| [seen, typed]));
    places.start(terminal).said().await
}

#[tokio::test]
async fn what_is_typed_reaches_the_command_once_and_lines_wait_for_its_end() {
    let (rig, places) = (rig(), Places::new());
    let run = rig.command(&places, &[], &["sh", "-c", COUNTING]);
    let run: Vec<_> = words(&run);
    let run: Vec<_> = run.iter().map(String::as_str).collect();
    let said = in_terminal(places, &run, &[("ready", "\\x03")]).await;
    assert_eq!(said.code, Some(6), "{said:#?}");
    let (agents, ours) = said.out.split_once("times 1").unwrap_or_else(|| panic!("{said:#?}"));
    assert!(agents.contains("ready") && !has_lines_of_ours(agents), "{said:#?}");
    assert!(ours.contains("pointsman: no request came"), "{said:#?}");
}

/// Types the command into a shell that controls jobs, and stops, looks, resumes and interrupts it there.
///
/// Its script says `ready` when it may be stopped, and `counting` when, resumed, it may be interrupted.
async fn check_is_stopped_and_resumed(script: &str, stop: &str) {
    let (rig, places) = (rig(), Places::new());
    let run = words(&rig.command(&places, &[], &["sh", "-c", script]));
    let quoted: Vec<_> = run.iter().map(|word| format!("'{}'", word.replace('\'', r"'\''"))).collect();
    let file = places.project().join("start");
    std::fs::write(&file, format!("exec {}\n", quoted.join(" "))).expect("a file");
    std::fs::write(places.home().join(".bashrc"), "PS1='next> '\nunset HISTFILE\n").expect("a file");
    let shell = ["bash", "--noprofile", "--noediting", "-i"];
    let said = in_terminal(
        places,
        &shell,
        &[
            ("next> ", "stty -a; bash start\\n"),
            ("ready", stop),
            ("Stopped", "stty -a; echo still $((1 + 1))\\n"),
            ("still 2", "fg\\n"),
            ("resumed", ""),
            ("counting", "\\x03"),
            ("times 1", ""),
            ("next> ", "echo code $?; exit\\n"),
        ],
    )
    .await;
    assert!(said.out.contains("code 6"), "{said:#?}");
    assert_eq!(said.out.matches("Stopped").count(), 1, "one stop is one stop: {said:#?}");
    assert_eq!(said.out.matches("resumed\r").count(), 1, "{said:#?}");
    let modes: Vec<_> =
        said.out.split("speed ").skip(1).filter_map(|modes| modes.split("extproc").next()).collect();
    let is_sane = modes.iter().all(|modes| modes.contains("isig icanon") && modes.contains(" echo "));
    assert!(modes.len() == 2 && modes[0] == modes[1] && is_sane, "{said:#?}");
}

fn words(command: &tokio::process::Command) -> Vec<String> {
    let command = command.as_std();
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_str().expect("text").to_owned()).collect()
}

/// `^Z` goes to both. The shell gets its terminal back as it was, and `fg` wakes both.
#[tokio::test]
async fn a_shell_stops_and_resumes_the_command() {
    let script = format!("trap 'echo resumed; echo counting' CONT; {COUNTING}");
    check_is_stopped_and_resumed(&script, "\\x1a").await;
}

/// An agent with a screen of its own takes keys as they come, and stops itself, alone.
#[tokio::test]
async fn a_command_that_stops_itself_takes_us_with_it() {
    let stopping = "trap 'echo resumed' CONT; stty raw -echo; echo ready; head -c 1 > /dev/null; \
                    kill -STOP $$; stty sane;";
    check_is_stopped_and_resumed(&format!("{stopping} {}", COUNTING.replace("ready", "counting")), "z").await;
}

/// Asks twice in a terminal, where the account is limited after the first request, and returns what was seen
/// until the agent said so, and after that.
async fn asked_twice(before: &str, after: &str) -> (String, String) {
    let rig = Rig::new(Setup::new().patient().anthropic("work", limited(1, 2)));
    let places = Places::new();
    let script = format!("{before}\n{ASK}\n{ASK}\n{after}\necho asked $((1 + 1))");
    let run = words(&rig.command(&places, &[], &["sh", "-c", &script]));
    let run: Vec<_> = run.iter().map(String::as_str).collect();
    let said = in_terminal(places, &run, &[]).await;
    assert_eq!(said.code, Some(0), "{said:#?}");
    let (meanwhile, afterwards) = said.out.split_once("asked 2").unwrap_or_else(|| panic!("{said:#?}"));
    (meanwhile.to_owned(), afterwards.to_owned())
}

const WAITS: &str = "pointsman: The only account is out of quota for claude. Waiting";

/// An agent that runs for one prompt leaves the terminal as it is: whoever waits for a limit reads so.
#[tokio::test]
async fn a_wait_is_told_while_it_lasts_where_the_agent_is_no_full_screen_program() {
    let (meanwhile, afterwards) = asked_twice("", "").await;
    assert!(meanwhile.contains(WAITS), "{meanwhile}");
    assert!(afterwards.contains("pointsman: 2 requests: work 2; 1 limit met, none seen"), "{afterwards}");
}

/// A full-screen program takes the terminal's keys one by one, and gets no line into its screen.
#[tokio::test]
async fn lines_wait_for_the_end_of_a_full_screen_program() {
    let (meanwhile, afterwards) = asked_twice("stty -icanon -echo", "echo over; stty sane").await;
    let (screen, rest) = meanwhile.split_once("over").unwrap_or_else(|| panic!("{meanwhile}"));
    assert!(!has_lines_of_ours(screen), "{screen}");
    assert!(rest.contains(WAITS) || afterwards.contains(WAITS), "{rest}{afterwards}");
}
