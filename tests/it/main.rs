//! Tests at the border: drop a file, send a request, look at the answer.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test that panics has failed, and ends its tasks"
)]
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "what was measured, and what was not tested, is printed"
)]

#[path = "../harness/mod.rs"]
mod harness;

mod acme;
mod author_errors;
mod browser;
mod carry;
mod check;
mod cli;
mod commands;
mod compiling;
mod compression;
mod conformance;
mod crowd;
mod dev;
mod dev_pages;
mod documents;
mod doors;
mod files;
mod floods;
mod folder;
mod frameworks;
mod guest_apps;
mod hostile;
mod http2;
mod javascript;
mod logs;
mod malformed;
mod manifests;
mod middleware;
mod model;
mod neighbours;
mod new;
mod outbound;
mod packaging;
mod portable;
mod python;
mod reference;
mod refusals;
mod routing;
mod sdk_python;
mod shortage;
mod slow_visitors;
mod state;
mod statics;
mod streaming;
mod supervised;
mod swap;
mod tidy;
mod tls;
mod unread;
mod uploads;
mod workspaces;
