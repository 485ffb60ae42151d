//! Folders that a guest is given, whoever gives them.

use std::fs;

use guesthouse_sandbox::capability::files::settings::Folder;
use guesthouse_sandbox::capability::files::settings::Folders;
use guesthouse_sandbox::capability::files::settings::Source;
use guesthouse_test_guests as guest;

use crate::harness::ask;
use crate::harness::guest_with;

#[tokio::test]
async fn a_folder_that_is_only_looked_at_is_not_written_to() {
    let (source, scratch) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::create_dir(source.path().join("inner")).unwrap();
    fs::write(source.path().join("inner/app.py"), "print(1)").unwrap();
    let seen = vec![Folder { guest: "/0".to_owned(), source: Source::ReadOnly { host: source.path().to_owned() } }];
    let folders = Folders { seen, scratch: scratch.path().to_owned(), one_at_a_time: true };
    for lane in [guest::FILES, guest::FILES_HTTP, guest::FILES_HTTP03] {
        let guest = guest_with(lane, folders.clone());
        assert_eq!(ask(&guest, "/read/0/inner/app.py", b"").await.unwrap(), (200, "print(1)".to_owned()), "{lane}");
        assert_eq!(ask(&guest, "/list/0/inner", b"").await.unwrap(), (200, "app.py".to_owned()), "{lane}");
        for path in ["/write/0/new?text=x", "/write/0/inner/app.py?text=x", "/mkdir/0/new", "/remove/0/inner/app.py"] {
            let (status, said) = ask(&guest, path, b"").await.unwrap();
            assert!(status >= 400, "{lane} {path}: {said}");
        }
    }
    let guest = guest_with(guest::FILES_HTTP03, folders);
    for path in ["/03/write?bytes=1", "/03/append?bytes=1", "/03/enlarge?bytes=1"] {
        let (status, said) = ask(&guest, path, b"").await.unwrap();
        assert!(status >= 400, "{path}: {said}");
    }
    assert_eq!(ask(&guest, "/03/list", b"").await.unwrap(), (200, "inner".to_owned()));
    assert_eq!(fs::read_to_string(source.path().join("inner/app.py")).unwrap(), "print(1)");
    assert_eq!(fs::read_dir(source.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn a_guest_that_is_tried_sees_something_empty_in_place_of_what_stays() {
    let (kept, scratch) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let source = Source::Kept { host: kept.path().to_owned(), bytes_max: 1 << 20 };
    let seen = vec![Folder { guest: "/data".to_owned(), source }];
    let folders = Folders { seen, scratch: scratch.path().to_owned(), one_at_a_time: true };
    let guest = guest_with(guest::FILES, folders);
    guest.probe().await.unwrap();
    assert_eq!(fs::read_dir(kept.path()).unwrap().count(), 0);
    assert_eq!(ask(&guest, "/write/data/a?text=x", b"").await.unwrap().0, 200);
    assert_eq!(fs::read_dir(kept.path()).unwrap().count(), 1);
}
