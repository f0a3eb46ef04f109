//! Answers that cost no quota: model lists, projects, and readings of the quota itself.

use std::time::Duration;

use crate::quota::Level;
use crate::script::Unit;
use crate::shared::{Cell, Identity, Shared};
use crate::span::Rfc3339;
use crate::template::{Quoted, fill};

const OPENAI_MODEL: &str = r#"{"id":$id,"object":"model","created":1735689600,"owned_by":"local"}"#;
const ANTHROPIC_MODEL: &str =
    r#"{"type":"model","id":$id,"display_name":$id,"created_at":"2025-01-01T00:00:00Z"}"#;
const GEMINI_MODEL: &str = r#"{"name":$name,"version":"001","displayName":$id,"inputTokenLimit":1048576,"outputTokenLimit":65536,"supportedGenerationMethods":["generateContent","countTokens"]}"#;

const LOAD: &str = r#"{"currentTier":{"id":"free-tier","name":"Free"},"allowedTiers":[{"id":"free-tier","isDefault":true},{"id":"standard-tier","userDefinedCloudaicompanionProject":true}],"cloudaicompanionProject":$project,"gcpManaged":false}"#;
const ONBOARDED: &str =
    r#"{"done":true,"response":{"cloudaicompanionProject":{"id":$project,"name":$project}}}"#;
const BUCKET: &str = r#"{"remainingAmount":"$remaining","remainingFraction":$fraction,"resetTime":"$reset","tokenType":"$kind","modelId":$id}"#;
const AVAILABLE: &str =
    r#"$id:{"displayName":$id,"quotaInfo":{"remainingFraction":$fraction,"resetTime":"$reset"}}"#;
const USAGE: &str = r#""$name":{"utilization":$percent,"resets_at":"$reset"}"#;

pub(crate) fn openai_models(models: &[String]) -> String {
    format!(r#"{{"object":"list","data":[{}]}}"#, each(models, OPENAI_MODEL))
}

pub(crate) fn anthropic_models(models: &[String]) -> String {
    let end = |model: Option<&String>| model.map_or("null".to_owned(), |id| Quoted(id).to_string());
    fill(
        r#"{"data":[$models],"has_more":false,"first_id":$first,"last_id":$last}"#,
        &[
            ("models", &each(models, ANTHROPIC_MODEL)),
            ("first", &end(models.first())),
            ("last", &end(models.last())),
        ],
    )
}

pub(crate) fn gemini_models(models: &[String]) -> String {
    format!(r#"{{"models":[{}]}}"#, each(models, GEMINI_MODEL))
}

fn each(models: &[String], template: &str) -> String {
    joined(models, |id| fill(template, &[("id", &Quoted(id)), ("name", &Quoted(&format!("models/{id}")))]))
}

pub(crate) fn load_code_assist(identity: &Identity) -> String {
    fill(LOAD, &[("project", &Quoted(project(identity)))])
}

pub(crate) fn onboard_user(identity: &Identity) -> String {
    fill(ONBOARDED, &[("project", &Quoted(project(identity)))])
}

fn project(identity: &Identity) -> &str {
    identity.project.as_deref().unwrap_or("local-project")
}

/// A cell's quota as `retrieveUserQuota` tells it, for every model the same.
pub(crate) fn user_quota(shared: &Shared, cell: &Cell) -> String {
    let (level, now) = reading(shared, cell);
    let kind = match level.unit {
        Unit::Requests => "REQUESTS",
        Unit::InputTokens => "TOKENS",
    };
    let bucket = |id: &String| {
        fill(
            BUCKET,
            &[
                ("kind", &kind),
                ("remaining", &level.remaining()),
                ("fraction", &remaining_fraction(&level)),
                ("reset", &Rfc3339(now.saturating_add(level.resets_in))),
                ("id", &Quoted(id)),
            ],
        )
    };
    format!(r#"{{"buckets":[{}]}}"#, joined(&shared.models, bucket))
}

/// The same as `fetchAvailableModels` tells it.
pub(crate) fn available_models(shared: &Shared, cell: &Cell) -> String {
    let (level, now) = reading(shared, cell);
    let model = |id: &String| {
        fill(
            AVAILABLE,
            &[
                ("fraction", &remaining_fraction(&level)),
                ("reset", &Rfc3339(now.saturating_add(level.resets_in))),
                ("id", &Quoted(id)),
            ],
        )
    };
    format!(r#"{{"models":{{{}}}}}"#, joined(&shared.models, model))
}

/// A cell's windows as Anthropic's usage endpoint tells them.
pub(crate) fn usage(shared: &Shared, cell: &Cell) -> String {
    let now = shared.clock.now();
    let unix = shared.clock.unix(now);
    let window = |(index, level): (usize, Level)| {
        let name = ["five_hour", "seven_day", "seven_day_sonnet"].get(index).copied().unwrap_or(&level.name);
        let percent = format!("{:.1}", level.utilization() * 100.0);
        let reset = Rfc3339(unix.saturating_add(level.resets_in));
        fill(USAGE, &[("name", &name), ("percent", &percent), ("reset", &reset)])
    };
    let windows: Vec<_> = cell.levels(now).into_iter().enumerate().map(window).collect();
    format!("{{{}}}", windows.join(","))
}

/// The tightest window of a cell, and now as a time since the Unix epoch. No window is a whole one.
fn reading(shared: &Shared, cell: &Cell) -> (Level, Duration) {
    let now = shared.clock.now();
    let tightest = cell.levels(now).into_iter().max_by(|a, b| a.utilization().total_cmp(&b.utilization()));
    (tightest.unwrap_or_else(unlimited), shared.clock.unix(now))
}

fn unlimited() -> Level {
    let none = Duration::ZERO;
    Level {
        name: String::new(),
        unit: Unit::Requests,
        limit: u32::MAX,
        used: 0,
        every: none,
        resets_in: none,
    }
}

fn remaining_fraction(level: &Level) -> String {
    format!("{:.4}", 1.0 - level.utilization())
}

fn joined(models: &[String], text: impl Fn(&String) -> String) -> String {
    models.iter().map(text).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use crate::script::{Account, Pool, Script};

    use super::*;

    fn shared() -> Shared {
        let pool = Pool::limited(4, Duration::from_secs(60)).and(8, Duration::from_secs(600));
        Shared::new(Script::new(7).account(Account::new("a").pool("p", pool))).unwrap()
    }

    fn json(text: &str) -> Value {
        serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in {text}"))
    }

    #[test]
    fn every_model_is_listed_in_every_form() {
        let models = shared().models;
        for (list, key) in [
            (openai_models(&models), "data"),
            (anthropic_models(&models), "data"),
            (gemini_models(&models), "models"),
        ] {
            assert_eq!(json(&list)[key].as_array().unwrap().len(), models.len(), "{list}");
        }
        assert_eq!(json(&anthropic_models(&[]))["first_id"], Value::Null);
    }

    #[test]
    fn readings_follow_the_quota() {
        let shared = shared();
        let cell = shared.cell("a", "p").unwrap();
        cell.admit(1, shared.clock.now());
        let quota = json(&user_quota(&shared, cell));
        assert_eq!(quota["buckets"][0]["remainingFraction"], 0.75);
        assert_eq!(quota["buckets"][0]["remainingAmount"], "3");
        let available = json(&available_models(&shared, cell));
        assert_eq!(available["models"]["gemini-3-flash"]["quotaInfo"]["remainingFraction"], 0.75);
        let usage = json(&usage(&shared, cell));
        assert_eq!(
            (&usage["five_hour"]["utilization"], &usage["seven_day"]["utilization"]),
            (&Value::from(25.0), &Value::from(12.5))
        );
    }

    #[test]
    fn a_project_is_always_told() {
        let shared = shared();
        assert_eq!(json(&load_code_assist(&shared.accounts[0]))["cloudaicompanionProject"], "local-project");
        assert_eq!(json(&onboard_user(&shared.accounts[0]))["done"], true);
    }
}
