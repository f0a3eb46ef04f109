//! The text of an answer, cut into the pieces of a stream.
//!
//! A text can be a gigabyte: it is described, and a piece is made when its turn comes.

use std::borrow::Cow;

use crate::pace::Pace;

/// Pieces of a text whose size is told in all but not for each.
const DEFAULT_PIECE: usize = 16 * 1024;

/// How much text a place that needs it in one piece gets (an answer without a stream, a closing event).
const MAX_WHOLE: u64 = 1024 * 1024;

const FILLER: &str = "pong and ";

#[derive(Clone, Debug)]
pub(crate) struct Text {
    /// Who served: the text begins with it.
    sentence: String,
    pieces: u64,
    /// A full piece of filler; empty where each piece is a word.
    filler: String,
    /// Bytes of the last piece, where there is filler.
    last: usize,
}

impl Text {
    pub(crate) fn new(sentence: String, pace: &Pace) -> Self {
        match (pace.total_bytes, pace.chunk_bytes) {
            (None, 0) => Self { sentence, pieces: pace.chunks.max(1), filler: String::new(), last: 0 },
            (None, size) => Self::sized(sentence, pace.chunks.max(1), size, size),
            (Some(total), size) => {
                Self::of_total(sentence, total, if size == 0 { DEFAULT_PIECE } else { size })
            }
        }
    }

    fn of_total(sentence: String, total: u64, size: usize) -> Self {
        let pieces = total.div_ceil(size as u64).max(1);
        let last = total - (pieces - 1) * size as u64;
        Self::sized(sentence, pieces, size, last as usize)
    }

    fn sized(sentence: String, pieces: u64, size: usize, last: usize) -> Self {
        let filler = FILLER.chars().cycle().take(size).collect();
        Self { sentence, pieces, filler, last }
    }

    pub(crate) fn pieces(&self) -> u64 {
        self.pieces
    }

    pub(crate) fn is_last(&self, index: u64) -> bool {
        index + 1 >= self.pieces
    }

    /// The text of one piece; the first tells who served.
    pub(crate) fn piece(&self, index: u64) -> Cow<'_, str> {
        match (self.filler.is_empty(), index) {
            (true, _) => self.word(index),
            (false, 0) => self.padded_sentence(),
            (false, _) => Cow::Borrowed(&self.filler[..self.size(index)]),
        }
    }

    /// Whether this piece is the same as the one before.
    pub(crate) fn repeats(&self, index: u64) -> bool {
        index >= 2 && !self.filler.is_empty() && self.size(index) == self.filler.len()
    }

    /// The beginning of the text, all of it where it is not huge.
    pub(crate) fn whole(&self) -> String {
        let mut whole = String::new();
        for index in 0..self.pieces {
            whole.push_str(&self.piece(index));
            if whole.len() as u64 >= MAX_WHOLE {
                break;
            }
        }
        whole
    }

    /// About four bytes are a token.
    pub(crate) fn tokens(&self) -> u64 {
        let filler = self.filler.len() as u64 * (self.pieces - 1);
        (self.sentence.len() as u64 + filler) / 4 + 1
    }

    fn size(&self, index: u64) -> usize {
        if self.is_last(index) { self.last } else { self.filler.len() }
    }

    /// One word each, with the space before it; the last piece takes what is left.
    fn word(&self, index: u64) -> Cow<'_, str> {
        let Some(start) = self.word_start(index) else { return Cow::Borrowed(" pong") };
        let end = if self.is_last(index) { None } else { self.word_start(index + 1) };
        Cow::Borrowed(&self.sentence[start..end.unwrap_or(self.sentence.len())])
    }

    fn word_start(&self, index: u64) -> Option<usize> {
        if index == 0 {
            return Some(0);
        }
        let before = usize::try_from(index - 1).ok()?;
        self.sentence.match_indices(' ').nth(before).map(|(at, _)| at)
    }

    fn padded_sentence(&self) -> Cow<'_, str> {
        let padding = self.size(0).saturating_sub(self.sentence.len() + 1);
        Cow::Owned(format!("{} {}", self.sentence, &self.filler[..padding]))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn joined(text: &Text) -> String {
        (0..text.pieces()).map(|index| text.piece(index).into_owned()).collect()
    }

    #[test]
    fn words_make_up_the_sentence_whatever_their_number() {
        for chunks in 1..=5 {
            let text =
                Text::new("pong from work/a model x".to_owned(), &Pace::spread(chunks, Duration::ZERO));
            assert_eq!(joined(&text), "pong from work/a model x", "{chunks} chunks");
        }
    }

    #[test]
    fn more_chunks_than_words_go_on_with_pongs() {
        let text = Text::new("a b".to_owned(), &Pace::spread(4, Duration::ZERO));
        assert_eq!(joined(&text), "a b pong pong");
    }

    #[test]
    fn a_sized_text_has_exactly_its_bytes() {
        let text = Text::new("a b".to_owned(), &Pace::bulk(1_000, 64));
        assert_eq!(joined(&text).len(), 1_000);
        assert!(joined(&text).starts_with("a b pong"));
        assert_eq!(text.pieces(), 16);
    }

    #[test]
    fn a_huge_text_is_cut_where_it_must_be_whole() {
        let text = Text::new("a b".to_owned(), &Pace::bulk(1 << 30, 65_536));
        assert!(text.whole().len() as u64 <= MAX_WHOLE + 65_536);
        assert_eq!(text.pieces(), 16_384);
        assert!(text.repeats(2) && !text.repeats(1));
    }
}
