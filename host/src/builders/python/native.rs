//! Packages with native code, which no guest can load, and what does their work without it.

/// Known ones, in the index's spelling, each with what to do instead. Nobody tries to build these.
const KNOWN: &[(&str, &str)] = &[
    ("asyncpg", "use pg8000, which is pure Python"),
    ("bcrypt", "passlib.hash.pbkdf2_sha256 is pure Python"),
    ("cffi", "there is no foreign code to call in a guest"),
    ("cryptography", "hmac and hashlib of the standard library do for signed cookies; TLS is the host's"),
    ("gevent", "the host runs instances side by side: leave it out"),
    ("greenlet", "only asynchronous SQLAlchemy needs it: leave it out"),
    ("grpcio", "call the service over HTTP"),
    ("httptools", "the host is the server: name `uvicorn` without [standard], or not at all"),
    ("lxml", "use xml.etree of the standard library, or html5lib"),
    ("mysqlclient", "use PyMySQL, which is pure Python"),
    ("numpy", "there is none without native code: leave the numbers to another service"),
    ("orjson", "use json of the standard library"),
    ("pandas", "there is none without native code: use csv of the standard library, or another service"),
    ("pillow", "there is none without native code: let another service handle images"),
    ("psycopg-binary", "use pg8000, which is pure Python"),
    ("psycopg-c", "use pg8000, which is pure Python"),
    ("psycopg2", "use pg8000, which is pure Python"),
    ("psycopg2-binary", "use pg8000, which is pure Python"),
    ("pydantic-core", "`pydantic<2` is pure Python, and `fastapi<0.126` goes with it"),
    ("ujson", "use json of the standard library"),
    ("uvloop", "the host is the server: name `uvicorn` without [standard], or not at all"),
];

/// What to do instead of a package of which it is known that it cannot be had.
pub fn instead(name: &str) -> Option<&'static str> {
    let name = normalized(name);
    KNOWN.iter().find(|(known, _)| *known == name).map(|(_, advice)| *advice)
}

/// All that are known.
pub fn names() -> Vec<&'static str> {
    KNOWN.iter().map(|(name, _)| *name).collect()
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

/// Why a package cannot be in an app, in one sentence.
pub fn refusal(name: &str, version: &str, needed_by: &[String]) -> String {
    let by = match needed_by {
        [] => String::new(),
        names => format!(", needed by {}", names.join(" and ")),
    };
    let advice = instead(name).unwrap_or("look for a package that does its work in Python alone");
    format!("`{name}` {version}{by} needs native code, which no guest can load: {advice}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_and_in_the_indexs_spelling() {
        assert!(KNOWN.is_sorted_by_key(|(name, _)| *name));
        assert!(KNOWN.iter().all(|(name, _)| normalized(name) == *name));
        assert!(instead("Pydantic_Core").is_some() && instead("flask").is_none());
    }

    #[test]
    fn a_refusal_names_the_package_who_needs_it_and_what_to_do() {
        let expected = "`psycopg2` 2.9.10 needs native code, which no guest can load: use pg8000, which is pure Python";
        assert_eq!(refusal("psycopg2", "2.9.10", &[]), expected);
        let by = refusal("rare", "1.0", &["shop".to_owned(), "till".to_owned()]);
        assert!(by.starts_with("`rare` 1.0, needed by shop and till needs native code"), "{by}");
    }
}
