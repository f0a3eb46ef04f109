//! Follows the brackets of JSON text in pieces.

use memchr::memchr2;

/// The open containers.
#[derive(Clone, Debug, Default)]
pub(super) struct Nesting {
    closers: Vec<u8>,
    quoted: bool,
    escaped: bool,
}

/// The structural characters of JSON text, outside of strings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    Open,
    Close,
    Comma,
}

impl Nesting {
    /// Takes bytes from `at` up to the next mark, or to the end of the piece. Returns the place behind the
    /// mark.
    pub(super) fn next(&mut self, piece: &[u8], mut at: usize) -> Option<(usize, Mark)> {
        while let Some(&byte) = piece.get(at) {
            if self.quoted {
                at = self.in_string(piece, at);
                continue;
            }
            at += 1;
            match byte {
                b'"' => self.quoted = true,
                b'{' => return Some((at, self.open(b'}'))),
                b'[' => return Some((at, self.open(b']'))),
                b'}' | b']' => return Some((at, self.close())),
                b',' => return Some((at, Mark::Comma)),
                _ => {}
            }
        }
        None
    }

    /// Returns the number of open containers.
    pub(super) fn depth(&self) -> usize {
        self.closers.len()
    }

    /// Returns the closing bytes of the open containers.
    pub(super) fn closers(self) -> impl Iterator<Item = u8> {
        self.closers.into_iter().rev()
    }

    /// Goes behind the next quote or backslash. Most of an answer is inside of strings, so strings are
    /// skipped.
    fn in_string(&mut self, piece: &[u8], at: usize) -> usize {
        if std::mem::take(&mut self.escaped) {
            return at + 1;
        }
        let Some(found) = memchr2(b'"', b'\\', &piece[at..]) else { return piece.len() };
        self.quoted = piece[at + found] != b'"';
        self.escaped = self.quoted;
        at + found + 1
    }

    fn open(&mut self, closer: u8) -> Mark {
        self.closers.push(closer);
        Mark::Open
    }

    fn close(&mut self) -> Mark {
        self.closers.pop();
        Mark::Close
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The marks of a text, and where they stand, byte by byte.
    fn spelled_out(text: &[u8]) -> Vec<(usize, Mark)> {
        let (mut marks, mut quoted, mut escaped) = (Vec::new(), false, false);
        for (at, byte) in text.iter().enumerate() {
            let mark = match byte {
                _ if quoted => {
                    quoted = escaped || *byte != b'"';
                    escaped = !escaped && *byte == b'\\';
                    None
                }
                b'{' | b'[' => Some(Mark::Open),
                b'}' | b']' => Some(Mark::Close),
                b',' => Some(Mark::Comma),
                _ => {
                    quoted = *byte == b'"';
                    None
                }
            };
            marks.extend(mark.map(|mark| (at, mark)));
        }
        marks
    }

    fn followed(pieces: &[&[u8]]) -> Vec<(usize, Mark)> {
        let (mut nesting, mut before, mut marks) = (Nesting::default(), 0, Vec::new());
        for piece in pieces {
            let mut at = 0;
            while let Some((behind, mark)) = nesting.next(piece, at) {
                marks.push((before + behind - 1, mark));
                at = behind;
            }
            before += piece.len();
        }
        marks
    }

    proptest! {
        #[test]
        fn strings_hide_marks_wherever_the_text_is_cut(
            text in r#"([\[\]{},:"\\a]|[\[\]{},:"\\a]{0,9}|"[^"]{0,40}"){0,20}"#,
            size in 1_usize..40,
        ) {
            let pieces: Vec<_> = text.as_bytes().chunks(size).collect();
            prop_assert_eq!(followed(&pieces), spelled_out(text.as_bytes()));
        }
    }
}
