//! From a call to what its answer says.

use crate::call::Call;
use crate::format::{Format, Reply};
use crate::pace::{Jitter, Pace};
use crate::shared::Shared;
use crate::span::ceil_seconds;
use crate::text::Text;

/// The answer of a model: its text tells who served.
pub(crate) fn reply(shared: &Shared, call: &Call, format: Format, sequence: u64, pace: &Pace) -> Reply {
    let model = call.model.clone().unwrap_or_default();
    Reply {
        format,
        id: id(shared, sequence),
        text: Text::new(sentence(shared, call, &model), pace),
        model,
        created: ceil_seconds(shared.clock.unix(shared.clock.now())),
        input_tokens: input_tokens(call),
        usage_chunk: call.usage_chunk,
        array: call.array,
    }
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
