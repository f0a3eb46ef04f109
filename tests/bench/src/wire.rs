//! HTTP/1.1 as far as a load generator needs it: one request as bytes, and where an answer ends.
//!
//! A full client would cost as much as what it measures.

/// A line of source code, as agents send it: an escape at its end, and now and then a quote.
const LINE: &str = r#"    let reply = client.say(\"pong\").await?;\n"#;
/// About the size of one message, in lines.
const LINES: usize = 48;

/// Writes a request with a body.
pub fn request(host: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST /v1/messages HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\n\
         anthropic-version: 2023-06-01\r\nx-api-key: none\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// Writes a body of about `size` bytes: a conversation of messages of some 2 KB.
pub fn body(size: usize, stream: bool) -> Vec<u8> {
    let (head, tail) = (head(stream), r#"{"role":"user","content":"go on"}]}"#);
    let mut lines = size.saturating_sub(head.len() + tail.len()) / LINE.len();
    let mut body = head;
    for role in ["user", "assistant"].iter().cycle() {
        let count = lines.min(LINES);
        if count == 0 {
            break;
        }
        body += &format!(r#"{{"role":"{role}","content":"{}"}},"#, LINE.repeat(count));
        lines -= count;
    }
    (body + tail).into_bytes()
}

/// Writes a body of about `size` bytes that is one long message: the most there is to look through.
pub fn one_message(size: usize, stream: bool) -> Vec<u8> {
    let (head, tail) = (head(stream), r#""}]}"#);
    let lines = LINE.repeat(size.saturating_sub(head.len() + tail.len()) / LINE.len());
    (head + r#"{"role":"user","content":""# + &lines + tail).into_bytes()
}

fn head(stream: bool) -> String {
    format!(r#"{{"model":"claude-sonnet-4-6","max_tokens":64,"stream":{stream},"messages":["#)
}

/// Finds the end of an answer that comes in pieces.
#[derive(Debug, Default)]
pub struct Answer {
    head: Vec<u8>,
    ends: Option<End>,
    /// Bytes of the body so far.
    seen: u64,
    /// The last bytes of the body: the end of a chunked one can lie between two pieces.
    tail: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
enum End {
    Length(u64),
    LastChunk,
}

/// An answer that is not a good one.
#[derive(Debug)]
pub struct Bad(pub String);

const LAST_CHUNK: &[u8] = b"\r\n0\r\n\r\n";

impl Answer {
    /// Takes in a piece, and says whether the answer is complete.
    ///
    /// # Errors
    /// [`Bad`] where the status is not 200.
    pub fn feed(&mut self, piece: &[u8]) -> Result<bool, Bad> {
        if self.ends.is_some() {
            self.feed_body(piece);
            return Ok(self.is_over());
        }
        self.head.extend_from_slice(piece);
        let Some(end) = find(&self.head, b"\r\n\r\n") else { return Ok(false) };
        let body = self.head.split_off(end + 4);
        self.ends = Some(end_of(&self.head)?);
        self.feed_body(&body);
        Ok(self.is_over())
    }

    fn feed_body(&mut self, piece: &[u8]) {
        self.seen += piece.len() as u64;
        let kept = piece.len().min(LAST_CHUNK.len());
        self.tail.extend_from_slice(&piece[piece.len() - kept..]);
        let surplus = self.tail.len().saturating_sub(LAST_CHUNK.len());
        self.tail.drain(..surplus);
    }

    fn is_over(&self) -> bool {
        match self.ends {
            Some(End::Length(length)) => self.seen >= length,
            Some(End::LastChunk) => self.tail == LAST_CHUNK,
            None => false,
        }
    }
}

fn end_of(head: &[u8]) -> Result<End, Bad> {
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    if !head.starts_with("http/1.1 200") {
        return Err(Bad(head));
    }
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    Ok(length.map_or(End::LastChunk, End::Length))
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn over(answer: &str, piece: usize) -> Vec<bool> {
        let mut reader = Answer::default();
        answer.as_bytes().chunks(piece).map(|piece| reader.feed(piece).expect("a good answer")).collect()
    }

    #[test]
    fn an_answer_is_over_at_its_end_and_not_before() {
        let sized = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
        let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
        for answer in [sized, chunked] {
            for piece in [1, 2, 7, answer.len()] {
                let over = over(answer, piece);
                let (last, before) = over.split_last().expect("pieces");
                assert!(*last && !before.contains(&true), "{answer} by {piece}");
            }
        }
    }

    #[test]
    fn another_status_is_bad() {
        assert!(Answer::default().feed(b"HTTP/1.1 429 Too Many\r\ncontent-length: 0\r\n\r\n").is_err());
    }

    #[test]
    fn a_body_is_json_of_about_the_size_asked_for() {
        for size in [200, 1_024, 262_144] {
            for body in [body(size, true), one_message(size, true)] {
                assert!(body.len().abs_diff(size) < 64 + size / 40, "{} bytes", body.len());
                assert!(serde_json::from_slice::<serde_json::Value>(&body).is_ok());
            }
        }
    }
}
