//! The demo as lines, for logs and pipes.

use std::io::{self, Write};

use pointsman_api::{PoolState, Severity, Status};

use crate::console::severity_tone;
use crate::paint::Paint;

use super::board::Notes;

/// Writes a line each second, and every notice.
pub(crate) struct Plain {
    paint: Paint,
    notices: usize,
    next_ms: u64,
}

impl Plain {
    pub(crate) const fn new(paint: Paint) -> Self {
        Self { paint, notices: 0, next_ms: 1_000 }
    }

    /// Writes the news since the last call.
    pub(crate) fn draw(
        &mut self,
        out: &mut impl Write,
        now_ms: u64,
        notes: &Notes,
        status: &Status,
    ) -> io::Result<()> {
        for seen in notes.notices.iter().skip(self.notices) {
            let text = self.paint.text(severity_tone(Severity(seen.severity)), &seen.text);
            writeln!(out, "{}  {text}", time(seen.at_ms))?;
        }
        self.notices = notes.notices.len();
        if now_ms >= self.next_ms {
            self.next_ms = (now_ms / 1_000 + 1) * 1_000;
            writeln!(out, "{}  {}", time(now_ms), line(now_ms, notes, status))?;
        }
        Ok(())
    }
}

fn time(ms: u64) -> String {
    format!("{:>5.1}s", ms as f64 / 1_000.0)
}

fn line(now_ms: u64, notes: &Notes, status: &Status) -> String {
    let (answered, rate) = (notes.answered(), notes.rate(now_ms));
    let pools = || status.accounts.iter().flat_map(|account| &account.pools);
    let limited = pools().filter(|pool| [PoolState::LIMITED, PoolState::ESTIMATED].contains(&pool.state));
    let (limited, all) = (limited.count(), pools().count());
    format!("{answered:>4} answered, {rate:>4.1}/s, {limited:>2} of {all} pools limited")
}

#[cfg(test)]
mod tests {
    use super::super::evidence::Seen;
    use super::super::samples;
    use super::*;

    fn drawn(plain: &mut Plain, now_ms: u64, notes: &Notes) -> String {
        let mut out = Vec::new();
        plain.draw(&mut out, now_ms, notes, &samples::status()).expect("a buffer takes everything");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn a_second_is_one_line() {
        let mut plain = Plain::new(Paint::off());
        assert_eq!(drawn(&mut plain, 900, &Notes::default()), "");
        let line = drawn(&mut plain, 1_020, &Notes::default());
        assert_eq!(line, "  1.0s     0 answered,  0.0/s,  1 of 3 pools limited\n");
        assert_eq!(drawn(&mut plain, 1_900, &Notes::default()), "");
    }

    #[test]
    fn a_notice_is_written_once() {
        let mut plain = Plain::new(Paint::off());
        let text = "Gemini CLI quota exhausted, using Antigravity quota".to_owned();
        let seen = Seen { at_ms: 400, account: String::new(), severity: 1, text };
        let notes = Notes { notices: vec![seen], ..Notes::default() };
        let line = "  0.4s  Gemini CLI quota exhausted, using Antigravity quota\n";
        assert_eq!(drawn(&mut plain, 500, &notes), line);
        assert_eq!(drawn(&mut plain, 600, &notes), "");
    }
}
