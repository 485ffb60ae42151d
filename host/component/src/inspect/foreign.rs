//! What a file is that is not WebAssembly: told from its first bytes, with what to do about it.

/// What begins with these bytes, and what to do.
const SIGNATURES: &[(&[u8], &str)] = &[
    (
        b"\x7fELF",
        "machine code (an ELF file: a program, or a precompiled `.cwasm`); the host compiles for itself and never loads \
         machine code from the apps folder: drop the component that it was made from",
    ),
    (b"MZ", "machine code (a Windows program): drop a WebAssembly component"),
    (b"\x1f\x8b", "a gzip archive: unpack it with `gunzip`, and drop what is in it"),
    (b"PK\x03\x04", "a zip archive: unpack it with `unzip`, and drop the component that is in it"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive: unpack it with `unzstd`, and drop what is in it"),
    (b"\xfd7zXZ\0", "an xz archive: unpack it with `unxz`, and drop what is in it"),
    (b"BZh", "a bzip2 archive: unpack it with `bunzip2`, and drop what is in it"),
    (b"version https://git-lfs", "a Git LFS pointer: fetch the file itself with `git lfs pull`"),
];

const TEXT_FORMAT: &str =
    "its text format: turn it into a binary with `wasm-tools parse app.wat -o app.wasm`, and drop that";
const PAGE: &str = "a page (HTML or XML): a download that was answered with a page, most likely; fetch the file again";
const PYTHON: &str = "Python source: make a component of it with `componentize-py`, and drop that";
const JAVASCRIPT: &str = "JavaScript source: make a component of it with `componentize-js`, and drop that";
const RUST: &str = "Rust source: build it with `guesthouse build`, or with Cargo for the target `wasm32-wasip2`";
const TEXT: &str = "text: drop the component that is built from it";
const UNKNOWN: &str = "something else (it does not begin with the bytes `\\0asm`): drop a WebAssembly component";

/// As much of a file as is looked at.
const LOOK_BYTES: usize = 4096;

/// What `bytes`, which do not begin as WebAssembly does, are instead.
pub fn name(bytes: &[u8]) -> &'static str {
    if let Some((_, what)) = SIGNATURES.iter().find(|(signature, _)| bytes.starts_with(signature)) {
        return what;
    }
    match text(&bytes[..bytes.len().min(LOOK_BYTES)]) {
        Some(text) => written(text),
        None => UNKNOWN,
    }
}

/// The bytes as a text without control characters. One that is cut within a character is a text still.
fn text(bytes: &[u8]) -> Option<&str> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => std::str::from_utf8(&bytes[..error.valid_up_to()]).ok()?,
        Err(_) => return None,
    };
    let is_odd = |character: char| character.is_control() && !matches!(character, '\n' | '\r' | '\t');
    (!text.is_empty() && !text.contains(is_odd)).then_some(text)
}

/// Which language a text is in, as far as its first lines give it away.
fn written(text: &str) -> &'static str {
    let start = text.trim_start();
    if start.starts_with('<') {
        return PAGE;
    }
    if start.starts_with(['(', ';']) {
        return TEXT_FORMAT;
    }
    let has = |beginnings: &[&str]| text.lines().any(|line| beginnings.iter().any(|begin| line.starts_with(begin)));
    if has(&["fn ", "pub fn ", "use std::", "#![", "mod "]) {
        return RUST;
    }
    let imports_a_file = text.lines().any(|line| line.starts_with("import ") && line.contains(['"', '\'']));
    if imports_a_file
        || has(&["const ", "export ", "function ", "let ", "var ", "addEventListener(", "async function "])
    {
        return JAVASCRIPT;
    }
    if has(&["def ", "import ", "from ", "class ", "async def "]) {
        return PYTHON;
    }
    TEXT
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], expected: &str) {
        assert_eq!(name(bytes), expected, "{bytes:?}");
    }

    #[test]
    fn sources_are_told_apart() {
        check(b"#!/usr/bin/env python3\nimport os\n", PYTHON);
        check(b"from wit_world import exports\n\nclass App:\n", PYTHON);
        check(b"import App from './app.js';\n", JAVASCRIPT);
        check(b"// a comment\nexport const handler = {};\n", JAVASCRIPT);
        check(b"use std::fmt;\nfn main() {}\n", RUST);
        check(b";; a module\n(module)\n", TEXT_FORMAT);
        check(b"\xef\xbb\xbf<html>", PAGE);
        check(b"hello", TEXT);
        check(b"text \0 and a NUL", UNKNOWN);
        check(b"\xff\xfe", UNKNOWN);
    }

    #[test]
    fn a_text_cut_within_a_character_is_a_text() {
        let long = "ä".repeat(LOOK_BYTES) + "x";
        check(&long.as_bytes()[..LOOK_BYTES + 1], TEXT);
        check(format!("x{long}").as_bytes(), TEXT);
    }
}
