//! A short summary of a configuration: source and accounts.

use pointsman_api::Status;

/// The name of a configuration without a file.
const NO_FILE: &str = "no file; defaults and environment variables";

/// Returns the lines: the file in use, and the accounts by provider.
pub(crate) fn lines(status: &Status) -> Vec<String> {
    vec![configuration(status), format!("accounts:      {}", accounts(status))]
}

/// Names the file in use.
pub(crate) fn configuration(status: &Status) -> String {
    format!("configuration: {}", file(status))
}

/// Returns the configuration's absolute path.
fn file(status: &Status) -> String {
    let source = status.extensions.text("config").unwrap_or_default();
    let path = std::path::absolute(source).ok().filter(|path| path.exists());
    path.map_or_else(|| NO_FILE.to_owned(), |path| path.display().to_string())
}

/// Returns the accounts by provider, in the order of the configuration: `anthropic (work, home), openai (main)`.
fn accounts(status: &Status) -> String {
    let mut providers: Vec<(&str, Vec<&str>)> = Vec::new();
    for account in &status.accounts {
        let label = account.label.as_str();
        match providers.iter_mut().find(|(provider, _)| *provider == account.provider.as_str()) {
            Some((_, labels)) => labels.push(label),
            None => providers.push((account.provider.as_str(), vec![label])),
        }
    }
    let each = |(provider, labels): &(&str, Vec<&str>)| format!("{provider} ({})", labels.join(", "));
    if providers.is_empty() {
        "none".to_owned()
    } else {
        providers.iter().map(each).collect::<Vec<_>>().join(", ")
    }
}

/// The advice for a configuration without accounts.
pub(crate) const NO_ACCOUNT: &str = "there is no account: `pointsman init` writes a first configuration, or set \
                                     ANTHROPIC_API_KEY, OPENAI_API_KEY or GEMINI_API_KEY";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::samples::{account, status};

    #[test]
    fn accounts_are_listed_by_provider() {
        let ids = ["anthropic:work", "openai:main", "anthropic:home"];
        let status = status(ids.iter().map(|id| account(id, "anthropic", 0)).collect(), &[]);
        assert_eq!(accounts(&status), "anthropic (work, home), openai (main)");
        assert_eq!(lines(&status)[0], format!("configuration: {NO_FILE}"));
    }

    #[test]
    fn no_account_is_told_as_none() {
        assert_eq!(accounts(&status(vec![], &[])), "none");
    }
}
