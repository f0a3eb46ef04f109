//! Follows the brackets of JSON text, byte by byte.

/// The containers that are open.
#[derive(Clone, Debug, Default)]
pub(super) struct Nesting {
    closers: Vec<u8>,
    quoted: bool,
    escaped: bool,
}

/// What a byte was, outside of strings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    Open,
    Close,
    Comma,
    Other,
}

impl Nesting {
    /// Takes the next byte.
    pub(super) fn take(&mut self, byte: u8) -> Mark {
        if self.quoted {
            self.quoted = self.escaped || byte != b'"';
            self.escaped = !self.escaped && byte == b'\\';
            return Mark::Other;
        }
        match byte {
            b'{' => self.open(b'}'),
            b'[' => self.open(b']'),
            b'}' | b']' => self.close(),
            b',' => Mark::Comma,
            _ => self.other(byte),
        }
    }

    /// Returns how many containers are open.
    pub(super) fn depth(&self) -> usize {
        self.closers.len()
    }

    /// Returns the bytes that close what is open.
    pub(super) fn closers(self) -> impl Iterator<Item = u8> {
        self.closers.into_iter().rev()
    }

    fn open(&mut self, closer: u8) -> Mark {
        self.closers.push(closer);
        Mark::Open
    }

    fn close(&mut self) -> Mark {
        self.closers.pop();
        Mark::Close
    }

    fn other(&mut self, byte: u8) -> Mark {
        self.quoted = byte == b'"';
        Mark::Other
    }
}
