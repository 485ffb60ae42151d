//! Why an app's newest source is not what serves: as its tools say it, and as HTML with links to the author's editor.

use std::fmt::Write as _;
use std::path::Path;
use std::path::PathBuf;

use guesthouse_serve::pages::Escaped;

use crate::cli::editor::Editor;

/// What is shown of what tools say.
const SHOWN_BYTES_MAX: usize = 64 << 10;

/// What failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Its tools do not build it.
    Build,
    /// The app cannot be imported from it.
    Import,
}

/// A failure, which one page after the other shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What failed.
    pub stage: Stage,
    /// What the tools say.
    pub text: String,
    /// The same as HTML. Whatever stood in it is escaped.
    pub html: String,
}

/// Where the files lie that a text names.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// What files are named from.
    pub root: PathBuf,
    /// The folders of the source.
    pub folders: Vec<PathBuf>,
    /// What opens a file.
    pub editor: Editor,
}

/// A file that a line names, and where it does.
struct Place<'line> {
    named: &'line str,
    line: u32,
    column: u32,
}

impl Failure {
    /// Takes what was said about a source at `places`.
    pub fn of(stage: Stage, said: &str, places: &Places) -> Failure {
        let text = said[..said.floor_char_boundary(SHOWN_BYTES_MAX)].trim_end().to_owned();
        let html = marked(&text, places);
        Failure { stage, text, html }
    }

    /// That it is so, of the source of an app.
    pub fn happened(&self) -> &'static str {
        match self.stage {
            Stage::Build => "does not build",
            Stage::Import => "cannot be imported",
        }
    }
}

impl Places {
    /// The link to what is named, if it is a file of the author's own.
    fn link(&self, place: &Place<'_>) -> Option<String> {
        let found = self.root.join(place.named).canonicalize().ok().filter(|file| self.hold(file))?;
        self.editor.link(&found, place.line, place.column)
    }

    fn hold(&self, file: &Path) -> bool {
        let is_below = |folder: &PathBuf| folder.canonicalize().is_ok_and(|folder| file.starts_with(folder));
        file.is_file() && self.folders.iter().any(is_below)
    }
}

/// `text` as HTML, line by line: a file with a line is a link, and what stands in backticks is code.
pub fn marked(text: &str, places: &Places) -> String {
    let mut html = String::with_capacity(text.len() * 2);
    for line in text.lines() {
        let found = place_in(line).and_then(|(at, end, place)| Some((at, end, places.link(&place)?)));
        match found {
            Some((at, end, link)) => {
                coded(&line[..at], &mut html);
                let _ = write!(html, "<a href=\"{}\">{}</a>", Escaped(&link), Escaped(&line[at..end]));
                coded(&line[end..], &mut html);
            }
            None => coded(line, &mut html),
        }
        html.push('\n');
    }
    html
}

/// What a line names, with where it begins and ends there.
fn place_in(line: &str) -> Option<(usize, usize, Place<'_>)> {
    python_place(line).or_else(|| arrow_place(line)).or_else(|| word_place(line))
}

/// `  File "/home/ada/app.py", line 3, in hello`
fn python_place(line: &str) -> Option<(usize, usize, Place<'_>)> {
    let quoted = line.trim_start().strip_prefix("File \"")?;
    let (named, rest) = quoted.split_once("\", line ")?;
    let digits = rest.find(|end: char| !end.is_ascii_digit()).unwrap_or(rest.len());
    let at = line.len() - line.trim_start().len();
    let end = line.len() - rest.len() + digits;
    Some((at, end, Place { named, line: rest[..digits].parse().ok()?, column: 1 }))
}

/// `  --> src/my lib.rs:3:5`: all that follows is the place, whatever stands in the file's name.
fn arrow_place(line: &str) -> Option<(usize, usize, Place<'_>)> {
    let word = line.trim_start().strip_prefix("--> ")?.trim_end();
    let at = line.find("--> ")? + "--> ".len();
    Some((at, at + word.len(), colons(word)?))
}

/// `src/index.ts:3:5: ERROR: …`, `at handler (src/index.ts:3:5)`
fn word_place(line: &str) -> Option<(usize, usize, Place<'_>)> {
    line.split_whitespace().find_map(|word| {
        let word =
            word.trim_start_matches(['(', '[', '\'', '"']).trim_end_matches([')', ']', ':', ',', '.', '\'', '"']);
        let place = colons(word)?;
        let at = word.as_ptr() as usize - line.as_ptr() as usize;
        Some((at, at + word.len(), place))
    })
}

/// `file:line:column` or `file:line`.
fn colons(word: &str) -> Option<Place<'_>> {
    let (before, last) = word.rsplit_once(':')?;
    let last: u32 = last.parse().ok()?;
    if let Some((named, line)) = before.rsplit_once(':')
        && let Ok(line) = line.parse()
    {
        return Some(Place { named, line, column: last });
    }
    Some(Place { named: before, line: last, column: 1 })
}

/// Adds `line` to `html`. Backticks make code where a tool speaks, and are what they are where it shows source: that is
/// indented, or stands behind the number of its line.
fn coded(line: &str, html: &mut String) {
    let is_source = line.starts_with([' ', '\t']) && !line.trim_start().starts_with("= ");
    let is_numbered = line.trim_start().starts_with(|first: char| first.is_ascii_digit() || matches!(first, '|' | '│'));
    let parts: Vec<&str> = line.split('`').collect();
    if is_source || is_numbered || parts.len().is_multiple_of(2) {
        let _ = write!(html, "{}", Escaped(line));
        return;
    }
    for (at, part) in parts.iter().enumerate() {
        let _ = match at % 2 {
            0 => write!(html, "{}", Escaped(part)),
            _ => write!(html, "<code>{}</code>", Escaped(part)),
        };
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn check(places: &Places, text: &str, expected: &str) {
        assert_eq!(marked(text, places), format!("{expected}\n"), "{text}");
    }

    #[test]
    fn a_file_of_the_source_is_a_link_and_backticks_are_code() {
        let home = tempfile::tempdir().unwrap();
        let root = home.path().canonicalize().unwrap();
        fs::create_dir_all(root.join("app/src")).unwrap();
        for file in ["app/src/lib.rs", "app/my lib.rs", "outside.rs"] {
            fs::write(root.join(file), "").unwrap();
        }
        let places = Places {
            root: root.join("app"),
            folders: vec![root.join("app")],
            editor: "x:{file}:{line}:{column}".parse().unwrap(),
        };
        let lib = format!("x:{}/app/src/lib.rs", root.display());
        check(&places, " --> src/lib.rs:8:5", &format!(" --&gt; <a href=\"{lib}:8:5\">src/lib.rs:8:5</a>"));
        let spaced = format!(" --&gt; <a href=\"x:{}/app/my%20lib.rs:8:5\">my lib.rs:8:5</a>", root.display());
        check(&places, " --> my lib.rs:8:5", &spaced);
        check(&places, "src/lib.rs:8: oops", &format!("<a href=\"{lib}:8:1\">src/lib.rs:8</a>: oops"));
        let own = root.join("app/src/lib.rs");
        check(
            &places,
            &format!("  File \"{}\", line 3, in f", own.display()),
            &format!("  <a href=\"{lib}:3:1\">File &quot;{}&quot;, line 3</a>, in f", own.display()),
        );
        // Nobody else's file, and no file at all.
        for other in ["../outside.rs:1:1", "src/none.rs:1:1", "localhost:8080", "12:30:01"] {
            check(&places, other, other);
        }
        check(&places, "no `a<b>` here", "no <code>a&lt;b&gt;</code> here");
        check(&places, "  = note: `x`", "  = note: <code>x</code>");
        check(&places, "a ` alone", "a ` alone");
        check(&places, "8 | let a = `b`;", "8 | let a = `b`;");
        check(&places, "</pre><script>", "&lt;/pre&gt;&lt;script&gt;");
    }

    #[test]
    fn nothing_in_a_file_s_name_gets_out_of_the_link() {
        let home = tempfile::tempdir().unwrap();
        let root = home.path().canonicalize().unwrap();
        fs::write(root.join("a\"><b>.rs"), "").unwrap();
        let places = Places { root: root.clone(), folders: vec![root], editor: Editor::default() };
        let html = marked("--> a\"><b>.rs:1:2", &places);
        assert!(html.contains("/a%22%3E%3Cb%3E.rs:1:2\">a&quot;&gt;&lt;b&gt;.rs:1:2</a>"), "{html}");
    }

    #[test]
    fn much_is_cut() {
        let places = Places { editor: Editor::Off, ..Places::default() };
        let failure = Failure::of(Stage::Build, &"ä".repeat(SHOWN_BYTES_MAX), &places);
        assert_eq!(failure.text.len(), SHOWN_BYTES_MAX);
    }
}
