//! The environment of an app under `dev`: that of its `.env` files, and what this shell exports of what it asks for.

use std::collections::BTreeMap;
use std::env;

use guesthouse_builders::Project;
use guesthouse_builders::live::LiveApp;
use guesthouse_builders::source::dotenv;
use guesthouse_types::name::AppName;

use crate::dev::say::say;

/// What says something of this machine, and nothing to a guest.
const OF_THE_MACHINE: [&str; 10] =
    ["HOME", "HOSTNAME", "LANG", "LOGNAME", "PATH", "PWD", "SHELL", "TMPDIR", "USER", "VIRTUAL_ENV"];

/// The variables of each app whose source is live, said on the way. What the shell exports counts more than what a file says,
/// as for python-dotenv.
pub fn of(projects: &[Project]) -> BTreeMap<AppName, BTreeMap<String, String>> {
    let mut all = BTreeMap::new();
    for project in projects {
        let Some(LiveApp { name, source, .. }) = project.live() else { continue };
        let mut given = BTreeMap::new();
        for (file, variables) in dotenv::read(source) {
            say(&format!("{name}: {} from {file}, as it is now", named(variables.keys())));
            given.extend(variables);
        }
        let asked = project.variables().into_iter().filter(|name| !OF_THE_MACHINE.contains(&name.as_str()));
        let exported = asked.filter_map(|name| Some((name.clone(), env::var(&name).ok()?)));
        let exported: BTreeMap<String, String> = exported.collect();
        if !exported.is_empty() {
            say(&format!("{name}: {} from this shell, which it asks for", named(exported.keys())));
            given.extend(exported);
        }
        if !given.is_empty() {
            all.insert(name.clone(), given);
        }
    }
    all
}

fn named<'name>(names: impl Iterator<Item = &'name String>) -> String {
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
