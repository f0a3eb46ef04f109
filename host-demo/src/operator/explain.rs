//! `pointsman explain`: the reasons of a running gateway's routing decision.
//!
//! Only the routing gateway knows, so a stopped gateway explains nothing.

use std::io::{self, Write};
use std::path::Path;

use anyhow::bail;

use crate::cli::{Explain, Page};
use crate::gateway::client;
use crate::plugin;

use super::look::Look;

/// Prints the explanation of a request, or a list of the last requests.
pub(crate) async fn run(library: Option<&Path>, arguments: &Explain) -> anyhow::Result<()> {
    let url = match &arguments.url {
        Some(url) => url.clone(),
        None => found(library, arguments).await?,
    };
    if let Some(id) = arguments.request.as_deref().filter(|id| !id.bytes().all(can_be_in_an_id)) {
        bail!("`{id}` is no request id; they are like pm-1a2225827c5-4, and `last` is the newest");
    }
    let (status, text) = client::ask(&url, &path(arguments)).await?;
    if status != http::StatusCode::OK {
        bail!("{}", String::from_utf8_lossy(&text).trim_end());
    }
    let mut out = io::stdout().lock();
    out.write_all(&text)?;
    if !text.ends_with(b"\n") {
        out.write_all(b"\n")?;
    }
    Ok(out.flush()?)
}

/// Returns the URL of the running gateway.
async fn found(library: Option<&Path>, arguments: &Explain) -> anyhow::Result<String> {
    let look = Look::at(&plugin::open(library)?, arguments.config.as_deref())?;
    match look.gateway().await? {
        Some(url) => Ok(url),
        None => bail!(
            "no gateway is running, also not at {}. Only the one that routed a request knows",
            look.url()
        ),
    }
}

fn can_be_in_an_id(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-'
}

fn path(arguments: &Explain) -> String {
    let format = match arguments.format {
        Page::Text => "?format=text",
        Page::Json => "",
    };
    match &arguments.request {
        Some(id) => format!("/explain/{id}{format}"),
        None => format!("/explain{format}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(request: Option<&str>, format: Page, expected: &str) {
        let arguments = Explain { request: request.map(str::to_owned), format, url: None, config: None };
        assert_eq!(path(&arguments), expected);
    }

    #[test]
    fn the_path_says_which_request_and_for_whom() {
        check(None, Page::Text, "/explain?format=text");
        check(Some("last"), Page::Text, "/explain/last?format=text");
        check(Some("pm-19a-7"), Page::Json, "/explain/pm-19a-7");
    }
}
