//! What is embedded from outside of this crate: a new file in it makes the crate be built again.

fn main() {
    for folder in ["../../sdk/python/guesthouse", "../../sdk/python/wit", "../../sdk/kdf/src", "../../wit/deps"] {
        println!("cargo::rerun-if-changed={folder}");
    }
}
