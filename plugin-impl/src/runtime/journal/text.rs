//! An explanation as a page for a terminal.

use std::fmt::Write;

use pointsman_core::admission::probe::{Early, Probe};
use pointsman_core::reporting::explain::{Line, Place, preference};
use pointsman_core::time::Millis;

use super::explanation::{Explanation, closed, denied, judged, outcome, parts, settlement, span, until};
use super::record::{Attempt, How, Step, ViewQuery, What};

/// Writes the whole page.
pub(super) fn of(explanation: &Explanation) -> String {
    let record = &explanation.record;
    let primary = explanation.hop(0);
    let mut page = format!(
        "{}: {} at {}, {} ago\n{}\n",
        record.id,
        if primary.model.is_empty() { "no model" } else { &primary.model },
        primary.provider.id,
        span(explanation.age()),
        end(explanation),
    );
    if let Some(bound) = &record.bound {
        // Writing to a String cannot fail.
        let _ = writeln!(page, "{}", bound.text());
    }
    let last = explanation.trace.steps.len().saturating_sub(1);
    for (at, step) in explanation.trace.steps.iter().enumerate() {
        if at == last && explanation.trace.omitted > 0 {
            // Writing to a String cannot fail.
            let _ = writeln!(page, "… {} more steps …", explanation.trace.omitted);
        }
        page.push_str(&step_text(explanation, step));
    }
    page
}

/// Writes one line for each request.
pub(super) fn list(explanations: &[Explanation]) -> String {
    let headings = ["ID", "AGE", "MODEL", "REASON", "ACCOUNT", "CALLS"];
    table(headings, explanations.iter().map(summary).collect())
}

fn summary(explanation: &Explanation) -> [String; 6] {
    [
        explanation.record.id.to_string(),
        span(explanation.age()),
        explanation.hop(0).model.clone(),
        explanation.state().to_owned(),
        explanation.served_by(),
        explanation.attempts().to_string(),
    ]
}

fn end(explanation: &Explanation) -> String {
    let Some(end) = &explanation.trace.end else { return "under way".to_owned() };
    let took = until(end.at, explanation.record.began);
    let attempts =
        if end.attempts == 1 { "1 attempt".to_owned() } else { format!("{} attempts", end.attempts) };
    match &end.how {
        How::Answered { status, route_reason, pool, .. } => format!(
            "answered {status} by {} in {pool} after {attempts} and {took}: {} ({})",
            explanation.served_by(),
            route_reason.as_str(),
            route_reason.meaning()
        ),
        How::Refused(refusal) => format!("refused after {attempts} and {took}: {}", refusal.counts.causes()),
        How::Failed(why) => format!("failed after {attempts} and {took}: {why}"),
        How::Cancelled => format!("the caller went away after {attempts} and {took}"),
    }
}

fn step_text(explanation: &Explanation, step: &Step) -> String {
    let since = format!("+{}", until(step.at, explanation.record.began));
    match &step.what {
        What::Planned(view_query) => planned(explanation, step, view_query, &since),
        What::Denied { candidate, deny } => {
            let way = explanation.way(step.hop, *candidate);
            format!("\n{since} {way} was not admitted: {}\n", denied(*deny, step.at))
        }
        What::Attempt(attempt) => format!("\n{since} {}\n", attempt_text(explanation, step, attempt)),
        What::Judged { account, settlement: what } => {
            let account = explanation.account(step.hop, *account);
            format!("\n{since} {account}: {}\n", judged(what, step.at))
        }
        What::Waited { until: instant, refusal, over } => {
            let for_what = match refusal {
                Some(refusal) => format!(" ({})", refusal.counts.causes()),
                None => String::new(),
            };
            let over = match over {
                Some(over) => format!("went on after {}", until(*over, step.at)),
                None => "waits still".to_owned(),
            };
            format!("\n{since} waited, at most {}{for_what}; {over}\n", until(*instant, step.at))
        }
    }
}

fn attempt_text(explanation: &Explanation, step: &Step, attempt: &Attempt) -> String {
    let way = explanation.way(step.hop, attempt.candidate);
    let sent = match (attempt.calls, attempt.candidate.probe) {
        (0, _) => "was to be sent to",
        (_, Some(Probe::Early(Early::LastResort))) => "sent, as a last resort, to",
        (_, Some(Probe::Early(Early::Recheck))) => "sent, to check a limit again, to",
        _ if attempt.is_probe => "sent, as a probe, to",
        (_, Some(Probe::AfterReset | Probe::OverCapacity) | None) => "sent to",
    };
    let Some(end) = &attempt.end else { return format!("{sent} {way}; no answer yet") };
    let renewed = if attempt.calls > 1 { ", with a new token the second time" } else { "" };
    let after = until(end.at, step.at);
    let changed = end.settlement.as_ref().map(|what| settlement(what, end.at)).unwrap_or_default();
    let changed = if changed.is_empty() { changed } else { format!("; {changed}") };
    format!("{sent} {way}{renewed}: {} after {after}{changed}", outcome(&end.evidence, end.at))
}

fn planned(explanation: &Explanation, step: &Step, view_query: &ViewQuery, since: &str) -> String {
    let hop = explanation.hop(step.hop);
    let settings = &explanation.record.settings;
    let accounts = if view_query.accounts == 1 {
        "1 account".to_owned()
    } else {
        format!("{} accounts", view_query.accounts)
    };
    let mut text = format!("\n{since} plan by {} over {accounts} of {}", settings.strategy, hop.provider.id);
    if step.hop > 0 {
        let _ = write!(text, " for {}", hop.model);
    }
    let Some(kept) = view_query.kept() else { return text + "; what it saw is not kept\n" };
    let left_out = view_query.accounts - kept;
    if left_out > 0 {
        let _ = write!(text, "; {left_out} are not kept, and ranks are among the others");
    }
    text.push('\n');
    let lines = explanation.lines(view_query);
    let first = lines.iter().find(|line| line.place == Place::First);
    let rows = lines.iter().map(|line| row(explanation, step, (line, first), view_query.now)).collect();
    text.push_str(&table(["RANK", "ACCOUNT", "POOL", "STATE", "WHY"], rows));
    text
}

fn row(
    explanation: &Explanation,
    step: &Step,
    (line, first): (&Line, Option<&Line>),
    at: Millis,
) -> [String; 5] {
    let open = match line.way.probe {
        // Where nothing is open, what experience alone closes is tried, and at last what is only guessed.
        Some(Probe::AfterReset | Probe::OverCapacity) => "open for a try",
        Some(Probe::Early(Early::LastResort)) => "a guess, tried at last",
        Some(Probe::Early(Early::Recheck)) => "a guess, checked again",
        None => "open",
    };
    let (rank, state, verdict) = match &line.place {
        Place::First => ("1".to_owned(), open.to_owned(), format!("first: {}", parts(line))),
        Place::Behind { rank, by } => {
            let words =
                first.map_or_else(String::new, |first| preferred(explanation, step, (line, first), by));
            (rank.to_string(), open.to_owned(), format!("{words} ({})", parts(line)))
        }
        Place::Closed(why) => ("-".to_owned(), closed(*why, at), "closed".to_owned()),
    };
    let account = explanation.account(step.hop, line.way.account);
    [rank, account, explanation.pool(step.hop, line.way.pool), state, verdict]
}

/// Says why the first way of a plan goes before another one.
fn preferred(explanation: &Explanation, step: &Step, (line, first): (&Line, &Line), by: &str) -> String {
    let words = preference(by, &line.parts, &first.parts);
    if line.way.account == first.way.account {
        return format!("prefers pool {}: {words}", explanation.pool(step.hop, first.way.pool));
    }
    format!("prefers {}: {words}", explanation.account(step.hop, first.way.account))
}

/// Puts rows into columns.
fn table<const N: usize>(headings: [&str; N], rows: Vec<[String; N]>) -> String {
    let rows: Vec<_> = std::iter::once(headings.map(str::to_owned)).chain(rows).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: [usize; N] = std::array::from_fn(width);
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        format!("  {}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}
