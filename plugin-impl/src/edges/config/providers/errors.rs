//! The user's own rules for a provider's errors.

use std::time::Duration;

use pointsman_core::response::rule::{Means, Rule};

use crate::edges::config::reading::problem::{Problem, shown};
use crate::edges::config::reading::{Entry, Fields};
use crate::edges::config::settings::{
    CODE_OF_ERROR, ERROR, ERRORS, MEANS_OF_ERROR, STATUS_OF_ERROR, TEXT_OF_ERROR, TIME_OF_ERROR,
};

/// Reads `errors` of a provider; the first matching entry counts.
pub(super) fn errors(provider: &Fields<'_>) -> Vec<Rule> {
    let Some(entry) = provider.get(&ERRORS) else { return Vec::new() };
    let mut rules: Vec<(Rule, String)> = Vec::new();
    for item in entry.items("a list of entries such as {status: 402, means: account}") {
        let path = item.path.clone();
        if let Some(rule) = rule(item, &rules) {
            rules.push((rule, path));
        }
    }
    rules.into_iter().map(|(rule, _)| rule).collect()
}

fn rule(item: Entry<'_>, before: &[(Rule, String)]) -> Option<Rule> {
    let fields = item.fields(&ERROR);
    let (status, code) = (fields.read(&STATUS_OF_ERROR), fields.read(&CODE_OF_ERROR));
    let text = fields.read(&TEXT_OF_ERROR).map(|text| text.to_lowercase());
    let lasts = fields.read(&TIME_OF_ERROR);
    let means = fields.require(&MEANS_OF_ERROR)?;
    // A value that could not be read has been reported.
    if status.is_none() && fields.get(&STATUS_OF_ERROR).is_some() {
        return None;
    }
    let rule = Rule { status, code, text, means, lasts };
    let problem = contradiction(&rule, before);
    if let Some(reason) = problem {
        fields.entry().error(Problem::Rule { key: fields.entry().path.clone(), reason });
        return None;
    }
    Some(rule)
}

/// Returns the fault of a rule, if it can have no effect or contradicts itself.
fn contradiction(rule: &Rule, before: &[(Rule, String)]) -> Option<String> {
    if rule.status.is_none() && rule.code.is_none() && rule.text.is_none() {
        return Some("matches every error; give it a `status`, a `code` or a `text`".to_owned());
    }
    if matches!(rule.means, Means::Request | Means::Ignore) && rule.lasts.is_some() {
        return Some("closes nothing, so `for` has no effect; leave `for` out".to_owned());
    }
    if rule.lasts == Some(Duration::ZERO) {
        return Some("closes nothing for no time; take `means: ignore`".to_owned());
    }
    if let Some(text) = rule.text.as_ref().filter(|text| is_pattern(text)) {
        return Some(format!(
            "has the text `{}`; a text is looked for as written, not as a pattern",
            shown(text)
        ));
    }
    let same = |(other, _): &&(Rule, String)| covers(other, rule);
    let (_, first) = before.iter().find(same)?;
    Some(format!("has no effect, because `{first}` matches the same errors before; leave one of them out"))
}

/// Returns whether every error that `rule` matches is matched by `first`.
fn covers(first: &Rule, rule: &Rule) -> bool {
    first.status.is_none_or(|status| rule.status == Some(status))
        && first.code.as_ref().is_none_or(|code| rule.code.as_ref() == Some(code))
        && first.text.as_ref().is_none_or(|text| rule.text.as_ref().is_some_and(|own| own.contains(text)))
}

fn is_pattern(text: &str) -> bool {
    let slashed = text.len() > 2 && text.starts_with('/') && text.ends_with('/');
    slashed || text.contains(".*") || text.contains("\\d")
}
