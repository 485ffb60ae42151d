//! What Python apps are built with: the author's Python, pip and its settings, componentize-py, in the cache.

pub mod environment;
pub mod interpreter;
pub mod pip;
pub mod tools;
