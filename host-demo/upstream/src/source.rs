//! What a body is made from: one piece, or a story told event by event.

use bytes::Bytes;

use crate::story::{Event, Story};

#[derive(Debug)]
pub(crate) enum Source {
    /// One piece; the head announces so many bytes.
    Whole {
        left: Bytes,
        announced: u64,
    },
    Story(Box<Story>),
    /// Nothing comes any more.
    Over,
}

impl Source {
    pub(crate) fn whole(body: impl Into<Bytes>) -> Self {
        let left = body.into();
        let announced = left.len() as u64;
        Self::Whole { left, announced }
    }

    /// A part of a body whose head announces more.
    pub(crate) fn part(left: Bytes, announced: usize) -> Self {
        Self::Whole { left, announced: announced as u64 }
    }

    pub(crate) fn is_over(&self) -> bool {
        match self {
            Self::Whole { left, .. } => left.is_empty(),
            Self::Story(story) => story.is_over(),
            Self::Over => true,
        }
    }

    pub(crate) fn next(&mut self) -> Option<Event> {
        match self {
            Self::Whole { left, .. } if left.is_empty() => None,
            Self::Whole { left, .. } => Some(Event { bytes: std::mem::take(left), is_content: true }),
            Self::Story(story) => story.next_event(),
            Self::Over => None,
        }
    }

    pub(crate) fn next_is_content(&self) -> bool {
        matches!(self, Self::Story(story) if story.next_is_content())
    }
}
