//! Ways out of a folder, and down into it, with WASI's own functions: the standard library would not let them through.

use wasip2::filesystem::preopens;
use wasip2::filesystem::types::Descriptor;
use wasip2::filesystem::types::DescriptorFlags;
use wasip2::filesystem::types::ErrorCode;
use wasip2::filesystem::types::OpenFlags;
use wasip2::filesystem::types::PathFlags;
use wasip2::filesystem::types::filesystem_error_code;
use wasip2::io::streams::StreamError;

fn folder(at: &str) -> Option<Descriptor> {
    preopens::get_directories().into_iter().find(|(_, name)| name == at).map(|(folder, _)| folder)
}

fn open(folder: &Descriptor, path: &str, open: OpenFlags) -> Result<Descriptor, ErrorCode> {
    let writes = open.contains(OpenFlags::CREATE);
    let flags = if writes { DescriptorFlags::READ | DescriptorFlags::WRITE } else { DescriptorFlags::READ };
    folder.open_at(PathFlags::SYMLINK_FOLLOW, path, open, flags)
}

/// One line for each way that leads out, and `inside` if there is none.
pub fn escape(at: &str) -> String {
    let Some(folder) = folder(at) else {
        return format!("{at} is not there\n");
    };
    let mut out = String::new();
    let mut tried = |what: &str, leads_out: bool| {
        if leads_out {
            out.push_str(&format!("{what}\n"));
        }
    };
    let _ = folder.create_directory_at("inner");
    for target in ["..", "../..", "/", "/etc", "../../../../../../etc", "inner/../.."] {
        tried(&format!("open {target}"), open(&folder, target, OpenFlags::DIRECTORY).is_ok());
        tried(&format!("stat {target}"), folder.stat_at(PathFlags::SYMLINK_FOLLOW, target).is_ok());
        let link = format!("inner/to{}", target.replace(['/', '.'], "-"));
        let _ = folder.symlink_at(target, &link);
        tried(&format!("open a link to {target}"), open(&folder, &link, OpenFlags::DIRECTORY).is_ok_and(is_outside));
        let through = format!("{link}/passwd");
        tried(&format!("open through a link to {target}"), open(&folder, &through, OpenFlags::empty()).is_ok());
        let created = format!("{link}/created-by-a-guest");
        tried(
            &format!("create through a link to {target}"),
            open(&folder, &created, OpenFlags::CREATE).is_ok_and(is_outside),
        );
    }
    tried("create above", open(&folder, "../created-by-a-guest", OpenFlags::CREATE).is_ok());
    tried("make a folder above", folder.create_directory_at("../made-by-a-guest").is_ok());
    tried("move above", folder.rename_at("inner", &folder, "../moved-by-a-guest").is_ok());
    tried("remove above", folder.remove_directory_at("../gone").is_ok());
    tried(
        "link from above",
        folder.link_at(PathFlags::empty(), "../../../../../etc/passwd", &folder, "linked").is_ok(),
    );
    tried("link from the root", folder.link_at(PathFlags::empty(), "/etc/passwd", &folder, "linked").is_ok());
    // A folder that goes away from under an open descriptor.
    let _ = folder.create_directory_at("inner/deep");
    if let Ok(deep) = open(&folder, "inner/deep", OpenFlags::DIRECTORY) {
        let _ = folder.rename_at("inner/deep", &folder, "moved");
        tried("open above what was moved", open(&deep, "../..", OpenFlags::DIRECTORY).is_ok());
        tried("open above what was moved once", open(&deep, "..", OpenFlags::DIRECTORY).is_ok());
    }
    if out.is_empty() { "inside\n".to_owned() } else { out }
}

/// A link may lead to the folder itself, which has what the guest made.
fn is_outside(found: Descriptor) -> bool {
    found.stat_at(PathFlags::empty(), "passwd").is_ok() || found.stat_at(PathFlags::empty(), "etc").is_ok()
}

/// Folders in each other, as deep as there is room.
pub fn deep(at: &str) -> String {
    let Some(mut inner) = folder(at) else {
        return format!("{at} is not there\n");
    };
    for depth in 0.. {
        let next = inner.create_directory_at("d").and_then(|()| open(&inner, "d", OpenFlags::DIRECTORY));
        match next {
            Ok(next) => inner = next,
            Err(error) => return format!("{depth} deep, then {error:?}\n"),
        }
    }
    String::new()
}

/// What a stream that finds no room says, which the standard library does not ask.
pub fn told(at: &str) -> String {
    let file = match folder(at).map(|folder| open(&folder, "told", OpenFlags::CREATE)) {
        Some(Ok(file)) => file,
        Some(Err(error)) => return format!("{error:?}\n"),
        None => return format!("{at} is not there\n"),
    };
    let stream = file.write_via_stream(0).expect("the file was opened for writing");
    for count in 0.. {
        match stream.blocking_write_and_flush(&[b'x'; 4096]) {
            Ok(()) => {}
            Err(StreamError::LastOperationFailed(error)) => {
                let code = filesystem_error_code(&error).map(|code| code.name());
                return format!("{count} blocks, then {}\n", code.unwrap_or("no code"));
            }
            Err(StreamError::Closed) => return format!("{count} blocks, then it was closed\n"),
        }
    }
    String::new()
}
