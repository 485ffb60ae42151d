//! The lanes: one file for each interface through which a component is called.

pub(crate) mod gateway;
pub(crate) mod http02;
pub(crate) mod http03;
