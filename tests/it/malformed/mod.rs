//! Files that no app can be, dropped beside good ones: each is refused, waited for or left alone, and nothing else notices.

mod bytes;
mod compiler;
mod drops;
mod files;
mod manifests;
mod names;
mod parts;
mod shapes;
