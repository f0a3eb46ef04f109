//! Settings for one `droid exec`: a private file that names the model of the command at the gateway.
//!
//! A model that droid knows by itself needs an account at Factory; one of `customModels` does not. So the command
//! names its model as `custom:MODEL`, and the file says where that is.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;

use anyhow::Context as _;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::agent::Format;
use super::agent_environment::Launch;

const USAGE: &str =
    "droid goes through the gateway as `droid exec -m custom:MODEL …`, with the model's own name";
const CUSTOM: &str = "custom:";

/// Writes the file for a command. It is there as long as the folder is.
///
/// # Errors
/// Where the command names no such model, or there can be no such file.
pub(super) fn for_command(rest: &[OsString], launch: &Launch) -> anyhow::Result<(PathBuf, TempDir)> {
    let model = model(rest).context(USAGE)?;
    let folder = tempfile::Builder::new().prefix("pointsman-").tempdir()?;
    let file = folder.path().join("settings.json");
    fs::write(&file, settings(model, launch).to_string())?;
    Ok((file, folder))
}

fn model(rest: &[OsString]) -> Option<&str> {
    let words: Vec<&str> = rest.iter().map(|word| word.to_str().unwrap_or_default()).collect();
    let (command, options) = words.split_first()?;
    let named = options.windows(2).find(|pair| matches!(pair[0], "-m" | "--model")).map(|pair| pair[1]);
    let joined = || options.iter().find_map(|word| word.strip_prefix("--model="));
    let model = named.or_else(joined)?.strip_prefix(CUSTOM)?;
    (*command == "exec").then_some(model)
}

fn settings(model: &str, launch: &Launch) -> Value {
    let (provider, base) = match format(model, &launch.served) {
        Format::Anthropic => ("anthropic", "{base}"),
        Format::OpenAi | Format::Gemini => ("openai", "{base}/v1"),
    };
    let (base, key) = (launch.fill(base), launch.fill("{key}"));
    json!({"customModels": [
        {"model": model, "displayName": model, "baseUrl": base, "apiKey": key, "provider": provider},
    ]})
}

/// Where both formats have accounts, the model's name tells which is meant.
fn format(model: &str, served: &[Format]) -> Format {
    let is_served = |format| served.contains(&format);
    if is_served(Format::Anthropic) && (model.starts_with("claude") || !is_served(Format::OpenAi)) {
        Format::Anthropic
    } else {
        Format::OpenAi
    }
}

/// Puts arguments after the command of an agent's own, which comes first.
pub(super) fn after_command(rest: &[OsString], arguments: &[OsString]) -> Vec<OsString> {
    let (command, options) = rest.split_at(rest.len().min(1));
    [command, arguments, options].concat()
}

#[cfg(test)]
mod tests {
    use super::super::agent_environment::tests::launch;
    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        line.split(' ').map(OsString::from).collect()
    }

    #[test]
    fn the_file_names_the_model_of_the_command() {
        let both = [Format::OpenAi, Format::Anthropic];
        for (line, served, provider) in [
            ("exec -m custom:claude-sonnet-4-6 hi", &both[..], "anthropic"),
            ("exec --model custom:gpt-5 hi", &both[..], "openai"),
            ("exec --model=custom:gpt-5 hi", &both[..1], "openai"),
            ("exec -m custom:big-model hi", &both[1..], "anthropic"),
        ] {
            let (file, _folder) = for_command(&words(line), &launch(served)).expect("a file");
            let text = fs::read_to_string(file).expect("it is there");
            let model = serde_json::from_str::<Value>(&text).expect("JSON")["customModels"][0].clone();
            assert_eq!(model["provider"], provider, "{line}");
            assert!(line.contains(model["model"].as_str().expect("a model")), "{line}");
            assert_eq!(model["apiKey"], "routed-by-pointsman");
        }
    }

    #[test]
    fn a_command_that_would_not_come_to_the_gateway_is_refused() {
        for line in ["", "exec hi", "exec -m gpt-5 hi", "-m custom:gpt-5", "exec hi -m"] {
            let error = for_command(&words(line), &launch(&[Format::OpenAi])).expect_err(line);
            assert_eq!(error.to_string(), USAGE, "{line}");
        }
    }

    #[test]
    fn arguments_go_after_the_command() {
        let added = after_command(&words("exec hi"), &words("--settings file"));
        assert_eq!(added, words("exec --settings file hi"));
        assert_eq!(after_command(&[], &words("a")), ["a"]);
    }
}
