//! The tables `[[static]]` as they are written down: folders whose files are served.

use std::path::Path;

use guesthouse_types::units::Span;
use serde::Deserialize;

/// Each of them is asked for every GET that fits.
pub const STATICS_MAX: usize = 8;

/// One `[[static]]` of a manifest.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StaticTable {
    /// Beside the manifest.
    pub folder: String,
    /// Below the app's mount; `/` when it is not said.
    pub path: Option<String>,
    /// The file that a folder stands for; `index.html` when it is not said, none when it is empty.
    pub index: Option<String>,
    /// The file for who goes to an address where nothing else is.
    pub fallback: Option<String>,
    /// How long a visitor may keep a file without asking again.
    pub cache: Option<Span>,
    /// Names that are served although they begin with `.` or `_`.
    #[serde(default)]
    pub show: Vec<String>,
    /// Whether everybody may have its files, although something stands before the app.
    #[serde(default)]
    pub public: bool,
}

impl StaticTable {
    /// Says what is wrong with it, if anything is.
    pub fn check(&self) -> Result<(), String> {
        let quoted = |key: &str, value: &str, why: &str| Err(format!("`{key} = \"{value}\"`: {why}"));
        if !is_relative(&self.folder) {
            return quoted("folder", &self.folder, "the name of a folder beside the manifest, or of one below it");
        }
        if !self.folder.split('/').any(|name| name.starts_with('_')) {
            let why = format!(
                "every folder whose name does not begin with `_` is looked through for apps (rename it to `_{}`)",
                self.folder
            );
            return quoted("folder", &self.folder, &why);
        }
        if let Some(path) = &self.path
            && !is_path(path)
        {
            return quoted("path", path, "begins with `/`, and is made of segments of `A-Z a-z 0-9 - . _ ~`");
        }
        if let Some(index) = &self.index
            && !index.is_empty()
            && (index.contains('/') || !is_relative(index))
        {
            return quoted("index", index, "the name of a file, as in `index.html`, or empty for none");
        }
        if let Some(fallback) = &self.fallback
            && !is_relative(fallback)
        {
            return quoted("fallback", fallback, "the path of a file in the folder, as in `index.html`");
        }
        for name in &self.show {
            if name.contains('/') || !is_relative(name) || !name.starts_with(['.', '_']) {
                return quoted("show", name, "a name that begins with `.` or `_`, as in `.well-known` or `_app`");
            }
        }
        Ok(())
    }

    /// Says what is wrong with it beside `before`, if anything is: middleware that asks for a password never sees a request
    /// that a file answers.
    pub fn check_before(&self, before: &[String]) -> Result<(), String> {
        match before.first() {
            Some(first) if !self.public => Err(format!(
                "`folder = \"{}\"`: the host answers with its files by itself, without `{first}` before it (write \
                 `public = true` if everybody may have them)",
                self.folder
            )),
            _ => Ok(()),
        }
    }

    /// Where it answers below the app's mount, as people write it.
    pub fn shown_path(&self) -> String {
        format!("{}/", self.prefix())
    }

    /// The same without a slash at its end; empty for all of the mount.
    pub fn prefix(&self) -> &str {
        self.path.as_deref().unwrap_or_default().trim_end_matches('/')
    }
}

/// Plain names, with slashes between them.
fn is_relative(text: &str) -> bool {
    text.split('/').all(|name| !matches!(name, "" | "." | "..") && !name.contains(['\0', '\\']))
        && Path::new(text).is_relative()
}

fn is_path(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let is_segment = |name: &str| !matches!(name, "" | "." | "..") && name.bytes().all(is_plain);
    let Some(rest) = text.strip_prefix('/') else { return false };
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    rest.is_empty() && text.len() == 1 || rest.split('/').all(is_segment)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> StaticTable {
        toml::from_str(text).unwrap()
    }

    fn check(text: &str, expected: Result<(), &str>) {
        assert_eq!(table(text).check(), expected.map_err(str::to_owned), "{text}");
    }

    #[test]
    fn what_cannot_be_served_is_told_why() {
        for sound in [
            "folder = '_shop'",
            "folder = 'sites/_shop/dist'",
            "folder = '_shop/.output/public'\npath = '/'\nindex = ''",
            "folder = '_s'\npath = '/a/b/'\nindex = 'home.html'\nfallback = 'app/200.html'\ncache = '1h'\nshow = ['.well-known', '_app']",
        ] {
            check(sound, Ok(()));
        }
        let beside = "the name of a folder beside the manifest, or of one below it";
        for folder in ["", ".", "..", "/_shop", "_shop/../x", "_shop//x", "_shop/", "a\\_b"] {
            check(&format!("folder = '{folder}'"), Err(&format!("`folder = \"{folder}\"`: {beside}")));
        }
        check(
            "folder = 'shop'",
            Err(
                "`folder = \"shop\"`: every folder whose name does not begin with `_` is looked through for apps (rename \
                 it to `_shop`)",
            ),
        );
        let path = "begins with `/`, and is made of segments of `A-Z a-z 0-9 - . _ ~`";
        for odd in ["", "static", "//", "/a//b", "/..", "/a b", "/%41"] {
            let text = format!("folder = '_s'\npath = '{odd}'");
            check(&text, Err(&format!("`path = \"{odd}\"`: {path}")));
        }
        let index = "the name of a file, as in `index.html`, or empty for none";
        check("folder = '_s'\nindex = 'a/b'", Err(&format!("`index = \"a/b\"`: {index}")));
        let fallback = "the path of a file in the folder, as in `index.html`";
        check("folder = '_s'\nfallback = '../x'", Err(&format!("`fallback = \"../x\"`: {fallback}")));
        let show = "a name that begins with `.` or `_`, as in `.well-known` or `_app`";
        check("folder = '_s'\nshow = ['app']", Err(&format!("`show = \"app\"`: {show}")));
    }

    #[test]
    fn files_never_go_around_what_stands_before_the_app_unless_that_is_said() {
        let before = ["_auth.wasm".to_owned()];
        assert_eq!(
            table("folder = '_s'").check_before(&before).unwrap_err(),
            "`folder = \"_s\"`: the host answers with its files by itself, without `_auth.wasm` before it (write `public = \
             true` if everybody may have them)"
        );
        assert_eq!(table("folder = '_s'\npublic = true").check_before(&before), Ok(()));
        assert_eq!(table("folder = '_s'").check_before(&[]), Ok(()));
    }
}
