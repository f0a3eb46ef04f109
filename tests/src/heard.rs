//! An answer, as far as it came.

use pointsman_loader::Answer;
use pointsman_loader::api::Error;
use serde_json::Value;

/// An answer that has been read to its end, good or bad.
#[derive(Clone, Debug)]
pub struct Heard {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Why the body broke; none where it ended as HTTP says it must.
    pub broken: Option<String>,
}

impl Heard {
    /// Reads an answer of the plugin.
    pub async fn all(mut answer: Answer) -> Self {
        let headers = answer.headers.iter();
        let headers = headers
            .map(|header| (header.name.to_lowercase(), String::from_utf8_lossy(&header.value).into_owned()))
            .collect();
        let (mut body, mut broken) = (Vec::new(), None);
        while let Some(piece) = answer.body.next().await {
            match piece {
                Ok(bytes) => body.extend_from_slice(&bytes),
                Err(Error { message, .. }) => broken = Some(message.into_string()),
            }
        }
        Self { status: answer.status, headers, body, broken }
    }

    /// Returns a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Returns the label of the account that served it, or nothing.
    pub fn account(&self) -> &str {
        self.header("x-pointsman-account").and_then(|id| id.split_once(':')).map_or("", |(_, label)| label)
    }

    /// Returns the pool that served it, or nothing.
    pub fn pool(&self) -> &str {
        self.header("x-pointsman-pool").unwrap_or_default()
    }

    /// Returns why it was served so, in one word.
    pub fn reason(&self) -> &str {
        self.header("x-pointsman-reason").unwrap_or_default()
    }

    /// Returns how many upstream calls it took.
    pub fn attempts(&self) -> u32 {
        self.header("x-pointsman-attempts").and_then(|count| count.parse().ok()).unwrap_or_default()
    }

    /// Returns the seconds of `retry-after`.
    pub fn retry_after(&self) -> Option<u64> {
        self.header("retry-after")?.parse().ok()
    }

    /// Returns the body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Returns the body as JSON.
    ///
    /// # Panics
    /// Where it is not.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in {:?}", self.text()))
    }

    /// Returns the data of each server-sent event.
    pub fn events(&self) -> Vec<String> {
        self.text().lines().filter_map(|line| line.strip_prefix("data: ")).map(str::to_owned).collect()
    }

    /// Checks that it is a good answer which came whole, and returns it.
    ///
    /// # Panics
    /// Where it is not.
    #[track_caller]
    pub fn good(self) -> Self {
        assert_eq!((self.status, &self.broken), (200, &None), "{:?} {}", self.headers, self.text());
        self
    }

    /// Checks that it has this status, and returns it.
    ///
    /// # Panics
    /// Where it has another.
    #[track_caller]
    pub fn refused(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{:?} {}", self.headers, self.text());
        self
    }
}
