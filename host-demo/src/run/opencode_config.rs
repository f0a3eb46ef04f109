//! opencode's configuration for a launch: the user's, with the gateway's base URLs.

use std::ffi::OsStr;

use anyhow::Context as _;
use serde_json::{Map, Value, json};

use super::agent::Format;
use super::agent_environment::Launch;
use super::jsonc;

/// The variable with additional configuration; it takes precedence over the user's files.
pub(super) const VARIABLE: &str = "OPENCODE_CONFIG_CONTENT";

/// opencode's providers, with the form of their base URLs.
const PROVIDERS: [(Format, &str, &str); 3] = [
    (Format::Anthropic, "anthropic", "{base}/v1"),
    (Format::OpenAi, "openai", "{base}/v1"),
    (Format::Gemini, "google", "{base}/v1beta"),
];

/// Returns the configuration in `written` with the gateway's base URLs.
///
/// # Errors
/// `written` is no JSON object.
pub(super) fn with_bases(written: Option<&OsStr>, launch: &Launch) -> anyhow::Result<String> {
    let mut config = match written.filter(|text| !text.is_empty()) {
        Some(text) => jsonc::object(&text.to_string_lossy()).context(VARIABLE)?,
        None => Map::new(),
    };
    for (format, provider, base) in PROVIDERS {
        if launch.served.contains(&format) {
            let options = json!({"baseURL": launch.fill(base), "apiKey": launch.fill("{key}")});
            lay_over(&mut config, "provider", json!({provider: {"options": options}}));
        }
    }
    Ok(Value::Object(config).to_string())
}

/// Sets `value` at `key`; in objects, only the given members change.
fn lay_over(config: &mut Map<String, Value>, key: &str, value: Value) {
    match (config.get_mut(key), value) {
        (Some(Value::Object(there)), Value::Object(members)) => {
            members.into_iter().for_each(|(name, member)| lay_over(there, &name, member));
        }
        (_, value) => drop(config.insert(key.to_owned(), value)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::agent_environment::tests::launch;
    use super::*;

    fn config(written: Option<&str>, served: &[Format]) -> Value {
        let text = with_bases(written.map(OsStr::new), &launch(served)).expect("a configuration");
        serde_json::from_str(&text).expect("JSON")
    }

    #[test]
    fn each_format_that_is_served_has_its_base() {
        let config = config(None, &[Format::Anthropic, Format::Gemini]);
        let base = |provider: &str| config["provider"][provider]["options"]["baseURL"].clone();
        assert_eq!(base("anthropic"), "http://127.0.0.1:7/v1");
        assert_eq!(base("google"), "http://127.0.0.1:7/v1beta");
        assert_eq!(base("openai"), Value::Null);
    }

    #[test]
    fn what_the_user_wrote_stays() {
        let written = r#"{"model": "anthropic/m", // mine
            "provider": {"anthropic": {"options": {"timeout": 5, "baseURL": "https://a.example"}}}}"#;
        let config = config(Some(written), &[Format::Anthropic]);
        assert_eq!(config["model"], "anthropic/m");
        let options = &config["provider"]["anthropic"]["options"];
        assert_eq!((&options["timeout"], &options["baseURL"]), (&json!(5), &json!("http://127.0.0.1:7/v1")));
    }

    #[test]
    fn what_is_no_configuration_is_refused() {
        let error = with_bases(Some(OsStr::new("[]")), &launch(&[])).expect_err("no object");
        assert!(format!("{error:#}").starts_with(VARIABLE), "{error:#}");
    }
}
