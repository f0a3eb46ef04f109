//! The extent of an answer: the smallest named thing counts.

use serde_json::Value;

use super::meaning::of_model;
use super::provider;
use super::reply::Reply;
use crate::quota::model_set::ModelSet;
use crate::response::evidence::{Accused, Evidence, Extent};

/// Words of a limit on more than one model.
const WHOLE: [&str; 8] = [
    "your account",
    "organization",
    "organisation",
    "workspace",
    "usage limit",
    "per project",
    "all models",
    "your plan",
];

/// Narrows a limit, or a refusal, to the extent named by the answer.
pub(super) fn narrowed(reply: &Reply<'_>, evidence: Evidence) -> Evidence {
    if evidence.outcome.limit().is_some() {
        of_limit(reply, evidence)
    } else if evidence.outcome.may_be_about_a_model() && names_model(reply) {
        of_model(reply, evidence)
    } else {
        evidence
    }
}

fn of_limit(reply: &Reply<'_>, evidence: Evidence) -> Evidence {
    match provider::extent(reply) {
        Some(Extent::Models(set)) => {
            Evidence { accused: Accused::Model, ..evidence.named(Extent::Models(set)) }
        }
        Some(whole) => evidence.named(whole),
        None if dimension(reply).is_some() || names_model(reply) => of_model(reply, evidence),
        None if reply.error.tells_any(&WHOLE) => evidence.named(Extent::Pool),
        None => evidence,
    }
}

/// Google: `QuotaFailure.violations[].quotaDimensions.model`, or a quota named as per model.
fn dimension(reply: &Reply<'_>) -> Option<()> {
    let violations = reply.error.details().filter_map(|detail| detail.get("violations")?.as_array());
    let mut violations = violations.flatten();
    let of_model = |violation: &Value| {
        let dimension = violation.get("quotaDimensions").and_then(|dimensions| dimensions.get("model"));
        let id = violation.get("quotaId").and_then(Value::as_str).unwrap_or_default();
        dimension.is_some() || id.to_ascii_lowercase().contains("permodel")
    };
    violations.any(of_model).then_some(())
}

/// Returns whether the text names the model, or a model at all.
fn names_model(reply: &Reply<'_>) -> bool {
    let message = &reply.error.message;
    let has_word = words(message).any(|word| word == "model" || word == "models");
    has_word || [reply.asked.model, reply.asked.named].into_iter().any(|model| names(message, model))
}

fn names(message: &str, model: &str) -> bool {
    const SHORTEST: usize = 4;
    let model = model.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    model.len() >= SHORTEST && message.contains(&model)
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !letter.is_ascii_alphabetic())
}

/// Returns the models of a window by its name, such as `7d_opus`; none if the window covers every model.
pub(crate) fn models_of_window(window: &str, model: &str) -> Option<ModelSet> {
    let (_, name) = window.split_once('_')?;
    Some(ModelSet::named(name, model))
}
