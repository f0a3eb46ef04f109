//! The meaning of a token endpoint's answer.

use http::StatusCode;

use super::error::ErrorBody;

/// The reason for a failed refresh of a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenFault {
    /// The refresh token is no longer good; the owner has to sign in again.
    Revoked,
    /// Anything else; the token may be good.
    Transient,
}

/// Returns the reason for a token endpoint's refusal (RFC 6749 section 5.2).
///
/// Only `invalid_grant` is about the refresh token, even with a status of success. A refused client, an
/// endpoint out of order or a proxy's answer must not cost anybody a sign-in.
pub fn classify_token(status: StatusCode, body: &[u8]) -> TokenFault {
    if !status.is_server_error() && ErrorBody::read(body).says("invalid_grant") {
        TokenFault::Revoked
    } else {
        TokenFault::Transient
    }
}
