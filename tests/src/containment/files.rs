//! Files that are attacks by themselves.

/// The hostile guest.
pub const HOSTILE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/hostile.wasm"));

/// The hostile guest with a second module that grows a table as soon as it is instantiated.
pub(super) fn grows_a_table() -> Vec<u8> {
    with_module(
        "(module (table 1 funcref)
            (func $grow (if (i32.eq (table.grow (ref.null func) (i32.const 1000000)) (i32.const -1))
                (then unreachable)))
            (start $grow))",
        1,
    )
}

/// The hostile guest with a module whose table is too large from the start.
pub(super) fn large_table() -> Vec<u8> {
    with_module("(module (table 1000000 funcref))", 1)
}

/// The hostile guest with a module that is instantiated five times, each with a memory.
pub(super) fn many_memories() -> Vec<u8> {
    with_module("(module (memory 1))", 5)
}

/// Wants files.
pub(super) fn more_imports() -> Vec<u8> {
    wat(r#"(component (import "wasi:filesystem/types@0.2.2" (instance)))"#)
}

/// Cut in the middle.
pub(super) fn truncated() -> Vec<u8> {
    HOSTILE[..HOSTILE.len() / 2].to_vec()
}

/// A module, not a component.
pub(super) fn core_module() -> Vec<u8> {
    wat("(module)")
}

/// Each type holds the one before it twice: forty lines, a million million fields.
pub(super) fn nested_types() -> Vec<u8> {
    let types = (1..40).map(|n| format!("(type $t{n} (tuple $t{} $t{}))", n - 1, n - 1));
    let types: Vec<_> = types.collect();
    wat(&format!("(component (type $t0 (tuple u8 u8)) {})", types.join("\n")))
}

/// A component inside a component, and so on.
pub(super) fn nested_components() -> Vec<u8> {
    const DEPTH: usize = 500_000;
    let mut sizes = vec![HEADER.len()];
    for depth in 0..DEPTH {
        let mut length = Vec::new();
        leb128(&mut length, sizes[depth]);
        sizes.push(HEADER.len() + 1 + length.len() + sizes[depth]);
    }
    let mut file = HEADER.to_vec();
    for size in sizes.iter().rev().skip(1) {
        file.push(COMPONENT);
        leb128(&mut file, *size);
        file.extend_from_slice(HEADER);
    }
    file
}

/// Half a million components beside each other.
pub(super) fn many_components() -> Vec<u8> {
    let mut file = HEADER.to_vec();
    for _ in 0..500_000 {
        section(&mut file, COMPONENT, HEADER);
    }
    file
}

/// Two million types.
pub(super) fn many_types() -> Vec<u8> {
    const COUNT: usize = 2_000_000;
    const BOOL: u8 = 0x7f;
    let mut types = Vec::new();
    leb128(&mut types, COUNT);
    types.resize(types.len() + COUNT, BOOL);
    let mut file = HEADER.to_vec();
    section(&mut file, TYPES, &types);
    file
}

/// Larger than any refund node.
pub(super) fn too_large() -> Vec<u8> {
    let mut file = HOSTILE.to_vec();
    let padding = vec![0; 9 << 20];
    section(&mut file, 0, &padding);
    file
}

#[expect(clippy::expect_used, reason = "a test that cannot go on fails")]
fn wat(text: &str) -> Vec<u8> {
    wat::parse_str(text).expect("the text is well formed")
}

/// How a component begins.
const HEADER: &[u8] = b"\0asm\x0d\0\x01\0";

// Numbers of sections of a component.
const CORE_MODULE: u8 = 1;
const CORE_INSTANCE: u8 = 2;
const COMPONENT: u8 = 4;
const TYPES: u8 = 7;

/// Adds a core module to the hostile guest, and has it instantiated so many times.
fn with_module(text: &str, times: u8) -> Vec<u8> {
    let mut file = HOSTILE.to_vec();
    let index = sections(HOSTILE).filter(|kind| *kind == CORE_MODULE).count();
    section(&mut file, CORE_MODULE, &wat(text));
    let mut instances = vec![times];
    for _ in 0..times {
        // Instantiate (0) this module, with no arguments.
        instances.push(0);
        leb128(&mut instances, index);
        instances.push(0);
    }
    section(&mut file, CORE_INSTANCE, &instances);
    file
}

/// The numbers of the sections at the top of a component.
fn sections(file: &[u8]) -> impl Iterator<Item = u8> + '_ {
    let mut at = 8;
    std::iter::from_fn(move || {
        let kind = *file.get(at)?;
        at += 1;
        let (mut length, mut shift) = (0, 0);
        loop {
            let byte = *file.get(at)?;
            at += 1;
            length |= usize::from(byte & 0x7f) << shift;
            shift += 7;
            if byte < 0x80 {
                break;
            }
        }
        at += length;
        Some(kind)
    })
}

fn section(file: &mut Vec<u8>, kind: u8, content: &[u8]) {
    file.push(kind);
    leb128(file, content.len());
    file.extend_from_slice(content);
}

fn leb128(out: &mut Vec<u8>, mut value: usize) {
    loop {
        let [low, ..] = (value & 0x7f).to_le_bytes();
        value >>= 7;
        if value == 0 {
            return out.push(low);
        }
        out.push(low | 0x80);
    }
}
