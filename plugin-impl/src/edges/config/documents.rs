//! YAML, and so JSON, as a tree with the place of every key and value.
//!
//! The tree is built from the parser's events instead of a ready-made value type, for three reasons:
//! duplicate keys are errors, nesting is bounded, and a scalar stays a text (`10%`, `1h30m`, `007`) for the
//! setting's own form. Aliases and tags are refused: they let a small file grow, and no setting needs them.

pub(super) mod catalog;
pub(super) mod consent;
pub(super) mod locate;
pub(super) mod overrides;

use std::sync::Arc;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Span, StrInput};

use crate::edges::config::reading::problem::Problem;
use crate::edges::config::reading::report::{ConfigError, Place, Report};

const MAX_DEPTH: usize = 16; // the deepest setting, a header of a pool, is at 6

/// A value with its place. The value may hold secrets, so the type has no print.
#[derive(Clone)]
pub(crate) struct Node {
    pub(crate) place: Place,
    pub(crate) value: Value,
}

#[derive(Clone)]
pub(crate) enum Value {
    Null,
    Text(String),
    List(Vec<Node>),
    Map(Vec<YamlMember>),
}

/// A key of a map with its value; keys are unique.
#[derive(Clone)]
pub(crate) struct YamlMember {
    pub(crate) key: String,
    pub(crate) place: Place,
    pub(crate) node: Node,
}

impl Node {
    pub(crate) fn new(place: Place, value: Value) -> Self {
        Self { place, value }
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(self.value, Value::Null)
    }

    /// Returns the members of a map; none for other values.
    pub(crate) fn members(&self) -> &[YamlMember] {
        if let Value::Map(members) = &self.value { members } else { &[] }
    }

    pub(crate) fn member(&self, key: &str) -> Option<&YamlMember> {
        self.members().iter().find(|member| member.key == key)
    }
}

/// Parses the document in `text`. A duplicate key is reported, and its first value counts.
///
/// # Errors
///
/// The first place with invalid YAML, or with YAML outside of configurations.
pub(crate) fn parse(text: &str, source: &Arc<str>, report: &Report) -> Result<Node, Box<ConfigError>> {
    Builder { parser: Parser::new_from_str(text), source, report }.document()
}

struct Builder<'a> {
    parser: Parser<'a, StrInput<'a>>,
    source: &'a Arc<str>,
    report: &'a Report,
}

impl<'a> Builder<'a> {
    fn document(&mut self) -> Result<Node, Box<ConfigError>> {
        self.next()?; // the start of the stream
        let (event, span) = self.next()?;
        if event == Event::StreamEnd {
            return Ok(Node::new(self.place(span), Value::Null));
        }
        let (event, span) = self.next()?;
        let root = self.node(event, span, 0)?;
        self.next()?; // the end of the document
        let (event, span) = self.next()?;
        if event == Event::StreamEnd {
            Ok(root)
        } else {
            Err(self.syntax(span, "a second document; a configuration is one"))
        }
    }

    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<Node, Box<ConfigError>> {
        // Bounds the recursion: the file may come from anybody.
        if depth > MAX_DEPTH {
            return Err(self.syntax(span, "this is nested too deeply"));
        }
        let place = self.place(span);
        let value = match event {
            Event::Scalar(_, _, _, Some(_))
            | Event::SequenceStart(_, Some(_))
            | Event::MappingStart(_, Some(_)) => {
                return Err(self.syntax(span, "tags (`!name`) are not used here"));
            }
            Event::Scalar(text, style, _, None) => scalar(&text, style),
            Event::SequenceStart(_, None) => Value::List(self.list(depth)?),
            Event::MappingStart(_, None) => Value::Map(self.map(depth)?),
            Event::Alias(_) => {
                return Err(self.syntax(span, "aliases (`*name`) are not used here; write the value out"));
            }
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd
            | Event::SequenceEnd
            | Event::MappingEnd => return Err(self.syntax(span, "a value is missing")),
        };
        Ok(Node::new(place, value))
    }

    fn list(&mut self, depth: usize) -> Result<Vec<Node>, Box<ConfigError>> {
        let mut items = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::SequenceEnd {
                return Ok(items);
            }
            items.push(self.node(event, span, depth + 1)?);
        }
    }

    fn map(&mut self, depth: usize) -> Result<Vec<YamlMember>, Box<ConfigError>> {
        let mut members: Vec<YamlMember> = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::MappingEnd {
                return Ok(members);
            }
            let member = self.member(event, span, depth)?;
            match members.iter().find(|earlier| earlier.key == member.key) {
                Some(first) => self.duplicate(&member, &first.place),
                None => members.push(member),
            }
        }
    }

    fn member(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<YamlMember, Box<ConfigError>> {
        let place = self.place(span);
        let Event::Scalar(key, ..) = event else {
            return Err(self.syntax(span, "a key must be plain text"));
        };
        let (event, span) = self.next()?;
        Ok(YamlMember { key: key.into_owned(), place, node: self.node(event, span, depth + 1)? })
    }

    fn duplicate(&self, member: &YamlMember, first: &Place) {
        let problem = Problem::DuplicateKey { key: member.key.clone(), first: first.to_string() };
        self.report.error(&member.place, problem);
    }

    fn next(&mut self) -> Result<(Event<'a>, Span), Box<ConfigError>> {
        match self.parser.next_event() {
            Some(next) => next.map_err(|error| self.malformed(&error)),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn malformed(&self, error: &ScanError) -> Box<ConfigError> {
        self.error_at(*error.marker(), error.info())
    }

    fn syntax(&self, span: Span, what: &str) -> Box<ConfigError> {
        self.error_at(span.start, what)
    }

    fn error_at(&self, marker: Marker, what: &str) -> Box<ConfigError> {
        Box::new(ConfigError { place: self.place_at(marker), problem: Problem::Syntax(what.to_owned()) })
    }

    fn place(&self, span: Span) -> Place {
        self.place_at(span.start)
    }

    fn place_at(&self, marker: Marker) -> Place {
        Place::at(self.source, marker.line().max(1), marker.col() + 1)
    }
}

fn scalar(text: &str, style: ScalarStyle) -> Value {
    let plain = style == ScalarStyle::Plain;
    if plain && matches!(text, "" | "~" | "null") { Value::Null } else { Value::Text(text.to_owned()) }
}
