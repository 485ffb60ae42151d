//! Records that a guest writes: several lines that belong together, with a level, such as a traceback.
//!
//! A record begins with RS, a word for its level and a space, and ends with GS before the end of its last line. The SDK for
//! Python writes them (`sdk/python/guesthouse/records.py`). Whoever begins one and does not end it has it ended for him.

/// Bytes of one record that are logged; the rest of it is counted.
const RECORD_BYTES_MAX: usize = 32 << 10;

/// ASCII's record and group separator.
const BEGIN: u8 = 0x1e;
const END: u8 = 0x1d;

/// How much somebody should look at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    Error,
    Warning,
    Info,
}

/// A record, as far as it was written.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) level: Level,
    /// Its lines, each with what was cut of it.
    pub(crate) lines: Vec<(Vec<u8>, usize)>,
    bytes: usize,
}

/// What one more line is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// A line of its own.
    Line,
    /// A part of a record that goes on.
    Part,
    /// The last line of a record.
    Whole(Record),
}

impl Record {
    /// Takes one more line, of which `cut` bytes are missing. `open` is the record that it may belong to.
    pub(crate) fn take(open: &mut Option<Record>, line: &[u8], cut: usize) -> Taken {
        let begun = match (&open, line.split_first()) {
            (None, Some((&BEGIN, rest))) => {
                let (level, rest) = Level::of(rest);
                *open = Some(Record { level, lines: Vec::new(), bytes: 0 });
                rest
            }
            _ => line,
        };
        let Some(record) = open else { return Taken::Line };
        let ended = begun.strip_suffix(&[END]);
        let line = ended.unwrap_or(begun);
        record.bytes += line.len() + 1;
        record.lines.push((line.to_vec(), cut));
        match ended.is_some() || record.bytes >= RECORD_BYTES_MAX {
            true => open.take().map_or(Taken::Part, Taken::Whole),
            false => Taken::Part,
        }
    }
}

impl Level {
    fn of(line: &[u8]) -> (Level, &[u8]) {
        let known = [(&b"ERROR "[..], Level::Error), (b"WARNING ", Level::Warning), (b"INFO ", Level::Info)];
        let found = known.iter().find_map(|(word, level)| Some((*level, line.strip_prefix(*word)?)));
        found.unwrap_or((Level::Info, line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(open: &mut Option<Record>, line: &str) -> Option<(Level, String)> {
        match Record::take(open, line.as_bytes(), 0) {
            Taken::Whole(record) => {
                let lines = record.lines.iter().map(|(line, _)| String::from_utf8(line.clone()).unwrap());
                Some((record.level, lines.collect::<Vec<_>>().join("|")))
            }
            Taken::Line | Taken::Part => None,
        }
    }

    #[test]
    fn what_belongs_together_is_one_record() {
        let mut open = None;
        assert_eq!(Record::take(&mut open, b"plain", 0), Taken::Line);
        assert_eq!(taken(&mut open, "\x1eERROR Traceback"), None);
        assert_eq!(taken(&mut open, "  File"), None);
        assert_eq!(taken(&mut open, "KeyError\x1d"), Some((Level::Error, "Traceback|  File|KeyError".to_owned())));
        assert_eq!(taken(&mut open, "\x1eWARNING one line\x1d"), Some((Level::Warning, "one line".to_owned())));
        assert_eq!(taken(&mut open, "\x1eLOUD line\x1d"), Some((Level::Info, "LOUD line".to_owned())));
        assert_eq!(Record::take(&mut open, b"plain\x1d", 0), Taken::Line, "nothing is open");
    }

    #[test]
    fn what_is_never_ended_is_ended() {
        let mut open = None;
        assert_eq!(taken(&mut open, "\x1eERROR begun"), None);
        let line = "x".repeat(RECORD_BYTES_MAX / 2);
        assert_eq!(taken(&mut open, &line), None);
        assert!(taken(&mut open, &line).is_some() && open.is_none());
    }
}
