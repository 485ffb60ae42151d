//! The names of interfaces, as components spell them: `wasi:http/types@0.2.12`.

use std::fmt;

/// A name such as `wasi:http/types@0.2.12`, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interface<'name> {
    /// `wasi:http`
    pub package: &'name str,
    /// `types`
    pub name: &'name str,
    /// `0.2.12`; `None` where none is written.
    pub version: Option<&'name str>,
}

/// How versions are matched (Semantic Versioning 2.0.0, as wasmtime reads it for `0.x`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Track {
    /// A released `0.<number>.x`: all of them are called alike.
    Minor(u32),
    /// A draft, such as `0.3.0-rc-2026-01-01`: like nothing but itself.
    Draft,
    /// Anything else, or nothing.
    Other,
}

impl<'name> Interface<'name> {
    /// Takes a name apart; `None` for what is not an interface of a package.
    pub fn parse(text: &'name str) -> Option<Interface<'name>> {
        let (path, version) = match text.split_once('@') {
            Some((path, version)) => (path, Some(version)),
            None => (text, None),
        };
        let (package, name) = path.split_once('/')?;
        package.contains(':').then_some(Interface { package, name, version })
    }

    /// By what it is matched.
    pub fn track(&self) -> Track {
        let Some(version) = self.version else { return Track::Other };
        // What stands behind a `+` does not count (Semantic Versioning 2.0.0, section 10).
        let version = version.split('+').next().unwrap_or_default();
        if version.contains('-') {
            return Track::Draft;
        }
        let mut numbers = version.splitn(3, '.').map(str::parse::<u32>);
        match (numbers.next(), numbers.next(), numbers.next()) {
            (Some(Ok(0)), Some(Ok(minor)), Some(Ok(_))) if minor > 0 => Track::Minor(minor),
            _ => Track::Other,
        }
    }

    /// Whether it is `package/name`, in any version.
    pub fn is(&self, package: &str, name: &str) -> bool {
        self.package == package && self.name == name
    }
}

impl fmt::Display for Interface<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.package, self.name)?;
        self.version.map_or(Ok(()), |version| write!(formatter, "@{version}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<Track>) {
        assert_eq!(Interface::parse(text).map(|interface| interface.track()), expected, "{text}");
    }

    #[test]
    fn names_are_taken_apart() {
        check("wasi:http/types@0.2.12", Some(Track::Minor(2)));
        check("wasi:http/handler@0.3.0", Some(Track::Minor(3)));
        check("wasi:http/handler@0.3.0+build-1", Some(Track::Minor(3)));
        check("wasi:http/handler@0.3.0-rc-2026-01-06", Some(Track::Draft));
        check("wasi:http/types", Some(Track::Other));
        check("wasi:http/types@1.2.0", Some(Track::Other));
        check("wasi:http/types@0.2", Some(Track::Other));
        check("a:b/c@0.0.1", Some(Track::Other));
        check("run", None);
        check("a/b", None);
        assert_eq!(Interface::parse("a:b/c@0.2.0").map(|interface| interface.to_string()).unwrap(), "a:b/c@0.2.0");
    }
}
