//! Static folders: where they lie, and how what a manifest says of them is served.

use std::path::PathBuf;
use std::sync::Arc;

use guesthouse_app::files::Files;
use guesthouse_app::files::budget::BufferBudget;
use guesthouse_app::files::folder::Folder;
use guesthouse_app::files::folder::FolderSettings;
use guesthouse_manifest::statics::StaticTable;
use guesthouse_types::units::Span;

/// Where an app's static folders lie, and where links among them may lead.
#[derive(Clone, Debug)]
pub struct StaticRoot {
    /// The folder that holds the app's manifest.
    pub folder: PathBuf,
    /// What links may lead to: the apps folder, and the operator's roots.
    pub roots: Vec<PathBuf>,
}

/// The files of `asked`, which are sent while there is `room`, or which folder is waited for. Blocks.
pub fn files(asked: &[StaticTable], beside: &StaticRoot, room: BufferBudget) -> Result<Files, String> {
    let mut folders = Vec::new();
    for table in asked {
        let folder = Folder::new(beside.folder.join(&table.folder), beside.roots.clone(), settings(table));
        let name = &table.folder;
        folder.open().map_err(|error| format!("waits for the static folder `{name}` beside its manifest: {error}"))?;
        folders.push(Arc::new(folder));
    }
    Ok(Files::new(folders, room))
}

fn settings(table: &StaticTable) -> FolderSettings {
    let index = table.index.as_deref().unwrap_or("index.html");
    FolderSettings {
        prefix: table.prefix().to_owned(),
        index: (!index.is_empty()).then(|| index.to_owned()),
        fallback: table.fallback.as_ref().map(PathBuf::from),
        max_age: table.cache.map(|Span(span)| span),
        show: table.show.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> StaticTable {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn what_is_not_said_has_a_default() {
        let folder = settings(&table("folder = '_s'"));
        assert_eq!((folder.prefix.as_str(), folder.index.as_deref()), ("", Some("index.html")));
        assert_eq!((folder.fallback, folder.max_age), (None, None));
        let folder = settings(&table("folder = '_s'\npath = '/a/'\nindex = ''"));
        assert_eq!((folder.prefix.as_str(), folder.index), ("/a", None));
        assert_eq!(table("folder = '_s'").shown_path(), "/");
    }

    #[test]
    fn a_missing_folder_is_waited_for() {
        let home = tempfile::tempdir().unwrap();
        let beside = StaticRoot { folder: home.path().to_owned(), roots: vec![home.path().to_owned()] };
        let files = |text: &str| files(&[table(text)], &beside, BufferBudget::new(1));
        let why = files("folder = '_s'").err().unwrap();
        assert!(why.starts_with("waits for the static folder `_s` beside its manifest: No such file"), "{why}");
        std::fs::write(home.path().join("_s"), "a file").unwrap();
        assert!(files("folder = '_s'").is_err());
        std::fs::create_dir(home.path().join("_t")).unwrap();
        assert!(files("folder = '_t'").is_ok());
    }
}
