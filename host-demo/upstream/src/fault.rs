//! Faults: what goes wrong, for whom, and for how long. A fault answers in place of the quota, or lets the
//! quota answer and harms the body.

use std::time::Duration;

use serde::Deserialize;

use crate::shape::Shape;
use crate::span;

/// One thing that goes wrong.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    #[serde(default)]
    pub when: Match,
    #[serde(default)]
    pub lasts: Lasts,
    pub harm: Harm,
}

/// Which requests a fault meets: all that is set must hold.
///
/// Without a path it meets requests for an answer only, not token refreshes, model lists or token counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Match {
    pub account: Option<String>,
    pub pool: Option<String>,
    pub model: Option<String>,
    /// A part of the path and query.
    pub path: Option<String>,
}

/// How long a fault is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Lasts {
    #[default]
    UntilCleared,
    /// For so many matching requests.
    Next(u32),
    /// From some time after it was injected (or the start), for some time.
    Span {
        #[serde(deserialize_with = "span::deserialize")]
        after: Duration,
        #[serde(deserialize_with = "span::deserialize")]
        length: Duration,
    },
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Harm {
    /// An error answer in the caller's wire format.
    Status {
        shape: Shape,
        /// In place of the shape's own.
        #[serde(default)]
        code: Option<u16>,
        /// The wait that the answer tells, where its shape tells one.
        #[serde(default, deserialize_with = "span::deserialize_some")]
        retry: Option<Duration>,
    },
    /// TCP reset in place of an answer.
    Reset,
    /// Bytes that are not HTTP.
    Garbage,
    /// No answer, for as long as the client waits.
    Hang,
    /// A web page.
    Html { code: u16 },
    /// 200 with an empty body.
    Empty,
    /// An error event inside a 200 stream; a request without a stream gets it as a status.
    ErrorEvent { at: Moment, shape: Shape },
    /// TCP reset inside the body.
    Cut { at: Moment },
    /// The body ends early as if it were whole.
    CleanEof { at: Moment },
    /// The body goes on no more.
    Stall { at: Moment },
}

/// A place in a stream. A body that is no stream is harmed at its half, or at its begin for `Events(0)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Moment {
    /// After so many events of any kind.
    Events(u64),
    /// After so many events with content; 0 is after the opening ones.
    Content(u64),
}

impl Fault {
    /// Returns a fault that meets every request for an answer until it is cleared.
    pub fn new(harm: Harm) -> Self {
        Self { when: Match::default(), lasts: Lasts::UntilCleared, harm }
    }

    /// Returns a fault that answers with an error of this shape.
    pub fn status(shape: Shape) -> Self {
        Self::new(Harm::Status { shape, code: None, retry: None })
    }

    #[must_use]
    pub fn account(mut self, label: impl Into<String>) -> Self {
        self.when.account = Some(label.into());
        self
    }

    #[must_use]
    pub fn pool(mut self, name: impl Into<String>) -> Self {
        self.when.pool = Some(name.into());
        self
    }

    #[must_use]
    pub fn model(mut self, name: impl Into<String>) -> Self {
        self.when.model = Some(name.into());
        self
    }

    #[must_use]
    pub fn path(mut self, part: impl Into<String>) -> Self {
        self.when.path = Some(part.into());
        self
    }

    /// Meets so many requests.
    #[must_use]
    pub fn next(mut self, requests: u32) -> Self {
        self.lasts = Lasts::Next(requests);
        self
    }

    /// Is there from `after` on, for `length`.
    #[must_use]
    pub fn during(mut self, after: Duration, length: Duration) -> Self {
        self.lasts = Lasts::Span { after, length };
        self
    }
}

/// Harm that answers in place of the quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HeadHarm {
    Status { shape: Shape, code: Option<u16>, retry: Option<Duration> },
    Reset,
    Garbage,
    Hang,
    Html { code: u16 },
}

/// Harm in the body of an answer that the quota has admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BodyHarm {
    pub(crate) at: Moment,
    pub(crate) kind: BodyHarmKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyHarmKind {
    Error(Shape),
    Cut,
    Eof,
    Stall,
}

impl Harm {
    pub(crate) fn head(self) -> Option<HeadHarm> {
        match self {
            Self::Status { shape, code, retry } => Some(HeadHarm::Status { shape, code, retry }),
            Self::Reset => Some(HeadHarm::Reset),
            Self::Garbage => Some(HeadHarm::Garbage),
            Self::Hang => Some(HeadHarm::Hang),
            Self::Html { code } => Some(HeadHarm::Html { code }),
            Self::Empty
            | Self::ErrorEvent { .. }
            | Self::Cut { .. }
            | Self::CleanEof { .. }
            | Self::Stall { .. } => None,
        }
    }

    pub(crate) fn body(self) -> Option<BodyHarm> {
        let (at, kind) = match self {
            Self::Empty => (Moment::Events(0), BodyHarmKind::Eof),
            Self::ErrorEvent { at, shape } => (at, BodyHarmKind::Error(shape)),
            Self::Cut { at } => (at, BodyHarmKind::Cut),
            Self::CleanEof { at } => (at, BodyHarmKind::Eof),
            Self::Stall { at } => (at, BodyHarmKind::Stall),
            Self::Status { .. } | Self::Reset | Self::Garbage | Self::Hang | Self::Html { .. } => {
                return None;
            }
        };
        Some(BodyHarm { at, kind })
    }
}
