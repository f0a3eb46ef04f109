//! A conversation as a request tells it: what the user said, what tools answered, and which tools there are.
//! One reading for all wire formats.

use serde_json::Value;

use crate::script::{Act, Play};
use crate::tools::{ToolCall, declared};

/// The parts of a conversation that decide what the model does next.
#[derive(Debug, Default)]
struct Conversation {
    said: Vec<String>,
    results: Vec<Value>,
}

/// Returns the tool calls that a script has for a request.
pub(crate) fn calls(plays: &[Play], body: &[u8]) -> Vec<ToolCall> {
    // The benchmarks have no plays and long bodies.
    if plays.is_empty() {
        return Vec::new();
    }
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    // The envelope of Code Assist.
    let body = body.get("request").filter(|inner| inner.is_object()).unwrap_or(&body);
    let conversation = Conversation::read(body);
    let acts = conversation.play(plays).map_or(&[][..], |play| play.due(conversation.results.len()));
    acts.iter().filter_map(|act| conversation.call(act, body)).collect()
}

impl Conversation {
    fn read(body: &Value) -> Self {
        let mut conversation = Self::default();
        if let Some(text) = body["input"].as_str() {
            conversation.said.push(text.to_owned());
        }
        for list in ["messages", "input", "contents"] {
            body[list].as_array().into_iter().flatten().for_each(|message| conversation.take(message));
        }
        conversation
    }

    fn take(&mut self, message: &Value) {
        if message["type"] == "function_call_output" {
            self.results.push(message["output"].clone());
        } else if message["role"] == "tool" {
            self.results.push(message["content"].clone());
        } else if message["role"] == "user" {
            self.take_parts(message);
        }
    }

    /// Takes what a user's message has: in Anthropic's and Google's format the results of tools as well.
    fn take_parts(&mut self, message: &Value) {
        if let Some(text) = message["content"].as_str() {
            self.said.push(text.to_owned());
        }
        for part in ["content", "parts"].iter().filter_map(|key| message[key].as_array()).flatten() {
            if part["type"] == "tool_result" {
                self.results.push(part["content"].clone());
            } else if let Some(response) = part.get("functionResponse") {
                self.results.push(response["response"].clone());
            } else if let Some(text) = part["text"].as_str() {
                self.said.push(text.to_owned());
            }
        }
    }

    fn play<'a>(&self, plays: &'a [Play]) -> Option<&'a Play> {
        self.said.iter().find_map(|text| plays.iter().find(|play| text.contains(&play.about)))
    }

    fn call(&self, act: &Act, body: &Value) -> Option<ToolCall> {
        let tool = declared(body).into_iter().find(|tool| tool.name == act.tool)?;
        let arguments = self.filled(&act.input).to_string();
        Some(ToolCall { name: act.tool.clone(), namespace: tool.namespace.map(str::to_owned), arguments })
    }

    /// Replaces `$result.N.MEMBER` in an input.
    fn filled(&self, input: &Value) -> Value {
        match input {
            Value::String(text) => self.result(text).unwrap_or_else(|| input.clone()),
            Value::Array(items) => items.iter().map(|item| self.filled(item)).collect(),
            Value::Object(members) => {
                members.iter().map(|(name, value)| (name.clone(), self.filled(value))).collect()
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => input.clone(),
        }
    }

    fn result(&self, text: &str) -> Option<Value> {
        let (place, member) = text.strip_prefix("$result.")?.split_once('.')?;
        let result = self.results.get(place.parse::<usize>().ok()?)?;
        let read: Value = match result.as_str() {
            Some(text) => serde_json::from_str(text).ok()?,
            None => result.clone(),
        };
        read.get(member).cloned()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn plays() -> Vec<Play> {
        let act = |input| Act::call("spawn", input);
        let second = Act::call("wait", json!({"targets": ["$result.1.id"], "n": 1}));
        let first = [act(json!({"prompt": "one"})), act(json!({"prompt": "two"}))];
        vec![Play::about("the work").turn(first).turn([second])]
    }

    fn check(body: &Value, expected: &[(&str, &str)]) {
        let calls = calls(&plays(), body.to_string().as_bytes());
        let calls: Vec<_> = calls.iter().map(|call| (call.name.as_str(), call.arguments.as_str())).collect();
        assert_eq!(calls, expected, "{body}");
    }

    const FIRST: [(&str, &str); 2] = [("spawn", r#"{"prompt":"one"}"#), ("spawn", r#"{"prompt":"two"}"#)];
    const SECOND: [(&str, &str); 1] = [("wait", r#"{"n":1,"targets":["b"]}"#)];
    const RESULTS: [&str; 2] = [r#"{"id":"a"}"#, r#"{"id":"b"}"#];

    #[test]
    fn the_turns_follow_the_results_in_each_format() {
        let names = ["spawn", "wait"];
        let claude = names.map(|name| json!({"name": name, "input_schema": {}}));
        let result = |text| json!({"type": "tool_result", "tool_use_id": "t", "content": text});
        let said = json!({"role": "user", "content": [{"type": "text", "text": "do the work"}]});
        check(&json!({"tools": claude, "messages": [said]}), &FIRST);
        let after = json!({"role": "user", "content": RESULTS.map(result)});
        check(&json!({"tools": claude, "messages": [said, after]}), &SECOND);

        let chat = names.map(|name| json!({"type": "function", "function": {"name": name}}));
        let said = json!({"role": "user", "content": "do the work"});
        let [a, b] = RESULTS.map(|text| json!({"role": "tool", "content": text}));
        check(&json!({"tools": chat, "messages": [said]}), &FIRST);
        check(&json!({"tools": chat, "messages": [said, a, b]}), &SECOND);

        let inside = names.map(|name| json!({"type": "function", "name": name}));
        let responses = json!([{"type": "namespace", "name": "agents", "tools": inside}]);
        let [a, b] = RESULTS.map(|text| json!({"type": "function_call_output", "output": text}));
        check(&json!({"tools": responses, "input": "do the work"}), &FIRST);
        check(&json!({"tools": responses, "input": [said, a, b]}), &SECOND);

        let gemini = json!([{"functionDeclarations": names.map(|name| json!({"name": name}))}]);
        let said = json!({"role": "user", "parts": [{"text": "do the work"}]});
        let parts = ["a", "b"].map(|id| json!({"functionResponse": {"response": {"id": id}}}));
        let inner = json!({"tools": gemini, "contents": [said, {"role": "user", "parts": parts}]});
        check(&inner, &SECOND);
        check(&json!({"request": inner}), &SECOND);
    }

    #[test]
    fn only_a_users_words_and_declared_tools_count() {
        let tools = json!([{"name": "spawn"}, {"name": "wait"}]);
        let said = |role: &str| json!([{"role": role, "content": "do the work"}]);
        check(&json!({"tools": tools, "messages": said("assistant")}), &[]);
        check(&json!({"tools": [], "messages": said("user")}), &[]);
        check(&json!({"tools": tools, "messages": [{"role": "user", "content": "else"}]}), &[]);
        check(&json!("text"), &[]);
    }

    #[test]
    fn a_call_names_the_namespace_that_its_tool_is_in() {
        let inside = json!([{"type": "function", "name": "spawn"}]);
        let tools = json!([{"type": "namespace", "name": "agents", "tools": inside}]);
        let body = json!({"tools": tools, "input": "the work"}).to_string();
        let calls = calls(&plays(), body.as_bytes());
        assert!(calls.iter().all(|call| call.namespace.as_deref() == Some("agents")), "{calls:?}");
    }
}
