//! `cargo xtask compose`: writes the composed pipelines and wrappers, or composes one of somebody else's.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use pipeline_compose::{NODE, compose};

const HELP: &str = "\
compose FOLDER       write the composed pipelines and wrappers into a folder, and the node
compose FILE.wac --dep NAME=FILE … -o FILE
                     compose as the document says: each `--dep` is a package's name in it and its file, a
                     component or a core module of wasm32-unknown-unknown; refund-node:node is the node of
                     this build unless you name another";

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("compose: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<()> {
    match arguments {
        [] => bail!("what is to be composed?\n\n{HELP}"),
        [folder] => write_all(Path::new(folder)),
        [document, rest @ ..] => compose_one(document, rest),
    }
}

fn write_all(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    write(&folder.join("refund-node.wasm"), refund_artifact::NODE)?;
    for pipeline in refund_pipelines::ALL {
        write(&folder.join(format!("{}.wasm", pipeline.name)), pipeline.composed)?;
    }
    for wrapper in refund_platforms::ALL {
        write(&folder.join(format!("{}.wasm", wrapper.name)), wrapper.composed)?;
    }
    Ok(())
}

fn compose_one(document: &str, mut rest: &[String]) -> Result<()> {
    let mut parts = vec![(NODE.to_owned(), refund_artifact::NODE.to_vec())];
    let mut output = None;
    while let [option, value, others @ ..] = rest {
        match option.as_str() {
            "--dep" | "-d" => parts.push(part(value)?),
            "--output" | "-o" => output = Some(PathBuf::from(value)),
            _ => bail!("there is no option `{option}`\n\n{HELP}"),
        }
        rest = others;
    }
    let (Some(output), []) = (output, rest) else { bail!("where to? Add `-o FILE`\n\n{HELP}") };
    let text = read(document)?;
    let text = String::from_utf8(text).with_context(|| format!("{document} is no text"))?;
    // Of two files for one package the last is taken.
    let parts: Vec<_> = parts.iter().map(|(name, bytes)| (name.as_str(), &bytes[..])).collect();
    let composed =
        compose(&text, &parts).with_context(|| format!("{document} does not compose"))?;
    write(&output, &composed)
}

/// `NAME=FILE`
fn part(given: &str) -> Result<(String, Vec<u8>)> {
    let (name, file) = given.split_once('=').with_context(|| {
        format!("`{given}` is not NAME=FILE, such as you:pipeline=pipeline.wasm")
    })?;
    Ok((name.to_owned(), read(file)?))
}

fn read(file: &str) -> Result<Vec<u8>> {
    std::fs::read(file).with_context(|| format!("{file} cannot be read"))
}

fn write(file: &Path, bytes: &[u8]) -> Result<()> {
    std::fs::write(file, bytes).with_context(|| format!("{} cannot be written", file.display()))?;
    say(&format!("{} ({} bytes)", file.display(), bytes.len()));
    Ok(())
}

/// Progress goes to stderr.
#[expect(clippy::print_stderr, reason = "this is a tool for a terminal")]
fn say(text: &str) {
    eprintln!("{text}");
}
