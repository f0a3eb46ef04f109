//! Host names: the names under which clients may address the gateway.
//!
//! A web page can give its own name the address of this machine (DNS rebinding). For the browser, the page
//! and the gateway are then of one origin, and only the name in `Host` tells them apart. An IP address in
//! `Host` is safe: such a page would be served by this machine.

use std::net::IpAddr;

use http::Request;
use http::header::HOST;

/// Checks the names of a request: `Host`, and the authority of a request line in absolute form.
/// `listen` is the host in `listen`, `allowed` are the configured names in lower case.
///
/// # Errors
/// The unknown name.
pub(super) fn check<B>(request: &Request<B>, listen: &str, allowed: &[String]) -> Result<(), String> {
    let written =
        request.headers().get_all(HOST).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
    let authority = request.uri().authority().map(|authority| authority.as_str().into());
    match written.chain(authority).find(|name| !is_known(name, listen, allowed)) {
        Some(unknown) => Err(unknown.chars().filter(|c| !c.is_control()).take(LONGEST_SHOWN).collect()),
        None => Ok(()),
    }
}

/// Characters of an unknown name in an error.
const LONGEST_SHOWN: usize = 100;

fn is_known(written: &str, listen: &str, allowed: &[String]) -> bool {
    let written = written.trim().to_ascii_lowercase();
    let Some(name) = name(&written) else { return false };
    let is_loopback = name.is_empty() || name == "localhost" || name.ends_with(".localhost");
    is_loopback
        || name.parse::<IpAddr>().is_ok()
        || name.eq_ignore_ascii_case(listen)
        || allowed.iter().any(|known| *known == written || known == name)
}

/// Returns the host of `HOST:PORT`, without brackets and without the root's dot. There is none in anything else,
/// such as a URL's user information (`localhost:x@evil.example`).
fn name(written: &str) -> Option<&str> {
    let (host, port) = match written.strip_prefix('[') {
        Some(address) => address.split_once(']')?,
        None => written.split_at(written.find(':').unwrap_or(written.len())),
    };
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    let is_whole = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
    (is_whole && !host.contains('@')).then(|| host.trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(uri: &str, host: Option<&str>) -> Option<String> {
        let builder = Request::get(uri);
        let builder = host.into_iter().fold(builder, |builder, host| builder.header(HOST, host));
        let allowed = ["gateway.lan".to_owned(), "proxy.lan:8443".to_owned()];
        check(&builder.body(()).expect("a request"), "listen.example", &allowed).err()
    }

    #[test]
    fn loopback_names_addresses_and_configured_names_are_known() {
        for host in [
            "localhost:8787",
            "LOCALHOST",
            "localhost.",
            "app.localhost:1",
            "127.0.0.1:8787",
            "[::1]:8787",
            "192.168.0.7",
            "listen.example:8787",
            "gateway.lan",
            "Gateway.Lan:1",
            "proxy.lan:8443",
            "",
        ] {
            assert_eq!(refused("/v1/messages", Some(host)), None, "{host}");
        }
        assert_eq!(refused("/v1/messages", None), None, "programs may leave the name out");
    }

    #[test]
    fn a_name_that_somebody_else_gave_this_machine_is_refused() {
        for host in [
            "evil.example",
            "evil.example:8787",
            "localhost.evil.example",
            "proxy.lan",
            "127.0.0.1.evil",
            "localhost:x@evil.example",
            "[::1]evil.example",
            "[::1",
            "localhost:8787:1",
            "a@localhost",
        ] {
            assert_eq!(refused("/", Some(host)), Some(host.to_owned()));
        }
        assert_eq!(refused("http://evil.example/", Some("localhost")), Some("evil.example".to_owned()));
    }
}
