//! TLS errors for people: the host, the cause and the remedy.

use std::error::Error;
use std::io;

use rustls::{CertificateError, Error as TlsError};

/// The remedy for an unknown authority. On Linux the machine's usual places are searched; `SSL_CERT_FILE`
/// and `SSL_CERT_DIR` take their place.
const NAME_IT: &str = "name the file with its authority's certificate (PEM) in SSL_CERT_FILE";

/// Returns the TLS trouble with `host`, or `None` for trouble besides TLS.
pub(super) fn trouble(error: &(dyn Error + 'static), host: &str) -> Option<String> {
    let error = in_causes(error)?;
    if let TlsError::InvalidCertificate(error) = error {
        return Some(format!("the certificate of {host} is not accepted: {}", refused(error)));
    }
    if matches!(error, TlsError::InvalidMessage(_)) {
        return Some(format!(
            "what answers at {host} does not speak TLS; is `https` right in its `base_url`?"
        ));
    }
    if matches!(error, TlsError::General(text) if text.starts_with("No CA certificates")) {
        let no_authority = "this machine knows no certificate authority; install its package \
                            `ca-certificates`, or name a file of them (PEM) in SSL_CERT_FILE";
        return Some(no_authority.to_owned());
    }
    Some(format!("no TLS with {host}: {error}"))
}

fn refused(error: &CertificateError) -> String {
    use CertificateError as E;
    if matches!(error, E::UnknownIssuer) {
        return format!(
            "nobody whom this machine trusts has signed it. If that is a server of your own, or your \
             company's proxy, {NAME_IT}"
        );
    }
    if let E::NotValidForNameContext { presented, .. } = error {
        return format!(
            "it is for {}. Correct the host in `base_url`, or have a certificate made for it",
            list(presented)
        );
    }
    if matches!(error, E::Expired | E::ExpiredContext { .. }) {
        return "it has expired. Its owner has to renew it, if the clock of this machine is right".to_owned();
    }
    if matches!(error, E::NotValidYet | E::NotValidYetContext { .. }) {
        return "it is not valid yet. Is the clock of this machine right?".to_owned();
    }
    error.to_string()
}

/// Lists names for people. The library's names have the form `DnsName("a.example")`.
fn list(presented: &[String]) -> String {
    let name = |written: &String| written.split('"').nth(1).unwrap_or(written).to_owned();
    let names: Vec<String> = presented.iter().map(name).collect();
    if names.is_empty() { "no host at all".to_owned() } else { names.join(", ") }
}

fn in_causes<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a TlsError> {
    with_causes(error).find_map(|error| error.downcast_ref())
}

/// Returns an error, what caused it, and so on.
pub(super) fn with_causes<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| beneath(*error))
}

/// Returns the error below. An I/O error with an inner error reports the inner error's causes, but skips
/// the inner error.
fn beneath<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match error.downcast_ref::<io::Error>() {
        Some(io) => io.get_ref().map(|inner| inner as &'a (dyn Error + 'static)),
        None => error.source(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(error: TlsError) -> String {
        let wrapped = io::Error::other(io::Error::new(io::ErrorKind::InvalidData, error));
        trouble(&wrapped, "api.acme.example").expect("it is about TLS")
    }

    #[test]
    fn host_and_remedy_are_named() {
        use CertificateError as E;
        for (error, words) in [
            (E::UnknownIssuer, "SSL_CERT_FILE"),
            (E::Expired, "has expired"),
            (E::NotValidYet, "clock"),
            (E::Revoked, "Revoked"),
        ] {
            let text = told(TlsError::InvalidCertificate(error));
            assert!(text.starts_with("the certificate of api.acme.example is not accepted: "), "{text}");
            assert!(text.contains(words), "{text}");
        }
    }

    #[test]
    fn other_troubles_are_no_affair_of_tls() {
        assert_eq!(trouble(&io::Error::from(io::ErrorKind::ConnectionRefused), "a"), None);
        let text = told(TlsError::General("No CA certificates were loaded from the system".into()));
        assert!(text.contains("ca-certificates"), "{text}");
    }
}
