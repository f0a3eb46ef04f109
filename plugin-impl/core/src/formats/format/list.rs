//! The list of models in a format.

use serde_json::Value;

/// The members of a list, and its pages.
#[derive(Debug)]
pub struct ListShape {
    /// The member with the models.
    pub list: &'static str,
    /// The member of a model with its id.
    pub id: &'static str,
    /// The prefix before each id, not part of the id.
    pub prefix: &'static str,
    /// The parameters about pages; none for a list that is always whole.
    pub parameters: &'static [(&'static str, PageParameter)],
    /// The default length of a page, from the service's reference.
    pub usual_length: usize,
    /// Returns the parameter for the page after a list, if the list goes on.
    pub next: fn(&Value) -> Option<(&'static str, String)>,
    /// Writes a page.
    pub write: fn(PageFacts) -> Value,
}

/// The meaning of a parameter about pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageParameter {
    /// The length. Another value than 1 to the longest is an error.
    Length,
    /// The length. More than the longest is the longest, and nothing is the usual.
    LengthAtMost,
    /// The id before the page.
    After,
    /// The id behind the page.
    Before,
}

/// The content of a page.
#[derive(Clone, Debug, PartialEq)]
pub struct PageFacts {
    pub models: Vec<Value>,
    /// Whether the list goes on in the direction of the page.
    pub has_more: bool,
    pub first_id: Option<String>,
    pub last_id: Option<String>,
}

impl ListShape {
    /// Returns the id of a model.
    pub fn id_of<'a>(&self, model: &'a Value) -> Option<&'a str> {
        let id = model.get(self.id)?.as_str()?;
        Some(id.strip_prefix(self.prefix).unwrap_or(id)).filter(|id| !id.is_empty())
    }

    /// Returns the meaning of a parameter; none for a parameter of the providers.
    pub fn parameter(&self, name: &str) -> Option<PageParameter> {
        self.parameters.iter().find(|(known, _)| *known == name).map(|(_, parameter)| *parameter)
    }

    /// Returns the parameter for a service's longest page, for services with pages.
    pub fn longest(&self) -> Option<&'static str> {
        let is_length = |parameter| matches!(parameter, PageParameter::Length | PageParameter::LengthAtMost);
        self.parameters.iter().find(|(_, parameter)| is_length(*parameter)).map(|(name, _)| *name)
    }
}

/// Returns a member's text, unless empty.
pub(in crate::formats) fn text(list: &Value, name: &str) -> Option<String> {
    list[name].as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}
