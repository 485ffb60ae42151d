//! Does with the folders that it sees whatever it should not: `?at=` says in which.

mod escape;

use std::fs;
use std::fs::File;
use std::io;
use std::io::Seek as _;
use std::io::SeekFrom;
use std::io::Write as _;
use std::mem;

use guest_support::standard::number;
use guest_support::standard::value;
use guesthouse::Request;
use guesthouse::Response;
use guesthouse::ResponseExt;

guesthouse::app!(handle);

const ALL: &str = "/fill /many /deep /hold /open /links /far /across /escape /tree /told\n";

fn handle(request: Request) -> Response {
    let query = request.uri().query().unwrap_or_default();
    let at = value(query, "at").unwrap_or("/data");
    Response::text(match request.uri().path() {
        "/fill" => fill(at),
        "/many" => many(at),
        "/deep" => escape::deep(at),
        "/hold" => hold(at),
        "/open" => open(at),
        "/links" => links(at),
        "/far" => far(at),
        "/across" => across(),
        "/escape" => escape::escape(at),
        "/told" => escape::told(at),
        "/tree" => tree(at, number(query, "count", 10)),
        _ => ALL.to_owned(),
    })
}

/// One file, until there is no more room; then it goes on with less.
fn fill(at: &str) -> String {
    let path = format!("{at}/full");
    let (written, error) = pour(File::create(&path));
    let removed = fs::remove_file(&path).and_then(|()| fs::write(&path, "small"));
    format!("{written} bytes, then {error}; after that {removed:?}\n")
}

fn pour(file: io::Result<File>) -> (u64, io::Error) {
    let mut file = match file {
        Ok(file) => file,
        Err(error) => return (0, error),
    };
    let piece = vec![b'x'; 64 << 10];
    let mut written = 0;
    loop {
        match file.write(&piece) {
            Ok(count) => written += count as u64,
            Err(error) => return (written, error),
        }
    }
}

/// Empty files, as many as there may be.
fn many(at: &str) -> String {
    for count in 0.. {
        if let Err(error) = File::create(format!("{at}/many-{count}")) {
            return format!("{count} files, then {error}\n");
        }
    }
    String::new()
}

/// Files without a name, which are still open and still grow.
fn hold(at: &str) -> String {
    let mut all = 0;
    for _ in 0..10 {
        let path = format!("{at}/held");
        let file = match File::create(&path) {
            Ok(file) => file,
            Err(error) => return format!("{all} bytes in files without a name, then {error}\n"),
        };
        let removed = fs::remove_file(&path);
        let kept = file.try_clone();
        let (written, _) = pour(Ok(file));
        mem::forget((kept, removed));
        all += written;
    }
    format!("{all} bytes in files without a name\n")
}

/// One file, opened again and again.
fn open(at: &str) -> String {
    let path = format!("{at}/open");
    let mut all = Vec::new();
    loop {
        match File::create(&path) {
            Ok(file) => all.push(file),
            Err(error) => return format!("{} open, then {error}\n", all.len()),
        }
    }
}

/// Names for one file.
fn links(at: &str) -> String {
    let first = format!("{at}/first");
    let _ = File::create(&first);
    for count in 0.. {
        if let Err(error) = fs::hard_link(&first, format!("{at}/link-{count}")) {
            return format!("{count} links, then {error}\n");
        }
    }
    String::new()
}

/// A file that is longer than all that it may hold, with nothing in it.
fn far(at: &str) -> String {
    let mut file = match File::create(format!("{at}/far")) {
        Ok(file) => file,
        Err(error) => return error.to_string(),
    };
    let longer = file.set_len(1 << 40);
    let written = file.seek(SeekFrom::Start(1 << 40)).and_then(|_| file.write(b"x"));
    format!("{longer:?} {written:?} {}\n", file.metadata().map_or(0, |found| found.len()))
}

/// What was paid for in one folder is put into the other.
fn across() -> String {
    let made = fs::write("/tmp/paid", "for in /tmp");
    let linked = fs::hard_link("/tmp/paid", "/data/linked");
    let renamed = fs::rename("/tmp/paid", "/data/renamed");
    format!("{made:?} {linked:?} {renamed:?}\n")
}

/// Folders with files in them.
fn tree(at: &str, count: u64) -> String {
    for folder in 0..count {
        let made = fs::create_dir(format!("{at}/tree-{folder}"));
        if let Err(error) = made.and_then(|()| fs::write(format!("{at}/tree-{folder}/leaf"), "leaf")) {
            return format!("{folder} folders, then {error}\n");
        }
    }
    format!("{count} folders\n")
}
