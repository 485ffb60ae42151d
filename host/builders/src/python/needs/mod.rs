//! What a project needs, in the words of each tool that authors write it down with, as requirements of PEP 508.

pub mod lines;
pub mod lock;
pub mod locked;
pub mod own;
pub mod pipfile;
pub mod places;
pub mod poetry;
pub mod pyproject;
pub mod requirements;
pub mod setup;
