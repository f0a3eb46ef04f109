//! `NO_PROXY`: what this machine reaches without a proxy, in the forms that the matcher of `hyper-util` lacks.

use http::Uri;

/// Entries that hosts are spared by. The others are left to the matcher.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct NoProxy {
    /// `*`: no host is reached by a proxy, whether it has a name or an address.
    all: bool,
    /// `HOST:PORT`; a host is itself and all below it.
    with_port: Vec<(String, u16)>,
}

impl NoProxy {
    /// Reads the variable of this process, of which the first that is set counts.
    pub(super) fn of_the_machine() -> Self {
        let set = ["NO_PROXY", "no_proxy"].iter().find_map(|name| std::env::var(name).ok());
        Self::read(&set.unwrap_or_default())
    }

    fn read(list: &str) -> Self {
        let entries = || list.split(',').map(str::trim);
        let with_port = entries().filter_map(|entry| {
            let (host, port) = entry.rsplit_once(':')?;
            // An address of IPv6 has colons of its own; with a port it stands in brackets.
            let is_host = !host.is_empty() && (!host.contains(':') || host.ends_with(']'));
            let host = host.trim_start_matches("*.").trim_start_matches('.');
            is_host.then_some((host.to_ascii_lowercase(), port.parse().ok()?))
        });
        Self { all: entries().any(|entry| entry == "*"), with_port: with_port.collect() }
    }

    /// Says whether a URL is reached without a proxy.
    pub(super) fn spares(&self, uri: &Uri) -> bool {
        if self.all || self.with_port.is_empty() {
            return self.all;
        }
        let usual = if uri.scheme_str() == Some("https") { 443 } else { 80 };
        let (host, port) = (uri.host().unwrap_or_default(), uri.port_u16().unwrap_or(usual));
        self.with_port.iter().any(|(known, of)| *of == port && is_below(host, known))
    }
}

fn is_below(host: &str, known: &str) -> bool {
    let host = host.to_ascii_lowercase();
    host.strip_suffix(known).is_some_and(|before| before.is_empty() || before.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_spared_by_a_star_and_by_its_port() {
        let check = |list: &str, url: &str, deprioritised: bool| {
            let uri: Uri = url.parse().expect("a URL");
            assert_eq!(NoProxy::read(list).spares(&uri), deprioritised, "{list} {url}");
        };
        check("*", "http://127.0.0.1:8080/", true);
        check("*", "https://[::1]/", true);
        check("a.example, *", "https://api.example/", true);
        check("127.0.0.1:8080", "http://127.0.0.1:8080/", true);
        check("127.0.0.1:8080", "http://127.0.0.1:8081/", false);
        check("api.example:443", "https://api.example/v1", true);
        check("api.example:443", "http://api.example/v1", false);
        check("Example:80", "http://sub.EXAMPLE/v1", true);
        check(".example:80", "http://api.example/v1", true);
        check("ample:80", "http://api.example/v1", false);
        check("[::1]:80", "http://[::1]/", true);
        check("::1", "http://[::1]:1/", false);
        check("api.example:nothing", "https://api.example/", false);
        check("", "https://api.example/", false);
    }
}
