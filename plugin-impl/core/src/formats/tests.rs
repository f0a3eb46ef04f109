use http::{HeaderValue, StatusCode};
use serde_json::json;

use super::agent::Agent;
use super::format::error::{Detail, ErrorFacts};
use super::format::id_fields::LONGEST_NAME;
use super::format::list::PageFacts;
use super::format::request::StreamSwitch;
use super::*;

fn facts(status: StatusCode, detail: Detail) -> ErrorFacts {
    ErrorFacts {
        status,
        message: "of 2 accounts 2 limited".to_owned(),
        retry_after: Some(9),
        until: None,
        detail,
    }
}

/// A format that callers speak. The other formats are envelopes.
fn is_spoken(format: &Format) -> bool {
    format.events.wrapped.is_none()
}

#[test]
fn each_format_has_a_name_of_its_own_and_each_api_one_of_its_formats() {
    let names: Vec<_> = all().map(|format| format.name).collect();
    for (at, name) in names.iter().enumerate() {
        assert!(!name.is_empty() && !names[..at].contains(name), "{name}");
    }
    for (api, kind) in WireFormat::ALL.into_iter().zip(KINDS) {
        assert_eq!((api.name(), api), kind);
        assert_eq!(api.main().name, api.to_string());
    }
    assert_eq!(names.len(), WireFormat::ALL.iter().map(|api| api.formats().len()).sum::<usize>());
}

#[test]
fn each_format_writes_errors_with_their_message() {
    let details = [Detail::Usual, Detail::UsageLimit, Detail::DailyQuota];
    for format in all() {
        let mut bodies = Vec::new();
        for status in
            [StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE, StatusCode::BAD_REQUEST]
        {
            for detail in details {
                let body = (format.error)(&facts(status, detail));
                assert_eq!(body["error"]["message"], "of 2 accounts 2 limited", "{}", format.name);
                bodies.push(body);
            }
        }
        assert!(bodies[0] != bodies[3] && bodies[3] != bodies[6], "{} tells no status", format.name);
    }
}

#[test]
fn each_format_has_a_list_whose_ids_are_read_as_they_were_written() {
    for format in all() {
        let list = format.list;
        let model = json!({list.id: format!("{}a", list.prefix)});
        let (first_id, last_id) = (Some("a".to_owned()), Some("a".to_owned()));
        let written = (list.write)(PageFacts { models: vec![model], has_more: true, first_id, last_id });
        assert_eq!(list.id_of(&written[list.list][0]), Some("a"), "{}", format.name);
        let next = (list.next)(&written).map(|(name, from)| (list.parameter(name).is_some(), from));
        // A list has pages as far as it has parameters about them.
        assert_eq!(next, list.longest().map(|_| (true, "a".to_owned())), "{}", format.name);
        assert!(list.usual_length > 0);
    }
}

#[test]
fn each_format_has_paths_and_a_version_unless_it_is_an_envelope() {
    for format in all() {
        assert!(format.paths.version.starts_with('v'), "{}", format.name);
        assert_eq!(!format.paths.rows.is_empty(), is_spoken(format), "{}", format.name);
        // An action is told from a model by the API that has the path.
        assert!(format.paths.actions.is_none() || (format.paths.tells)("v1", "/models/m:act"));
    }
    for api in WireFormat::ALL {
        let told = api.formats().iter().any(|format| !format.paths.headers.is_empty());
        assert!(told || api == WireFormat::default(), "{api} cannot be told where it shares a path");
    }
}

#[test]
fn each_format_says_where_its_conversation_is_and_how_to_ask_for_a_stream() {
    for format in all() {
        let request = &format.request;
        assert_eq!(!request.turns.is_empty(), is_spoken(format), "{}", format.name);
        let (query, body) = match request.stream {
            StreamSwitch::Body => (None, br#"{"stream":true}"#.as_slice()),
            StreamSwitch::Query(pair) => (Some(pair), b"{}".as_slice()),
        };
        assert!(request.stream.is_on(query, body) && !request.stream.is_on(Some("x=1"), b"{}"));
    }
}

#[test]
fn each_format_knows_its_errors_and_answers() {
    for format in all() {
        let events = &format.events;
        assert!(!events.failures.is_empty() && !events.answer.is_empty(), "{}", format.name);
        let judged = |kind: &&str| (events.typed)(kind, b"{}");
        // A type is judged in one place.
        assert!(events.silent.iter().filter_map(judged).all(|is_output| !is_output), "{}", format.name);
        assert!(events.ends.iter().filter_map(judged).all(|is_output| is_output), "{}", format.name);
        assert!(events.chunk.len() + events.silent.len() > 0 || events.wrapped.is_some(), "{}", format.name);
    }
}

#[test]
fn each_keep_alive_has_bytes_and_an_end_with_the_message() {
    for format in all() {
        for row in format.keep_alive {
            assert!(!row.beat.is_empty() && !row.agents.is_empty() && !row.agents.contains(&Agent::Other));
            let failure = (row.failure)(&json!({}), "of 2 accounts 2 limited");
            assert!(failure.contains("of 2 accounts 2 limited"), "{}", format.name);
        }
    }
}

#[test]
fn no_format_takes_a_common_header_for_a_warning() {
    for format in all() {
        let value = HeaderValue::from_static("text/event-stream");
        assert!(!(format.limits.is_warning)("content-type", &value), "{}", format.name);
        assert!(!format.limits.are_told_to(Agent::Other), "{}", format.name);
    }
}

#[test]
fn identities_have_sources_of_their_own() {
    let sources: Vec<_> = all().filter_map(|format| format.identity.ids).map(|rule| rule.source).collect();
    assert!(sources.is_sorted() && !sources.is_empty(), "{sources:?}");
    for format in all() {
        let tool = format.identity.tool_of_subagents;
        assert!(tool.is_none_or(|tool| tool.starts_with('"') && tool.ends_with('"')), "{}", format.name);
    }
}

#[test]
fn each_format_has_ids_in_answers_and_requests_unless_it_is_an_envelope() {
    for format in all() {
        let names = || format.paths.rows.iter().map(|row| row.name);
        let found: Vec<_> = names().filter_map(|name| (format.ids.in_answers)(name, None)).collect();
        let refer =
            names().filter_map(|name| (format.ids.in_requests)(name)).any(|fields| !fields.is_empty());
        assert_eq!((!found.is_empty(), refer), (is_spoken(format), is_spoken(format)), "{}", format.name);
        // The scanner keeps no longer names.
        assert!(found.iter().all(|fields| fields.longest_name() <= LONGEST_NAME), "{}", format.name);
        // A kind in the path is one that answers make.
        for row in format.paths.rows.iter().filter(|row| row.resource.is_some()) {
            assert!((format.ids.in_answers)(row.name, None).is_some(), "{} {}", format.name, row.name);
        }
    }
}
