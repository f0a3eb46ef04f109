//! Colours for line output, where they are wanted.

use std::fmt;
use std::io::IsTerminal;

/// A colour or weight of the terminal's own palette.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Good,
    Bad,
    Warn,
    Faint,
    Strong,
}

/// Paints texts, or leaves them as they are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paint {
    wanted: bool,
}

impl Paint {
    /// Paints if `stream` is a terminal and `$NO_COLOR` is empty.
    pub(crate) fn on(stream: &impl IsTerminal) -> Self {
        Self { wanted: stream.is_terminal() && !no_color() }
    }

    /// Leaves every text plain.
    #[cfg(test)]
    pub(crate) const fn off() -> Self {
        Self { wanted: false }
    }

    /// Paints a text. Widths of the format string do not apply, so pad the text first.
    pub(crate) const fn text<T: fmt::Display>(self, tone: Tone, text: T) -> Painted<T> {
        Painted { wanted: self.wanted, tone, text }
    }
}

/// Returns whether `$NO_COLOR` is set and not empty (no-color.org).
pub(crate) fn no_color() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}

pub(crate) struct Painted<T> {
    wanted: bool,
    tone: Tone,
    text: T,
}

impl<T: fmt::Display> fmt::Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.wanted {
            return self.text.fmt(f);
        }
        write!(f, "\x1b[{}m{}\x1b[0m", self.tone.code(), self.text)
    }
}

impl Tone {
    /// The parameter of "select graphic rendition", ECMA-48 section 8.3.117.
    const fn code(self) -> u8 {
        match self {
            Self::Strong => 1,
            Self::Faint => 2,
            Self::Bad => 31,
            Self::Good => 32,
            Self::Warn => 33,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_painted_text_ends_its_colour() {
        let paint = Paint { wanted: true };
        assert_eq!(paint.text(Tone::Bad, 7).to_string(), "\x1b[31m7\x1b[0m");
    }

    #[test]
    fn without_colours_a_text_is_itself() {
        assert_eq!(Paint::off().text(Tone::Bad, 7).to_string(), "7");
    }
}
