//! Where secrets come from, and that they go nowhere else.

use super::super::{Config, CredentialSource};
use super::Machine;

fn machine() -> Machine {
    Machine::default()
        .variable("HOME", "/home/me")
        .variable("KEY", "from-env")
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
}

#[test]
fn a_source_that_fails_is_named() {
    let check = |written: &str, reason: &str| {
        let error = machine().load(&account(written)).unwrap_err().to_string();
        assert_eq!(error, format!("pointsman.yaml:1:38: `accounts[0].api_key` {reason}"), "{written}");
    };
    let not_found = std::io::Error::from(std::io::ErrorKind::NotFound);
    check("{env: MISSING}", "needs the environment variable `MISSING`, which is not set");
    check("{env: sk-ant-1}", "has an `env` that is no name of an environment variable");
    check("{file: nowhere}", &format!("needs the file `nowhere`, which cannot be read: {not_found}"));
    check(
        "{command: [pass, show, token]}",
        &format!("needs the command `pass`, which could not be started: {not_found}"),
    );
    check("{command: pass}", "has a `command` that is no list of a program and its arguments");
    check(
        "{keyring: work}",
        "is in a keyring, which this version cannot read; use {env: NAME}, {file: PATH} or {command: [PROG, ARG…]}",
    );
    check("{evn: KEY}", "has an unknown source; did you mean `env`?");
    check("''", "is empty");
    check(
        "[sk-1]",
        "is no secret; it needs a string, {env: NAME}, {file: PATH}, {command: [PROG, ARG…]} or {keyring: NAME}",
    );
    check(
        "{sk-1: x}",
        "has an unknown source; a secret is a string, {env: NAME}, {file: PATH}, {command: [PROG, ARG…]} or {keyring: NAME}",
    );
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
}
