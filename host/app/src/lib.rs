//! Where the two streets meet: an app that is ready to be called, the routes that lead to it, and what its responses are
//! made of. One street writes the routes, the other reads them; neither is known here.
//!
//! [`routes`] (host and path → app) → [`app`] (one revision of one app) → [`files`] (static files), with [`coding`],
//! [`headers`] and [`percent`] for what stands in heads, [`failures`] for how many are told in full, [`builds`] for how the
//! builds of `dev` go, and [`opened`] for where a file lies that was opened.

pub mod app;
pub mod builds;
pub mod coding;
pub mod failures;
pub mod files;
pub mod headers;
pub mod opened;
pub mod percent;
pub mod routes;
