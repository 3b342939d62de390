//! What a file is, before anything of it runs.

use std::path::Path;

use sha2::{Digest, Sha256};
use wasmparser::{BinaryReaderError, Parser, Payload};
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::error::ComponentError;

/// What every refund node exports, in any world.
const EXPORTS: [&str; 4] = [
    "refund-node:refunds/eligibility@0.1.0",
    "refund-node:refunds/duplicates@0.1.0",
    "refund-node:refunds/webhooks@0.1.0",
    "refund-node:refunds/node@0.1.0",
];

/// All that a component can reach and offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// SHA-256 of the file, in lower-case hexadecimal digits.
    pub digest: String,
    /// Bytes.
    pub size: usize,
    /// Names of the imports, sorted.
    pub imports: Vec<String>,
    /// Names of the exports, sorted.
    pub exports: Vec<String>,
}

/// Looks into a component without compiling or running it.
pub fn inspect(bytes: &[u8]) -> Result<Inspection, ComponentError> {
    check_header(bytes)?;
    check_shape(bytes)?;
    let damaged = |error: BinaryReaderError| ComponentError::Damaged(error.to_string());
    let (mut imports, mut exports) = (Vec::new(), Vec::new());
    let mut levels = 0;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(damaged)? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => levels += 1,
            Payload::End(_) => levels -= 1,
            Payload::ComponentImportSection(section) if levels == 0 => {
                for import in section {
                    imports.push(import.map_err(damaged)?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) if levels == 0 => {
                for export in section {
                    exports.push(export.map_err(damaged)?.name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    imports.sort();
    exports.sort();
    Ok(Inspection { digest: digest(bytes), size: bytes.len(), imports, exports })
}

/// SHA-256, in lower-case hexadecimal digits.
pub(crate) fn digest(bytes: &[u8]) -> String {
    use std::fmt::Write;
    Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Reads a file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, ComponentError> {
    std::fs::read(path)
        .map_err(|error| ComponentError::Unreadable { path: path.display().to_string(), error })
}

/// Compiles, and tells what is none.
pub(crate) fn compile(engine: &Engine, bytes: &[u8]) -> Result<Component, ComponentError> {
    check_header(bytes)?;
    check_shape(bytes)?;
    Component::from_binary(engine, bytes)
        .map_err(|error| ComponentError::Damaged(error.root_cause().to_string()))
}

/// The first eight bytes tell a component from a core module (layer 1 instead of 0).
pub(crate) fn check_header(bytes: &[u8]) -> Result<(), ComponentError> {
    let what = match bytes {
        [b'\0', b'a', b's', b'm', _, _, 1, 0, ..] => return Ok(()),
        [b'\0', b'a', b's', b'm', 1, 0, 0, 0, ..] => "a core WebAssembly module",
        [b'\0', b'a', b's', b'm', ..] => "a WebAssembly file of another kind or cut off",
        [] => "an empty file",
        _ => "no WebAssembly file",
    };
    Err(ComponentError::NotAComponent { what: what.to_owned() })
}

/// A pipeline composed of several components has a handful of each.
const MOST_PARTS: usize = 100;
const MOST_LEVELS: usize = 8;

/// Counts what a component is made of. Parts within parts cost the compiler far more than their bytes, so
/// this is asked before it begins.
fn check_shape(bytes: &[u8]) -> Result<(), ComponentError> {
    let too_complex = |what, most| Err(ComponentError::TooComplex { what, most });
    let (mut parts, mut levels) = (0, 0_usize);
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(|error| ComponentError::Damaged(error.to_string()))? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => {
                parts += 1;
                levels += 1;
            }
            Payload::End(_) => levels = levels.saturating_sub(1),
            _ => {}
        }
        if levels > MOST_LEVELS {
            return too_complex("levels of nesting", MOST_LEVELS);
        }
        if parts > MOST_PARTS {
            return too_complex("modules and components in it", MOST_PARTS);
        }
    }
    Ok(())
}

/// Imports are what the host links, exports what the host calls.
pub(crate) fn check_world(
    engine: &Engine,
    component: &Component,
    given: &[&str],
) -> Result<(), ComponentError> {
    let ty = component.component_type();
    for (import, _) in ty.imports(engine) {
        if !given.iter().any(|prefix| import.starts_with(prefix)) {
            return Err(ComponentError::ForeignImport { import: import.to_owned() });
        }
    }
    for export in EXPORTS {
        if ty.exports(engine).all(|(name, _)| name != export) {
            return Err(ComponentError::MissingExport { export: export.to_owned() });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_component_is_named() {
        let module = wat::parse_str("(module)").unwrap();
        let component = wat::parse_str("(component)").unwrap();
        let engine = Engine::default();
        let what = |bytes: &[u8]| compile(&engine, bytes).err().map(|error| error.to_string());
        assert!(what(&module).unwrap().contains("a core WebAssembly module"));
        assert!(what(b"").unwrap().contains("an empty file"));
        assert!(what(b"MZ").unwrap().contains("no WebAssembly file"));
        assert!(what(&component[..6]).unwrap().contains("cut off"));
        let mut cut = component.clone();
        cut.push(7);
        assert!(what(&cut).unwrap().contains("damaged or cut off"));
        assert!(what(&component).is_none());
    }

    #[test]
    fn a_foreign_world_is_told() {
        let engine = Engine::default();
        let check = |text: &str| {
            let component = compile(&engine, &wat::parse_str(text).unwrap()).unwrap();
            check_world(&engine, &component, &["wasi:http/"]).unwrap_err().to_string()
        };
        let foreign = check(r#"(component (import "wasi:filesystem/types@0.2.0" (instance)))"#);
        assert!(foreign.contains("imports wasi:filesystem/types@0.2.0"), "{foreign}");
        let empty = check("(component)");
        assert!(empty.contains("does not export refund-node:refunds/eligibility"), "{empty}");
    }
}
