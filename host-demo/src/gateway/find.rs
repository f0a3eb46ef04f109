//! The search for the gateway meant by a command.

use std::path::Path;

use super::client;
use super::discovery::{Gateway, Kind, running};

/// A command's knowledge of its gateway.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted<'a> {
    /// The configuration file, or a word for none.
    pub config: &'a str,
    /// The user named the configuration, so a gateway with another configuration is not meant.
    pub is_named: bool,
}

/// Returns the name of a configuration: the absolute path of a file.
pub(crate) fn name_of(config: &str) -> String {
    let path = Path::new(config).canonicalize();
    path.map_or_else(|_| config.to_owned(), |path| path.display().to_string())
}

/// Finds a gateway with the same configuration; without a named configuration, the only running gateway
/// counts.
pub(crate) async fn find(wanted: Wanted<'_>) -> Result<Option<Gateway>, Vec<Gateway>> {
    let mut alive = Vec::new();
    for gateway in running() {
        if answers(&gateway).await {
            alive.push(gateway);
        }
    }
    meant(alive, wanted)
}

/// Finds a gateway of `serve` for an agent to share.
pub(crate) async fn to_share(fingerprint: &str) -> Option<Gateway> {
    for gateway in running().into_iter().filter(|gateway| can_share(gateway, fingerprint)) {
        if answers(&gateway).await {
            return Some(gateway);
        }
    }
    None
}

fn can_share(gateway: &Gateway, fingerprint: &str) -> bool {
    gateway.kind == Kind::Serve
        && gateway.version == env!("CARGO_PKG_VERSION")
        && gateway.fingerprint == fingerprint
        && gateway.url.starts_with("http://")
}

async fn answers(gateway: &Gateway) -> bool {
    client::ask(&gateway.url, "/health").await.is_ok()
}

/// Of several gateways the first counts, one of `serve`.
fn meant(alive: Vec<Gateway>, wanted: Wanted<'_>) -> Result<Option<Gateway>, Vec<Gateway>> {
    if let Some(same) = alive.iter().find(|gateway| gateway.config == wanted.config) {
        return Ok(Some(same.clone()));
    }
    match alive.len() {
        _ if wanted.is_named => Ok(None),
        0 | 1 => Ok(alive.into_iter().next()),
        _ => Err(alive),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gateway(kind: Kind, port: u16, config: &str) -> Gateway {
        Gateway {
            kind,
            url: format!("http://127.0.0.1:{port}"),
            config: config.to_owned(),
            fingerprint: "f".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    #[test]
    fn the_gateway_with_the_same_configuration_is_meant() {
        let (one, other) = (gateway(Kind::Serve, 1, "/a"), gateway(Kind::Run, 2, "/b"));
        let wanted = |config, is_named| Wanted { config, is_named };
        let both = || vec![one.clone(), other.clone()];
        assert_eq!(meant(both(), wanted("/b", false)), Ok(Some(other.clone())));
        assert_eq!(meant(both(), wanted("/c", true)), Ok(None));
        assert_eq!(meant(both(), wanted("/c", false)), Err(both()));
        assert_eq!(meant(vec![one.clone()], wanted("/c", false)), Ok(Some(one.clone())));
        assert_eq!(meant(vec![one.clone()], wanted("/c", true)), Ok(None));
        assert_eq!(meant(vec![], wanted("/c", false)), Ok(None));
    }

    #[test]
    fn an_agent_shares_what_serves_the_same_over_tcp() {
        let serve = gateway(Kind::Serve, 1, "/a");
        assert!(can_share(&serve, "f"));
        assert!(!can_share(&serve, "another key"));
        assert!(!can_share(&gateway(Kind::Run, 1, "/a"), "f"), "it ends with its agent");
        assert!(!can_share(&Gateway { url: "unix:/run/p.sock".into(), ..serve.clone() }, "f"));
        assert!(!can_share(&Gateway { version: "0.0.9".into(), ..serve }, "f"));
    }
}
