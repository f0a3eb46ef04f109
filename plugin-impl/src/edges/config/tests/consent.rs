//! Consent to a configuration that came with the current folder.

use super::super::{Located, consent_file, give_consent, load as load_located, locate};
use super::Machine;

fn machine(text: &str) -> Machine {
    Machine::default()
        .variable("HOME", "/home/me")
        .variable("WORK_KEY", "w")
        .variable("ANTHROPIC_API_KEY", "a")
        .command("sh -c id", "key")
        .file("key", "k")
        .file("pointsman.yaml", text)
}

/// Loads what is found when nobody names a file.
fn load(machine: &Machine) -> Result<(), String> {
    load_located(&locate(None, machine), machine).map(drop).map_err(|errors| errors.to_string())
}

/// Returns the machine after its user has agreed.
fn agreed(machine: Machine) -> Machine {
    give_consent("pointsman.yaml".as_ref(), &machine).unwrap();
    let file = consent_file(&machine).unwrap().display().to_string();
    let appended = machine.appended.lock().unwrap().clone();
    let lines: String =
        appended.lines().map(|line| format!("{}\n", line.strip_prefix(&file).unwrap().trim())).collect();
    machine.file(&file, &lines)
}

#[test]
fn a_file_that_picks_among_the_users_keys_works_at_once() {
    for text in [
        "accounts: [{id: 'anthropic:work', api_key: {env: WORK_KEY}, weight: 2}]",
        "accounts: [{id: 'anthropic:a', api_key: {env: ANTHROPIC_API_KEY}}]\nlisten: 127.0.0.1:9000\nstrategy: sticky",
        "max_wait: 5s\nquota_protection: {soft: 10%}",
        "accounts: [{id: 'anthropic:own', credential: caller}]",
        "",
    ] {
        assert_eq!(load(&machine(text)), Ok(()), "{text}");
    }
}

#[test]
fn what_could_send_elsewhere_or_run_something_needs_consent_once() {
    for (text, claim) in [
        (
            "providers: {anthropic: {base_url: 'http://evil.example'}}",
            "`providers.anthropic.base_url` = `http://evil.example`",
        ),
        (
            "providers: {anthropic: {base_url: ['http://evil.example']}}",
            "`providers.anthropic.base_url[0]` = `http://evil.example`",
        ),
        ("providers: {anthropic: {proxy: 'http://evil.example:1'}}", "`providers.anthropic.proxy`"),
        (
            "providers: {anthropic: {pools: {anthropic: {base_url: 'http://e.example'}}}}",
            "`http://e.example`",
        ),
        (
            "accounts: [{id: 'anthropic:a', api_key: {command: [sh, -c, id]}}]",
            "`accounts[0].api_key.command[0]` = `sh`",
        ),
        ("accounts: [{id: 'anthropic:a', api_key: {file: key}}]", "`accounts[0].api_key.file` = `key`"),
        ("accounts: [{id: 'anthropic:a', api_key: sk-of-somebody}]", "`accounts[0].api_key`"),
        ("accounts: [{id: 'groq:a', api_key: {env: ANTHROPIC_API_KEY}}]", "`accounts[0].api_key.env`"),
        (
            "accounts: [{id: 'anthropic:a', api_key: {env: WORK_KEY}, proxy: 'http://e.example:1'}]",
            "`accounts[0].proxy`",
        ),
        ("listen: 'unix:/home/me/.bashrc'", "`listen` = `unix:/home/me/.bashrc`"),
        ("listen: 0.0.0.0:1\nallow_remote: true", "`allow_remote`"),
        ("allow_origins: ['https://evil.example']", "`allow_origins[0]`"),
    ] {
        let error = load(&machine(text)).expect_err(text);
        assert!(error.starts_with("pointsman.yaml: ") && error.contains(claim), "{text}\n{error}");
        assert!(
            error.contains("`pointsman trust`") && error.contains("--config /here/pointsman.yaml"),
            "{error}"
        );
        assert!(error.contains("pointsman.yaml:1:") && !error.contains("sk-of-somebody"), "{error}");
        assert_eq!(load(&agreed(machine(text))), Ok(()), "{text}");
        let named = Located::File("pointsman.yaml".into());
        assert!(load_located(&named, &machine(text)).is_ok(), "a file that was named needs none: {text}");
    }
}

#[test]
fn a_change_of_what_matters_needs_consent_anew() {
    const TEXT: &str = "providers: {acme: {kind: openai, base_url: 'http://a.example'}}\n\
                        accounts: [{id: 'acme:a', api_key: {env: WORK_KEY}}]\n";
    let machine = agreed(machine(TEXT));
    let with = |text: String| load(&machine.clone().file("pointsman.yaml", &text));
    assert_eq!(with(format!("{TEXT}strategy: sticky\nmax_wait: 1s\n")), Ok(()), "tuning does not matter");
    assert_eq!(with(TEXT.replace("WORK_KEY}", "WORK_KEY}, weight: 3")), Ok(()));
    for changed in [
        TEXT.replace("a.example", "evil.example"),
        TEXT.replace("WORK_KEY", "ANTHROPIC_API_KEY"),
        TEXT.replace("{env: WORK_KEY}", "{command: [sh, -c, id]}"),
        TEXT.replace("kind: openai", "kind: anthropic"),
    ] {
        assert!(with(changed.clone()).is_err(), "{changed}");
    }
}

#[test]
fn consent_is_of_one_folder() {
    let text = "providers: {anthropic: {base_url: 'http://a.example'}}";
    let machine = agreed(machine(text)).file("other/pointsman.yaml", text);
    let elsewhere = Located::Here("other/pointsman.yaml".into());
    assert!(load_located(&elsewhere, &machine).is_err());
}

#[test]
fn no_command_runs_before_consent() {
    let text = "accounts: [{id: 'anthropic:a', api_key: {command: [touch, mark]}}]";
    // The machine has no such command: to run it would be a missing credential, and no refusal.
    let error = load(&machine(text)).expect_err("it is not trusted");
    assert!(error.contains("you have not agreed"), "{error}");
}
