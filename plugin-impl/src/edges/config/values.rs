//! The forms of values: a description of allowed values, and a parser.

pub(super) mod amount;
pub(super) mod listen;
pub(super) mod store;
pub(super) mod url;

use pointsman_core::planning::strategy::Strategy;

use crate::edges::config::reading::problem::nearest;

/// The description of a setting's values.
pub(crate) trait Shape: Sync {
    /// Whether a value is a single text.
    const IS_TEXT: bool;

    /// Returns the allowed values: `a time from 0s to 10m`.
    fn allowed(&self) -> String;

    /// Returns the refusal: `not a time from 0s to 10m`.
    fn refusal(&self) -> String {
        format!("not {}", self.allowed())
    }
}

/// A form of single texts.
pub(crate) trait Form: Shape {
    type Value;

    /// Parses a value, or returns the probable intent.
    fn parse(&self, text: &str) -> Result<Self::Value, Refused>;
}

/// A refused text, with the probable intent.
pub(crate) struct Refused(pub(crate) Option<String>);

impl Refused {
    pub(crate) const PLAIN: Self = Self(None);
}

/// A value made of settings, lists or free names, with its own reader.
pub(crate) struct Compound(pub(crate) &'static str);

impl Shape for Compound {
    const IS_TEXT: bool = false;

    fn allowed(&self) -> String {
        self.0.to_owned()
    }
}

/// Any non-empty text.
pub(crate) struct Text(pub(crate) &'static str);

impl Shape for Text {
    const IS_TEXT: bool = true;

    fn allowed(&self) -> String {
        self.0.to_owned()
    }
}

impl Form for Text {
    type Value = String;

    fn parse(&self, text: &str) -> Result<String, Refused> {
        if text.is_empty() { Err(Refused::PLAIN) } else { Ok(text.to_owned()) }
    }
}

pub(crate) struct Switch;

impl Shape for Switch {
    const IS_TEXT: bool = true;

    fn allowed(&self) -> String {
        "true or false".to_owned()
    }

    fn refusal(&self) -> String {
        "neither true nor false".to_owned()
    }
}

impl Form for Switch {
    type Value = bool;

    fn parse(&self, text: &str) -> Result<bool, Refused> {
        match text {
            "true" => Ok(true),
            "false" => Ok(false),
            "yes" | "on" | "1" | "True" | "TRUE" => Err(Refused(Some("true".to_owned()))),
            "no" | "off" | "0" | "False" | "FALSE" => Err(Refused(Some("false".to_owned()))),
            _ => Err(Refused(nearest(text, ["true", "false"]))),
        }
    }
}

/// One of several words.
pub(crate) struct Choice<T: 'static>(pub(crate) &'static [(&'static str, T)]);

impl<T: Sync> Shape for Choice<T> {
    const IS_TEXT: bool = true;

    fn allowed(&self) -> String {
        format!("one of {}", words(self.0.iter().map(|(word, _)| *word)))
    }

    fn refusal(&self) -> String {
        format!("none of {}", words(self.0.iter().map(|(word, _)| *word)))
    }
}

impl<T: Copy + Sync> Form for Choice<T> {
    type Value = T;

    fn parse(&self, text: &str) -> Result<T, Refused> {
        let found = self.0.iter().find(|(word, _)| *word == text);
        found
            .map(|(_, value)| *value)
            .ok_or_else(|| Refused(nearest(text, self.0.iter().map(|(word, _)| *word))))
    }
}

/// A strategy of the core.
pub(crate) struct StrategyName;

impl StrategyName {
    fn names() -> [&'static str; Strategy::ALL.len()] {
        Strategy::ALL.map(Strategy::name)
    }
}

impl Shape for StrategyName {
    const IS_TEXT: bool = true;

    fn allowed(&self) -> String {
        format!("one of {}", words(Self::names()))
    }

    fn refusal(&self) -> String {
        format!("none of {}", words(Self::names()))
    }
}

impl Form for StrategyName {
    type Value = Strategy;

    fn parse(&self, text: &str) -> Result<Strategy, Refused> {
        let found = Strategy::ALL.into_iter().find(|strategy| strategy.name() == text);
        found.ok_or_else(|| Refused(nearest(text, Self::names())))
    }
}

/// A whole number.
pub(crate) struct Count {
    pub(crate) from: u16,
    pub(crate) to: u16,
}

impl Shape for Count {
    const IS_TEXT: bool = true;

    fn allowed(&self) -> String {
        format!("a whole number from {} to {}", self.from, self.to)
    }
}

impl Form for Count {
    type Value = u16;

    fn parse(&self, text: &str) -> Result<u16, Refused> {
        match text.parse() {
            Ok(count) if (self.from..=self.to).contains(&count) => Ok(count),
            Ok(_) | Err(_) => Err(Refused::PLAIN),
        }
    }
}

/// A number with up to two decimals, such as `0.1`.
pub(crate) struct Weight;

impl Weight {
    const MOST: f64 = 100.0;
}

impl Shape for Weight {
    const IS_TEXT: bool = true;

    fn allowed(&self) -> String {
        "a number from 0 to 100 with at most two decimals".to_owned()
    }
}

impl Form for Weight {
    /// In hundredths.
    type Value = u16;

    fn parse(&self, text: &str) -> Result<u16, Refused> {
        let decimals = text.split_once('.').map_or(0, |(_, decimals)| decimals.len());
        match text.parse::<f64>() {
            Ok(number) if decimals <= 2 && (0.0..=Self::MOST).contains(&number) => {
                Ok((number * 100.0).round() as u16)
            }
            Ok(_) | Err(_) => Err(Refused::PLAIN),
        }
    }
}

/// A fraction such as `10%`.
pub(crate) struct Percent;

impl Shape for Percent {
    const IS_TEXT: bool = true;

    fn allowed(&self) -> String {
        "a percentage from 0% to 100%".to_owned()
    }
}

impl Form for Percent {
    /// In hundredths.
    type Value = f64;

    fn parse(&self, text: &str) -> Result<f64, Refused> {
        let number = text.strip_suffix('%').map(str::trim_end);
        match number.unwrap_or(text).parse::<f64>() {
            Ok(value) if number.is_some() && (0.0..=100.0).contains(&value) => Ok(value),
            Ok(value) if number.is_none() && (0.0..=100.0).contains(&value) => {
                Err(Refused(Some(format!("{text}%"))))
            }
            Ok(_) | Err(_) => Err(Refused::PLAIN),
        }
    }
}

/// Returns `a, b, c`.
pub(crate) fn words<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    words.into_iter().collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_have_two_decimals() {
        let check = |text: &str, weight: Option<u16>| assert_eq!(Weight.parse(text).ok(), weight, "{text}");
        check("0.1", Some(10));
        check("2", Some(200));
        check("99.99", Some(9_999));
        check("0.125", None);
        check("-1", None);
        check("101", None);
        check("much", None);
    }
}
