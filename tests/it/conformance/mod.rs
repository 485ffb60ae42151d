//! How the host speaks HTTP, held against the RFCs case by case, over raw sockets.
//!
//! ```text
//! case (what is sent, what must come) ── answers (what came) ── record (docs/conformance.md has the figures)
//!   │
//!   └ tables: connection framing chunks smuggling authority target fields replies        over HTTP/1
//!             http2 (http2_messages http2_frames)                          frames by hand
//! ```
//!
//! After every case the next request is sent on the same connection, in the same write: whether it is answered says
//! whether the host goes on reading there, and an answer too many is a request that was smuggled in.

mod answers;
mod authority;
mod case;
mod chunks;
mod connection;
mod fields;
mod framing;
mod http2;
mod http2_frames;
mod http2_messages;
mod record;
mod replies;
mod smuggling;
mod target;
