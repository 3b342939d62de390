//! The conformance suite: the component and the platforms that embed it, made ready and judged.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use anyhow::{Context, Result, bail};

use crate::compose::compose;
use crate::peers::{interpreter, missing, passed};
use crate::run::{exists, must, must_read, plain_cargo, refund_node, root, say, target};
use crate::supply;

/// What is tried where nothing is named. n8n takes 2.3 GB, wasmtime's own command a quarter of an hour to build.
const USUAL: [&str; 4] = ["node", "node-red", "python", "rust"];
/// Never looked into for changes: what is installed or made there.
const MADE: [&str; 6] = ["node_modules", "build", "dist", "target", ".venv", "__pycache__"];

/// Where n8n is installed; its runner reads this variable.
const N8N: (&str, &str) = ("REFUND_NODE_N8N", "target/n8n");

/// Judges the platforms that are named, or the usual ones; how many cases passed, on all of them together.
pub(crate) fn run(arguments: &[&str]) -> Result<u32> {
    let named = platforms(arguments)?;
    let refund_node = refund_node()?;
    let component = component(&refund_node)?;
    let judge =
        refund_node.with_file_name(format!("refund-conformance{}", std::env::consts::EXE_SUFFIX));
    let mut judge = Command::new(judge);
    judge.arg("--cases").arg(root().join("platforms/conformance/cases"));
    judge.arg("--component").arg(&component);
    judge.arg("--manifest").arg(root().join("component/core/src/dispatch/manifest.json"));
    judge.env(N8N.0, root().join(N8N.1));
    let mut ready = 0;
    for name in named {
        say(&format!("\n{name}"));
        let runner = prepare(name, &component).with_context(|| format!("{name} is not ready"))?;
        if let Some([program, arguments @ ..]) = runner.as_deref() {
            judge.arg("--runner").arg(format!("{name}={program}")).args(arguments);
            ready += 1;
        }
    }
    if ready == 0 {
        return Ok(0);
    }
    passed(&must_read(&mut judge)?)
}

/// `--platform P`, as often as wanted.
fn platforms<'a>(arguments: &[&'a str]) -> Result<Vec<&'a str>> {
    if arguments.is_empty() {
        return Ok(USUAL.to_vec());
    }
    let pair = |pair: &[&'a str]| match *pair {
        ["--platform", name] => Ok(name),
        _ => bail!("`cargo xtask conformance` takes nothing but `--platform NAME`, repeated"),
    };
    arguments.chunks(2).map(pair).collect()
}

/// The component of this tree, in dist. A file that is the same stays, and so do the packages made from it.
pub(crate) fn component(refund_node: &Path) -> Result<PathBuf> {
    let (fresh, kept) =
        (root().join("target/refund-node.wasm"), root().join("dist/refund-node.wasm"));
    must(Command::new(refund_node).args(["component", "extract"]).arg(&fresh))?;
    if fs::read(&kept).ok() != Some(fs::read(&fresh)?) {
        fs::create_dir_all(root().join("dist"))?;
        fs::copy(&fresh, &kept)?;
    }
    Ok(kept)
}

/// Makes a platform ready; its runner's program and arguments, or nothing where this machine lacks what it needs.
fn prepare(name: &str, component: &Path) -> Result<Option<Vec<String>>> {
    match name {
        "node" | "node-red" | "n8n" => {
            if !exists("node") || !exists("npm") {
                missing("Node", &format!("the platform {name}"))?;
                return Ok(None);
            }
            built(name, component)?;
            if name == "n8n" {
                let folder = root().join("platforms/n8n");
                let mut install = Command::new("node");
                must(install.arg(folder.join("install.mjs")).arg(root().join(N8N.1)))?;
            }
            Ok(Some(vec!["node".to_owned(), runner(name, "conformance.mjs")]))
        }
        "python" => {
            if !exists("python3") {
                missing("Python", "the platform python")?;
                return Ok(None);
            }
            Ok(Some(vec![python(component)?, runner("python", "conformance.py")]))
        }
        "rust" => Ok(Some(vec![cargo()?])),
        "wasmtime-serve" => {
            if !exists("python3") {
                missing("Python", "the platform wasmtime-serve")?;
                return Ok(None);
            }
            let wasmtime = supply::WASMTIME.installed()?.display().to_string();
            compose(&[])?;
            let served = root().join("dist/refund-node-http-simulator.wasm").display().to_string();
            let runner = runner("http", "conformance.py");
            Ok(Some(vec!["python3".to_owned(), runner, wasmtime, served]))
        }
        other => bail!("there is no platform `{other}`: n8n, wasmtime-serve, {}", USUAL.join(", ")),
    }
}

fn runner(platform: &str, file: &str) -> String {
    root().join("platforms").join(platform).join(file).display().to_string()
}

/// A package for npm, built from the component; the other two hold what is built for Node. Its folder.
pub(crate) fn built(platform: &str, component: &Path) -> Result<PathBuf> {
    npm("node", component)?;
    if platform != "node" {
        npm(platform, component)?;
    }
    Ok(root().join("platforms").join(platform))
}

/// Installs a package's tools from its lock file, and builds it from the component.
fn npm(platform: &str, component: &Path) -> Result<()> {
    let folder = root().join("platforms").join(platform);
    made_from(platform, &folder, component, || {
        let npm = |arguments: &[&str]| {
            must(
                Command::new("npm")
                    .args(arguments)
                    .current_dir(&folder)
                    .env("REFUND_NODE_COMPONENT", component),
            )
        };
        npm(&["ci", "--no-audit", "--no-fund"])?;
        npm(&["run", "build"])
    })
}

/// Installs the Python package, built from the component, into an environment of its own; the interpreter there.
pub(crate) fn python(component: &Path) -> Result<String> {
    let folder = root().join("platforms/python");
    let environment = root().join("target/peers/platform-python");
    let python = interpreter(&environment);
    made_from("python", &folder, component, || {
        must(Command::new("python3").args(["-m", "venv"]).arg(&environment))?;
        must(
            Command::new(&python)
                .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
                .args(["--force-reinstall"])
                .arg(&folder)
                .env("REFUND_NODE_COMPONENT", component),
        )
    })?;
    Ok(python.display().to_string())
}

/// Builds the Rust program in the target folder of this workspace, whose compiled dependencies serve it; the runner.
fn cargo() -> Result<String> {
    let mut build = plain_cargo();
    build.current_dir(root().join("platforms/rust")).env("CARGO_TARGET_DIR", target());
    must(build.args(["build", "--quiet", "--locked"]))?;
    let name = format!("debug/conformance{}", std::env::consts::EXE_SUFFIX);
    Ok(target().join(name).display().to_string())
}

/// Makes something anew when its folder, the component or what all platforms share changed since the last time.
fn made_from(
    what: &str,
    folder: &Path,
    component: &Path,
    make: impl FnOnce() -> Result<()>,
) -> Result<()> {
    let platforms = root().join("platforms");
    let stamp = root().join("target/peers").join(format!("{what}.made"));
    let from = [
        folder,
        component,
        &platforms.join("egress.json"),
        &platforms.join("abi.json"),
        &platforms.join("forms"),
        &platforms.join("node"),
    ];
    let changed = from.iter().filter_map(|path| newest(path)).max();
    let last = stamp.metadata().and_then(|data| data.modified()).ok();
    if last.is_some() && last >= changed {
        return Ok(());
    }
    make()?;
    fs::create_dir_all(root().join("target/peers"))?;
    Ok(fs::write(stamp, "")?)
}

/// When anything in a folder was last written by hand.
fn newest(path: &Path) -> Option<SystemTime> {
    let is_made = path.file_name().is_some_and(|name| MADE.iter().any(|made| name == *made));
    if !path.is_dir() {
        return path.metadata().and_then(|data| data.modified()).ok();
    }
    let entries = (!is_made).then(|| fs::read_dir(path).ok()).flatten()?;
    // The folder's own time tells of a file that was removed.
    let own = path.metadata().and_then(|data| data.modified()).ok();
    entries.filter_map(|entry| newest(&entry.ok()?.path())).chain(own).max()
}
