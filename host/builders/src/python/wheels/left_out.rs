//! Packages that a guest does without: what they do is the host's work, or they are named and not needed.

use crate::python::index::native::normalized;

/// In the index's spelling, each with why.
const LEFT_OUT: &[(&str, &str)] = &[
    ("gevent", "the host runs instances side by side"),
    ("greenlet", "it switches stacks, which WebAssembly has not; only asynchronous SQLAlchemy and gevent need it"),
    ("hiredis", "redis reads its answers in Python as well"),
    ("httptools", "the host reads the requests"),
    ("meinheld", "the host is the server"),
    ("mysqlclient", "it needs MySQL's library; PyMySQL is pure Python (SQLAlchemy: `mysql+pymysql://`)"),
    ("psycopg-binary", "the guest has its own, in Python: psycopg takes that"),
    ("psycopg-c", "the guest has its own, in Python: psycopg takes that"),
    ("psycopg2", "it needs PostgreSQL's library: require psycopg 3 (`psycopg`), which runs in a guest"),
    ("psycopg2-binary", "it needs PostgreSQL's library: require psycopg 3 (`psycopg`), which runs in a guest"),
    ("uvloop", "the host is the server, and a guest's loop is asyncio's"),
    ("uwsgi", "the host is the server"),
    ("watchfiles", "`guesthouse dev` watches the source"),
];

/// Why `name` is left out, if it is.
pub fn why(name: &str) -> Option<&'static str> {
    let name = normalized(name);
    LEFT_OUT.iter().find(|(known, _)| *known == name).map(|(_, why)| *why)
}

/// All that are.
pub fn names() -> Vec<&'static str> {
    LEFT_OUT.iter().map(|(name, _)| *name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_and_in_the_indexs_spelling() {
        assert!(LEFT_OUT.is_sorted_by_key(|(name, _)| *name));
        assert!(LEFT_OUT.iter().all(|(name, _)| normalized(name) == *name));
        assert!(why("psycopg2_binary").is_some() && why("flask").is_none());
    }
}
