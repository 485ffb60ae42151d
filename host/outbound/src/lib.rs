//! What guests call outside: where they may go, which addresses they reach, and the connections that carry it.
//!
//! Each app's revision has a `client::Client` for its requests and a `tcp::Tcp` for its own connections, with the rules of
//! that app, so that a connection was always opened under the rules that hold now. A name is looked up once for each
//! connection, and what is connected to is what was checked. What is asked of another app of the same host goes to whoever has them (`internal`). Nothing in here
//! knows of wasmtime or of routes.

pub mod client;
mod connect;
pub mod error;
pub mod host;
mod idle;
pub mod internal;
mod lookup;
pub mod mock;
pub mod permits;
mod pools;
mod response;
pub mod rules;
mod special;
pub mod tcp;
pub mod trust;
pub mod wanted;
