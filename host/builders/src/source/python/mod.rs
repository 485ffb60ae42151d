//! Where an app in Python begins: one file for each kind of evidence, and `entry`, which weighs them.

pub mod callables;
pub mod candidate;
pub mod classes;
pub mod code;
pub mod django;
pub mod dockerfile;
pub mod entry;
pub mod flask;
pub mod hints;
pub mod imported;
pub mod kinds;
pub mod layout;
pub mod modules;
pub mod names;
pub mod own_server;
pub mod parameters;
pub mod paste;
pub mod procfile;
pub mod project;
pub mod servers;
pub mod shell;
pub mod target;
pub mod uwsgi;
