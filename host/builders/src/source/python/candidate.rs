//! One piece of evidence of where an app begins, and what comes of it in the source.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use crate::source::python::callables;
use crate::source::python::callables::Place;
use crate::source::python::layout;
use crate::source::python::target::Target;

/// What somebody or something says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Which module and callable.
    pub target: Target,
    /// The folder of the source that the app is started in.
    pub home: String,
    /// By whom, for people: `` `gunicorn shop:app` in Procfile ``.
    pub said_by: String,
}

/// A candidate whose module is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// `module:callable`
    pub app: String,
    /// The folder that it is started in, relative to the source.
    pub home: String,
    /// The module's file.
    pub file: PathBuf,
    /// By whom it was said.
    pub said_by: String,
}

impl Candidate {
    /// Of a target that was named by somebody in the folder `below`.
    pub fn of(target: Target, below: &str, said_by: String) -> Candidate {
        let own = target.home.clone().unwrap_or_default();
        let parts: Vec<&str> =
            [below.trim_matches('/'), &own].into_iter().filter(|part| !matches!(*part, "" | ".")).collect();
        Candidate { home: parts.join("/"), target, said_by }
    }

    /// Looks for its module in the source in `folder`; the error says what is not there.
    pub fn resolve(&self, folder: &Path, roots: &[String]) -> Result<Found, String> {
        let Target { module, callable, .. } = &self.target;
        let missing = || format!("{} names the module `{module}`, which is not there", self.said_by);
        let (home, file) = layout::find_module(folder, &self.home, roots, module).ok_or_else(missing)?;
        let callable = match callable {
            Some(callable) => callable.clone(),
            None => {
                let source = fs::read_to_string(&file).unwrap_or_default();
                let found = callables::find(&source, Place::Known);
                found.ok_or_else(|| format!("{} names `{module}`, in which there is no app", self.said_by))?
            }
        };
        Ok(Found { app: format!("{module}:{callable}"), home, file, said_by: self.said_by.clone() })
    }
}
