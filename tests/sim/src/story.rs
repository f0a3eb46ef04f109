//! Stories: what led to a failure, in lines that a person can read.

use std::fmt::{self, Write};
use std::time::Duration;

use pointsman_core::time::Millis;

use crate::router::{Ask, Pin, RequestId};
use crate::upstream::hint::Hint;
use crate::upstream::{CellId, Verdict};
use crate::watch::{Happening, Violation, What};

/// How many lines lead up to the failure.
const LINES: usize = 40;

/// Everything that happened in a run.
#[derive(Clone, Debug, Default)]
pub struct Story {
    happenings: Vec<Happening>,
}

impl Story {
    /// Adds what happened.
    pub fn tell(&mut self, happening: &Happening) {
        self.happenings.push(*happening);
    }

    /// Writes the last lines that concern the request or the cell of a violation, and then what it is.
    pub fn of(&self, violation: &Violation) -> String {
        let concerned = self.happenings.iter().filter(|happening| concerns(happening, violation));
        let lines: Vec<_> = concerned.collect();
        let mut text = String::new();
        for happening in &lines[lines.len().saturating_sub(LINES)..] {
            let _ = writeln!(text, "{}", Line(happening));
        }
        let _ = write!(text, "broken: {}: {}", violation.rule, violation.detail);
        if let Some(request) = violation.request {
            let _ = write!(text, ", by r{}", request.0);
        }
        if let Some(cell) = violation.cell {
            let _ = write!(text, ", at {}", Place(cell));
        }
        text
    }
}

fn concerns(happening: &Happening, violation: &Violation) -> bool {
    let same_request = violation.request.is_none_or(|request| request == happening.request);
    let same_cell = violation.cell.is_some_and(|cell| cell_of(&happening.what) == Some(cell));
    same_request || same_cell
}

fn cell_of(what: &What) -> Option<CellId> {
    match what {
        What::Sent { cell, .. } | What::Answered { cell, .. } => Some(*cell),
        What::Arrived
        | What::Waits { .. }
        | What::Delivered { .. }
        | What::StreamEnded
        | What::Refused { .. }
        | What::Cancelled { .. } => None,
    }
}

struct Line<'a>(&'a Happening);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Happening { now, request, ask, what, .. } = *self.0;
        write!(f, "{:>10}  {:<9} ", At(now).to_string(), Name(ask, request).to_string())?;
        match what {
            What::Arrived => match ask.pin {
                Pin::Nothing => write!(f, "arrives"),
                Pin::Pool(pool) => write!(f, "arrives, pinned to pool {pool}"),
                Pin::Account(account) => write!(f, "arrives, pinned to account {account}"),
            },
            What::Sent { cell, probe } => {
                write!(f, "sent to {}{}", Place(cell), if probe { " (probe)" } else { "" })
            }
            What::Waits { until: Some(until) } => write!(f, "waits until {}", At(until)),
            What::Waits { until: None } => write!(f, "waits to be woken"),
            What::Answered { cell, answer } => {
                write!(f, "{} answers {}", Place(cell), Said(answer.verdict, now))
            }
            What::Delivered { good: true } => write!(f, "is delivered"),
            What::Delivered { good: false } => write!(f, "is given the failure"),
            What::StreamEnded => write!(f, "ends"),
            What::Refused { retry_at: Some(at) } => write!(f, "is refused until {}", At(at)),
            What::Refused { retry_at: None } => write!(f, "is refused"),
            What::Cancelled { was } => write!(f, "is cancelled, having been {was:?}"),
        }
    }
}

struct At(Millis);

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}s", self.0.0 / 1_000, self.0.0 % 1_000)
    }
}

struct Name(Ask, RequestId);

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s{}/r{}", self.0.session.0, self.1.0)
    }
}

struct Place(CellId);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "acme:a{}", self.0.account)?;
        if self.0.pool > 0 { write!(f, "/pool-{}", self.0.pool) } else { Ok(()) }
    }
}

struct Said(Verdict, Millis);

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hint = match self.0 {
            Verdict::Good => return write!(f, "200"),
            Verdict::ServerError => return write!(f, "500"),
            Verdict::Unreachable => return write!(f, "nothing"),
            Verdict::Limited(hint) => {
                write!(f, "429")?;
                hint
            }
            Verdict::Capacity(hint) => {
                write!(f, "529")?;
                hint
            }
        };
        match hint {
            Some(Hint::After(wait)) => write!(f, ", retry after {}s", wait.as_secs()),
            Some(date @ Hint::Date(_)) => {
                let wait: Duration = date.until(self.1).since(self.1);
                write!(f, ", retry at a date in {}s", wait.as_secs())
            }
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::router::Session;
    use crate::upstream::Answer;

    fn happening(now: u64, request: u32, what: What) -> Happening {
        let ask = Ask { session: Session(3), pin: Pin::Nothing };
        Happening { now: Millis(now), request: RequestId(request), ask, since: Millis(0), what }
    }

    #[test]
    fn a_story_tells_what_concerns_the_failure() {
        let mut story = Story::default();
        let cell = CellId { account: 1, pool: 0 };
        let hint = Some(Hint::After(Duration::from_secs(20)));
        let answer = Answer { verdict: Verdict::Limited(hint), reading: None };
        story.tell(&happening(12_350, 17, What::Sent { cell, probe: true }));
        story.tell(&happening(12_400, 18, What::Arrived));
        story.tell(&happening(12_900, 17, What::Answered { cell, answer }));
        let violation = Violation::new("a rule", "and how").of(RequestId(17)).at(cell);
        let expected = "   12.350s  s3/r17    sent to acme:a1 (probe)
   12.900s  s3/r17    acme:a1 answers 429, retry after 20s
broken: a rule: and how, by r17, at acme:a1";
        assert_eq!(story.of(&violation), expected);
    }
}
