//! Static files: from a path to a response, without the guest.
//!
//! ```text
//! wanted (which file is meant) ─ folder (opened, and nothing above it) ─ choose (index, siblings) ─ conditions ─ reply ─ body
//!                                                                           media ┘       range ┘
//! ```
//!
//! Files are no part of a revision: they are served as they lie there now. What blocks runs beside the async threads, a
//! few calls at a time (`turns`), and in pieces, for which the whole host has one `budget`.

pub mod body;
pub mod budget;
mod choose;
mod conditions;
pub mod error;
pub mod folder;
mod media;
mod navigation;
mod range;
mod reply;
mod turns;
mod wanted;

use std::sync::Arc;

use http::HeaderMap;
use http::Method;
use http::Response;

use crate::coding::Accepted;
use crate::files::body::FileBody;
use crate::files::budget::BufferBudget;
use crate::files::budget::BufferShare;
use crate::files::budget::FileBuffers;
use crate::files::choose::Choice;
use crate::files::choose::choose;
use crate::files::choose::fallback_of;
use crate::files::conditions::Conditions;
use crate::files::error::FileError;
use crate::files::folder::Folder;
use crate::files::navigation::is_navigation;
use crate::files::reply::Question;
use crate::files::reply::reply;
use crate::files::turns::BlockingPermits;
use crate::files::wanted::Wanted;
use crate::files::wanted::wanted;
use crate::places::pace::Pace;

/// The static folders of one app, in the order in which they are asked.
pub struct Files {
    folders: Vec<Arc<Folder>>,
    turns: BlockingPermits,
    room: BufferBudget,
}

impl Default for Files {
    /// None.
    fn default() -> Files {
        Files::new(Vec::new(), BufferBudget::new(0))
    }
}

/// A request, as far as it matters to files.
pub struct FileRequest<'a> {
    /// Files answer GET and HEAD.
    pub method: &'a Method,
    /// Raw, below the app's mount.
    pub path: &'a str,
    /// Its fields.
    pub headers: &'a HeaderMap,
    /// How fast its visitor reads.
    pub pace: &'a Arc<Pace>,
}

/// What the files say to a request.
pub enum FileResult {
    /// There is no such file.
    Nothing,
    /// A folder with an index is meant: go to the same with a slash.
    MissingSlash,
    /// A response.
    Answered(Box<Response<FileBody>>),
}

/// A request to which the fallback answers, should the guest have nothing.
pub struct Fallback {
    folders: Vec<Arc<Folder>>,
    question: Question,
    pace: Arc<Pace>,
}

impl Files {
    /// Serves from these, the first one that has a file, while there is `room`.
    pub fn new(folders: Vec<Arc<Folder>>, room: BufferBudget) -> Files {
        Files { folders, turns: BlockingPermits::default(), room }
    }

    /// Whether this request may be about a file. Costs nothing where there are none.
    pub fn may_answer(&self, method: &Method) -> bool {
        !self.folders.is_empty() && matches!(*method, Method::GET | Method::HEAD)
    }

    /// Looks for a file.
    pub async fn find(&self, asked: &FileRequest<'_>) -> Result<FileResult, FileError> {
        let fitting: Vec<(Arc<Folder>, Wanted)> = self
            .folders
            .iter()
            .filter_map(|folder| {
                Some((folder.clone(), wanted(&folder.settings.prefix, asked.path, &folder.settings.show)?))
            })
            .collect();
        if fitting.is_empty() {
            return Ok(FileResult::Nothing);
        }
        let (question, fitting) = (Question::of(asked), Arc::new(fitting));
        self.with_room(asked.pace, move |turns, mut buffers| {
            for (folder, wanted) in &*fitting {
                match choose(folder, wanted, &question)? {
                    Choice::Nothing => {}
                    Choice::MissingSlash => return Ok(FileResult::MissingSlash),
                    Choice::File(chosen) => {
                        return answered(reply(*chosen, folder.settings.max_age, &question, turns, &mut buffers));
                    }
                }
            }
            Ok(FileResult::Nothing)
        })
        .await
    }

    /// Looks with the room there is, and once more with room that was waited for.
    async fn with_room(
        &self,
        pace: &Arc<Pace>,
        look: impl Fn(BlockingPermits, FileBuffers) -> Result<FileResult, FileError> + Clone + Send + 'static,
    ) -> Result<FileResult, FileError> {
        match self.look(pace, look.clone(), None).await {
            Err(FileError::Full(bytes)) => {
                let reserved = self.room.take(bytes, pace).await?;
                self.look(pace, look, Some(reserved)).await
            }
            found => found,
        }
    }

    async fn look(
        &self,
        pace: &Arc<Pace>,
        look: impl FnOnce(BlockingPermits, FileBuffers) -> Result<FileResult, FileError> + Send + 'static,
        reserved: Option<BufferShare>,
    ) -> Result<FileResult, FileError> {
        let (turns, buffers) = (self.turns.clone(), FileBuffers::new(self.room.clone(), pace.clone(), reserved));
        self.turns.take(move || look(turns, buffers)).await
    }

    /// What would answer this request if neither a file nor the guest does: a page, for who goes to an address.
    pub fn fallback(&self, asked: &FileRequest<'_>) -> Option<Fallback> {
        let fits = |folder: &&Arc<Folder>| {
            folder.settings.fallback.is_some() && wanted::is_below(&folder.settings.prefix, asked.path)
        };
        let folders: Vec<Arc<Folder>> = self.folders.iter().filter(fits).cloned().collect();
        (!folders.is_empty() && is_navigation(asked.headers)).then(|| Fallback {
            folders,
            question: Question::of(asked),
            pace: asked.pace.clone(),
        })
    }

    /// Answers with a fallback, unless its file is gone.
    pub async fn fall_back(&self, fallback: Fallback) -> Result<FileResult, FileError> {
        let Fallback { folders, question, pace } = fallback;
        self.with_room(&pace, move |turns, mut buffers| {
            for folder in &folders {
                if let Some(chosen) = fallback_of(folder, &question)? {
                    // It stands under addresses that may mean something else tomorrow.
                    return answered(reply(chosen, None, &question, turns, &mut buffers));
                }
            }
            Ok(FileResult::Nothing)
        })
        .await
    }
}

fn answered(reply: Result<Response<FileBody>, FileError>) -> Result<FileResult, FileError> {
    reply.map(|response| FileResult::Answered(Box::new(response)))
}

impl Question {
    fn of(asked: &FileRequest<'_>) -> Question {
        Question {
            is_head: *asked.method == Method::HEAD,
            conditions: Conditions::of(asked.headers),
            accepted: Accepted::asked_in(asked.headers),
        }
    }
}
