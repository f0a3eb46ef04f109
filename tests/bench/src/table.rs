//! Tables in Markdown, as they stand in `docs/PERFORMANCE.md`.

use std::fmt::Write as _;
use std::io::{self, Write as _};

use crate::rounds::{Series, Spread};

/// Prints a table.
pub fn print(title: &str, head: &[&str], rows: &[Vec<String>]) {
    // Where nobody reads, there is nothing to tell.
    let _ = io::stdout().write_all(text(title, head, rows).as_bytes());
}

/// Prints a line.
pub fn say(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}

fn text(title: &str, head: &[&str], rows: &[Vec<String>]) -> String {
    let mut text = format!("\n**{title}**\n\n| {} |\n|{}\n", head.join(" | "), "---|".repeat(head.len()));
    for row in rows {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "| {} |", row.join(" | "));
    }
    text
}

/// Makes a row for each arm: its name, its median with quartiles, and the ratio to the first arm.
pub fn ratios(series: &[Series], digits: usize) -> Vec<Vec<String>> {
    let row = |arm: &Series| {
        let ratio = arm.over(&series[0]);
        vec![arm.name.clone(), spread(arm.spread(), digits), spread(ratio, 2)]
    };
    series.iter().map(row).collect()
}

/// Writes a median with its quartiles.
pub fn spread(spread: Spread, digits: usize) -> String {
    let Spread { low, median, high } = spread;
    format!("{median:.digits$} ({low:.digits$}–{high:.digits$})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_markdown() {
        let text = text("t", &["a", "b"], &[vec!["1".into(), "2".into()]]);
        assert_eq!(text, "\n**t**\n\n| a | b |\n|---|---|\n| 1 | 2 |\n");
    }
}
