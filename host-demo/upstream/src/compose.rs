//! From a call to what its answer says.

use std::time::Duration;

use crate::call::Call;
use crate::conversation;
use crate::format::{Format, Reply};
use crate::pace::{Jitter, Pace};
use crate::shared::Shared;
use crate::span::ceil_seconds;
use crate::text::Text;
use crate::tools::{Tool, ToolCall};

/// The answer of a model: its text tells who served.
pub(crate) fn reply(shared: &Shared, call: &Call, format: Format, sequence: u64, pace: &Pace) -> Reply {
    let model = call.model.clone().unwrap_or_default();
    let sentence = sentence(shared, call, &model);
    let calls = calls(shared, call, &sentence);
    let text = match calls.first() {
        // Cut or padded by the pace, arguments would be no JSON.
        Some(first) => {
            Text::new(first.arguments.clone(), &Pace::spread(pieces_of_a_call(format), Duration::ZERO))
        }
        None => Text::new(sentence, pace),
    };
    Reply {
        format,
        id: id(shared, sequence),
        text,
        calls,
        model,
        created: ceil_seconds(shared.clock.unix(shared.clock.now())),
        input_tokens: input_tokens(call),
        usage_chunk: call.usage_chunk,
        array: call.array,
    }
}

/// The tools that the answer calls: the one that the request forces, or those of the script.
fn calls(shared: &Shared, call: &Call, sentence: &str) -> Vec<ToolCall> {
    match Tool::forced(&call.body) {
        Some(tool) => vec![tool.call(sentence)],
        None => conversation::calls(&shared.plays, &call.body),
    }
}

/// Google sends a call in one piece; the others send its arguments bit by bit.
fn pieces_of_a_call(format: Format) -> u64 {
    if matches!(format, Format::Gemini | Format::CodeAssist) { 1 } else { 3 }
}

fn sentence(shared: &Shared, call: &Call, model: &str) -> String {
    let account = call.identity(shared).map_or("nobody", |identity| identity.label.as_str());
    let pool = call.pool(shared).unwrap_or("default");
    format!("pong from {account}/{pool} model {model}")
}

/// About four bytes are a token.
pub(crate) fn input_tokens(call: &Call) -> u64 {
    call.body.len() as u64 / 4 + 1
}

/// An id of a request, different for each.
pub(crate) fn id(shared: &Shared, sequence: u64) -> String {
    format!("{:016x}{sequence:08x}", Jitter::new(shared.seed ^ sequence).next())
}
