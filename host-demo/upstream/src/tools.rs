//! Tools: a caller can make a model use one, and then the answer is a call of it.
//!
//! A caller that leaves the choice to the model gets text, but where the script has a play for the conversation
//! ([`crate::conversation`]).

use serde_json::{Value, json};

/// A call of a tool, as an answer makes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ToolCall {
    pub(crate) name: String,
    /// The group of tools that the tool is declared in (OpenAI Responses).
    pub(crate) namespace: Option<String>,
    /// A JSON object.
    pub(crate) arguments: String,
}

/// A tool that a request declares.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Declared<'a> {
    pub(crate) name: &'a str,
    pub(crate) namespace: Option<&'a str>,
    declaration: &'a Value,
}

/// A tool that has to be called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tool {
    name: String,
    namespace: Option<String>,
    /// The members that its arguments must have.
    required: Vec<String>,
}

impl Tool {
    /// Finds the tool that a request forces, in whichever format it is.
    pub(crate) fn forced(body: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(body).ok()?;
        // Most requests force nothing, and are long.
        if !["tool_choice", "toolConfig", "tool_config"].iter().any(|key| text.contains(key)) {
            return None;
        }
        let body: Value = serde_json::from_str(text).ok()?;
        // The envelope of Code Assist.
        let body = body.get("request").filter(|inner| inner.is_object()).unwrap_or(&body);
        let forced = forced(body)?;
        let tool = declared(body).into_iter().find(|tool| forced.is_none_or(|own| own == tool.name))?;
        let namespace = tool.namespace.map(str::to_owned);
        Some(Self { name: tool.name.to_owned(), namespace, required: tool.required() })
    }

    /// Returns a call whose arguments say `sentence`.
    pub(crate) fn call(self, sentence: &str) -> ToolCall {
        let said = self.required.into_iter().map(|name| (name, json!(sentence)));
        let arguments = said.collect::<Value>().to_string();
        ToolCall { name: self.name, namespace: self.namespace, arguments }
    }
}

impl<'a> Declared<'a> {
    fn new(declaration: &'a Value, namespace: Option<&'a str>) -> Option<Self> {
        Some(Self { name: declaration["name"].as_str()?, namespace, declaration })
    }

    /// Returns the members that the arguments must have.
    fn required(self) -> Vec<String> {
        let keys = ["input_schema", "parameters", "parametersJsonSchema"];
        let schema = keys.iter().find_map(|key| self.declaration.get(key));
        let required = schema.and_then(|schema| schema["required"].as_array());
        required.into_iter().flatten().filter_map(|name| name.as_str().map(str::to_owned)).collect()
    }
}

/// Whether a tool is forced at all, and which where that is said.
#[expect(clippy::option_option, reason = "forced or not, and by name or not, are two questions")]
fn forced(body: &Value) -> Option<Option<&str>> {
    let choice = &body["tool_choice"];
    let named = choice["name"].as_str().or_else(|| choice["function"]["name"].as_str());
    if named.is_some() {
        return Some(named);
    }
    let is_any = choice == "required" || choice["type"] == "any";
    let google = body.get("toolConfig").or_else(|| body.get("tool_config"));
    let google = google
        .map(|config| config.get("functionCallingConfig").unwrap_or(&config["function_calling_config"]));
    let is_any = is_any || google.is_some_and(|config| config["mode"] == "ANY");
    let allowed = || google.and_then(|config| config["allowedFunctionNames"][0].as_str());
    is_any.then(allowed)
}

/// Returns the tools that a request declares, those inside of groups too.
pub(crate) fn declared(body: &Value) -> Vec<Declared<'_>> {
    body["tools"].as_array().into_iter().flatten().flat_map(members).collect()
}

fn members(tool: &Value) -> Vec<Declared<'_>> {
    let declarations = tool.get("functionDeclarations").or_else(|| tool.get("function_declarations"));
    let namespace = (tool["type"] == "namespace").then(|| tool["name"].as_str()).flatten();
    let inside = declarations.or_else(|| tool.get("tools").filter(|_| namespace.is_some()));
    match inside {
        Some(inside) => {
            let inside = inside.as_array().into_iter().flatten();
            inside.filter_map(|tool| Declared::new(tool, namespace)).collect()
        }
        None => Declared::new(tool.get("function").unwrap_or(tool), None).into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: Value, tool: Option<(&str, &str)>) {
        let found = Tool::forced(body.to_string().as_bytes());
        let found = found.map(|tool| tool.call("p")).map(|call| (call.name, call.arguments));
        let expected = tool.map(|(name, arguments)| (name.to_owned(), arguments.to_owned()));
        assert_eq!(found, expected, "{body}");
    }

    #[test]
    fn each_format_can_force_a_tool() {
        let schema = json!({"type": "object", "properties": {"c": {}, "d": {}}, "required": ["c"]});
        let called = Some(("w", r#"{"c":"p"}"#));
        let claude = json!([{"name": "v", "input_schema": {}}, {"name": "w", "input_schema": schema}]);
        check(json!({"tools": claude, "tool_choice": {"type": "tool", "name": "w"}}), called);
        check(json!({"tools": claude, "tool_choice": {"type": "any"}}), Some(("v", "{}")));
        let chat = json!([{"type": "function", "function": {"name": "w", "parameters": schema}}]);
        check(json!({"tools": chat, "tool_choice": "required"}), called);
        check(json!({"tools": chat, "tool_choice": {"type": "function", "function": {"name": "w"}}}), called);
        let responses = json!([{"type": "function", "name": "w", "parameters": schema}]);
        check(json!({"tools": responses, "tool_choice": {"type": "function", "name": "w"}}), called);
        let gemini = json!([{"functionDeclarations": [{"name": "w", "parameters": schema}]}]);
        let config = json!({"functionCallingConfig": {"mode": "ANY"}});
        check(json!({"tools": gemini, "toolConfig": config}), called);
        check(json!({"request": {"tools": gemini, "toolConfig": config}}), called);
    }

    #[test]
    fn a_model_that_may_choose_calls_nothing() {
        let tools = json!([{"name": "w", "input_schema": {}}]);
        check(json!({"tools": tools}), None);
        check(json!({"tools": tools, "tool_choice": {"type": "auto"}}), None);
        check(json!({"tools": tools, "tool_choice": {"type": "tool", "name": "unknown"}}), None);
        check(json!({"tools": [], "tool_choice": "required"}), None);
        check(json!("text"), None);
    }
}
