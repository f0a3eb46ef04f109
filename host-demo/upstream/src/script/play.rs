//! A play: the tools that the model calls in a conversation, turn by turn.

use serde::Deserialize;
use serde_json::Value;

/// The tool calls of the model in each conversation whose user says something.
///
/// The model makes the calls of the first turn, then, once their results are in the conversation, those of the
/// next one. After the last turn, and where a request does not declare the tools, it answers with text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Play {
    /// A part of what the user says. The first message that a play is about decides.
    pub about: String,
    pub turns: Vec<Vec<Act>>,
}

/// One call of a tool.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Act {
    pub tool: String,
    /// The arguments. A text `$result.N.MEMBER` is replaced by a member of the N-th tool result in the
    /// conversation, counted from 0.
    #[serde(default)]
    pub input: Value,
}

impl Play {
    /// Begins a play without turns.
    pub fn about(words: &str) -> Self {
        Self { about: words.to_owned(), turns: Vec::new() }
    }

    /// Adds a turn with these calls at once.
    #[must_use]
    pub fn turn(mut self, calls: impl IntoIterator<Item = Act>) -> Self {
        self.turns.push(calls.into_iter().collect());
        self
    }

    /// Returns the calls that are due after so many results.
    pub(crate) fn due(&self, results: usize) -> &[Act] {
        let mut before = 0;
        let due = self.turns.iter().find(|turn| {
            let is_due = before == results;
            before += turn.len();
            is_due
        });
        due.map_or(&[], Vec::as_slice)
    }
}

impl Act {
    /// Calls a tool with these arguments.
    pub fn call(tool: &str, input: Value) -> Self {
        Self { tool: tool.to_owned(), input }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_is_due_when_all_results_before_it_are_there() {
        let act = |tool: &str| Act::call(tool, Value::Null);
        let play = Play::about("x").turn([act("a"), act("b")]).turn([act("c")]);
        let due = |results| play.due(results).iter().map(|act| act.tool.as_str()).collect::<Vec<_>>();
        assert_eq!(due(0), ["a", "b"]);
        assert_eq!(due(1), [""; 0]);
        assert_eq!(due(2), ["c"]);
        assert_eq!(due(3), [""; 0]);
    }
}
