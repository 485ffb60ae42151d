//! Requests of guests to the outside: where they may go, which addresses they reach, and the connections that carry them.
//!
//! One `client::Client` for each app and revision has the rules of that app and its own connections, so that a connection
//! was always opened under the rules that hold now. A name is looked up once for each connection, and what is connected to
//! is what was checked. Nothing in here knows of wasmtime or of routes.

pub mod client;
mod connect;
pub mod error;
pub mod host;
mod lookup;
mod response;
pub mod rules;
mod special;
pub mod trust;
