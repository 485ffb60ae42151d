//! `guesthouse build` for Python: from an author's folder to a component that serves.

mod built;
mod environment;
mod index;
mod live;
mod refused;
mod sources;
mod workshop;
