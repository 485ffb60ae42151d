//! Classes of a module that are apps: what an instance can be called as, or makes when it is asked.

use crate::source::python::code::Statement;
use crate::source::python::code::statements;
use crate::source::python::parameters;

/// Methods without arguments that make an app.
const MAKERS: [&str; 7] = ["app", "wsgi_app", "asgi_app", "create_app", "make_app", "get_app", "build_app"];
/// What a class is told that is a layer around another app.
const LAYERED: [&str; 7] = ["app", "application", "wsgi_app", "asgi_app", "next_app", "wrapped", "inner"];

/// One that is found in a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Class {
    /// How it is called.
    pub name: String,
    /// What has to be given when an instance is made.
    pub needed: Vec<String>,
    /// The method that makes the app, if an instance is none itself.
    maker: Option<&'static str>,
}

impl Class {
    /// What makes the app, with `…` for what only the author knows: `Shop()`, `Shop(config=…).app()`.
    pub fn expression(&self) -> String {
        let given: Vec<String> = self.needed.iter().map(|name| format!("{name}=…")).collect();
        let maker = self.maker.map(|maker| format!(".{maker}()")).unwrap_or_default();
        format!("{}({}){maker}", self.name, given.join(", "))
    }
}

/// The classes in a module's source whose instances are apps or make one; first those that need not be told anything.
pub fn find(source: &str) -> Vec<Class> {
    let mut found: Vec<Class> = Vec::new();
    let mut class: Option<(&str, Vec<&Statement>)> = None;
    let all = statements(source);
    for statement in &all {
        if statement.indent > 0 {
            class.iter_mut().for_each(|(_, body)| body.push(statement));
            continue;
        }
        found.extend(class.take().and_then(|(name, body)| of_body(name, &body)));
        let head = statement.text.strip_prefix("class ");
        class = head.and_then(|head| Some((head.split(['(', ':']).next()?.trim(), Vec::new())));
    }
    found.extend(class.and_then(|(name, body)| of_body(name, &body)));
    found.sort_by_key(|class| !class.needed.is_empty());
    found
}

fn of_body(name: &str, body: &[&Statement]) -> Option<Class> {
    let indent = body.first()?.indent;
    let own: Vec<(usize, &str)> = body
        .iter()
        .enumerate()
        .filter(|(_, one)| one.indent == indent)
        .map(|(at, one)| (at, one.text.as_str()))
        .collect();
    let method = |wanted: &str| own.iter().find_map(|(_, line)| parameters::of(line, wanted).map(parameters::named));
    let names = |wanted: &str| method(wanted).unwrap_or_default().into_iter().skip(1).collect::<Vec<_>>();
    let needed: Vec<String> =
        names("__init__").into_iter().filter(|(_, is_needed)| *is_needed).map(|(name, _)| name).collect();
    if name.starts_with('_') || name.contains("Middleware") || needed.iter().any(|one| LAYERED.contains(&one.as_str()))
    {
        return None;
    }
    let called: Vec<String> = names("__call__").into_iter().map(|(name, _)| name).collect();
    let called: Vec<&str> = called.iter().map(String::as_str).collect();
    let is_app = matches!(called.as_slice(), ["environ" | "env", _] | ["scope", _, _]);
    let makes = |maker: &&str| {
        own.iter().any(|(at, line)| {
            let is_plain = at.checked_sub(1).is_none_or(|before| !body[before].text.starts_with('@'));
            is_plain && line.starts_with("def ") && parameters::of(line, maker).is_some_and(|all| all.trim() == "self")
        })
    };
    let maker = if is_app { None } else { Some(MAKERS.into_iter().find(makes)?) };
    Some(Class { name: name.to_owned(), needed, maker })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instances_that_are_apps_or_make_one_are_found() {
        for (source, expected) in [
            (
                "class Dav:\n    def __init__(self, config):\n        pass\n\n    def __call__(self, environ, start_response):\n        pass\n",
                &["Dav(config=…)"][..],
            ),
            (
                "class Shop(Base):\n    NAME = 1\n    def __init__(self, files=None):\n        pass\n    def app(self):\n        def app(x): pass\n        return app\n",
                &["Shop().app()"],
            ),
            (
                "class A:\n    def __init__(self, routes):\n        pass\n    async def __call__(self, scope, receive, send): ...\nclass B:\n    async def __call__(self, scope, receive, send): ...\n",
                &["B()", "A(routes=…)"],
            ),
            ("class Client:\n    @property\n    def app(self):\n        return 1\n", &[]),
            (
                "class Layer:\n    def __init__(self, app):\n        pass\n    def __call__(self, environ, start_response): ...\n",
                &[],
            ),
            ("class LogMiddleware:\n    def __call__(self, environ, start_response): ...\n", &[]),
            ("class Field:\n    def __call__(self, value): ...\n", &[]),
            ("def app(self):\n    pass\nclass Empty: ...\n", &[]),
        ] {
            let found: Vec<String> = find(source).iter().map(Class::expression).collect();
            assert_eq!(found, expected, "{source}");
        }
    }
}
