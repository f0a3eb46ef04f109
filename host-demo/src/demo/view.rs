//! The live view: accounts and pools, subagents, notices.

use std::io;
use std::time::Duration;

use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::{DefaultTerminal, Frame};

use pointsman_api::{AccountState, AccountView, PoolState, PoolView, Severity, Status};

use crate::console::severity_tone;
use crate::paint::{Tone, no_color};

use super::board::{Activity, Notes, Seat};
use super::scenario::SUBAGENTS;

/// What is drawn.
pub(crate) struct Scene<'a> {
    pub(crate) now_ms: u64,
    pub(crate) total_ms: u64,
    pub(crate) notes: &'a Notes,
    pub(crate) status: &'a Status,
}

/// The terminal in the alternate screen. It is given back when this is dropped, and by a panic as well.
pub(crate) struct View {
    terminal: DefaultTerminal,
    palette: Palette,
}

impl View {
    /// Takes the terminal.
    pub(crate) fn open() -> io::Result<Self> {
        Ok(Self { terminal: ratatui::try_init()?, palette: Palette { colours: !no_color() } })
    }

    /// Draws the scene.
    pub(crate) fn draw(&mut self, scene: &Scene<'_>) -> io::Result<()> {
        let palette = self.palette;
        self.terminal.draw(|frame| draw(frame, scene, palette))?;
        Ok(())
    }
}

impl Drop for View {
    fn drop(&mut self) {
        ratatui::restore();
    }
}

/// Says whether a key that ends the demo was pressed since the last time.
pub(crate) fn is_over() -> io::Result<bool> {
    while event::poll(Duration::ZERO)? {
        if let Event::Key(key) = event::read()?
            && ends(key)
        {
            return Ok(true);
        }
    }
    Ok(false)
}

fn ends(key: KeyEvent) -> bool {
    let interrupt = key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
    key.kind == KeyEventKind::Press && (interrupt || [KeyCode::Char('q'), KeyCode::Esc].contains(&key.code))
}

/// Tones as styles, or plain ones where `$NO_COLOR` is set; weight is no colour.
#[derive(Clone, Copy)]
struct Palette {
    colours: bool,
}

impl Palette {
    const fn of(self, tone: Tone) -> Style {
        let (colour, weight) = match tone {
            Tone::Good => (Some(Color::Green), Modifier::empty()),
            Tone::Bad => (Some(Color::Red), Modifier::empty()),
            Tone::Warn => (Some(Color::Yellow), Modifier::empty()),
            Tone::Faint => (None, Modifier::DIM),
            Tone::Strong => (None, Modifier::BOLD),
        };
        match colour {
            Some(colour) if self.colours => Style::new().fg(colour),
            _ => Style::new().add_modifier(weight),
        }
    }

    fn span(self, tone: Tone, text: impl Into<String>) -> Span<'static> {
        Span::styled(text.into(), self.of(tone))
    }
}

/// Subagents stand in so many columns.
const COLUMNS: usize = 2;

fn draw(frame: &mut Frame<'_>, scene: &Scene<'_>, palette: Palette) {
    let rows = scene.status.accounts.len() as u16;
    let seats = SUBAGENTS.len().div_ceil(COLUMNS) as u16;
    let parts =
        [Constraint::Length(2), Constraint::Max(rows + 2), Constraint::Length(seats + 1), Constraint::Min(3)];
    let [head, accounts, subagents, notices] = Layout::vertical(parts).areas(frame.area());
    lines(frame, head, [header(scene, palette)]);
    lines(frame, accounts, account_lines(scene.status, palette));
    lines(frame, subagents, seat_lines(scene, palette));
    lines(frame, notices, notice_lines(scene.notes, notices.height, palette));
}

fn lines<'a>(frame: &mut Frame<'_>, area: Rect, lines: impl IntoIterator<Item = Line<'a>>) {
    for (row, line) in area.rows().zip(lines) {
        frame.render_widget(line, row);
    }
}

fn header(scene: &Scene<'_>, palette: Palette) -> Line<'static> {
    let seconds = |ms: u64| ms as f64 / 1_000.0;
    let time = if scene.now_ms < scene.total_ms {
        format!("{:.0} of {:.0} s", seconds(scene.now_ms), seconds(scene.total_ms))
    } else {
        "finishing".to_owned()
    };
    let (answered, rate) = (scene.notes.answered(), scene.notes.rate(scene.now_ms));
    Line::from(vec![
        palette.span(Tone::Strong, " pointsman demo"),
        Span::raw(format!("   {time:<12} {answered:>5} answered {rate:>5.1}/s   ")),
        palette.span(Tone::Faint, "q ends it"),
    ])
}

/// Accounts are rows, pools are columns.
fn account_lines(status: &Status, palette: Palette) -> Vec<Line<'static>> {
    let most = status.accounts.iter().flat_map(|account| &account.pools).map(|pool| pool.served).max();
    let rows = status.accounts.iter().map(|account| {
        let name = Span::raw(format!(" {:<18.18}", account.id));
        let cells = row(status.now_unix_ms, account, most.unwrap_or(0), palette);
        std::iter::once(name).chain(cells).collect()
    });
    std::iter::once(titles(status, palette)).chain(rows).collect()
}

/// The account with the most pools names the columns; another's only pool stands in the first one.
fn titles(status: &Status, palette: Palette) -> Line<'static> {
    let widest = status.accounts.iter().max_by_key(|account| account.pools.len());
    let pools = widest.into_iter().flat_map(|account| &account.pools);
    let titles: String = pools.map(|pool| format!(" {:<19.19}", pool.name)).collect();
    Line::from(palette.span(Tone::Faint, format!(" {:<18}{titles}", "account")))
}

fn row(now_ms: u64, account: &AccountView, most: u64, palette: Palette) -> Vec<Span<'static>> {
    if account.state != AccountState::READY {
        let until = countdown(now_ms, account.until_unix_ms.into_option());
        let text = format!(" {} {until} {}", account.state.as_str(), account.reason);
        return vec![palette.span(Tone::Bad, text)];
    }
    account.pools.iter().flat_map(|pool| cell(now_ms, pool, most, palette)).collect()
}

/// State, served requests as a bar and a number, requests in flight.
fn cell(now_ms: u64, pool: &PoolView, most: u64, palette: Palette) -> [Span<'static>; 4] {
    let (tone, state) = state(now_ms, pool);
    let in_flight = if pool.in_flight == 0 { String::new() } else { format!("●{}", pool.in_flight) };
    [
        palette.span(tone, format!(" {state:<7.7}")),
        palette.span(tone, bar(pool.served, most)),
        Span::raw(format!("{:>4} ", pool.served)),
        palette.span(Tone::Strong, format!("{in_flight:<3.3}")),
    ]
}

/// A limited pool shows for how long; one that is only guessed, about how long.
fn state(now_ms: u64, pool: &PoolView) -> (Tone, String) {
    let left = countdown(now_ms, pool.until_unix_ms.into_option());
    match pool.state {
        PoolState::OPEN => (Tone::Good, "open".to_owned()),
        PoolState::PROBING => (Tone::Strong, "probing".to_owned()),
        PoolState::PROTECTED => (Tone::Strong, "protected".to_owned()),
        PoolState::GUESSED => (Tone::Warn, format!("~{left}")),
        PoolState::LIMITED => (Tone::Warn, left),
        other => (Tone::Warn, other.as_str().to_owned()),
    }
}

fn countdown(now_ms: u64, until_ms: Option<u64>) -> String {
    match until_ms.map(|until| until.saturating_sub(now_ms)) {
        None => String::new(),
        Some(left) if left >= 60_000 => format!("{}min", left.div_ceil(60_000)),
        Some(left) => format!("{:.1}s", left as f64 / 1_000.0),
    }
}

/// A bar of four cells, in eighths of a cell.
fn bar(share: u64, whole: u64) -> String {
    const EIGHTHS: [char; 9] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];
    const CELLS: u64 = 4;
    let eighths = share * CELLS * 8 / whole.max(1);
    let cells = (0..CELLS).map(|cell| eighths.saturating_sub(cell * 8).min(8));
    cells.map(|filled| EIGHTHS[filled as usize]).collect()
}

fn seat_lines(scene: &Scene<'_>, palette: Palette) -> Vec<Line<'static>> {
    let seats = &scene.notes.seats;
    let height = seats.len().div_ceil(COLUMNS);
    let line = |row: usize| {
        let columns = (0..COLUMNS).map(|column| column * height + row).filter(|index| *index < seats.len());
        columns.flat_map(|index| seat_spans(index, &seats[index], scene.now_ms, palette)).collect()
    };
    (0..height).map(line).collect()
}

fn seat_spans(index: usize, seat: &Seat, now_ms: u64, palette: Palette) -> [Span<'static>; 3] {
    let name = SUBAGENTS.get(index).map_or("", |subagent| subagent.name);
    let (tone, text) = activity(seat, now_ms);
    [
        palette.span(Tone::Strong, format!(" {name:<10.10}")),
        Span::raw(format!("{:>4} ", seat.answered)),
        palette.span(tone, format!("{text:<24.24}")),
    ]
}

/// A request that has no head after so long is waiting for a limit to end.
const WAITING_MS: u64 = 1_500;

fn activity(seat: &Seat, now_ms: u64) -> (Tone, String) {
    let since = now_ms.saturating_sub(seat.since_ms);
    match seat.activity {
        Activity::Thinking => (Tone::Faint, "thinking".to_owned()),
        Activity::Asking(model) if since > WAITING_MS => {
            (Tone::Warn, format!("waits {:.1} s {}", since as f64 / 1_000.0, short(model)))
        }
        Activity::Asking(model) => (Tone::Strong, format!("asks {}", short(model))),
        Activity::Reading(model) => (Tone::Good, format!("reads {}", short(model))),
        Activity::Done => (Tone::Faint, "done".to_owned()),
    }
}

fn short(model: &str) -> &str {
    model.split_once('-').map_or(model, |(family, _)| family)
}

fn notice_lines(notes: &Notes, height: u16, palette: Palette) -> Vec<Line<'static>> {
    let shown = usize::from(height.saturating_sub(1));
    let latest = notes.notices.iter().rev().take(shown);
    let title = Line::from(palette.span(Tone::Faint, " notices, latest first"));
    let lines = latest.map(|seen| {
        let time = format!(" {:>5.1}s  ", seen.at_ms as f64 / 1_000.0);
        let tone = severity_tone(Severity(seen.severity));
        Line::from(vec![palette.span(Tone::Faint, time), palette.span(tone, seen.text.clone())])
    });
    std::iter::once(title).chain(lines).collect()
}

#[cfg(test)]
mod tests;
