//! The text of `docs/CONFIG.md`, made from the definitions of the settings.

use std::fmt::Write;

use crate::edges::config::accounts;
use crate::edges::config::documents::catalog;
use crate::edges::config::documents::overrides::variable_of;
use crate::edges::config::documents::{Node, Value};
use crate::edges::config::settings::not_yet;
use crate::edges::config::settings::setting::{Key, Section};
use crate::edges::config::settings::{BASE_URL, KIND, SECTIONS, TOP};

const INTRODUCTION: &str = "\
# Configuration

<!-- Made from plugin-impl/src/edges/config; a test compares the two and says how to make it again. -->

The configuration is one YAML file (JSON is YAML too). It is looked for in this order:

1. the file that `--config` names,
2. the file that `$POINTSMAN_CONFIG` names,
3. `./pointsman.yaml`,
4. `$XDG_CONFIG_HOME/pointsman/pointsman.yaml`, which is `~/.config/pointsman/pointsman.yaml` by default.

A file of the third kind comes with its folder, and a folder can come from anybody. Where it could send requests or keys
elsewhere, or run a command (`base_url` and other URLs, `proxy`, a key written out, `{file}`, `{command}`, an address that is not
on the loopback), it is refused until you agree to it once, with `pointsman trust`; a change of that needs it anew. What only picks
among your own variables at built-in providers works at once. A file that is named needs no consent, which is the way for scripts.

Without a file all defaults hold. Everything that is wrong is told at once, with file, line, column and what is
allowed. A value that is empty or `null` counts as not written. Relative paths begin at the folder of the file,
and `~` is the home folder.

Each setting is one value or a map. Aliases and tags of YAML are not used.
";

const SECRETS: &str = "
## Secrets

A secret is written in one of these ways. It is never printed, neither by errors nor by logs.

| written | meaning |
|---|---|
| `TEXT` | the secret itself |
| `{env: NAME}` | the value of an environment variable |
| `{file: PATH}` | the content of a file |
| `{command: [PROG, ARG…]}` | what a command prints within 10s; it is run without a shell |
| `{keyring: NAME}` | an entry of the system's keyring; not in this version |

White space at the ends belongs to no secret. A line break or another character in the middle that no header can hold is an
error. What the machine does not have for now (a variable that is not set, a file that cannot be read, a command that fails)
disables its account alone, with the reason in a notice and in the status. Files are looked at once a second, and another content
is taken over; files and commands are read again, at most every 10 s, when their secret is refused. A literal such as `$NAME` or `env:NAME` is sent as it is, with a warning that shows `{env: NAME}`.
";

/// Returns the reference of all settings, as Markdown.
pub fn documentation() -> String {
    let mut text = INTRODUCTION.to_owned();
    text.push_str("\n## Example\n\n```yaml\n");
    text.push_str(include_str!("example.yaml"));
    text.push_str("```\n");
    for section in SECTIONS {
        text.push_str(&section_text(section));
    }
    text.push_str(SECRETS);
    text.push_str(&accounts_text());
    text.push_str(&catalog_text());
    text.push_str(&not_yet_text());
    text
}

fn section_text(section: &Section) -> String {
    let mut text = format!(
        "\n## {}\n\n{}\n\n| key | allowed | default | what it does |\n|---|---|---|---|\n",
        section.title, section.help
    );
    let is_top = std::ptr::eq(section, &raw const TOP);
    for key in section.keys {
        let variable = if is_top && key.is_text() {
            format!(" Variable: `{}`.", variable_of(*key))
        } else {
            String::new()
        };
        row(
            &mut text,
            [&code(key.name()), &key.allowed(), &code(key.default()), &format!("{}{variable}", key.help())],
        );
    }
    text
}

fn accounts_text() -> String {
    let mut text = "\n## Accounts from the environment\n\n\
        Without the key `accounts` (with `accounts: []` there are none):\n\n\
        | variable | account |\n|---|---|\n"
        .to_owned();
    for (variable, provider) in accounts::VARIABLES {
        row(&mut text, [&code(variable), &code(&format!("{provider}:env"))]);
    }
    text
}

fn catalog_text() -> String {
    let mut text = "\n## Catalog\n\n\
        These providers need neither `kind` nor `base_url`. There is no OAuth client in it.\n\n\
        | provider | kind | base URL |\n|---|---|---|\n"
        .to_owned();
    for provider in catalog::tree().members() {
        let of = |key: &dyn Key| scalar(&provider.node, key).unwrap_or_default();
        row(&mut text, [&code(&provider.key), of(&KIND), of(&BASE_URL)]);
    }
    text
}

fn scalar<'a>(node: &'a Node, key: &dyn Key) -> Option<&'a str> {
    match &node.member(key.name())?.node.value {
        Value::Text(text) => Some(text),
        Value::Null | Value::List(_) | Value::Map(_) => None,
    }
}

fn not_yet_text() -> String {
    let mut text = "\n## Not in this version\n\n\
        A setting without effect is an error.\n\n| setting | why | what to do |\n|---|---|---|\n"
        .to_owned();
    for line in &not_yet::ROWS {
        row(&mut text, [&line.label(), line.route_reason, line.remedy]);
    }
    text
}

fn row<const N: usize>(text: &mut String, cells: [&str; N]) {
    let cells = cells.map(|cell| cell.replace('|', "\\|"));
    // Writing to a string cannot fail.
    let _ = writeln!(text, "| {} |", cells.join(" | "));
}

fn code(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("`{text}`") }
}
