//! Where secrets come from: the environment, a file, or a command that knows them, as with ssh and git.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use refund_core::secret::Secret;
use refund_host::{KeyMode, StripeKey};
use refund_simulator::TEST_KEY;
use zeroize::Zeroizing;

use crate::args::Global;
use crate::exit::Exit;

const VARIABLE: &str = "STRIPE_SECRET_KEY";

/// A text and where it comes from, for messages.
struct FoundKey {
    text: Zeroizing<String>,
    source: String,
}

/// The key of this command, checked against `--live`.
pub(crate) fn key(global: &Global) -> anyhow::Result<StripeKey> {
    let FoundKey { text, source } = find(global)?;
    let key = StripeKey::parse(text.trim_end_matches(['\r', '\n']))
        .map_err(|error| Exit::bad_input(format!("{source}: {error}")))?;
    match (key.mode(), global.live) {
        (KeyMode::Live, false) => Err(Exit::bad_input(format!(
            "{source} is a live key, and real money would move: add --live if you mean it"
        ))),
        (KeyMode::Test, true) => Err(Exit::bad_input(format!(
            "--live is given, but {source} is a test key: give a live key, or leave --live out"
        ))),
        _ => Ok(key),
    }
}

/// Whether a key is given at all.
pub(crate) fn has_key(global: &Global) -> bool {
    global.simulator
        || global.key_file.is_some()
        || global.key_command.is_some()
        || std::env::var_os(VARIABLE).is_some()
}

/// Secrets of a webhook endpoint: those typed, and those in files.
pub(crate) fn webhook(typed: Vec<Secret>, files: &[PathBuf]) -> anyhow::Result<Vec<Secret>> {
    let mut secrets = typed;
    for file in files {
        secrets.push(Secret::new(read(file)?.trim()));
    }
    Ok(secrets)
}

/// As the component takes them, wiped afterwards.
pub(crate) fn revealed(secrets: &[Secret]) -> Zeroizing<Vec<String>> {
    Zeroizing::new(secrets.iter().map(|secret| secret.reveal().to_owned()).collect())
}

/// What was asked for by name goes before what lies around in the environment.
fn find(global: &Global) -> anyhow::Result<FoundKey> {
    let found =
        |text: Zeroizing<String>, source: &str| FoundKey { text, source: source.to_owned() };
    if global.simulator {
        return Ok(found(Zeroizing::new(TEST_KEY.to_owned()), "the simulator's key"));
    }
    match (&global.key_command, &global.key_file) {
        (Some(_), Some(_)) => Err(Exit::bad_input(
            "the key is to come from a command and from a file: give --key-command or --key-file",
        )),
        (Some(command), None) => Ok(found(print(command)?, "the key that --key-command prints")),
        (None, Some(file)) => Ok(found(read(file)?, &format!("the key in {}", file.display()))),
        (None, None) => match std::env::var(VARIABLE) {
            Ok(text) => Ok(found(Zeroizing::new(text), VARIABLE)),
            Err(_) => Err(Exit::bad_input(format!(
                "{VARIABLE} is not set: set it to a secret or restricted key, name --key-file or --key-command, or use --simulator"
            ))),
        },
    }
}

fn read(file: &Path) -> anyhow::Result<Zeroizing<String>> {
    let text = std::fs::read_to_string(file).map(Zeroizing::new);
    let text = text
        .map_err(|error| Exit::bad_input(format!("{} cannot be read: {error}", file.display())))?;
    warn_if_open(file);
    Ok(text)
}

#[cfg(unix)]
fn warn_if_open(file: &Path) {
    use std::os::unix::fs::PermissionsExt;

    const OTHERS_MAY_READ: u32 = 0o044;
    let mode = file.metadata().map_or(0, |metadata| metadata.permissions().mode());
    if mode & OTHERS_MAY_READ != 0 {
        tracing::warn!(file = %file.display(), "others can read this secret: chmod 600");
    }
}

#[cfg(not(unix))]
fn warn_if_open(_: &Path) {}

/// The first line that a command prints. It may ask for a password: the terminal is its own.
fn print(command: &str) -> anyhow::Result<Zeroizing<String>> {
    let shell = if cfg!(windows) { ["cmd", "/C"] } else { ["sh", "-c"] };
    let failed = |problem: String| Exit::bad_input(format!("--key-command {problem}"));
    let output = Command::new(shell[0])
        .args([shell[1], command])
        .stdin(Stdio::inherit())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| failed(format!("cannot be started: {error}")))?;
    let printed = Zeroizing::new(output.stdout);
    if !output.status.success() {
        return Err(failed(format!("failed ({}): run it by hand", output.status)));
    }
    let text = std::str::from_utf8(&printed).map_err(|_| failed("prints no text".to_owned()))?;
    Ok(Zeroizing::new(text.lines().next().unwrap_or_default().to_owned()))
}
