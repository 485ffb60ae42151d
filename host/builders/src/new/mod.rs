//! `guesthouse new`, and `guesthouse init` for a project that is there already: a project that builds, serves and has a test, out of this program alone.
//!
//! template (which ones?) → ask (which one?) → project (its files, in one move)

use std::io::IsTerminal as _;
use std::io::Write as _;
use std::path::Path;

use anyhow::bail;

use crate::new::project::Project;
use crate::new::template::TEMPLATES;
use crate::new::template::Template;
use crate::new::template::listed;

mod ask;
pub mod init;
mod project;
pub mod template;

/// Makes a project in the folder `folder`, whose name is the app's. Without a template somebody is asked.
pub fn make(folder: &Path, template: Option<Template>) -> anyhow::Result<()> {
    let project = Project::at(folder)?;
    let template = match template {
        Some(template) => template,
        None => chosen()?,
    };
    let files = project.write(&template)?;
    let shown = folder.display();
    print(format_args!("made `{}` from {}: {files} files in {shown}", project.name, template.name));
    let first = template.first.map(|first| (format!("cd {shown} && {first}"), "what it needs comes here, once"));
    let others = [
        (format!("guesthouse dev {shown}"), "builds it, serves it, and builds it again when you save"),
        (format!("cd {shown} && {}", template.test), "runs its own tests"),
    ];
    let next: Vec<_> = first.into_iter().chain(others).collect();
    let width = next.iter().map(|(command, _)| command.chars().count()).max().unwrap_or(0);
    for (command, about) in &next {
        print(format_args!("  {command:<width$}   {about}"));
    }
    Ok(())
}

/// Prints what there is to choose from.
pub fn list() {
    print(format_args!("{}", listed()));
}

fn chosen() -> anyhow::Result<Template> {
    let (input, output) = (std::io::stdin(), std::io::stderr());
    if !input.is_terminal() || !output.is_terminal() {
        bail!("which template? Say it with `--template NAME`; there are:\n{}", listed());
    }
    ask::ask(&mut input.lock(), &mut output.lock(), TEMPLATES)
}

fn print(line: std::fmt::Arguments<'_>) {
    // Nobody may be reading any more.
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}
