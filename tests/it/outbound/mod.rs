//! What guests call outside, by grant.

mod granted;
mod http;
mod internal;
mod rebinding;
mod samples;
mod tcp;
