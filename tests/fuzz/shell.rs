//! An app around a random module: what it exports is called, one function after the other.

use wasmparser::CompositeInnerType;
use wasmparser::ExternalKind;
use wasmparser::FuncType;
use wasmparser::Parser;
use wasmparser::Payload;
use wasmparser::RefType;
use wasmparser::ValType;

/// A function that can be called, by its exported name.
pub struct Function {
    name: String,
    signature: FuncType,
}

/// The exported functions whose parameters can be written down.
pub fn functions(module: &[u8]) -> Vec<Function> {
    let (mut types, mut indices, mut found) = (Vec::new(), Vec::new(), Vec::new());
    for payload in Parser::new(0).parse_all(module) {
        match payload.expect("a random module is valid") {
            Payload::TypeSection(groups) => {
                for group in groups {
                    for one in group.expect("a random module is valid").into_types() {
                        types.push(match one.composite_type.inner {
                            CompositeInnerType::Func(signature) => Some(signature),
                            _ => None,
                        });
                    }
                }
            }
            Payload::FunctionSection(section) => {
                indices.extend(section.into_iter().map(|index| index.expect("a random module is valid") as usize));
            }
            Payload::ExportSection(exports) => {
                for export in exports {
                    let export = export.expect("a random module is valid");
                    if export.kind == ExternalKind::Func {
                        found.push((export.name.to_owned(), export.index as usize));
                    }
                }
            }
            _ => {}
        }
    }
    let function = |(name, index): (String, usize)| {
        let signature = types[indices[index]].clone()?;
        let is_plain = signature.params().iter().chain(signature.results()).all(|one| spelling(*one).is_some());
        is_plain.then_some(Function { name, signature })
    };
    found.into_iter().filter_map(function).collect()
}

/// The text of the app, with an empty module in the random one's place.
pub fn shell(functions: &[Function]) -> String {
    let (mut imports, mut calls) = (String::new(), String::new());
    for (at, Function { name, signature }) in functions.iter().enumerate() {
        let list = |kind: &str, types: &[ValType]| {
            let types: Vec<&str> = types.iter().filter_map(|one| Some(spelling(*one)?.0)).collect();
            format!("({kind} {})", types.join(" "))
        };
        let name: String = name.bytes().map(|byte| format!("\\{byte:02x}")).collect();
        let (params, results) = (list("param", signature.params()), list("result", signature.results()));
        imports.push_str(&format!("(import \"random\" \"{name}\" (func $f{at} {params} {results}))\n"));
        let values: Vec<&str> = signature.params().iter().filter_map(|one| Some(spelling(*one)?.1)).collect();
        calls.push_str(&format!("{} call $f{at} {}\n", values.join(" "), "drop ".repeat(signature.results().len())));
    }
    include_str!("shell.wat").replace("(;imports;)", &imports).replace("(;calls;)", &calls)
}

/// How a type is written, and a value of it.
fn spelling(one: ValType) -> Option<(&'static str, &'static str)> {
    match one {
        ValType::I32 => Some(("i32", "i32.const 7")),
        ValType::I64 => Some(("i64", "i64.const -7")),
        ValType::F32 => Some(("f32", "f32.const 0.5")),
        ValType::F64 => Some(("f64", "f64.const nan")),
        ValType::V128 => Some(("v128", "v128.const i64x2 1 -1")),
        ValType::Ref(RefType::FUNCREF) => Some(("funcref", "ref.null func")),
        ValType::Ref(RefType::EXTERNREF) => Some(("externref", "ref.null extern")),
        ValType::Ref(_) => None,
    }
}
