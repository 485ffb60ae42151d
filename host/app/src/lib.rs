//! Where the request path and the deploy path meet: an app that is ready to be called, the routes that lead to it, and what
//! its responses are made of. One writes the routes, the other reads them; neither is known here.
//!
//! [`routes`] (host and path → app) → [`app`] (one revision of one app) behind its [`admission`] → [`files`] (static files).
//! [`places`] are what visitors share, [`request_buffer`] and [`response_buffer`] stand before and behind a guest; with [`coding`],
//! [`headers`] and [`percent`] for what stands in heads, [`failures`] for how many are told in full, and
//! [`opened`] for where a file lies that was opened.

pub mod admission;
pub mod app;
pub mod blocking;
pub mod bounds;
pub mod budget;
pub mod coding;
pub mod command;
pub mod failure_status;
pub mod failures;
pub mod fault_log;
pub mod files;
pub mod fill;
pub mod headers;
pub mod internal;
pub mod opened;
pub mod percent;
pub mod pieces;
pub mod places;
pub mod request_buffer;
pub mod response_buffer;
pub mod routes;
