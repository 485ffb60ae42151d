//! What the guests do that read and write files: the first part of the path says what, the rest where.

use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::ErrorKind;
use std::io::Write as _;
use std::thread::sleep;
use std::time::Duration;

use crate::standard::number;
use crate::standard::value;

/// A status and a text.
pub fn answer(path: &str, query: &str) -> (u16, String) {
    let (what, place) = path[1..].split_once('/').unwrap_or((&path[1..], ""));
    let place = format!("/{place}");
    let done = match what {
        "read" => fs::read_to_string(&place),
        "size" => fs::metadata(&place).map(|found| found.len().to_string()),
        "write" => write(&place, query),
        "mkdir" => fs::create_dir(&place).map(|()| "made".to_owned()),
        "remove" => fs::remove_file(&place).map(|()| "removed".to_owned()),
        "list" => list(&place),
        "mark" => mark(&place, query),
        _ => return (404, "read size write mkdir remove list mark\n".to_owned()),
    };
    match done {
        Ok(text) => (200, text),
        Err(error) => (status(&error), format!("{error}")),
    }
}

fn status(error: &io::Error) -> u16 {
    match error.kind() {
        ErrorKind::NotFound => 404,
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => 403,
        ErrorKind::StorageFull => 507,
        // What wasi-libc makes of every error of a stream: it does not ask which one it was.
        _ if error.raw_os_error() == Some(EIO) => 507,
        _ => 500,
    }
}

const EIO: i32 = 29;

/// Writes `text`, or so many `bytes`, in pieces of 64 KiB.
fn write(place: &str, query: &str) -> io::Result<String> {
    let mut file = File::create(place)?;
    if let Some(text) = value(query, "text") {
        file.write_all(text.as_bytes())?;
    }
    let piece = vec![b'x'; 64 << 10];
    let mut left = number(query, "bytes", 0) as usize;
    while left > 0 {
        let next = left.min(piece.len());
        file.write_all(&piece[..next])?;
        left -= next;
    }
    Ok("written".to_owned())
}

fn list(place: &str) -> io::Result<String> {
    let mut names = Vec::new();
    for entry in fs::read_dir(place)? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names.join("\n"))
}

/// Writes down when it begins and when it ends, and lets others run in between.
fn mark(place: &str, query: &str) -> io::Result<String> {
    let id = value(query, "id").unwrap_or("nobody");
    let mut file = OpenOptions::new().create(true).append(true).open(place)?;
    writeln!(file, "begin {id}")?;
    sleep(Duration::from_millis(number(query, "ms", 20)));
    writeln!(file, "end {id}")?;
    Ok("marked".to_owned())
}
