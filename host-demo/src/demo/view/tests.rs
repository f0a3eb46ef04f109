use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::super::evidence::Seen;
use super::super::samples;
use super::*;

fn notes() -> Notes {
    let mut seats = vec![Seat::default(); SUBAGENTS.len()];
    seats[0] = Seat { activity: Activity::Reading("claude-sonnet-4-6"), since_ms: 4_000, answered: 7 };
    seats[7] = Seat { activity: Activity::Asking("gemini-3-flash"), since_ms: 1_000, answered: 3 };
    let text = "Claude quota exhausted, switching to next account".to_owned();
    let seen = Seen { at_ms: 1_234, account: "antigravity:work".to_owned(), severity: 2, text };
    Notes { seats, notices: vec![seen], ..Notes::default() }
}

fn screen(width: u16, height: u16) -> Vec<String> {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a terminal in memory");
    let (notes, status) = (notes(), samples::status());
    let scene = Scene { now_ms: 5_000, total_ms: 20_000, notes: &notes, status: &status };
    terminal.draw(|frame| draw(frame, &scene, Palette { colours: false })).expect("memory takes everything");
    let buffer = terminal.backend().buffer();
    let row = |y| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>().trim_end().to_owned();
    (0..height).map(row).collect()
}

#[test]
fn eighty_columns_show_everything() {
    let expected = "
 pointsman demo   5 of 20 s        0 answered   0.0/s   q ends it

 account             claude                        gemini-cli
 antigravity:work    3.2s     ████████████  12 ●3  open     ████████████  12 ●3
 antigravity:revoked needs sign-in  invalid_grant
 a countdown: until the limit ends, ~ a guess   ██ 9 served   ●3 in flight

 main         7 reads claude             reviewer     0 thinking
 explore      0 thinking                 planner      3 waits 4.0 s gemini
 librarian    0 thinking                 writer       0 thinking
 oracle       0 thinking                 refactor     0 thinking
 frontend     0 thinking                 security     0 thinking
 tester       0 thinking                 release      0 thinking

 notices, latest first
   1.2s  Claude quota exhausted, switching to next account
";
    assert_eq!(screen(80, 24).join("\n").trim_end(), expected.trim_matches('\n').trim_end());
}

#[test]
fn a_tiny_terminal_is_no_trouble() {
    for (width, height) in [(1, 1), (10, 3), (40, 8)] {
        assert_eq!(screen(width, height).len(), usize::from(height));
    }
}

#[test]
fn q_escape_and_control_c_end_it() {
    let key = |code, modifiers| KeyEvent::new(code, modifiers);
    assert!(ends(key(KeyCode::Char('q'), KeyModifiers::NONE)));
    assert!(ends(key(KeyCode::Esc, KeyModifiers::NONE)));
    assert!(ends(key(KeyCode::Char('c'), KeyModifiers::CONTROL)));
    assert!(!ends(key(KeyCode::Char('c'), KeyModifiers::NONE)));
}

#[test]
fn a_bar_is_a_share_of_the_largest() {
    assert_eq!(bar(0, 0, 4), "    ");
    assert_eq!(bar(1, 2, 4), "██  ");
    assert_eq!(bar(1, 32, 4), "▏   ");
    assert_eq!(bar(64, 64, 4), "████");
}

#[test]
fn a_countdown_is_short() {
    assert_eq!(countdown(1_000, None), "");
    assert_eq!(countdown(1_000, Some(900)), "0.0s");
    assert_eq!(countdown(1_000, Some(4_250)), "3.2s");
    assert_eq!(countdown(0, Some(3_600_000)), "60min");
}

#[test]
fn a_wider_terminal_is_used() {
    let widest = |width| screen(width, 24).iter().map(|line| line.chars().count()).max().unwrap_or(0);
    assert!(widest(120) > widest(80), "{}", screen(120, 24).join("\n"));
    let bar = |width| screen(width, 24).iter().map(|line| line.matches('█').count()).max().unwrap_or(0);
    assert!(bar(120) > bar(80));
}

#[test]
fn a_long_notice_is_shown_whole() {
    let text =
        "No account can serve claude now: 1 limited, 2 in cooldown after a network error. Waiting 12s...";
    let lines = wrapped(text, 60);
    assert!(lines.len() > 1 && lines.iter().all(|line| line.chars().count() <= 60), "{lines:?}");
    assert_eq!(lines.join(" "), text);
    assert_eq!(wrapped(&"x".repeat(150), 60).iter().map(String::len).sum::<usize>(), 150);
}
