//! Which file is sent for what is wanted: itself, a folder's index, or the same compressed beforehand. Blocks.

use std::fs::File;
use std::fs::Metadata;
use std::path::Path;
use std::path::PathBuf;

use tracing::debug;

use crate::coding::Coding;
use crate::coding::is_compressible;
use crate::files::error::FileError;
use crate::files::folder::Folder;
use crate::files::folder::FolderError;
use crate::files::folder::Root;
use crate::files::folder::is_absent;
use crate::files::media::media_type;
use crate::files::reply::Chosen;
use crate::files::reply::Question;
use crate::files::wanted::Wanted;

/// What is there.
pub enum Choice {
    /// Nothing to send.
    Nothing,
    /// A folder with an index, asked for without its slash.
    MissingSlash,
    /// A file.
    File(Box<Chosen>),
}

/// Looks for what is wanted.
pub fn choose(folder: &Folder, wanted: &Wanted, question: &Question) -> Result<Choice, FileError> {
    let Some(root) = root_of(folder)? else { return Ok(Choice::Nothing) };
    let index = folder.settings.index.as_ref().map(|index| wanted.path.join(index));
    if !wanted.is_folder && !wanted.path.as_os_str().is_empty() {
        match look(&root, &wanted.path)? {
            Look::File(file, metadata) => {
                return chosen(&root, &wanted.path, file, metadata, question).map(file_choice);
            }
            Look::Folder => {}
            Look::Nothing => return Ok(Choice::Nothing),
        }
    }
    let Some(index) = index else { return Ok(Choice::Nothing) };
    match look(&root, &index)? {
        Look::File(..) if !wanted.is_folder => Ok(Choice::MissingSlash),
        Look::File(file, metadata) => chosen(&root, &index, file, metadata, question).map(file_choice),
        Look::Folder | Look::Nothing => Ok(Choice::Nothing),
    }
}

/// Looks for the folder's fallback.
pub fn fallback_of(folder: &Folder, question: &Question) -> Result<Option<Chosen>, FileError> {
    let (Some(path), Some(root)) = (&folder.settings.fallback, root_of(folder)?) else { return Ok(None) };
    match look(&root, path)? {
        Look::File(file, metadata) => chosen(&root, path, file, metadata, question).map(Some),
        Look::Folder | Look::Nothing => Ok(None),
    }
}

fn file_choice(chosen: Chosen) -> Choice {
    Choice::File(Box::new(chosen))
}

enum Look {
    File(File, Metadata),
    Folder,
    Nothing,
}

fn root_of(folder: &Folder) -> Result<Option<Root>, FileError> {
    match folder.open() {
        Ok(root) => Ok(Some(root)),
        Err(FolderError::Missing(error)) if !is_absent(&error) => Err(error.into()),
        // It was there when the revision was made ready. Meanwhile the guest answers.
        Err(gone) => {
            debug!(target: "guesthouse::serve", "a static folder cannot be used: {gone}");
            Ok(None)
        }
    }
}

/// Only regular files are ever sent: a pipe or a device has no end.
fn look(root: &Root, path: &Path) -> Result<Look, FileError> {
    let file = match root.open(path) {
        Ok(file) => file,
        Err(error) if is_absent(&error) => return Ok(Look::Nothing),
        Err(error) => return Err(error.into()),
    };
    let metadata = file.metadata()?;
    Ok(match () {
        () if metadata.is_file() => Look::File(file, metadata),
        () if metadata.is_dir() => Look::Folder,
        () => Look::Nothing,
    })
}

/// Prefers a sibling that was compressed beforehand, unless a part is asked for: parts are of the file itself.
fn chosen(root: &Root, path: &Path, file: File, metadata: Metadata, question: &Question) -> Result<Chosen, FileError> {
    let media_type = media_type(path);
    let is_compressible = is_compressible(&media_type);
    if is_compressible && !question.conditions.asks_for_a_part() {
        for coding in question.accepted.in_order() {
            // One that is older was made of something else.
            if let Look::File(sibling, about) = look(root, &sibling_of(path, coding))?
                && about.modified()? >= metadata.modified()?
            {
                return Ok(Chosen {
                    file: sibling,
                    metadata: about,
                    media_type,
                    is_compressible,
                    coding: Some(coding),
                });
            }
        }
    }
    Ok(Chosen { file, metadata, media_type, is_compressible, coding: None })
}

fn sibling_of(path: &Path, coding: Coding) -> PathBuf {
    path.with_added_extension(match coding {
        Coding::Zstd => "zst",
        Coding::Brotli => "br",
        Coding::Gzip => "gz",
    })
}
