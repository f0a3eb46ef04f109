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

/// The input of the view.
pub(crate) struct Scene<'a> {
    pub(crate) now_ms: u64,
    pub(crate) total_ms: u64,
    pub(crate) notes: &'a Notes,
    pub(crate) status: &'a Status,
}

/// The terminal in the alternate screen, restored on drop and after a panic.
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

/// Returns whether a key ended the demo since the last call.
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

/// Styles of tones, without colours if `$NO_COLOR` is set; weight is no colour.
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

/// The number of columns of subagents.
const COLUMNS: usize = 2;

fn draw(frame: &mut Frame<'_>, scene: &Scene<'_>, palette: Palette) {
    let rows = scene.status.accounts.len() as u16;
    let seats = SUBAGENTS.len().div_ceil(COLUMNS) as u16;
    let parts =
        [Constraint::Length(2), Constraint::Max(rows + 3), Constraint::Length(seats + 1), Constraint::Min(3)];
    let [head, accounts, subagents, notices] = Layout::vertical(parts).areas(frame.area());
    lines(frame, head, [header(scene, palette)]);
    lines(frame, accounts, account_lines(scene.status, Columns::of(scene.status, accounts.width), palette));
    lines(frame, subagents, seat_lines(scene, subagents.width, palette));
    lines(frame, notices, notice_lines(scene.notes, notices, palette));
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

/// The widths of the account table's columns; the table fills the terminal's width.
#[derive(Clone, Copy)]
struct Columns {
    name: usize,
    state: usize,
    bar: usize,
}

/// The cell's width besides state and bar: a blank, five for the number, three for requests in flight.
const REST_OF_CELL: usize = 9;

impl Columns {
    fn of(status: &Status, width: u16) -> Self {
        let longest = status.accounts.iter().map(|account| account.id.chars().count()).max().unwrap_or(0);
        let name = longest.clamp(18, 32);
        let pools = status.accounts.iter().map(|account| account.pools.len()).max().unwrap_or(0).max(1);
        let cell = usize::from(width).saturating_sub(name + 1) / pools;
        let room = cell.saturating_sub(REST_OF_CELL + 7 + 4);
        let state = 7 + room.min(2);
        Self { name, state, bar: 4 + (room - room.min(2)).min(16) }
    }

    const fn cell(self) -> usize {
        self.state + self.bar + REST_OF_CELL
    }
}

/// The legend of the cells.
const LEGEND: &str = " a countdown: until the limit ends, ~ a guess   ██ 9 served   ●3 in flight";

/// A table with accounts as rows and pools as columns, above a legend.
fn account_lines(status: &Status, columns: Columns, palette: Palette) -> Vec<Line<'static>> {
    let most = status.accounts.iter().flat_map(|account| &account.pools).map(|pool| pool.served).max();
    let rows = status.accounts.iter().map(|account| {
        let name = Span::raw(format!(" {:<width$.width$}", account.id, width = columns.name));
        let cells = row(status.now_unix_ms, account, (most.unwrap_or(0), columns), palette);
        std::iter::once(name).chain(cells).collect()
    });
    let legend = Line::from(palette.span(Tone::Faint, LEGEND));
    std::iter::once(titles(status, columns, palette)).chain(rows).chain([legend]).collect()
}

/// The account with the most pools names the columns; a single pool stands in the first column.
fn titles(status: &Status, columns: Columns, palette: Palette) -> Line<'static> {
    let widest = status.accounts.iter().max_by_key(|account| account.pools.len());
    let pools = widest.into_iter().flat_map(|account| &account.pools);
    let width = columns.cell() - 1;
    let titles: String = pools.map(|pool| format!(" {:<width$.width$}", pool.name)).collect();
    Line::from(palette.span(Tone::Faint, format!(" {:<name$}{titles}", "account", name = columns.name)))
}

fn row(
    now_ms: u64,
    account: &AccountView,
    (most, columns): (u64, Columns),
    palette: Palette,
) -> Vec<Span<'static>> {
    if account.state != AccountState::READY {
        let until = countdown(now_ms, account.until_unix_ms.into_option());
        let text = format!(" {} {until} {}", account.state.as_str(), account.reason);
        return vec![palette.span(Tone::Bad, text)];
    }
    account.pools.iter().flat_map(|pool| cell(now_ms, pool, (most, columns), palette)).collect()
}

/// State, served requests as a bar and a number, requests in flight.
fn cell(
    now_ms: u64,
    pool: &PoolView,
    (most, columns): (u64, Columns),
    palette: Palette,
) -> [Span<'static>; 4] {
    let (tone, state) = state(now_ms, pool);
    let in_flight = if pool.in_flight == 0 { String::new() } else { format!("●{}", pool.in_flight) };
    [
        palette.span(tone, format!(" {state:<width$.width$}", width = columns.state)),
        palette.span(tone, bar(pool.served, most, columns.bar)),
        Span::raw(format!("{:>4} ", pool.served)),
        palette.span(Tone::Strong, format!("{in_flight:<3.3}")),
    ]
}

/// A limited pool shows the time to its end; an estimated end has a `~`.
fn state(now_ms: u64, pool: &PoolView) -> (Tone, String) {
    let left = countdown(now_ms, pool.until_unix_ms.into_option());
    match pool.state {
        PoolState::OPEN => (Tone::Good, "open".to_owned()),
        PoolState::PROBING => (Tone::Strong, "probing".to_owned()),
        PoolState::PROTECTED => (Tone::Strong, "protected".to_owned()),
        PoolState::ESTIMATED => (Tone::Warn, format!("~{left}")),
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

/// A bar with a resolution of an eighth of a cell.
fn bar(share: u64, whole: u64, cells: usize) -> String {
    const EIGHTHS: [char; 9] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];
    let count = cells as u64;
    let eighths = share * count * 8 / whole.max(1);
    let cells = (0..count).map(|cell| eighths.saturating_sub(cell * 8).min(8));
    cells.map(|filled| EIGHTHS[filled as usize]).collect()
}

fn seat_lines(scene: &Scene<'_>, width: u16, palette: Palette) -> Vec<Line<'static>> {
    let seats = &scene.notes.seats;
    let height = seats.len().div_ceil(COLUMNS);
    let width = usize::from(width) / COLUMNS;
    let line = |row: usize| {
        let columns = (0..COLUMNS).map(|column| column * height + row).filter(|index| *index < seats.len());
        columns.flat_map(|index| seat_spans(index, (&seats[index], width), scene.now_ms, palette)).collect()
    };
    (0..height).map(line).collect()
}

/// Name and count take 16 columns of so many.
fn seat_spans(
    index: usize,
    (seat, width): (&Seat, usize),
    now_ms: u64,
    palette: Palette,
) -> [Span<'static>; 3] {
    let name = SUBAGENTS.get(index).map_or("", |subagent| subagent.name);
    let (tone, text) = activity(seat, now_ms);
    [
        palette.span(Tone::Strong, format!(" {name:<10.10}")),
        Span::raw(format!("{:>4} ", seat.answered)),
        palette.span(tone, format!("{text:<width$.width$}", width = width.saturating_sub(16))),
    ]
}

/// A request without a head for longer waits for a limit's end.
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

/// The time before a notice.
const TIME: usize = 9;

/// Notices are complete, on several lines if necessary. A notice without room is left out.
fn notice_lines(notes: &Notes, area: Rect, palette: Palette) -> Vec<Line<'static>> {
    let mut lines = vec![Line::from(palette.span(Tone::Faint, " notices, latest first"))];
    for seen in notes.notices.iter().rev() {
        let texts = wrapped(&seen.text, usize::from(area.width).saturating_sub(TIME));
        if lines.len() + texts.len() > usize::from(area.height) {
            break;
        }
        let tone = severity_tone(Severity(seen.severity));
        lines.extend(texts.into_iter().enumerate().map(|(at, text)| {
            let time =
                if at == 0 { format!(" {:>5.1}s  ", seen.at_ms as f64 / 1_000.0) } else { " ".repeat(TIME) };
            Line::from(vec![palette.span(Tone::Faint, time), palette.span(tone, text)])
        }));
    }
    lines
}

/// Wraps a text at blanks; a word longer than a line is cut.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let letters: Vec<char> = word.chars().collect();
        for (at, piece) in letters.chunks(width).enumerate() {
            let Some(line) = lines.last_mut() else { continue };
            let blank = usize::from(at == 0 && !line.is_empty());
            if line.chars().count() + blank + piece.len() > width {
                lines.push(piece.iter().collect());
            } else {
                line.extend(std::iter::repeat_n(' ', blank).chain(piece.iter().copied()));
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests;
