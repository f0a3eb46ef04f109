//! Evidence: what one answer of an upstream proves.
//!
//! [`classify`](crate::response::classify) reads an answer once, into four values: the accused, the extent
//! of the closure, its end, and the certainty. Cells, plans, notices, the status and explanations use only
//! this value, so they cannot drift apart. docs/ANSWERS.md has the rules in plain words.

use crate::quota::model_set::ModelSet;
use crate::response::outcome::{Hint, HintSource, LimitKind, NetworkFault, Outcome, SignIn};
use crate::time::Millis;

/// The proof drawn from one answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// The outcome of the attempt.
    pub outcome: Outcome,
    pub accused: Accused,
    /// The narrowest extent named by the answer.
    pub extent: Extent,
    /// The end of the closure, as reported by the answer.
    pub until: Hint,
    pub certainty: Certainty,
    /// The source of the reading.
    pub ground: Ground,
    /// The HTTP status; 0 if no answer came.
    pub status: u16,
}

/// The accused party of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Accused {
    Nobody,
    /// The request: other accounts would give an equal answer.
    Request,
    Credential,
    Account,
    /// A model of the account.
    Model,
    Pool,
    /// The service behind the base URL.
    Endpoint,
    /// Something between here and the service.
    Network,
    /// Not told by the answer.
    Unknown,
}

impl Accused {
    /// Returns the display words.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::Request => "the request",
            Self::Credential => "the credential",
            Self::Account => "the account",
            Self::Model => "a model of the account",
            Self::Pool => "the pool",
            Self::Endpoint => "the endpoint",
            Self::Network => "the network",
            Self::Unknown => "somebody it does not name",
        }
    }
}

/// The extent of a closure, always for its operation alone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Extent {
    /// Nothing: the fault ends with the request.
    Nothing,
    /// The pool's unit of counting: the whole pool, or the model; see
    /// [`Scope`](crate::request::catalog::Scope).
    Usual,
    Models(ModelSet),
    Pool,
    Account,
}

/// How certain an accusation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Certainty {
    /// Only the status says so.
    Status,
    /// The status, and something beside it that agrees.
    Implied,
    /// The answer says so by name.
    Named,
}

impl Certainty {
    /// Returns the display words.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Status => "by its status alone",
            Self::Implied => "implied",
            Self::Named => "by name",
        }
    }
}

/// The source of an answer's reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ground {
    /// Status, codes and headers, as every service uses them.
    Usual,
    /// A row of the table of words: the service, and the row's source.
    Words { service: &'static str, source: &'static str },
    /// An entry of `errors` at the provider, counted from 0.
    Rule(u16),
}

/// The question to settle before an answer closes anything for longer than a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Inquiry {
    /// Nothing.
    None,
    /// Can another account serve the request? Nobody is at fault.
    Elsewhere,
    /// Does another account answer alike? A witness tells whose fault the answer is.
    Witness,
}

/// The end of a closure, its source and its quality.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    pub instant: Option<Millis>,
    pub source: Option<HintSource>,
    pub quality: Quality,
}

/// The quality of an end, lowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Quality {
    /// A growing backoff.
    Guessed,
    /// Predicted by experience.
    Predicted,
    /// Reported by the upstream, and plausible.
    Told,
}

impl Evidence {
    /// Returns the proof of an outcome not read from an answer.
    pub fn of(outcome: Outcome) -> Self {
        let (accused, extent, certainty) = usual(&outcome);
        Self { outcome, accused, extent, until: Hint::Unknown, certainty, ground: Ground::Usual, status: 0 }
    }

    /// Adds the reported end.
    #[must_use]
    pub fn ending(self, until: Hint) -> Self {
        Self { until, ..self }
    }

    /// Marks the evidence as said by name.
    #[must_use]
    pub fn named(self, extent: Extent) -> Self {
        Self { extent, certainty: Certainty::Named, ..self }
    }

    /// Returns whether the request was served.
    pub fn is_good(&self) -> bool {
        self.outcome == Outcome::Good
    }

    /// Returns the end of the closure. `predicted` comes from experience.
    pub fn end(&self, predicted: Option<Millis>) -> End {
        match (self.until, predicted) {
            (Hint::Until { until, source }, _) => {
                End { instant: Some(until), source: Some(source), quality: Quality::Told }
            }
            (Hint::Doubted { .. } | Hint::Unknown, Some(until)) => {
                End { instant: Some(until), source: None, quality: Quality::Predicted }
            }
            (Hint::Doubted { source, .. }, None) => {
                End { instant: None, source: Some(source), quality: Quality::Guessed }
            }
            (Hint::Unknown, None) => End { instant: None, source: None, quality: Quality::Guessed },
        }
    }

    /// Returns the question to settle first. A refusal in the name of an account is never taken at its
    /// word: equal words come from a network, a gateway, or a service out of order.
    pub fn inquiry(&self) -> Inquiry {
        match self.outcome {
            // Limits on size differ between accounts, so no account is at fault.
            Outcome::TooLarge => Inquiry::Elsewhere,
            Outcome::Unauthorized
            | Outcome::ProjectRefused
            | Outcome::PoolRefused
            | Outcome::Unpaid
            | Outcome::Refused
            | Outcome::NeedsSignIn(SignIn::Verification { .. } | SignIn::Disabled)
            | Outcome::ServerError => Inquiry::Witness,
            Outcome::Good
            | Outcome::Limited(_)
            | Outcome::Capacity
            | Outcome::Unreachable(_)
            | Outcome::TokenOutage
            | Outcome::NeedsSignIn(SignIn::Revoked)
            | Outcome::RequestFault => Inquiry::None,
        }
    }

    /// Returns whether two accounts answered alike: by equal status, or by equal meaning.
    pub fn is_like(&self, other: &Self) -> bool {
        let same_status = self.status != 0 && self.status == other.status;
        same_status || std::mem::discriminant(&self.outcome) == std::mem::discriminant(&other.outcome)
    }
}

impl From<Outcome> for Evidence {
    fn from(outcome: Outcome) -> Self {
        Self::of(outcome)
    }
}

/// Returns the usual accused, extent and certainty of an outcome.
fn usual(outcome: &Outcome) -> (Accused, Extent, Certainty) {
    match outcome {
        Outcome::Good => (Accused::Nobody, Extent::Nothing, Certainty::Implied),
        Outcome::Limited(_) => (Accused::Pool, Extent::Usual, Certainty::Implied),
        Outcome::Capacity => (Accused::Endpoint, Extent::Usual, Certainty::Implied),
        Outcome::ServerError => (Accused::Unknown, Extent::Usual, Certainty::Status),
        Outcome::Unreachable(NetworkFault::Connect) => (Accused::Endpoint, Extent::Usual, Certainty::Implied),
        Outcome::Unreachable(_) => (Accused::Network, Extent::Usual, Certainty::Implied),
        Outcome::Unauthorized | Outcome::TokenOutage => {
            (Accused::Credential, Extent::Account, Certainty::Implied)
        }
        Outcome::NeedsSignIn(_) => (Accused::Account, Extent::Account, Certainty::Named),
        Outcome::ProjectRefused | Outcome::Unpaid => (Accused::Account, Extent::Account, Certainty::Implied),
        Outcome::PoolRefused => (Accused::Pool, Extent::Pool, Certainty::Named),
        Outcome::Refused => (Accused::Unknown, Extent::Account, Certainty::Status),
        Outcome::RequestFault | Outcome::TooLarge => (Accused::Request, Extent::Nothing, Certainty::Implied),
    }
}

/// Returns whether evidence is about the number of requests under way: the concurrency by name, or a rate
/// without an end.
pub fn is_crowding(evidence: &Evidence) -> bool {
    match evidence.outcome.limit() {
        Some(LimitKind::Concurrency) => true,
        Some(LimitKind::Rate) => evidence.until == Hint::Unknown,
        Some(LimitKind::Quota | LimitKind::Unknown) | None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_status(outcome: Outcome, status: u16) -> Evidence {
        Evidence { status, ..Evidence::of(outcome) }
    }

    #[test]
    fn what_names_an_account_is_never_taken_at_its_word() {
        for outcome in [
            Outcome::Unauthorized,
            Outcome::ProjectRefused,
            Outcome::Unpaid,
            Outcome::Refused,
            Outcome::ServerError,
            Outcome::NeedsSignIn(SignIn::Disabled),
        ] {
            assert_eq!(Evidence::of(outcome.clone()).inquiry(), Inquiry::Witness, "{outcome:?}");
        }
        for outcome in [Outcome::Good, Outcome::RequestFault, Outcome::Capacity, Outcome::TokenOutage] {
            assert_eq!(Evidence::of(outcome.clone()).inquiry(), Inquiry::None, "{outcome:?}");
        }
        assert_eq!(Evidence::of(Outcome::TooLarge).inquiry(), Inquiry::Elsewhere);
    }

    #[test]
    fn answers_are_alike_by_status_or_by_meaning() {
        let refused = with_status(Outcome::Refused, 403);
        assert!(refused.is_like(&with_status(Outcome::ProjectRefused, 403)));
        assert!(refused.is_like(&with_status(Outcome::Refused, 404)));
        assert!(!refused.is_like(&with_status(Outcome::Unauthorized, 401)));
        assert!(!Evidence::of(Outcome::Refused).is_like(&Evidence::of(Outcome::Unauthorized)));
    }

    #[test]
    fn a_told_end_goes_before_a_predicted_one_and_a_doubted_one_does_not() {
        let source = HintSource::RetryAfter;
        let limited = || Evidence::of(Outcome::Limited(LimitKind::Quota));
        let told = limited().ending(Hint::Until { until: Millis(9), source });
        assert_eq!(told.end(Some(Millis(7))).quality, Quality::Told);
        let doubted = limited().ending(Hint::Doubted { until: Millis(9), source });
        let end = doubted.end(Some(Millis(7)));
        assert_eq!((end.instant, end.quality), (Some(Millis(7)), Quality::Predicted));
        assert_eq!(doubted.end(None).quality, Quality::Guessed);
    }

    #[test]
    fn only_the_concurrency_or_a_rate_without_an_end_is_about_what_is_under_way() {
        let until = Hint::Until { until: Millis(9), source: HintSource::RetryAfter };
        let check = |kind, until, crowding| {
            let evidence = Evidence::of(Outcome::Limited(kind)).ending(until);
            assert_eq!(is_crowding(&evidence), crowding, "{evidence:?}");
        };
        check(LimitKind::Rate, Hint::Unknown, true);
        check(LimitKind::Rate, until, false);
        check(LimitKind::Concurrency, until, true);
        check(LimitKind::Quota, Hint::Unknown, false);
        check(LimitKind::Unknown, Hint::Unknown, false);
        assert!(!is_crowding(&Evidence::of(Outcome::Capacity)));
    }
}
