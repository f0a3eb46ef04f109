//! A stream as events, each made when its turn comes.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::format::{Format, Reply};

/// One event; content is what a caller shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) bytes: Bytes,
    pub(crate) is_content: bool,
}

#[derive(Debug)]
pub(crate) struct Story {
    reply: Reply,
    /// The opening or the closing events that are left.
    around: VecDeque<String>,
    next_piece: u64,
    closing: bool,
    /// The last piece, while the next one may be the same: a gigabyte is mostly one event repeated.
    repeated: Option<Bytes>,
}

impl Story {
    pub(crate) fn new(reply: Reply) -> Self {
        let around = reply.opening().into();
        Self { reply, around, next_piece: 0, closing: false, repeated: None }
    }

    pub(crate) fn reply(&self) -> &Reply {
        &self.reply
    }

    pub(crate) fn next_is_content(&self) -> bool {
        self.around.is_empty() && self.next_piece < self.reply.text.pieces()
    }

    pub(crate) fn is_over(&self) -> bool {
        self.around.is_empty() && self.closing
    }

    /// Whether one event is left.
    pub(crate) fn next_is_last(&self) -> bool {
        if self.closing {
            return self.around.len() == 1;
        }
        // Google's last content is the last event.
        let ends_with_content = matches!(self.reply.format, Format::Gemini | Format::CodeAssist);
        ends_with_content && self.next_is_content() && self.reply.text.is_last(self.next_piece)
    }

    pub(crate) fn next_event(&mut self) -> Option<Event> {
        if self.next_is_content() {
            return Some(self.content());
        }
        let text = self.around.pop_front()?;
        Some(Event { bytes: text.into(), is_content: false })
    }

    fn content(&mut self) -> Event {
        let index = self.next_piece;
        self.next_piece += 1;
        let bytes = self.piece(index);
        if self.next_piece == self.reply.text.pieces() {
            self.around = self.reply.closing().into();
            self.closing = true;
        }
        Event { bytes, is_content: true }
    }

    fn piece(&mut self, index: u64) -> Bytes {
        let may_repeat = !self.reply.format.numbers_events() && self.reply.text.repeats(index);
        if may_repeat
            && !self.is_special(index)
            && let Some(repeated) = self.repeated.as_ref()
        {
            return repeated.clone();
        }
        let bytes = Bytes::from(self.reply.piece(index));
        self.repeated = (index > 0).then(|| bytes.clone());
        bytes
    }

    /// The last piece of some formats ends the answer.
    fn is_special(&self, index: u64) -> bool {
        self.reply.text.is_last(index)
    }
}

#[cfg(test)]
mod tests {
    use crate::format::tests::reply;
    use crate::pace::Pace;
    use crate::text::Text;

    use super::*;

    fn told(story: &mut Story) -> Vec<Event> {
        std::iter::from_fn(|| story.next_event()).collect()
    }

    #[test]
    fn a_story_is_opening_pieces_and_closing() {
        let kinds: Vec<_> =
            told(&mut Story::new(reply(Format::Anthropic))).iter().map(|event| event.is_content).collect();
        assert_eq!(kinds, [false, false, false, true, true, false, false, false]);
    }

    #[test]
    fn a_story_is_over_after_its_last_event() {
        for format in Format::ALL {
            let mut story = Story::new(reply(format));
            assert!(!story.is_over(), "{format:?}");
            told(&mut story);
            assert!(story.is_over(), "{format:?}");
        }
    }

    #[test]
    fn the_last_event_is_foreseen() {
        for format in Format::ALL {
            let mut story = Story::new(reply(format));
            let total = told(&mut Story::new(reply(format))).len();
            let foreseen: Vec<_> = (0..total)
                .filter(|_| {
                    let is_last = story.next_is_last();
                    story.next_event();
                    is_last
                })
                .collect();
            assert_eq!(foreseen, [total - 1], "{format:?}");
        }
    }

    #[test]
    fn repeated_events_are_those_that_would_have_been_made() {
        for format in Format::ALL {
            let long = Text::new("pong".to_owned(), &Pace::bulk(100, 9));
            let reply = Reply { text: long, ..reply(format) };
            let made: Vec<_> =
                (0..reply.text.pieces()).map(|index| Bytes::from(reply.piece(index))).collect();
            let events = told(&mut Story::new(reply));
            let told: Vec<_> = events.into_iter().filter(|e| e.is_content).map(|e| e.bytes).collect();
            assert_eq!(told, made, "{format:?}");
        }
    }
}
