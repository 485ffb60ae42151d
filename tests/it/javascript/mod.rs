//! Apps in JavaScript: built by the program, served by the host. Needs Node.js with npm, and the network when the tools are
//! not there yet.

mod builtin;
mod found;
mod live;
mod packages;
mod samples;
pub mod workshop;
