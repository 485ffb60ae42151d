//! Finds the guest apps and writes their names as Rust, so that a guest without a test does not compile.

use std::env;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

/// A guest app as the generated code names it.
struct Guest {
    name: String,
    /// Its `//!` line: what it shows.
    subject: String,
}

fn main() {
    let manifest_dir = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("Cargo sets it"));
    let out_dir = PathBuf::from(env::var_os("OUT_DIR").expect("Cargo sets it"));
    let guests = find(&manifest_dir.join("../../guest-apps/rust"));
    let code = constants(&guests) + &foreach_guest(&guests);
    fs::write(out_dir.join("guests.rs"), code).expect("OUT_DIR can be written to");
}

fn find(folder: &Path) -> Vec<Guest> {
    println!("cargo::rerun-if-changed={}", folder.display());
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("cannot read `{}`: {error}", folder.display()));
    let mut guests: Vec<_> =
        entries.filter_map(|entry| guest(&entry.expect("the folder is readable").path())).collect();
    guests.sort_by(|one, other| one.name.cmp(&other.name));
    guests
}

/// The guest in a folder, if there is one. Its name is the folder's, which is its package's too.
fn guest(folder: &Path) -> Option<Guest> {
    if !folder.join("Cargo.toml").is_file() {
        return None;
    }
    let source = folder.join("src/lib.rs");
    println!("cargo::rerun-if-changed={}", source.display());
    let text = fs::read_to_string(&source).unwrap_or_default();
    let subject = text.lines().next().and_then(|line| line.strip_prefix("//! "));
    let subject = subject.unwrap_or_else(|| panic!("`{}` does not begin with what it shows", source.display()));
    Some(Guest { name: folder.file_name()?.to_str()?.to_owned(), subject: subject.to_owned() })
}

fn constants(guests: &[Guest]) -> String {
    let names: String = guests.iter().map(|guest| format!("    {},\n", upper(&guest.name))).collect();
    let mut code = format!("/// The name of every guest app.\npub const ALL: &[&str] = &[\n{names}];\n");
    for Guest { name, subject } in guests {
        code.push_str(&format!("\n/// {subject}\npub const {}: &str = {name:?};\n", upper(name)));
    }
    code
}

fn foreach_guest(guests: &[Guest]) -> String {
    let calls: String =
        guests.iter().map(|guest| format!("        $mac!({});\n", guest.name.replace('-', "_"))).collect();
    format!(
        "\n/// Calls a macro with the name of every guest app, as an identifier.\n\
         #[macro_export]\nmacro_rules! foreach_guest {{\n    ($mac:ident) => {{\n{calls}    }};\n}}\n"
    )
}

fn upper(name: &str) -> String {
    name.replace('-', "_").to_uppercase()
}
