//! Packages whose native code no guest can have, and what does their work without it.

/// What stands in the way of some, in the index's spelling. Nobody tries to build these.
const IN_THE_WAY: &[(&str, &str)] = &[
    ("argon2-cffi-bindings", "it needs cffi"),
    ("brotlicffi", "it needs cffi"),
    ("brotlipy", "it needs cffi"),
    ("cffi", "it calls foreign code through libffi, which WebAssembly cannot have"),
    ("cryptography", "it needs OpenSSL and cffi"),
    ("grpcio", "it needs threads"),
    ("lxml", "it needs libxml2 and libxslt"),
    ("misaka", "it needs cffi"),
    ("numpy", "its build runs programs that it has made for the machine it is for"),
    ("pandas", "it needs numpy"),
    ("pillow", "it needs libjpeg and zlib as libraries of the guest"),
    ("pillow-heif", "it needs libheif"),
    ("pycurl", "it needs libcurl"),
    ("scipy", "it needs numpy and Fortran"),
];

/// Known ones, in the index's spelling, each with what to do instead.
const KNOWN: &[(&str, &str)] = &[
    ("argon2-cffi-bindings", "use hashlib.pbkdf2_hmac, or the package bcrypt, which is compiled for guests"),
    ("asyncpg", "use psycopg 3 (`psycopg.AsyncConnection`; SQLAlchemy: `postgresql+psycopg://`)"),
    ("bcrypt", "passlib.hash.pbkdf2_sha256 is pure Python"),
    ("cffi", "leave it out"),
    ("cryptography", "hmac and hashlib of the standard library do for signed cookies; TLS is the host's"),
    ("gevent", "the host runs instances side by side: leave it out"),
    ("greenlet", "only asynchronous SQLAlchemy needs it: leave it out"),
    ("grpcio", "call the service over HTTP"),
    ("lxml", "use xml.etree of the standard library, or html5lib"),
    ("misaka", "use mistune or Markdown, which are pure Python"),
    ("mysqlclient", "use PyMySQL, which is pure Python"),
    ("numpy", "leave the numbers to another service"),
    ("orjson", "use json of the standard library"),
    ("pandas", "use csv of the standard library, or another service"),
    ("pillow", "let another service handle images"),
    ("psycopg2", "use psycopg 3 (`psycopg`), whose native half the guest brings, in Python"),
    ("pydantic-core", "`pydantic<2` is pure Python, and `fastapi<0.126` goes with it"),
    ("ujson", "use json of the standard library"),
];

/// What to do instead of a package.
fn instead(name: &str) -> Option<&'static str> {
    KNOWN.iter().find(|(known, _)| *known == name).map(|(_, advice)| *advice)
}

/// Why nobody tries to build `name`, if so.
pub fn in_the_way(name: &str) -> Option<&'static str> {
    let name = normalized(name);
    IN_THE_WAY.iter().find(|(known, _)| *known == name).map(|(_, why)| *why)
}

/// Those whose source is of no use.
pub fn names() -> Vec<&'static str> {
    IN_THE_WAY.iter().map(|(name, _)| *name).collect()
}

/// A name as the index has it: in lower case, and `-` for whatever parts words.
pub fn normalized(name: &str) -> String {
    let mut normal = String::new();
    for part in name.split(['-', '_', '.']).filter(|part| !part.is_empty()) {
        if !normal.is_empty() {
            normal.push('-');
        }
        normal.push_str(&part.to_ascii_lowercase());
    }
    normal
}

/// Why a package cannot be in an app, in one sentence. `why` is what its build said, if it was tried.
pub fn refusal(name: &str, version: &str, needed_by: &[String], why: &str) -> String {
    let by = match needed_by {
        [] => String::new(),
        names => format!(", needed by {},", names.join(" and ")),
    };
    let why = in_the_way(name).unwrap_or(why);
    let because = if why.is_empty() { String::new() } else { format!(" ({why})") };
    let advice = instead(&normalized(name)).unwrap_or("look for a package that does its work in Python alone");
    format!("`{name}` {version}{by} needs native code that cannot be had for a guest{because}: {advice}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_in_order_and_in_the_indexs_spelling() {
        for table in [KNOWN, IN_THE_WAY] {
            assert!(table.is_sorted_by_key(|(name, _)| *name));
            assert!(table.iter().all(|(name, _)| normalized(name) == *name));
        }
        assert!(in_the_way("Pillow").is_some() && in_the_way("flask").is_none());
    }

    #[test]
    fn a_refusal_names_the_package_who_needs_it_why_and_what_to_do() {
        let expected = "`lxml` 6.0 needs native code that cannot be had for a guest (it needs libxml2 and libxslt): use \
                        xml.etree of the standard library, or html5lib";
        assert_eq!(refusal("lxml", "6.0", &[], ""), expected);
        let by = refusal("rare", "1.0", &["shop".to_owned(), "till".to_owned()], "no Fortran");
        let expected =
            "`rare` 1.0, needed by shop and till, needs native code that cannot be had for a guest (no Fortran): ";
        assert!(by.starts_with(expected), "{by}");
    }
}
