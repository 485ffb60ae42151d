//! The wall: what a guest can do wrong, each beside a good app that keeps answering (`docs/wall.md`).

mod bombs;
mod cuts;
mod document;
mod faults;
mod files;
mod heads;
mod leavers;
mod logs;
mod memory;
mod names;
mod outbound;
mod shared;
mod state;
