use crate::formats::body::json::stepped;

use super::*;
use crate::admission::fair_queue::Class;

const BODY: &[u8] = br#"{"model":"m","conversation_id":"c","thread_id":"t",
    "metadata":{"user_id":"user_ab_account__session_u"},"prompt_cache_key":"p",
    "messages":[{"role":"user","content":"hello"}]}"#;

fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    pairs
        .iter()
        .map(|&(name, value)| (name.parse().expect("a name"), value.parse().expect("a value")))
        .collect()
}

fn check(pairs: &[(&'static str, &'static str)], body: &[u8], id: &str, source: SessionSource) {
    let found = session(&headers(pairs), body, WireFormat::OpenAi).expect("a session");
    assert_eq!((found.agent, found.source), (SessionKey::of(id.as_bytes()), source), "{pairs:?}");
}

#[test]
fn places_are_looked_at_in_their_order() {
    use SessionSource::{Affinity, ClaudeCode, Codex, PromptCacheKey};

    let mut all = vec![
        ("user-agent", "codex_cli_rs/0.1"),
        ("x-opencode-session-id", "o3"),
        ("x-session-id", "o2"),
        ("x-session-affinity", "o1"),
        ("session_id", "x4"),
        ("session-id", "x3"),
        ("x-client-request-id", "x2"),
        ("thread-id", "x1"),
        ("x-claude-code-session-id", "cc"),
    ];
    let expected = [
        ("cc", ClaudeCode),
        ("x1", Codex),
        ("x2", Codex),
        ("x3", Codex),
        ("x4", Codex),
        ("o1", Affinity),
        ("o2", Affinity),
        ("o3", Affinity),
        ("p", PromptCacheKey),
    ];
    for (id, source) in expected {
        check(&all, BODY, id, source);
        all.pop();
    }
}

/// A key as a row of the table below names it: an id, or two that mean something together.
fn key(name: &str) -> SessionKey {
    match name.split_once('+') {
        Some((one, other)) => SessionKey::of_both(one.as_bytes(), other.as_bytes()),
        None => SessionKey::of(name.as_bytes()),
    }
}

/// Headers as each agent sends them, and what they come to: agent, parent, root session, and whether a
/// subagent sent them.
struct Row {
    who: &'static str,
    headers: &'static [(&'static str, &'static str)],
    agent: &'static str,
    parent: Option<&'static str>,
    root: Option<&'static str>,
    is_subagents: bool,
}

const REAL: [Row; 14] = [
    Row {
        who: "Claude Code, main",
        headers: &[("x-claude-code-session-id", "S")],
        agent: "S",
        parent: None,
        root: Some("S"),
        is_subagents: false,
    },
    Row {
        who: "Claude Code, subagent",
        headers: &[("x-claude-code-session-id", "S"), ("x-claude-code-agent-id", "a1")],
        agent: "S+a1",
        parent: Some("S"),
        root: Some("S"),
        is_subagents: true,
    },
    Row {
        who: "Claude Code, nested",
        headers: &[
            ("x-claude-code-session-id", "S"),
            ("x-claude-code-agent-id", "a2"),
            ("x-claude-code-parent-agent-id", "a1"),
        ],
        agent: "S+a2",
        parent: Some("S+a1"),
        root: Some("S"),
        is_subagents: true,
    },
    Row {
        who: "Codex, main",
        headers: &[
            ("originator", "codex_exec"),
            ("session-id", "S"),
            ("thread-id", "S"),
            ("x-client-request-id", "S"),
        ],
        agent: "S",
        parent: None,
        root: Some("S"),
        is_subagents: false,
    },
    Row {
        who: "Codex, subagent",
        headers: &[
            ("originator", "codex_exec"),
            ("session-id", "S"),
            ("thread-id", "T"),
            ("x-client-request-id", "T"),
            ("x-codex-parent-thread-id", "S"),
            ("x-openai-subagent", "collab_spawn"),
        ],
        agent: "T",
        parent: Some("S"),
        root: Some("S"),
        is_subagents: true,
    },
    Row {
        who: "Codex, nested",
        headers: &[
            ("session-id", "S"),
            ("thread-id", "U"),
            ("x-codex-parent-thread-id", "T"),
            ("x-openai-subagent", "collab_spawn"),
        ],
        agent: "U",
        parent: Some("T"),
        root: Some("S"),
        is_subagents: true,
    },
    Row {
        who: "Codex without a thread",
        headers: &[("user-agent", "codex_cli_rs/0.1"), ("session_id", "S"), ("x-client-request-id", "T")],
        agent: "T",
        parent: None,
        root: Some("S"),
        is_subagents: false,
    },
    Row {
        who: "another client's request id",
        headers: &[("session-id", "S"), ("x-client-request-id", "one-of-many")],
        agent: "S",
        parent: None,
        root: Some("S"),
        is_subagents: false,
    },
    Row {
        who: "opencode 1, main",
        headers: &[("x-session-affinity", "ses_1"), ("x-session-id", "ses_1")],
        agent: "ses_1",
        parent: None,
        root: None,
        is_subagents: false,
    },
    Row {
        who: "opencode 1, subagent",
        headers: &[
            ("x-session-affinity", "ses_2"),
            ("x-session-id", "ses_2"),
            ("x-parent-session-id", "ses_1"),
        ],
        agent: "ses_2",
        parent: Some("ses_1"),
        root: None,
        is_subagents: true,
    },
    Row {
        who: "opencode 2, subagent",
        headers: &[("x-opencode-session-id", "ses_2"), ("x-opencode-parent-session-id", "ses_1")],
        agent: "ses_2",
        parent: Some("ses_1"),
        root: None,
        is_subagents: true,
    },
    Row {
        who: "an agent that is its own parent",
        headers: &[("x-session-id", "ses_1"), ("x-parent-session-id", "ses_1")],
        agent: "ses_1",
        parent: None,
        root: None,
        is_subagents: true,
    },
    Row {
        who: "a launch that names its agent",
        headers: &[("x-pointsman-root", "L"), ("x-session-id", "ses_1")],
        agent: "ses_1",
        parent: None,
        root: Some("L"),
        is_subagents: false,
    },
    Row {
        who: "a launch of Copilot CLI",
        headers: &[("x-pointsman-root", "L"), ("x-interaction-type", "conversation-subagent")],
        agent: "p",
        parent: None,
        root: Some("L"),
        is_subagents: true,
    },
];

#[test]
fn each_agent_is_known_by_its_real_headers() {
    for Row { who, headers: pairs, agent, parent, root, is_subagents: subagent } in REAL {
        let headers = headers(pairs);
        // The body has a `prompt_cache_key`, which comes behind each header.
        let found = session(&headers, BODY, WireFormat::OpenAi).expect(who);
        let told = (found.agent, found.parent, found.root);
        assert_eq!(told, (key(agent), parent.map(key), root.map(key)), "{who}");
        assert_eq!(is_subagents(&headers, BODY, WireFormat::OpenAi), subagent, "{who}");
    }
}

#[test]
fn agents_of_one_launch_are_known_by_their_openings() {
    let launch = headers(&[("x-pointsman-root", "L")]);
    let ask = |headers: &HeaderMap, text: &str| {
        let body = format!(r#"{{"contents":[{{"role":"user","parts":[{{"text":"{text}"}}]}}]}}"#);
        session(headers, body.as_bytes(), WireFormat::Gemini).expect("a session")
    };
    let (main, child) = (ask(&launch, "main"), ask(&launch, "child"));
    assert_ne!(main.agent, child.agent);
    assert_eq!((main.root, child.root), (Some(key("L")), Some(key("L"))));
    assert_eq!(ask(&HeaderMap::new(), "main"), Session { root: None, ..main });
    let nothing = session(&launch, b"", WireFormat::Gemini).expect("a session");
    assert_eq!((nothing.agent, nothing.source), (key("L"), SessionSource::Launch));
}

#[test]
fn a_subagent_of_gemini_cli_is_known_by_its_tool() {
    let is = |body: &str| is_subagents(&HeaderMap::new(), body.as_bytes(), WireFormat::Gemini);
    assert!(is(r#"{"tools":[{"functionDeclarations":[{"name":"complete_task"}]}]}"#));
    assert!(!is(r#"{"contents":[{"parts":[{"text":"call \"complete_task\" now"}]}]}"#));
    assert!(!is_subagents(&HeaderMap::new(), br#"{"x":"complete_task"}"#, WireFormat::OpenAi));
}

#[test]
fn a_person_waits_for_what_is_not_told_to_be_of_the_background() {
    let class_of = |pairs: &[(&'static str, &'static str)]| class(&headers(pairs));
    let told = |class| class_of(&[("x-claude-code-request-class", class)]);
    for class in ["main", "compaction", "something-new"] {
        assert_eq!(told(class), Class::Interactive, "{class}");
    }
    for class in ["subagent", "workflow", "auxiliary"] {
        assert_eq!(told(class), Class::Background, "{class}");
    }
    assert_eq!(class_of(&[]), Class::Interactive);
    assert_eq!(class_of(&[("x-parent-session-id", "ses_1")]), Class::Background);
}

#[test]
fn siblings_have_one_type_and_a_fork_has_the_opening_of_its_parent() {
    let of = |pairs: &[(&'static str, &'static str)], system: &str, text: &str| {
        let body = format!(r#"{{"system":"{system}","messages":[{{"role":"user","content":"{text}"}}]}}"#);
        prefix(&headers(pairs), body.as_bytes(), WireFormat::Anthropic)
    };
    let (main, fork) = (of(&[], "you are main", "hello"), of(&[], "you are main", "hello"));
    let (one, other) = (of(&[], "you explore", "look here"), of(&[], "you explore", "look there"));
    assert_eq!(main, fork);
    assert_eq!(one.kind, other.kind);
    assert!(one.kind != main.kind && one.opening != other.opening);
    let typed = |kind| of(&[("x-claude-code-agent-type", kind)], "you explore", "x").kind;
    assert!(typed("Explore").is_some() && typed("Explore") != typed("Plan"));
    assert_eq!(prefix(&HeaderMap::new(), b"no JSON", WireFormat::Anthropic), Prefix::default());
}

#[test]
fn ids_of_the_body_come_in_their_order() {
    check(
        &[],
        br#"{"thread_id":"t","conversation_id":"c","metadata":{"user_id":"x_session_u"}}"#,
        "u",
        SessionSource::UserId,
    );
    check(&[], br#"{"thread_id":"t","conversation_id":"c"}"#, "c", SessionSource::Conversation);
    check(&[], br#"{"thread_id":"t","metadata":{"user_id":"a person"}}"#, "t", SessionSource::Conversation);
}

#[test]
fn both_forms_of_a_user_id_name_the_session() {
    let old = br#"{"metadata":{"user_id":"user_0f_account_1a-2b_session_3c-4d"}}"#;
    let new = br#"{"metadata":{"user_id":"{\"device_id\":\"0f\",\"account_uuid\":\"1a\",\"session_id\":\"3c-4d\"}"}}"#;
    check(&[], old, "3c-4d", SessionSource::UserId);
    check(&[], new, "3c-4d", SessionSource::UserId);
    for person in ["somebody", " ", "{}", "{\\\"session_id\\\":7}", "x_session_", ""] {
        let body = format!(r#"{{"metadata":{{"user_id":"{person}"}}}}"#);
        assert_eq!(session(&HeaderMap::new(), body.as_bytes(), WireFormat::Anthropic), None, "{person}");
    }
}

#[test]
fn one_id_is_one_session_wherever_it_was_found() {
    let by_header = session(&headers(&[("session-id", " s ")]), b"", WireFormat::OpenAi).expect("a session");
    let by_body = session(&HeaderMap::new(), br#"{"prompt_cache_key":"s"}"#, WireFormat::OpenAi);
    assert_eq!(Some(by_header.agent), by_body.map(|session| session.agent));
}

#[test]
fn a_parent_is_the_agent_that_it_was() {
    let child =
        session(&headers(&[("x-session-id", "b"), ("x-parent-session-id", "a")]), b"", WireFormat::OpenAi);
    let parent = session(&headers(&[("x-session-affinity", "a")]), b"", WireFormat::OpenAi);
    assert_eq!(child.and_then(|child| child.parent), parent.map(|parent| parent.agent));
    let empty = headers(&[("x-session-id", "a"), ("x-parent-session-id", "")]);
    assert!(!is_subagents(&empty, b"", WireFormat::OpenAi));
}

#[test]
fn a_request_id_of_another_client_is_no_session() {
    let found = session(&headers(&[("x-client-request-id", "r")]), b"{}", WireFormat::Anthropic);
    assert_eq!(found, None);
    check(&[("x-client-request-id", "r"), ("originator", "codex_cli_rs")], b"{}", "r", SessionSource::Codex);
}

/// A long body is what an agent sends most; to look through it again and again was the greatest part of
/// what a peer did.
#[test]
fn a_long_body_is_looked_through_once() {
    let turn = |role: &str| format!(r#"{{"role":"{role}","content":"{}"}}"#, r#"say \"pong\"\n"#.repeat(128));
    let turns: Vec<_> = ["user", "assistant"].iter().cycle().take(128).map(|role| turn(role)).collect();
    let many = turns.join(",");
    let one = format!(r#"{{"role":"user","content":"{}"}}"#, r#"say \"pong\"\n"#.repeat(16_384));
    for turns in [many, one] {
        let body = format!(r#"{{"model":"m","messages":[{turns}]}}"#);
        assert!(body.len() > 200_000);
        let named = headers(&[("session-id", "s")]);
        let looked = |headers: &HeaderMap| {
            stepped::by(|| _ = session(headers, body.as_bytes(), WireFormat::Anthropic))
        };
        assert_eq!(looked(&named), 0);
        let unnamed = looked(&HeaderMap::new());
        assert!(unnamed < body.len() + 16 * 1_024, "{unnamed} bytes of {}", body.len());
        assert!(stepped::by(|| drop(body::model(body.as_bytes()))) < 16);
    }
}

#[test]
fn an_empty_header_says_nothing() {
    check(&[("session-id", " "), ("x-session-id", "o")], BODY, "o", SessionSource::Affinity);
}
