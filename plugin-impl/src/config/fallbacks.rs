//! The chains of models at other providers. They are checked, so that a file which is valid stays valid.

use super::family::unknown;
use super::form::{Form, Refused, Shape, Text};
use super::reader::Fields;
use super::report::Report;
use super::settings::FALLBACKS;

/// `provider/model`.
struct Target;

impl Shape for Target {
    const IS_TEXT: bool = true;

    fn allowed(&self) -> String {
        "provider/model, such as acme/big-model".to_owned()
    }
}

impl Form for Target {
    /// The provider.
    type Value = String;

    fn parse(&self, text: &str) -> Result<String, Refused> {
        let (provider, model) = text.split_once('/').ok_or(Refused::PLAIN)?;
        if model.is_empty() { Err(Refused::PLAIN) } else { Text("a provider").parse(provider) }
    }
}

/// Reports targets that are none, and providers that there are not.
pub(super) fn check(top: &Fields<'_>, providers: &[&str], report: &mut Report) {
    let Some(entry) = top.get(&FALLBACKS) else { return };
    for (_, targets) in entry.members(&FALLBACKS.form.allowed(), report) {
        for provider in
            targets.values(&Target, report).into_iter().filter(|name| !providers.contains(&name.as_str()))
        {
            targets.error(unknown(&targets, "provider", provider, providers), report);
        }
    }
}
