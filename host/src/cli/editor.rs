//! The author's editor, as a URL that opens a file at a line.

use std::fmt::Write as _;
use std::path::Path;
use std::str::FromStr;

/// What is linked to where a page names a file and a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Editor {
    /// Nothing.
    Off,
    /// This, with `{file}`, `{line}` and `{column}` filled in.
    Url(String),
}

/// Visual Studio Code's (code.visualstudio.com/docs/configure/command-line), which more people have than any other.
const DEFAULT: &str = "vscode://file{file}:{line}:{column}";

/// Schemes whose URLs a browser runs or shows, rather than hand them to a program.
const OF_BROWSERS: [&str; 4] = ["javascript", "data", "blob", "vbscript"];

impl Default for Editor {
    fn default() -> Editor {
        Editor::Url(DEFAULT.to_owned())
    }
}

impl Editor {
    /// The URL that opens `file`, which is absolute, at a place that counts from 1.
    pub fn link(&self, file: &Path, line: u32, column: u32) -> Option<String> {
        let Editor::Url(template) = self else { return None };
        let file = encoded(file.to_str()?);
        let url = template.replace("{line}", &line.to_string()).replace("{column}", &column.to_string());
        Some(url.replace("{file}", &file))
    }
}

impl FromStr for Editor {
    type Err = String;

    fn from_str(text: &str) -> Result<Editor, String> {
        if text == "off" {
            return Ok(Editor::Off);
        }
        let advice = "write `off`, or a URL such as `vscode://file{file}:{line}:{column}`";
        let (scheme, _) = text.split_once(':').unwrap_or_default();
        // RFC 3986 section 3.1.
        let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
        if !is_scheme || OF_BROWSERS.contains(&scheme.to_ascii_lowercase().as_str()) || !text.contains("{file}") {
            return Err(format!("`{text}` is no URL of an editor: {advice}"));
        }
        Ok(Editor::Url(text.to_owned()))
    }
}

/// A path as it stands in a URL: what is neither unreserved nor a slash is written as `%41` (RFC 3986 section 2.1).
fn encoded(path: &str) -> String {
    let mut encoded = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'/') {
            encoded.push(char::from(byte));
        } else {
            // Writing to a String does not fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_and_a_line_are_a_url() {
        let file = Path::new("/home/ada/a b/app.py");
        let link = |editor: Editor| editor.link(file, 3, 5);
        assert_eq!(link(Editor::default()).as_deref(), Some("vscode://file/home/ada/a%20b/app.py:3:5"));
        let idea: Editor = "idea://open?file={file}&line={line}".parse().unwrap();
        assert_eq!(link(idea).as_deref(), Some("idea://open?file=/home/ada/a%20b/app.py&line=3"));
        assert_eq!(link("off".parse().unwrap()), None);
    }

    #[test]
    fn what_a_browser_would_run_is_no_editor() {
        for wrong in
            ["", "vim", "javascript:alert('{file}')", "JavaScript:{file}", "vscode://file", "{file}:1", " x:{file}"]
        {
            assert!(wrong.parse::<Editor>().is_err(), "{wrong}");
        }
    }
}
