//! What guests call outside, by grant.

mod granted;
mod http;
mod internal;
mod samples;
mod tcp;
