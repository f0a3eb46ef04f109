//! Where secrets come from, and that they go nowhere else.

use super::super::{Config, CredentialSource};
use super::Machine;

fn machine() -> Machine {
    Machine::default()
        .variable("HOME", "/home/me")
        .variable("KEY", "from-env")
        .variable("BLANK", " \n")
        .variable("PADDED", " padded\r\n")
        .variable("BROKEN", "from\nenv")
        .file("/home/me/key", "from-home\r\n")
        .file("secrets/key", "from-file\n")
        .command("pass show key", "from-command\n")
}

fn account(secret: &str) -> String {
    format!("accounts: [{{id: 'openai:a', api_key: {secret}}}]")
}

fn key(config: &Config) -> &str {
    match &config.accounts[0].credential {
        CredentialSource::ApiKey(key)
        | CredentialSource::AccessToken(key)
        | CredentialSource::RefreshToken(key) => key.expose(),
        CredentialSource::Caller => "",
    }
}

#[test]
fn each_source_gives_the_secret() {
    let check = |written: &str, secret: &str| {
        assert_eq!(key(&machine().load(&account(written)).unwrap()), secret, "{written}");
    };
    check("sk-plain", "sk-plain");
    check("{env: KEY}", "from-env");
    check("{file: ~/key}", "from-home");
    check("{file: secrets/key}", "from-file");
    check("{command: [pass, show, key]}", "from-command");
    check("' sk-plain '", "sk-plain");
    check("\"sk-plain\\n\"", "sk-plain");
    check("{env: PADDED}", "padded");
}

#[test]
fn a_source_that_fails_is_named() {
    let check = |written: &str, reason: &str| {
        let error = machine().load(&account(written)).unwrap_err().to_string();
        assert_eq!(error, format!("pointsman.yaml:1:38: `accounts[0].api_key` {reason}"), "{written}");
    };
    check("{env: sk-ant-1}", "has an `env` that is no name of an environment variable");
    check("{command: pass}", "has a `command` that is no list of a program and its arguments");
    check(
        "{keyring: work}",
        "is in a keyring, which this version cannot read; use {env: NAME}, {file: PATH} or {command: [PROG, ARG…]}",
    );
    check("{evn: KEY}", "has an unknown source; did you mean `env`?");
    check("''", "is empty");
    check("\"a\\nb\"", "has a line break in its middle; a secret is one line");
    check("{env: BROKEN}", "has a line break in its middle; a secret is one line");
    check("'sk-”'", "has a character at position 4 that no header can hold; copy the secret again");
    check("{env:KEY}", "has an unknown source; a blank is missing after `env:`, as in `{env: NAME}`");
    check("{env: gsk_aaaaaaaaaaaa}", "has an `env` that is no name of an environment variable");
    check(
        "[sk-1]",
        "is no secret; it needs a string, {env: NAME}, {file: PATH}, {command: [PROG, ARG…]} or {keyring: NAME}",
    );
    check(
        "{sk-1: x}",
        "has an unknown source; a secret is a string, {env: NAME}, {file: PATH}, {command: [PROG, ARG…]} or {keyring: NAME}",
    );
}

#[test]
fn what_the_machine_does_not_have_leaves_an_account_without_a_credential() {
    let not_found = std::io::Error::from(std::io::ErrorKind::NotFound);
    let check = |written: &str, why: &str| {
        let config = machine().file("blank", " \n").load(&account(written)).unwrap();
        let secret = config.accounts[0].credential.secret().unwrap();
        assert_eq!(secret.secret().err(), Some(&*format!("{why} (pointsman.yaml:1:38)")), "{written}");
        assert!(config.accounts[0].enabled && secret.expose().is_empty());
    };
    check("{env: MISSING}", "the environment variable `MISSING` is not set");
    check("{env: BLANK}", "the environment variable `BLANK` is not set");
    check("{file: nowhere}", &format!("the file `nowhere` cannot be read: {not_found}"));
    check("{file: blank}", "the file `blank` gives nothing");
    check("{command: [pass, show, token]}", &format!("the command `pass` could not be started: {not_found}"));
}

#[test]
fn a_key_that_cannot_be_found_in_answers_is_warned_of() {
    let warned = |written: &str| {
        let config = Machine::default().load(written).unwrap();
        config.warnings.iter().map(ToString::to_string).collect::<Vec<_>>().join(" | ")
    };
    for key in ["1234567", "changemeplease"] {
        let written = format!("accounts: [{{id: 'openai:a', api_key: '{key}'}}]");
        let warning = warned(&written);
        assert!(warning.starts_with("pointsman.yaml:1:38: `accounts[0].api_key` is too short to be found"));
        assert!(!warning.contains(key), "{warning}");
    }
    let headers =
        "providers: {openai: {headers: {api-key: abc, x-title: abc, x-auth-token: Bearer 0123456789}}}";
    assert!(warned(headers).contains("`providers.openai.headers.api-key` is too short"));
    assert!(!warned(headers).contains(" | "), "one header has a short credential");
    for fine in [
        "accounts: [{id: 'openai:a', api_key: sk-12345}]",
        "accounts: [{id: 'openai:a', api_key: not-needed}]",
        "accounts: [{id: 'openai:a', credential: caller}]",
        "{accounts: [{id: 'mine:a', api_key: x}], providers: {mine: {kind: openai, base_url: 'http://127.0.0.1:1/v1'}}}",
    ] {
        assert_eq!(warned(fine), "", "{fine}");
    }
}

#[test]
fn files_of_secrets_are_known_whether_they_could_be_read_or_not() {
    let two =
        "accounts: [{id: 'openai:a', api_key: {file: ~/key}}, {id: 'openai:b', api_key: {file: nowhere}}]";
    let files = machine().load(two).unwrap().secret_files;
    assert_eq!(files, ["/home/me/key", "nowhere"].map(std::path::PathBuf::from));
}

#[test]
fn a_block_of_yaml_is_a_key_when_it_is_one_line() {
    let block = |text: &str| format!("accounts:\n  - id: openai:a\n    api_key: |\n{text}");
    assert_eq!(key(&machine().load(&block("      sk-plain\n\n")).unwrap()), "sk-plain");
    let error = machine().load(&block("      sk-one\n      sk-two\n")).unwrap_err().to_string();
    assert_eq!(
        error,
        "pointsman.yaml:4:7: `accounts[0].api_key` has a line break in its middle; a secret is one line"
    );
}

#[test]
fn a_key_of_the_environment_is_checked_too() {
    let machine = |key: &str| Machine::default().variable("OPENAI_API_KEY", key);
    assert_eq!(key(&machine("sk-1\r\n").load("").unwrap()), "sk-1");
    assert!(machine(" \n").load("").unwrap().accounts.is_empty());
    let error = machine("sk\n1").load("").unwrap_err().to_string();
    assert_eq!(
        error,
        "OPENAI_API_KEY: `OPENAI_API_KEY` has a line break in its middle; a secret is one line"
    );
}

#[test]
fn a_literal_that_looks_like_a_reference_gets_a_warning() {
    let warnings = |written: &str| -> Vec<String> {
        machine().load(&account(written)).unwrap().warnings.iter().map(ToString::to_string).collect()
    };
    for written in ["$KEY", "${KEY}", "env:KEY", "'%KEY%'"] {
        let expected = "pointsman.yaml:1:38: `accounts[0].api_key` is sent as it is written here; did you mean `{env: KEY}`?";
        let quoted = format!("\"{}\"", written.trim_matches('\''));
        assert_eq!(warnings(&quoted), [expected], "{written}");
    }
    assert!(warnings("sk-plain").is_empty() && warnings("{env: KEY}").is_empty());
}

/// The word that stands for every secret below.
const SENTINEL: &str = "HUSHHUSH";

const WITH_SECRETS: &str = "
providers:
  openai:
    proxy: http://me:HUSHHUSH@proxy:3128
    headers: {x-team-token: HUSHHUSH}
  antigravity:
    oauth: {client_id: me, client_secret: HUSHHUSH, token_url: 'http://127.0.0.1/token'}
accounts:
  - {id: 'openai:a', api_key: HUSHHUSH, proxy: 'http://HUSHHUSH:x@proxy'}
  - {id: 'openai:b', access_token: {env: KEY}}
  - {id: 'antigravity:c', refresh_token: {file: /token}}
";

#[test]
fn a_configuration_prints_no_secret() {
    let machine = Machine::default().variable("KEY", SENTINEL).file("/token", SENTINEL);
    let config = machine.load(WITH_SECRETS).unwrap();
    let printed = format!("{config:?} {config:#?}");
    assert!(!printed.contains(SENTINEL), "{printed}");
    assert_eq!(key(&config), SENTINEL);
    let headers = &config.providers[1].headers[0];
    assert_eq!(headers["x-team-token"], SENTINEL);
}

#[test]
fn an_error_prints_no_secret() {
    let check = |text: &str| {
        let machine = Machine::default().variable("POINTSMAN_STORE", "rediss://me:HUSHHUSH@host");
        let errors = machine.load(text).unwrap_err();
        let printed = format!("{errors} {errors:?}");
        assert!(!printed.contains(SENTINEL), "{text}\n{printed}");
    };
    check(&WITH_SECRETS.replace("http:", "socks5:"));
    check(&WITH_SECRETS.replace("id: '", "id: 'x"));
    check(&account("[HUSHHUSH]"));
    check(&account("{HUSHHUSH: HUSHHUSH}"));
    check(&account("{env: [HUSHHUSH]}"));
    check(
        &account("{command: [HUSHHUSH-program-is-no-secret]}")
            .replace("HUSHHUSH-program-is-no-secret", "p, HUSHHUSH"),
    );
    check(&account("HUSHHUSH, access_token: HUSHHUSH"));
    check("providers: {openai: {headers: {authorization: HUSHHUSH}}}");
    check("providers: {openai: {base_url: 'https://me:HUSHHUSH@a.b/v1'}}");
    check("accounts: [{api_key: 'HUSHHUSH");
    check("api_key: HUSHHUSH");
    check("store: redis://me:HUSHHUSH@127.0.0.1/0");
    for url in [
        "https://a.b/v1?key=HUSHHUSH",
        "a.b/v1?key=HUSHHUSH",
        "ftp://a.b/?HUSHHUSH",
        "https://a.b/v1#HUSHHUSH?x",
    ] {
        check(&format!("providers: {{openai: {{base_url: '{url}'}}}}"));
        check(&format!("providers: {{openai: {{base_url: ['{url}']}}}}"));
        check(&format!("providers: {{openai: {{oauth: {{client_id: me, token_url: '{url}'}}}}}}"));
        check(&format!("providers: {{openai: {{hosts: ['{url}']}}}}"));
        check(&format!("allow_origins: ['{url}/']"));
    }
    check("providers: {openai: {quota_url: 'a.b/?key=HUSHHUSH'}}");
    check("listen: '127.0.0.1?key=HUSHHUSH'");
}

/// A key in the place of something else.
const PASTED: &str = "sk-ant-api03-HUSHHUSH";

#[test]
fn a_key_in_the_wrong_place_is_not_printed() {
    let check = |text: &str| {
        let text = text.replace("KEY", PASTED);
        let errors = Machine::default().load(&text).expect_err(&text);
        let printed = format!("{errors} {errors:?}");
        assert!(!printed.contains(SENTINEL), "{text}\n{printed}");
    };
    check("accounts: [{id: KEY, api_key: k}]");
    check("accounts: [{id: 'openai:KEY', api_key: k}]");
    check("accounts: [{id: 'KEY:a', api_key: k}]");
    check("accounts: [{id: 'openai:a', KEY: k}]");
    check("accounts: [{id: 'openai:a', api_key: {KEY: k}}]");
    check("accounts: [{id: 'openai:a', api_key: {env: KEY}}]");
    check("accounts: [{id: 'openai:a', api_key: {env: gsk_HUSHHUSH}}]");
    check("accounts: [{id: 'openai:a', api_key: k, KEY}]");
    check("KEY: k");
    check("KEY: 1\nKEY: 2");
    check("providers: {KEY: {base_url: 'http://a.b'}}");
    check("providers: {KEY: [a]}");
    check("providers: {'a KEY': {base_url: 'http://a.b'}}");
    check("providers: {openai: {headers: {authorization: KEY}}}");
    check("providers: {openai: {kind: KEY}}");
    check("strategy: KEY");
    check("fallbacks: {KEY: [KEY]}");
    check("pool_order: {KEY: [KEY]}");
}
