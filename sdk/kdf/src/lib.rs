//! Keys out of passwords (RFC 8018, RFC 7914), for Python in a guest: `hashlib` there is without OpenSSL.
//!
//! The module is `_guesthouse_kdf`; `guesthouse/hashing.py` of the Python SDK puts its functions into `hashlib`.

mod derive;
#[cfg(target_arch = "wasm32")]
mod module;
