//! Static files on the request path: before the guest is asked, and when it has nothing.

use std::sync::Arc;

use guesthouse_app::app::App;
use guesthouse_app::app::AppBody;
use guesthouse_app::app::FileAnswer;
use guesthouse_app::app::InFlight;
use guesthouse_app::files::Fallback;
use guesthouse_app::files::FileRequest;
use guesthouse_app::files::error::FileError;
use guesthouse_app::places::pace::Pace;
use http::HeaderMap;
use http::Method;
use http::uri::PathAndQuery;

/// What came of asking the files.
pub enum Files {
    /// The guest is to be asked. Should it have nothing, this answers.
    Pass(Option<Box<Fallback>>),
    /// A folder is meant: go to the same with a slash.
    MissingSlash,
    /// A response.
    Answered(Box<http::Response<AppBody>>),
    /// A file is there and cannot be read.
    Failed(FileError),
}

/// Asks the app's files. `below` is what is left of the target below the mount.
pub async fn ask_files(
    app: &App,
    in_flight: &InFlight,
    pace: &Arc<Pace>,
    method: &Method,
    below: &PathAndQuery,
    headers: &HeaderMap,
) -> Files {
    let asked = FileRequest { method, path: below.path(), headers, pace };
    match app.file(in_flight, &asked).await {
        Ok(FileAnswer::Nothing) => Files::Pass(app.files.fallback(&asked).map(Box::new)),
        answer => files(answer),
    }
}

/// The guest has answered that there is nothing: whether the fallback answers in its place.
pub async fn fall_back(app: &App, in_flight: &InFlight, fallback: Fallback) -> Files {
    files(app.fall_back(in_flight, fallback).await)
}

fn files(answer: Result<FileAnswer, FileError>) -> Files {
    match answer {
        Ok(FileAnswer::Nothing) => Files::Pass(None),
        Ok(FileAnswer::MissingSlash) => Files::MissingSlash,
        Ok(FileAnswer::Answered(response)) => Files::Answered(response),
        Err(error) => Files::Failed(error),
    }
}
