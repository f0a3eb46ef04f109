//! The drawing of a portrait.

use std::fmt::Write;

use pointsman_core::time::Millis;

use crate::ours::Strategy;
use crate::router::Session;

use super::{CAPACITIES, RUN, SESSIONS, Scenes, WEIGHTS};

const WIDTH: f64 = 760.0;
const LEFT: f64 = 118.0;
const TOP: f64 = 34.0;
const ROW: f64 = 46.0;
const HEIGHT: f64 = TOP + ROW * CAPACITIES.len() as f64 + 26.0;

/// A colour for each session; they differ in lightness too, for who sees few colours.
const COLOURS: [&str; SESSIONS] =
    ["#0b3c5d", "#d1495b", "#2e8b57", "#e0a100", "#7a4fb5", "#1ba1c4", "#8a5a2b", "#e377b8"];

/// Draws what happened under a strategy.
pub(super) fn draw(strategy: Strategy, scenes: &Scenes) -> String {
    let mut svg = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
         font-family=\"sans-serif\" font-size=\"11\" role=\"img\">"
    );
    let title = format!(
        "{strategy}: {:.0} % of requests met the account of their session; {} were refused upstream with 429",
        scenes.stayed() * 100.0,
        scenes.limited
    );
    let _ =
        writeln!(svg, "<title>{title}</title>\n<rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#fff\"/>");
    let _ = writeln!(svg, "<text x=\"8\" y=\"18\" font-size=\"12\" fill=\"#222\">{title}</text>");
    rows(&mut svg, scenes);
    limits(&mut svg, scenes);
    dots(&mut svg, scenes);
    seconds(&mut svg);
    svg.push_str("</svg>\n");
    svg
}

fn rows(svg: &mut String, scenes: &Scenes) {
    for (account, (capacity, weight)) in CAPACITIES.iter().zip(WEIGHTS).enumerate() {
        let y = top_of(account as u16);
        let name = char::from(b'a' + account as u8);
        let _ = writeln!(
            svg,
            "<line x1=\"{LEFT}\" y1=\"{y}\" x2=\"{WIDTH}\" y2=\"{y}\" stroke=\"#ddd\"/>\
             <text x=\"8\" y=\"{}\" fill=\"#222\">{name}: {capacity}/min, weight {weight}</text>\
             <text x=\"8\" y=\"{}\" fill=\"#777\">{} served</text>",
            y + 18.0,
            y + 33.0,
            scenes.served[account]
        );
    }
}

fn limits(svg: &mut String, scenes: &Scenes) {
    for (cell, from, until) in &scenes.limits {
        let (x, end) = (across(*from), across(*until).min(WIDTH));
        let y = top_of(cell.account) + 2.0;
        let _ = writeln!(
            svg,
            "<rect x=\"{x:.0}\" y=\"{y}\" width=\"{:.0}\" height=\"{}\" fill=\"#e4e4e4\"/>",
            (end - x).max(1.0),
            ROW - 4.0
        );
    }
}

/// Within its row each session has a line of its own.
fn dots(svg: &mut String, scenes: &Scenes) {
    for (session, colour) in COLOURS.iter().enumerate() {
        let _ = writeln!(svg, "<g fill=\"{colour}\">");
        let own = scenes.sent.iter().filter(|(.., own)| *own == Session(session as u32));
        for (at, cell, _) in own {
            let y = top_of(cell.account) + 6.0 + session as f64 * (ROW - 12.0) / (SESSIONS - 1) as f64;
            let _ = writeln!(svg, "<circle cx=\"{:.1}\" cy=\"{y:.1}\" r=\"2.4\"/>", across(*at));
        }
        svg.push_str("</g>\n");
    }
}

fn seconds(svg: &mut String) {
    for second in (0..=RUN.as_secs()).step_by(60) {
        let x = across(Millis(second * 1_000)).min(WIDTH - 24.0);
        let _ = writeln!(svg, "<text x=\"{x:.0}\" y=\"{}\" fill=\"#777\">{second}s</text>", HEIGHT - 10.0);
    }
}

fn across(at: Millis) -> f64 {
    LEFT + (WIDTH - LEFT) * at.0 as f64 / RUN.as_millis() as f64
}

fn top_of(account: u16) -> f64 {
    TOP + ROW * f64::from(account)
}
