use http::Method;
use proptest::prelude::*;

use super::*;
use crate::formats::WireFormat::{self, Anthropic, Gemini, OpenAi};
use crate::request::intent::Intent;

fn intent(format: WireFormat, path: &str) -> Intent {
    Intent::read(&Method::POST, path, Some(format), None).expect("a format that is told is enough")
}

fn refers(format: WireFormat, path: &str, body: &str) -> Vec<ResourceKey> {
    resource_owners(body.as_bytes(), &intent(format, path)).to_vec()
}

/// What the answer to a request made, when it comes in these pieces; as a whole it made the same.
fn made(format: WireFormat, path: &str, pieces: &[&[u8]]) -> Vec<ResourceKey> {
    let mut id_scanner = IdScanner::new(&intent(format, path)).expect("such a request makes things");
    let (mut found, mut in_all) = (Vec::new(), Vec::new());
    id_scanner.clone().all(&pieces.concat(), |key| in_all.push(key));
    pieces.iter().for_each(|piece| id_scanner.push(piece, |key| found.push(key)));
    assert_eq!(found, in_all);
    found
}

fn key(kind: ResourceKind, id: &str) -> ResourceKey {
    ResourceKey::of(kind, id.as_bytes()).expect("not empty")
}

const STREAM: &str = concat!(
    "event: response.created\r\n",
    r#"data: {"type":"response.created","response":{"id":"resp_1","object":"response","output":[]}}"#,
    "\r\n\r\n: a comment with one quote \"\r\n\r\n",
    r#"data: {"type":"response.output_text.delta","item_id":"msg_1","delta":"{\"id\":\"resp_2\"}"}"#,
    "\n\n",
    r#"data: {"item":{"id":"rs_1","type":"reasoning","encrypted_content" : "gAAAAA\/b=="}}"#,
    "\n\n",
);

#[test]
fn an_answer_and_the_request_that_follows_it_have_the_same_key() {
    let long = format!("gAAAA{}", "x".repeat(5_000));
    let same = |made: Vec<ResourceKey>, refers: Vec<ResourceKey>| {
        assert_eq!(made.len(), 1);
        assert_eq!(made, refers);
    };
    let responses = |answer: &str, request: &str| {
        same(made(OpenAi, "/v1/responses", &[answer.as_bytes()]), refers(OpenAi, "/v1/responses", request));
    };
    responses(r#"{"id":"resp_1","object":"response"}"#, r#"{"model":"m","previous_response_id":"resp_1"}"#);
    responses(r#"{"conversation":{"id":"conv_1"}}"#, r#"{"conversation":"conv_1"}"#);
    responses(r#"{"conversation":{"id":"conv_1"}}"#, r#"{"input":[],"conversation":{"x":{},"id":"conv_1"}}"#);
    let reasoning = format!(r#"{{"encrypted_content":"{long}"}}"#);
    responses(&reasoning, &format!(r#"{{"input":[{{"type":"reasoning","encrypted_content":"{long}y"}}]}}"#));
    responses(r#"{"encrypted_content":"a/b"}"#, r#"{"encrypted_content":"a\/b"}"#);

    let file = made(OpenAi, "/v1/files", &[br#"{"object":"file","id":"file-1"}"#]);
    same(file.clone(), refers(OpenAi, "/v1/responses", r#"{"input":[{"file_id":"file-1"}]}"#));
    same(file.clone(), refers(OpenAi, "/v1/chat/completions", r#"{"file":{"file_id":"file-1"}}"#));
    same(file, refers(OpenAi, "/v1/files/file-1/content", ""));
    same(
        made(Anthropic, "/v1/files", &[br#"{"type":"file","id":"file_1"}"#]),
        refers(Anthropic, "/v1/messages", r#"{"source":{"type":"file","file_id":"file_1"}}"#),
    );
    let container = made(Anthropic, "/v1/messages", &[br#"{"id":"msg_1","container":{"id":"container_1"}}"#]);
    same(container.clone(), refers(Anthropic, "/v1/messages", r#"{"container":"container_1"}"#));
    same(container, refers(Anthropic, "/messages", r#"{"container":{"skills":[{}],"id":"container_1"}}"#));

    let cache = made(Gemini, "/v1beta/cachedContents", &[b"{\n  \"name\": \"cachedContents/c\"\n}"]);
    same(made(Gemini, "/v1beta/cachedContents", &[br#"{"name":"cachedContents\/c"}"#]), cache.clone());
    let generate = "/v1beta/models/g:generateContent";
    same(cache.clone(), refers(Gemini, generate, r#"{"cachedContent":"cachedContents/c"}"#));
    same(cache.clone(), refers(Gemini, generate, r#"{"cached_content" :"cachedContents\/c"}"#));
    same(cache, refers(Gemini, "/cachedContents/c", ""));
    let file = made(Gemini, "/v1beta/files", &[br#"{"file":{"name":"files/f","uri":"https://u/files/f"}}"#]);
    let uri = r#"{"fileData":{"fileUri":"https://u.example/v1beta/files/f"}}"#;
    same(file.clone(), refers(Gemini, generate, uri));
    same(file, refers(Gemini, "/v1beta/files/f:download", ""));
}

#[test]
fn whatever_else_is_made_is_found_by_its_id_or_its_name() {
    let same = |made: Vec<ResourceKey>, refers: Vec<ResourceKey>| {
        assert!(made.iter().any(|key| refers.contains(key)), "{made:?} {refers:?}");
    };
    let batch = made(Anthropic, "/v1/messages/batches", &[br#"{"id":"msgbatch_1","type":"message_batch"}"#]);
    for path in ["", "/results", "/cancel"] {
        same(batch.clone(), refers(Anthropic, &format!("/v1/messages/batches/msgbatch_1{path}"), ""));
    }
    let skill = made(Anthropic, "/v1/skills", &[br#"{"id":"skill_1"}"#]);
    same(skill, refers(Anthropic, "/v1/messages", r#"{"container":{"skills":[{"skill_id":"skill_1"}]}}"#));

    let done = br#"{"id":"batch_1","output_file_id":"file-9"}"#;
    let batch = made(OpenAi, "/v1/batches/batch_1", &[done]);
    same(batch.clone(), refers(OpenAi, "/v1/batches/batch_1/cancel", ""));
    same(batch, refers(OpenAi, "/v1/files/file-9/content", ""));
    let upload =
        made(OpenAi, "/v1/uploads/upload_1/complete", &[br#"{"id":"upload_1","file":{"id":"file-1"}}"#]);
    same(upload.clone(), refers(OpenAi, "/v1/uploads/upload_1/parts", "no JSON"));
    same(upload.clone(), refers(OpenAi, "/v1/batches", r#"{"input_file_id":"file-1"}"#));
    same(upload.clone(), refers(OpenAi, "/v1/fine_tuning/jobs", r#"{"training_file":"file-1"}"#));
    same(upload, refers(OpenAi, "/v1/vector_stores", r#"{"file_ids":["file-0", "file-1"]}"#));
    let store = made(OpenAi, "/v1/vector_stores", &[br#"{"id":"vs_1"}"#]);
    same(store.clone(), refers(OpenAi, "/v1/vector_stores/vs_1/files/file-1", ""));
    same(store, refers(OpenAi, "/v1/responses", r#"{"tools":[{"vector_store_ids":["vs_0" ,"vs_1"]}]}"#));
    let ran = made(OpenAi, "/v1/responses", &[br#"{"container_id":"cntr_1"}"#]);
    same(ran.clone(), refers(OpenAi, "/v1/responses", r#"{"tools":[{"container":"cntr_1"}]}"#));
    same(ran, refers(OpenAi, "/v1/containers/cntr_1/files/cfile_1/content", ""));
    for (path, id) in [
        ("fine_tuning/jobs", "ftjob-1"),
        ("evals", "eval_1"),
        ("assistants", "asst_1"),
        ("threads", "thread_1"),
        ("videos", "video_1"),
    ] {
        let answer = format!(r#"{{"id":"{id}"}}"#);
        let made = made(OpenAi, &format!("/v1/{path}"), &[answer.as_bytes()]);
        same(made, refers(OpenAi, &format!("/v1/{path}/{id}/x"), ""));
    }

    let generate = "/v1beta/models/g:batchGenerateContent";
    let batch = made(Gemini, generate, &[br#"{"name":"batches\/b","metadata":{}}"#]);
    same(batch, refers(Gemini, "/v1beta/batches/b:cancel", ""));
    let video =
        made(Gemini, "/v1beta/models/v:predictLongRunning", &[br#"{"name":"models/v/operations/o"}"#]);
    same(video, refers(Gemini, "/v1beta/models/v/operations/o", ""));
    let store = made(Gemini, "/v1beta/fileSearchStores", &[br#"{"name":"fileSearchStores/s"}"#]);
    same(store.clone(), refers(Gemini, "/v1beta/fileSearchStores/s/documents/d", ""));
    same(store.clone(), refers(Gemini, "/upload/v1beta/fileSearchStores/s:uploadToFileSearchStore", ""));
    let search = r#"{"tools":[{"fileSearch":{"fileSearchStoreNames":["fileSearchStores/s"]}}]}"#;
    same(store, refers(Gemini, "/v1beta/models/g:generateContent", search));
    let kept = made(Gemini, "/v1beta/interactions", &[br#"{"id":"v1_abc"}"#]);
    same(kept.clone(), refers(Gemini, "/v1beta/interactions", r#"{"previous_interaction_id":"v1_abc"}"#));
    same(kept, refers(Gemini, "/v1beta/interactions/v1_abc/cancel", ""));
    let file = made(Gemini, "/upload/v1beta/files", &[br#"{"file":{"name":"files/f"}}"#]);
    same(file, refers(Gemini, generate, r#"{"batch":{"inputConfig":{"fileName":"files/f"}}}"#));
}

#[test]
fn a_thing_is_found_wherever_the_pieces_are_cut() {
    let whole = [key(ResourceKind::Response, "resp_1"), key(ResourceKind::Reasoning, "gAAAAA/b==")];
    for first in 0..=STREAM.len() {
        for second in [first, first + 1, first + 30] {
            let second = second.min(STREAM.len());
            let bytes = STREAM.as_bytes();
            let pieces = [&bytes[..first], &bytes[first..second], &bytes[second..]];
            assert_eq!(made(OpenAi, "/v1/responses", &pieces), whole, "cut at {first} and {second}");
        }
    }
    let single: Vec<&[u8]> = STREAM.as_bytes().chunks(1).collect();
    assert_eq!(made(OpenAi, "/v1/responses", &single), whole);
}

#[test]
fn text_that_only_talks_of_things_refers_to_nothing() {
    let responses = |body: &str| refers(OpenAi, "/v1/responses", body);
    for body in [
        r#"{"input":"{\"encrypted_content\":\"x\",\"previous_response_id\":\"resp_1\"}"}"#,
        r#"{"include":["encrypted_content"]}"#,
        r#"{"input":"\"encrypted_content":"x"}"#,
        r#"{"previous_response_id":null,"conversation":null,"file_id":""}"#,
        r#"{"file_id":{"type":"string"},"conversation":{"id":7}}"#,
        r#"{"tools":[{"properties":{"conversation":{"id":"x"}}}]}"#,
        r#"{"my_file_id":"x","file_ids":"x"}"#,
        r#"{"file_id"#,
        r#"{"file_id":"#,
        "",
    ] {
        assert_eq!(responses(body), [], "{body}");
    }
    assert_eq!(refers(OpenAi, "/v1/chat/completions", r#"{"previous_response_id":"r"}"#), []);
    assert_eq!(refers(OpenAi, "/v1/files", r#"--x {"file_id":"f"}"#), []);
    assert_eq!(refers(Gemini, "/models/g:generateContent", r#"{"file_id":"f"}"#), []);
}

#[test]
fn only_things_of_the_right_name_were_made() {
    let stream = br#"{"id":"msg_1"} {"id": 7} {"xid":"resp_1"} {"encrypted_content_x":"y"} {"id":["resp_1"]}
        {"id":null,"status":"resp_1"} "id" "resp_1" {"id"::"resp_1" {"encrypted_content":""}"#;
    assert_eq!(made(OpenAi, "/v1/responses", &[stream]), []);
}

#[test]
fn answers_that_make_nothing_are_not_read() {
    let none = |format, path| assert!(IdScanner::new(&intent(format, path)).is_none(), "{path}");
    none(OpenAi, "/v1/chat/completions");
    none(OpenAi, "/v1/models");
    none(OpenAi, "/v1/files/file-1/content");
    none(Anthropic, "/v1/messages/count_tokens");
    none(Anthropic, "/v1/files/file_1/content");
    none(Gemini, "/v1beta/models/g:streamGenerateContent");
    none(Gemini, "/v1beta/files/f:download");
    none(Gemini, "/v1beta/models/g:batchEmbedContents");
    none(OpenAi, "/v1/containers/cntr_1/files/cfile_1/content");
    none(Anthropic, "/v1/messages/batches/msgbatch_1/results");
}

#[test]
fn the_same_id_of_two_kinds_is_two_things() {
    assert_ne!(key(ResourceKind::Response, "x"), key(ResourceKind::File, "x"));
}

#[test]
fn no_more_than_so_many_things_are_looked_at() {
    let body = r#"{"file_id":"f"}"#.repeat(MAX_RESOURCES_AND_MORE);
    assert_eq!(refers(OpenAi, "/v1/chat/completions", &body).len(), 4_096);
}

const MAX_RESOURCES_AND_MORE: usize = 5_000;

proptest! {
    #[test]
    fn no_bytes_panic(body in prop::collection::vec(any::<u8>(), 0..200), cut in 0..200_usize) {
        for (format, path) in [(OpenAi, "/v1/responses"), (Anthropic, "/v1/messages"), (Gemini, "/cachedContents")] {
            let _ = resource_owners(&body, &intent(format, path));
            let cut = cut.min(body.len());
            let _ = made(format, path, &[&body[..cut], &body[cut..]]);
        }
    }

    #[test]
    fn pieces_of_json_find_what_the_whole_finds(
        words in prop::collection::vec(prop::sample::select(vec![
            "\"", "\\", ":", ",", "{", "}", " ", "\n", "id", "resp_1", "encrypted_content", "\"id\":\"resp_2\"",
        ]), 0..60),
        cuts in prop::collection::vec(0..200_usize, 0..6),
    ) {
        let text = words.concat();
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
        cuts.extend([0, text.len()]);
        cuts.sort_unstable();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|cut| &text.as_bytes()[cut[0]..cut[1]]).collect();
        prop_assert_eq!(
            made(OpenAi, "/v1/responses", &pieces),
            made(OpenAi, "/v1/responses", &[text.as_bytes()])
        );
    }

    #[test]
    fn what_is_written_as_json_is_found(
        before in any::<String>(),
        id in "[A-Za-z0-9_/-]{1,80}",
        after in any::<String>(),
    ) {
        let answer = serde_json::json!({"a": before, "response": {"id": format!("resp_{id}")}, "z": after});
        let request = serde_json::json!({"a": before, "previous_response_id": format!("resp_{id}"), "z": after});
        let expected = [key(ResourceKind::Response, &format!("resp_{id}"))];
        prop_assert_eq!(made(OpenAi, "/v1/responses", &[answer.to_string().as_bytes()]), expected);
        prop_assert_eq!(refers(OpenAi, "/v1/responses", &request.to_string()), expected);
    }
}
