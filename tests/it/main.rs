//! Tests at the border: drop a file, send a request, look at the answer.

#[path = "../harness/mod.rs"]
mod harness;

mod browser;
mod cli;
mod dev;
mod documents;
mod folder;
mod guest_apps;
mod logs;
mod neighbours;
mod streaming;
mod swap;
mod tidy;
