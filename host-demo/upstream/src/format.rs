//! The wire formats: how an answer looks, whole and as the events of a stream.

mod anthropic;
mod code_assist;
mod gemini;
mod openai_chat;
mod openai_responses;

use crate::refusal::Refusal;
use crate::text::Text;
use crate::tools::ToolCall;

pub(crate) use code_assist::envelope_is_complete;

/// A wire format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Format {
    Anthropic,
    OpenaiChat,
    OpenaiResponses,
    Gemini,
    CodeAssist,
}

impl Format {
    /// Every wire format.
    #[cfg(test)]
    pub(crate) const ALL: [Self; 5] =
        [Self::Anthropic, Self::OpenaiChat, Self::OpenaiResponses, Self::Gemini, Self::CodeAssist];

    /// Whether an event tells its place in the stream.
    pub(crate) fn numbers_events(self) -> bool {
        self == Self::OpenaiResponses
    }
}

/// What an answer says, in no format yet.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) format: Format,
    /// A part of every id in the answer.
    pub(crate) id: String,
    pub(crate) model: String,
    /// What it says; of calls the arguments of the first.
    pub(crate) text: Text,
    /// It calls these tools, and says nothing else.
    pub(crate) calls: Vec<ToolCall>,
    /// Seconds since the Unix epoch.
    pub(crate) created: u64,
    pub(crate) input_tokens: u64,
    /// The caller wants a last chunk with usage (OpenAI chat).
    pub(crate) usage_chunk: bool,
    /// The stream is one JSON array, not server-sent events (Gemini without `alt=sse`).
    pub(crate) array: bool,
}

impl Reply {
    /// Whether it calls tools.
    pub(crate) fn calls_tools(&self) -> bool {
        !self.calls.is_empty()
    }

    /// The calls after the first, with their places. The first one is sent piece by piece, these as a whole.
    pub(crate) fn further_calls(&self) -> impl Iterator<Item = (usize, &ToolCall)> {
        self.calls.iter().enumerate().skip(1)
    }

    /// A part of the ids of one call.
    pub(crate) fn call_id(&self, place: usize) -> String {
        if place == 0 { self.id.clone() } else { format!("{}{place}", self.id) }
    }

    /// The answer in one piece.
    pub(crate) fn whole(&self) -> String {
        match self.format {
            Format::Anthropic => anthropic::whole(self),
            Format::OpenaiChat => openai_chat::whole(self),
            Format::OpenaiResponses => openai_responses::whole(self),
            Format::Gemini => gemini::whole(self),
            Format::CodeAssist => code_assist::wrap(self, &gemini::whole(self)),
        }
    }

    /// The events before the first content.
    pub(crate) fn opening(&self) -> Vec<String> {
        match self.format {
            Format::Anthropic => anthropic::opening(self),
            Format::OpenaiChat => openai_chat::opening(self),
            Format::OpenaiResponses => openai_responses::opening(self),
            Format::Gemini | Format::CodeAssist => Vec::new(),
        }
    }

    /// The content event of one piece of the text.
    pub(crate) fn piece(&self, index: u64) -> String {
        let text = self.text.piece(index);
        match self.format {
            Format::Anthropic => anthropic::piece(self, &text),
            Format::OpenaiChat => openai_chat::piece(self, &text),
            Format::OpenaiResponses => openai_responses::piece(self, index, &text),
            Format::Gemini => gemini::framed(self, index, &gemini::piece(self, index, &text)),
            Format::CodeAssist => {
                let wrapped = code_assist::wrap(self, &gemini::piece(self, index, &text));
                gemini::framed(self, index, &wrapped)
            }
        }
    }

    /// The events after the last content.
    pub(crate) fn closing(&self) -> Vec<String> {
        match self.format {
            Format::Anthropic => anthropic::closing(self),
            Format::OpenaiChat => openai_chat::closing(self),
            Format::OpenaiResponses => openai_responses::closing(self),
            Format::Gemini | Format::CodeAssist => Vec::new(),
        }
    }

    /// An error inside the stream, after so many events.
    pub(crate) fn error(&self, refusal: &Refusal, events: u64) -> String {
        match self.format {
            Format::Anthropic => named_event("error", &refusal.body),
            Format::OpenaiChat => event(&refusal.body),
            Format::OpenaiResponses => openai_responses::error(self, refusal, events),
            Format::Gemini | Format::CodeAssist => gemini::error(self, refusal, events),
        }
    }
}

/// A server-sent event with a name.
fn named_event(name: &str, data: &str) -> String {
    format!("event: {name}\ndata: {data}\n\n")
}

/// A server-sent event without a name.
fn event(data: &str) -> String {
    format!("data: {data}\n\n")
}

#[cfg(test)]
pub(crate) mod tests {
    use std::time::Duration;

    use serde_json::Value;

    use crate::pace::Pace;

    use super::*;

    pub(crate) fn reply(format: Format) -> Reply {
        Reply {
            format,
            id: "01abc".to_owned(),
            model: "m".to_owned(),
            text: Text::new("pong from work/a".to_owned(), &Pace::spread(2, Duration::ZERO)),
            calls: Vec::new(),
            created: 1_780_000_000,
            input_tokens: 12,
            usage_chunk: false,
            array: false,
        }
    }

    /// An answer with so many calls.
    pub(crate) fn calling(format: Format, calls: usize) -> Reply {
        let arguments = r#"{"c":"a b"}"#.to_owned();
        let call = ToolCall { name: "w".to_owned(), namespace: Some("s".to_owned()), arguments };
        let text = Text::new(call.arguments.clone(), &Pace::spread(1, Duration::ZERO));
        Reply { text, calls: vec![call; calls], ..reply(format) }
    }

    /// The events of a stream as (name or none, data).
    pub(crate) fn events(reply: &Reply) -> Vec<(Option<String>, String)> {
        let pieces = (0..reply.text.pieces()).map(|index| reply.piece(index));
        let texts = reply.opening().into_iter().chain(pieces).chain(reply.closing());
        texts.map(|text| parse_event(&text)).collect()
    }

    fn parse_event(text: &str) -> (Option<String>, String) {
        let lines: Vec<_> = text.lines().filter(|line| !line.is_empty()).collect();
        let name = lines.iter().find_map(|line| line.strip_prefix("event: "));
        let data = lines.iter().find_map(|line| line.strip_prefix("data: ")).expect("an event has data");
        (name.map(str::to_owned), data.to_owned())
    }

    pub(crate) fn names(reply: &Reply) -> Vec<String> {
        events(reply).into_iter().filter_map(|(name, _)| name).collect()
    }

    #[test]
    fn every_answer_and_every_event_is_filled_json() {
        for format in Format::ALL {
            let reply = reply(format);
            assert!(serde_json::from_str::<Value>(&reply.whole()).is_ok(), "{}", reply.whole());
            for (name, data) in events(&reply) {
                assert!(!data.contains('$'), "{data}");
                assert!(data == "[DONE]" || serde_json::from_str::<Value>(&data).is_ok(), "{name:?} {data}");
            }
        }
    }

    #[test]
    fn every_call_is_filled_json() {
        for format in Format::ALL {
            let reply = calling(format, 3);
            for text in
                [vec![reply.whole()], events(&reply).into_iter().map(|(_, data)| data).collect()].concat()
            {
                assert!(!text.contains('$'), "{text}");
                assert!(text == "[DONE]" || serde_json::from_str::<Value>(&text).is_ok(), "{text}");
            }
        }
    }

    #[test]
    fn a_named_event_carries_its_name_as_type() {
        for format in [Format::Anthropic, Format::OpenaiResponses] {
            for (name, data) in events(&reply(format)) {
                let data: Value = serde_json::from_str(&data).unwrap();
                assert_eq!(data["type"].as_str(), name.as_deref());
            }
        }
    }
}
