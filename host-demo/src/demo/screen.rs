//! The display of the demo: live in a terminal, lines elsewhere.

use std::io::{self, IsTerminal};
use std::time::Duration;

use pointsman_api::Status;

use crate::paint::Paint;

use super::board::Notes;
use super::plain::Plain;
use super::view::{self, Scene, View};

/// The live view, or lines.
pub(crate) enum Screen {
    Live { view: Box<View>, total_ms: u64 },
    Plain(Plain),
}

impl Screen {
    /// Opens the live view on a terminal, unless lines are wanted.
    pub(crate) fn open(plain: bool, total: Duration) -> io::Result<Self> {
        if plain || !io::stdout().is_terminal() {
            return Ok(Self::Plain(Plain::new(Paint::on(&io::stdout()))));
        }
        let total_ms = u64::try_from(total.as_millis()).unwrap_or(u64::MAX);
        Ok(Self::Live { view: Box::new(View::open()?), total_ms })
    }

    /// Draws; returns whether a key ended the demo. Lines have no keys; a signal ends them.
    pub(crate) fn draw(&mut self, notes: &Notes, now_ms: u64, status: &Status) -> io::Result<bool> {
        match self {
            Self::Live { view, total_ms } => {
                view.draw(&Scene { now_ms, total_ms: *total_ms, notes, status })?;
                view::is_over()
            }
            Self::Plain(plain) => {
                plain.draw(&mut io::stdout().lock(), now_ms, notes, status)?;
                Ok(false)
            }
        }
    }
}
