//! The paths of a format: which format a path tells, where a model's name stands, and which operation it is.

use http::header::HeaderName;

use crate::formats::operation::Operation;

use super::ids::ResourceKind;

/// The paths of a format.
#[derive(Debug)]
pub struct Paths {
    /// The version of a path without one.
    pub version: &'static str,
    /// Prefixes before the version, where files are taken and given.
    pub media: &'static [&'static str],
    /// Headers that every client of the service sends.
    pub headers: &'static [&'static HeaderName],
    /// Returns whether version and rest of a path are this API's alone, also where others share the name.
    pub tells: fn(&str, &str) -> bool,
    /// The operation of an action, for APIs with the model in the path: `/v1beta/models/MODEL:ACTION`.
    pub actions: Option<fn(&str) -> Operation>,
    /// Stored resources are changed in place, by `PATCH`.
    pub patches: bool,
    pub rows: &'static [PathRow],
}

impl Paths {
    /// A format without paths of its own.
    pub const fn of_version(version: &'static str, rows: &'static [PathRow]) -> Self {
        Self { version, media: &[], headers: &[], tells: |_, _| false, actions: None, patches: false, rows }
    }
}

/// The meaning of the first segment behind the version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PathRow {
    pub name: &'static str,
    pub claim: Claim,
    /// Posts with a model in the body; all others have none.
    pub posts: &'static [Post],
    /// The operation of requests without a model.
    pub operation: Operation,
    pub stored: Stored,
    /// The kind of the resource that the next segment names, if it belongs to one account.
    pub resource: Option<ResourceKind>,
}

/// The claim of a format on a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// No other format has the path.
    Alone,
    /// Several formats have the path; without a sign of another it is this format's.
    UnlessTold,
    /// The name is too common to be claimed without a sign of the format.
    IfTold,
}

/// The resources below a path that can be read and deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    All,
    /// The endpoint generates, and takes posts only.
    Nothing,
    /// The endpoint generates, but for one segment.
    Only(&'static str),
}

/// A post with a model in its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Post {
    /// The rest of the path; `*` is any one segment.
    pub pattern: &'static str,
    pub model: PostedModel,
    pub operation: Operation,
}

/// The place of the model name in a posted body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PostedModel {
    /// The field `model`.
    Body,
    /// The optional field `model`.
    Optional,
    /// The `params` of each of the `requests`.
    Requests,
}

impl Post {
    /// A post that has to name its model.
    pub const fn to(pattern: &'static str, operation: Operation) -> Self {
        Self { pattern, model: PostedModel::Body, operation }
    }

    /// A post that may name its model.
    pub const fn optional(pattern: &'static str, operation: Operation) -> Self {
        Self { pattern, model: PostedModel::Optional, operation }
    }
}

impl PathRow {
    /// A path of stored resources.
    pub const fn new(name: &'static str, claim: Claim) -> Self {
        Self { name, claim, posts: &[], operation: Operation::Files, stored: Stored::All, resource: None }
    }

    /// Adds posts with a model.
    #[must_use]
    pub const fn posts(self, posts: &'static [Post]) -> Self {
        Self { posts, ..self }
    }

    /// Says that the path generates.
    #[must_use]
    pub const fn storing(self, stored: Stored) -> Self {
        Self { stored, ..self }
    }

    /// Says that the path lists models.
    #[must_use]
    pub const fn listing(self) -> Self {
        Self { operation: Operation::Listing, ..self }
    }

    /// Says that the next segment names a resource of one account.
    #[must_use]
    pub const fn of(self, resource: ResourceKind) -> Self {
        Self { resource: Some(resource), ..self }
    }

    /// Returns the row's post to a path.
    pub fn post(&self, rest: &str) -> Option<&'static Post> {
        self.posts.iter().find(|post| fits(post.pattern, rest))
    }

    /// Returns whether the endpoint takes posts only.
    pub fn takes_posts_only(&self, id: Option<&str>) -> bool {
        match self.stored {
            Stored::All => false,
            Stored::Nothing => true,
            Stored::Only(stored) => id != Some(stored),
        }
    }
}

/// Returns the segments of a path.
pub fn segments(rest: &str) -> impl Iterator<Item = &str> {
    rest.split('/').filter(|segment| !segment.is_empty())
}

fn fits(pattern: &str, rest: &str) -> bool {
    let (mut pattern, mut rest) = (segments(pattern), segments(rest).skip(1));
    loop {
        match (pattern.next(), rest.next()) {
            (None, None) => return true,
            (Some(name), Some(segment)) if name == "*" || name == segment => {}
            _ => return false,
        }
    }
}
