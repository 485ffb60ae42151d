//! Which paths we take: those that everybody on their way reads alike.

use guesthouse_app::percent::octet;

/// Checks the raw bytes of a path. What could be read in two ways is refused: `.` and `..` as segments in any spelling,
/// also beside an encoded slash, which some take for a slash; a backslash, NUL, and a `%` that encodes nothing.
pub fn check_path(path: &str) -> Result<(), &'static str> {
    let bytes = path.as_bytes();
    let mut dots = false;
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'\\' => return Err("the path has a backslash"),
            0..=0x20 | 0x7f => return Err("the path has a control character or a space"),
            b'%' => match bytes[at + 1..].first_chunk().and_then(octet) {
                None => return Err("the path has a `%` that is not followed by two hexadecimal digits"),
                Some(0) => return Err("the path has an encoded NUL"),
                Some(b'\\') => return Err("the path has an encoded backslash"),
                Some(b'.') => dots = true,
                Some(_) => {}
            },
            b'.' => dots = true,
            _ => {}
        }
    }
    if dots && with_plain_slashes(path).as_deref().unwrap_or(path).split('/').any(is_dots) {
        return Err("the path has `.` or `..` as a segment");
    }
    Ok(())
}

/// The path as it is for those who take an encoded slash for a slash; `None` where it has none. Nothing else is decoded.
pub fn with_plain_slashes(path: &str) -> Option<String> {
    let has_some = path.contains('%') && (path.contains("%2f") || path.contains("%2F"));
    has_some.then(|| path.replace("%2f", "/").replace("%2F", "/"))
}

fn is_dots(segment: &str) -> bool {
    let mut rest = segment;
    let mut dots = 0;
    while !rest.is_empty() {
        let dot = rest.strip_prefix('.').or_else(|| rest.strip_prefix("%2e")).or_else(|| rest.strip_prefix("%2E"));
        match dot {
            Some(after) => rest = after,
            None => return false,
        }
        dots += 1;
    }
    dots == 1 || dots == 2
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, expected: Result<(), &str>) {
        assert_eq!(check_path(path), expected, "{path}");
    }

    #[test]
    fn paths() {
        for path in
            ["/", "/shop/", "//", "/a%20b", "/...", "/.well-known/x", "/a..b", "/%2e%2e%2e", "/x%2e", "/ä", "/a;b=c"]
        {
            check(path, Ok(()));
        }
        for path in
            ["/%2f", "/a%2fb", "/@scope%2Fname", "/a%2f%2Fb", "/...%2f...", "/a%252fb", "/..%252fb", "/%252e%252e"]
        {
            check(path, Ok(()));
        }
        for path in ["/.", "/..", "/./", "/a/../b", "/%2e", "/%2E%2e/", "/.%2e", "/%2e./x"] {
            check(path, Err("the path has `.` or `..` as a segment"));
        }
        for path in
            ["/..%2f", "/%2e%2e%2f", "/%2E.%2Fb", "/a%2f..", "/a%2F%2e%2fb", "/a%2f../b", "/a/.%2fb", "/a%2fb%2f.."]
        {
            check(path, Err("the path has `.` or `..` as a segment"));
        }
        for path in ["/..%5c", "/%2e%2e%5C%2f", "/a%2f%5cb"] {
            check(path, Err("the path has an encoded backslash"));
        }
        check("/a%5Cb", Err("the path has an encoded backslash"));
        check("/a\\b", Err("the path has a backslash"));
        check("/%00", Err("the path has an encoded NUL"));
        check("/a\x7f", Err("the path has a control character or a space"));
        for path in ["/%", "/%2", "/%zz", "/%+1", "/%%41"] {
            check(path, Err("the path has a `%` that is not followed by two hexadecimal digits"));
        }
    }

    #[test]
    fn only_encoded_slashes_are_made_plain() {
        for (path, expected) in [
            ("/a/b", None),
            ("/a%20b", None),
            ("/a%252fb", None),
            ("/a%2fb", Some("/a/b")),
            ("/%2F%2f%41", Some("///%41")),
        ] {
            assert_eq!(with_plain_slashes(path).as_deref(), expected, "{path}");
        }
    }
}
