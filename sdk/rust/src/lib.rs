//! The gateway lane for authors: one function from a request to a response, on the `http` crate's types.
//!
//! ```no_run
//! use guesthouse::{Request, Response, ResponseExt};
//!
//! guesthouse::app!(handle);
//!
//! fn handle(_request: Request) -> Response {
//!     Response::html("<h1>hello</h1>")
//! }
//! ```
//!
//! The crate that holds these lines is a `cdylib`, built with `cargo build --release --target wasm32-wasip2`. The
//! `.wasm` that comes out is a guest app: it is dropped into the apps folder as it is.
//!
//! Every request meets a fresh instance. What an app keeps in a `static` is gone when its answer is given, unless it
//! asks with [`settings!`] for instances that are used again.

pub mod bindings;
pub mod convert;
pub mod escape;
pub mod form;

mod answer;
mod app;
mod environ;
mod fetch;
mod request;
mod response;
mod settings;

pub use answer::Answer;
pub use environ::Environ;
pub use fetch::{FetchError, fetch, fetch_within};
pub use http;
pub use request::RequestExt;
pub use response::ResponseExt;

#[doc(hidden)]
pub use answer::{answer, health};
#[doc(hidden)]
pub use settings::line;

/// One request, complete with its body. The URI holds the path below the mount and the query.
pub type Request = http::Request<Vec<u8>>;

/// One response, complete with its body.
pub type Response = http::Response<Vec<u8>>;
