//! `platforms/abi.json`: where the canonical ABI puts what hosts without a component runtime read and write by hand. It
//! is computed from `wit/`, so a change of the contract changes the file, and the file the hosts.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;
use wit_parser::abi::{AbiVariant, FlatTypes, WasmType};
use wit_parser::{Case, Function, Int, Resolve, SizeAlign, Type, TypeDefKind};

/// The functions of which `platforms/node` reads or writes a result in memory, and two for the cases they take.
const BOUND: [(&str, &[&str]); 6] = [
    ("refund-node:refunds/node@0.1.0", &["describe", "invoke"]),
    ("refund-node:refunds/webhooks@0.1.0", &["verify"]),
    ("wasi:clocks/wall-clock@0.2.2", &["now"]),
    (
        "wasi:io/streams@0.2.2",
        &["[method]input-stream.blocking-read", "[method]output-stream.blocking-write-and-flush"],
    ),
    (
        "wasi:http/types@0.2.2",
        &[
            "[method]fields.append",
            "[method]fields.entries",
            "[method]outgoing-request.set-method",
            "[method]outgoing-request.set-scheme",
            "[method]outgoing-request.body",
            "[method]outgoing-body.write",
            "[method]future-incoming-response.get",
            "[method]incoming-response.consume",
            "[method]incoming-body.stream",
        ],
    ),
    ("wasi:http/outgoing-handler@0.2.2", &["handle"]),
];

/// Types of which a host only writes the case, with an empty payload.
const WHOLE: [&str; 1] = ["error-code"];

#[derive(Default, Serialize)]
struct Abi {
    /// Of variants and enums, in the order of their discriminants.
    cases: BTreeMap<String, Vec<String>>,
    /// Of [`WHOLE`], in bytes.
    sizes: BTreeMap<String, usize>,
    functions: BTreeMap<String, Bound>,
}

#[derive(Serialize)]
struct Bound {
    /// What a host passes to an export: for each parameter of the core function, the field that it is a part of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    params: Vec<String>,
    /// The offset of each part of the result. A variant's discriminant is at the offset of the variant itself.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    result: BTreeMap<String, usize>,
}

struct Layout<'a> {
    resolve: &'a Resolve,
    sizes: SizeAlign,
    abi: Abi,
}

impl Layout<'_> {
    fn bind(&mut self, interface: &str, function: &Function) {
        let is_export = interface.starts_with("refund-node:");
        let variant = if is_export { AbiVariant::GuestExport } else { AbiVariant::GuestImport };
        let signature = self.resolve.wasm_signature(variant, function);
        assert!(!signature.indirect_params, "{} takes its parameters in memory", function.name);
        let mut params = Vec::new();
        for param in &function.params {
            self.flatten(&param.name, &param.ty, &mut params);
        }
        if is_export {
            assert_eq!(params.len(), signature.params.len());
        } else {
            params.clear();
        }
        let mut result = BTreeMap::new();
        if let Some(ty) = function.result.filter(|_| signature.retptr) {
            self.place("", &ty, 0, &mut result);
        }
        let name = format!("{interface}#{}", function.name);
        self.abi.functions.insert(name, Bound { params, result });
    }

    fn flatten(&mut self, name: &str, ty: &Type, params: &mut Vec<String>) {
        self.note(ty);
        if let Some(TypeDefKind::Record(record)) = self.kind(ty) {
            for field in &record.fields {
                self.flatten(&join(name, &field.name), &field.ty, params);
            }
        } else {
            let mut space = [WasmType::I32; 16];
            let mut types = FlatTypes::new(&mut space);
            self.resolve.push_flat(ty, &mut types);
            params.extend(types.to_vec().iter().map(|_| name.to_owned()));
        }
    }

    /// Notes where the parts of a value are that is itself at an offset.
    fn place(&mut self, name: &str, ty: &Type, at: usize, offsets: &mut BTreeMap<String, usize>) {
        self.note(ty);
        if !name.is_empty() {
            offsets.insert(name.to_owned(), at);
        }
        let fields: Vec<(String, Type)> = match self.kind(ty) {
            Some(TypeDefKind::Record(record)) => {
                record.fields.into_iter().map(|field| (field.name, field.ty)).collect()
            }
            Some(TypeDefKind::Tuple(tuple)) => {
                tuple.types.iter().enumerate().map(|(n, ty)| (n.to_string(), *ty)).collect()
            }
            Some(TypeDefKind::List(item)) => {
                let (items, size) = (format!("{name}[]"), self.sizes.size(&item).size_wasm32());
                self.place(&items, &item, 0, offsets);
                offsets.insert(items, size);
                return;
            }
            Some(TypeDefKind::Variant(variant)) if !self.is_whole(ty) => {
                let case = |Case { name, ty, .. }| (name, ty);
                let tag = variant.tag();
                return self.choose(name, tag, variant.cases.into_iter().map(case), at, offsets);
            }
            Some(TypeDefKind::Option(some)) => {
                let cases = [("some".to_owned(), Some(some))];
                return self.choose(name, Int::U8, cases.into_iter(), at, offsets);
            }
            Some(TypeDefKind::Result(result)) => {
                let cases = [("ok".to_owned(), result.ok), ("err".to_owned(), result.err)];
                return self.choose(name, Int::U8, cases.into_iter(), at, offsets);
            }
            _ => return,
        };
        let types: Vec<_> = fields.iter().map(|(_, ty)| *ty).collect();
        let places = self.sizes.field_offsets(&types);
        let places: Vec<_> = places.into_iter().map(|(offset, _)| offset.size_wasm32()).collect();
        for ((field, ty), offset) in fields.iter().zip(places) {
            self.place(&join(name, field), ty, at + offset, offsets);
        }
    }

    /// The same for a value that is one of several.
    fn choose(
        &mut self,
        name: &str,
        tag: Int,
        cases: impl Iterator<Item = (String, Option<Type>)>,
        at: usize,
        offsets: &mut BTreeMap<String, usize>,
    ) {
        let cases: Vec<_> = cases.collect();
        let payload = self.sizes.payload_offset(tag, cases.iter().map(|(_, ty)| ty.as_ref()));
        for (case, ty) in &cases {
            if let Some(ty) = ty {
                self.place(&join(name, case), ty, at + payload.size_wasm32(), offsets);
            }
        }
    }

    /// Notes the cases of a type that has any.
    fn note(&mut self, ty: &Type) {
        let cases: Vec<_> = match self.kind(ty) {
            Some(TypeDefKind::Enum(one)) => one.cases.into_iter().map(|case| case.name).collect(),
            Some(TypeDefKind::Variant(one)) => {
                one.cases.into_iter().map(|case| case.name).collect()
            }
            Some(TypeDefKind::Option(inner)) => return self.note(&inner),
            _ => return,
        };
        let Some(name) = self.name(ty) else { return };
        if self.is_whole(ty) {
            self.abi.sizes.insert(name.clone(), self.sizes.size(ty).size_wasm32());
        }
        self.abi.cases.insert(name, cases);
    }

    fn is_whole(&self, ty: &Type) -> bool {
        self.name(ty).is_some_and(|name| WHOLE.contains(&name.as_str()))
    }

    /// What a type is, behind the names that interfaces give it.
    fn kind(&self, ty: &Type) -> Option<TypeDefKind> {
        let Type::Id(id) = ty else { return None };
        match &self.resolve.types[*id].kind {
            TypeDefKind::Type(other) => self.kind(other),
            kind => Some(kind.clone()),
        }
    }

    fn name(&self, ty: &Type) -> Option<String> {
        let Type::Id(id) = ty else { return None };
        self.resolve.types[*id].name.clone()
    }
}

fn join(name: &str, part: &str) -> String {
    if name.is_empty() { part.to_owned() } else { format!("{name}.{part}") }
}

fn here(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}

#[test]
fn the_layout_of_the_contract_is_written_down() {
    let mut resolve = Resolve::default();
    resolve.push_dir(here("../../wit")).unwrap();
    let mut sizes = SizeAlign::default();
    sizes.fill(&resolve);
    let mut layout = Layout { resolve: &resolve, sizes, abi: Abi::default() };
    for (name, functions) in BOUND {
        let found =
            resolve.interfaces.iter().find(|(id, _)| resolve.id_of(*id).as_deref() == Some(name));
        let (_, interface) = found.unwrap_or_else(|| panic!("there is no interface {name}"));
        for function in functions {
            layout.bind(name, &interface.functions[*function]);
        }
    }
    let text = format!("{}\n", serde_json::to_string_pretty(&layout.abi).unwrap());
    let file = here("../abi.json");
    if std::env::var_os("UPDATE_ABI").is_some() {
        std::fs::write(&file, &text).unwrap();
    }
    let kept = std::fs::read_to_string(file).unwrap_or_default();
    assert_eq!(kept, text, "run it again with UPDATE_ABI=1, and look at what changed");
}
