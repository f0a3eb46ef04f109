//! The address of the gateway.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use crate::edges::config::values::{Form, Refused, Shape};

/// The listen address of the gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListenAddress {
    /// A TCP port; port 0 lets the system choose.
    Tcp {
        /// A name, or an IP address without brackets.
        host: String,
        port: u16,
    },
    /// A unix socket.
    Unix(std::path::PathBuf),
}

impl ListenAddress {
    /// Returns whether the address is local to this machine. Of names, only `localhost` counts as local.
    pub fn is_local(&self) -> bool {
        match self {
            Self::Tcp { host, .. } => {
                host.eq_ignore_ascii_case("localhost")
                    || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
            }
            Self::Unix(_) => true,
        }
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "{host}:{port}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// `HOST:PORT` or `unix:PATH`.
pub(crate) struct Listen;

impl Shape for Listen {
    const IS_TEXT: bool = true;

    fn allowed(&self) -> String {
        "HOST:PORT or unix:PATH".to_owned()
    }

    fn refusal(&self) -> String {
        "neither HOST:PORT nor unix:PATH".to_owned()
    }
}

impl Form for Listen {
    /// The path in its written form.
    type Value = ListenAddress;

    fn parse(&self, text: &str) -> Result<ListenAddress, Refused> {
        match text.strip_prefix("unix:") {
            Some("") => Err(Refused::PLAIN),
            Some(path) => Ok(ListenAddress::Unix(path.into())),
            None => tcp(text).ok_or_else(|| Refused(perhaps(text))),
        }
    }
}

fn tcp(text: &str) -> Option<ListenAddress> {
    if let Ok(address) = text.parse::<SocketAddr>() {
        return Some(ListenAddress::Tcp { host: address.ip().to_string(), port: address.port() });
    }
    let (host, port) = text.rsplit_once(':')?;
    let is_name = !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || c == '.' || c == '-');
    let port = port.parse().ok()?;
    is_name.then(|| ListenAddress::Tcp { host: host.to_owned(), port })
}

fn perhaps(text: &str) -> Option<String> {
    let port: u16 = text.trim_start_matches(':').parse().ok()?;
    Some(format!("127.0.0.1:{port}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_prints_as_it_is_written_and_knows_whether_it_is_local() {
        let check = |text: &str, local: bool| {
            let address = Listen.parse(text).ok().unwrap();
            assert_eq!((address.to_string().as_str(), address.is_local()), (text, local));
        };
        check("127.0.0.1:8787", true);
        check("127.9.9.9:0", true);
        check("[::1]:8787", true);
        check("localhost:80", true);
        check("unix:/run/pointsman.sock", true);
        check("0.0.0.0:8787", false);
        check("[::]:8787", false);
        check("gateway.lan:8787", false);
    }

    #[test]
    fn a_port_alone_is_refused_with_what_was_meant() {
        let check = |text: &str, meant: Option<&str>| {
            assert_eq!(Listen.parse(text).err().unwrap().0.as_deref(), meant, "{text}");
        };
        check("8787", Some("127.0.0.1:8787"));
        check(":8787", Some("127.0.0.1:8787"));
        check("127.0.0.1", None);
        check("127.0.0.1:99999", None);
        check("http://127.0.0.1:80", None);
        check("unix:", None);
    }
}
