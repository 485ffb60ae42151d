//! Text that somebody else wrote, made safe to show: on a terminal, in a log, in a file that people read.
//!
//! There is one rule for guests' output, paths, reasons, names and reports: a character that acts, rather than shows
//! something, is written out as `\u{202e}`. The callers differ in one thing alone, in what becomes of a line break.

use std::borrow::Cow;
use std::fmt;
use std::fmt::Write;

/// Ranges of characters beyond ASCII that act: on a terminal, on the order of what is read, or by not being seen.
/// Unicode 16's categories Cc, Zl and Zp, and of Cf whatever does not belong to the spelling of a language or an emoji
/// (the joiners U+200C and U+200D, the Arabic and Kaithi number signs, the format controls of shorthand and hieroglyphs).
const ACTING: [(char, char); 14] = [
    // C1 controls (ECMA-48): U+0085 breaks a line, U+009B begins a sequence.
    ('\u{80}', '\u{9f}'),
    // Soft hyphen: not seen.
    ('\u{ad}', '\u{ad}'),
    // Arabic letter mark (UAX #9).
    ('\u{61c}', '\u{61c}'),
    // Mongolian vowel separator: not seen.
    ('\u{180e}', '\u{180e}'),
    // Zero width space: not seen.
    ('\u{200b}', '\u{200b}'),
    // Left-to-right and right-to-left mark (UAX #9).
    ('\u{200e}', '\u{200f}'),
    // Line and paragraph separator; embeddings and overrides of the direction of writing (UAX #9).
    ('\u{2028}', '\u{202e}'),
    // Word joiner, invisible operators, isolates (UAX #9), deprecated format characters.
    ('\u{2060}', '\u{206f}'),
    // Hangul fillers: not seen, and letters to everything that asks.
    ('\u{115f}', '\u{1160}'),
    ('\u{3164}', '\u{3164}'),
    // Byte order mark: not seen.
    ('\u{feff}', '\u{feff}'),
    // Interlinear annotations.
    ('\u{fff9}', '\u{fffb}'),
    // Musical format controls.
    ('\u{1d173}', '\u{1d17a}'),
    // Tags: a second, unseen alphabet.
    ('\u{e0000}', '\u{e007f}'),
];

/// Whether `character` acts rather than shows something.
pub fn acts(character: char) -> bool {
    match character {
        ' '..='~' => false,
        ascii if ascii.is_ascii() => true,
        other => ACTING.iter().any(|(first, last)| (*first..=*last).contains(&other)),
    }
}

/// `text` on one line: a line break is `\n`.
pub fn one_line(text: &str) -> Escaped<'_> {
    Escaped { text, line_break: "\\n" }
}

/// `text` with its lines: `line_break` stands where one ends, such as `"\n"`, or `"\n    "` where no line of it shall look
/// like one of ours.
pub fn lines<'text>(text: &'text str, line_break: &'text str) -> Escaped<'text> {
    Escaped { text, line_break }
}

/// What [`one_line`] and [`lines`] make.
#[derive(Clone, Copy, Debug)]
pub struct Escaped<'text> {
    text: &'text str,
    line_break: &'text str,
}

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            return formatter.write_str(self.text);
        }
        self.text.chars().try_for_each(|character| match character {
            '\n' => formatter.write_str(self.line_break),
            '\t' => formatter.write_str("\\t"),
            '\r' => formatter.write_str("\\r"),
            acting if acts(acting) => write!(formatter, "{}", acting.escape_unicode()),
            plain => formatter.write_char(plain),
        })
    }
}

/// A JSON text (RFC 8259), as a serialiser made it, with what acts written as `\u202e`: serialisers escape what is below
/// U+0020 and nothing else, and whatever is beyond it can only stand in a string.
pub fn json(text: &str) -> Cow<'_, str> {
    let acting = |character: char| character >= '\u{7f}' && acts(character);
    if !text.contains(acting) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 64);
    for character in text.chars() {
        if acting(character) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                // Writing to a String does not fail.
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        } else {
            escaped.push(character);
        }
    }
    Cow::Owned(escaped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_is_written_out_and_what_shows_stays() {
        let check = |text: &str, expected: &str| assert_eq!(one_line(text).to_string(), expected);
        check("/a b~\\\"'", "/a b~\\\"'");
        check("a\nb\tc\rd\0\u{7f}", "a\\nb\\tc\\rd\\u{0}\\u{7f}");
        check("\u{1b}[31m\u{85}\u{9b}", "\\u{1b}[31m\\u{85}\\u{9b}");
        for marks in
            ["\u{61c}", "\u{200b}", "\u{200e}\u{200f}", "\u{2028}\u{2029}", "\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}"]
        {
            let written: String = marks.chars().map(|mark| mark.escape_unicode().to_string()).collect();
            check(marks, &written);
        }
        check("\u{2060}\u{2066}\u{2067}\u{2068}\u{2069}", "\\u{2060}\\u{2066}\\u{2067}\\u{2068}\\u{2069}");
        check("\u{feff}\u{ad}\u{3164}\u{e0041}", "\\u{feff}\\u{ad}\\u{3164}\\u{e0041}");
        // Letters of all kinds, with the marks and joiners that belong to them.
        let plain = "grüße, 世界, e\u{301}, می\u{200c}خواهم, 👩\u{200d}🚀, 1\u{a0}000 €";
        check(plain, plain);
    }

    #[test]
    fn only_what_becomes_of_a_line_break_differs() {
        assert_eq!(lines("a\nb\u{2028}\x1b", "\n").to_string(), "a\nb\\u{2028}\\u{1b}");
        assert_eq!(lines("a\nb", "\n  ").to_string(), "a\n  b");
    }

    #[test]
    fn json_stays_json_and_says_the_same() {
        let made = "{\n  \"a\": \"\u{202e}\u{2028}\u{7f}\u{9b}\u{e0041}\\n ü\"\n}\n";
        let escaped = "{\n  \"a\": \"\\u202e\\u2028\\u007f\\u009b\\udb40\\udc41\\n ü\"\n}\n";
        assert_eq!(json(made), escaped);
        assert!(matches!(json(escaped), Cow::Borrowed(_)));
    }
}
