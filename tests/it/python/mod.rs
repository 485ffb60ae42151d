//! `guesthouse build` for Python: from an author's folder to a component that serves.

mod built;
mod databases;
mod environment;
mod found;
mod index;
mod live;
mod mail;
mod outward;
mod refused;
mod sources;
mod wheels;
mod within;
mod workshop;
