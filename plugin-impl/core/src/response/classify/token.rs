//! What a token endpoint says.

use http::StatusCode;

use super::error::ErrorBody;

/// Why a refresh of a credential failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenFault {
    /// The refresh token is no longer good; the owner has to sign in again.
    Revoked,
    /// Anything else; the token may be good.
    Transient,
}

/// Returns why a token endpoint refused (RFC 6749 section 5.2).
///
/// Only `invalid_grant` is about the refresh token, also where it comes with a status of success. A client that is refused, an endpoint that is down
/// or a proxy that answers for it must not cost anybody a sign-in.
pub fn classify_token(status: StatusCode, body: &[u8]) -> TokenFault {
    if !status.is_server_error() && ErrorBody::read(body).says("invalid_grant") {
        TokenFault::Revoked
    } else {
        TokenFault::Transient
    }
}
