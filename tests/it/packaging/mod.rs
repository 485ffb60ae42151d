//! What Guesthouse is installed from: units, packages made by `packaging/build`, and each of them installed and serving.

mod aarch64;
mod artefacts;
mod chroot;
mod deb;
mod documents;
mod image;
mod installed;
mod npm;
mod units;
mod wheel;
