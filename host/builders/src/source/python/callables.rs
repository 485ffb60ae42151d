//! What in a module's source can be called as an app: instances of frameworks, PEP 3333's and ASGI's functions, factories.

use crate::source::python::code::top_level;
use crate::source::python::parameters;

/// What the callable is called: PEP 3333's word first, because web.py calls something else `app`.
const NAMES: [&str; 2] = ["application", "app"];
/// What makes the callable when it is called.
const FACTORIES: [&str; 7] =
    ["create_app", "make_app", "create_application", "make_application", "get_application", "get_app", "build_app"];

/// What makes an app, by the last part of its name, and the framework that it is of.
const MAKERS: [(&str, &str); 17] = [
    ("Flask", "Flask"),
    ("FastAPI", "FastAPI"),
    ("Starlette", "Starlette"),
    ("Bottle", "Bottle"),
    ("default_app", "Bottle"),
    ("Quart", "Quart"),
    ("Sanic", "Sanic"),
    ("Litestar", "Litestar"),
    ("APIFlask", "Flask"),
    ("OpenAPI", "Flask"),
    ("Eve", "Flask"),
    ("wsgifunc", "web.py"),
    ("get_wsgi_application", "Django"),
    ("get_asgi_application", "Django"),
    ("make_wsgi_app", "Pyramid"),
    ("ProtocolTypeRouter", "Django"),
    ("WSGIApplication", ""),
];
/// The same for makers whose own name says too little: the module that must be imported.
const MAKERS_OF: [(&str, &str, &str); 4] = [
    ("App", "falcon", "Falcon"),
    ("API", "falcon", "Falcon"),
    ("Application", "blacksheep", "BlackSheep"),
    ("AsyncApp", "connexion", "Connexion"),
];
/// What makes something that is called `app` and answers no requests.
const OTHERS: [&str; 8] = ["Typer", "Celery", "QApplication", "Tk", "Dash", "Huey", "Cyclopts", "ArgumentParser"];

/// Frameworks by what is imported, for people to see that they were understood.
const FRAMEWORKS: [(&str, &str); 9] = [
    ("flask", "Flask"),
    ("quart", "Quart"),
    ("django", "Django"),
    ("fastapi", "FastAPI"),
    ("starlette", "Starlette"),
    ("bottle", "Bottle"),
    ("falcon", "Falcon"),
    ("litestar", "Litestar"),
    ("web", "web.py"),
];

/// What a file is looked at for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// It is called like a file that holds an app: a name there counts, wherever it comes from.
    Known,
    /// Any file: only what makes an app counts.
    Any,
}

/// What is called in the module, `app` or `create_app()`; nothing, if there is nothing that can be.
pub fn find(source: &str, place: Place) -> Option<String> {
    let statements = top_level(source);
    let makes = |name: &str| statements.iter().filter_map(|line| assigned(line, name)).next_back();
    let is_app = |name: &&str| match makes(name) {
        Some(value) if is_other(value) => false,
        Some(value) => place == Place::Known || framework(value, &statements).is_some(),
        None => statements.iter().any(|line| match place {
            Place::Known => defines(line, name),
            Place::Any => is_interface(line, name),
        }),
    };
    if let Some(name) = NAMES.into_iter().find(is_app) {
        return Some(name.to_owned());
    }
    let instance = statements.iter().find_map(|line| {
        let (target, value) = line.split_once('=')?;
        let name = target.split(':').next().unwrap_or(target).trim();
        (is_name(name) && framework(value, &statements).is_some()).then(|| name.to_owned())
    });
    instance.or_else(|| {
        let is_made = |name: &&str| statements.iter().any(|line| is_factory(line, name));
        FACTORIES.into_iter().find(is_made).map(|name| format!("{name}()"))
    })
}

/// A factory that needs to be told something, which nobody but the author can, and what that is called.
pub fn factory_with_arguments(source: &str) -> Option<(&'static str, Vec<String>)> {
    let statements = top_level(source);
    let of = |name: &'static str| {
        let mut heads = statements.iter().filter(|line| line.starts_with("def "));
        heads.find_map(|line| parameters::of(line, name)).map(|all| (name, parameters::needed(all)))
    };
    FACTORIES.into_iter().find_map(of).filter(|(_, needed)| !needed.is_empty())
}

/// The framework that a module imports.
pub fn framework_of(source: &str) -> &'static str {
    let statements = top_level(source);
    let mut made = statements.iter().filter_map(|line| framework(line.split_once('=')?.1, &statements));
    let made = made.find(|name| !name.is_empty());
    let imported = || FRAMEWORKS.iter().find(|(module, _)| imports(&statements, module)).map(|(_, name)| *name);
    made.or_else(imported).unwrap_or_default()
}

/// Whether something is called so.
pub fn is_name(name: &str) -> bool {
    let starts = name.starts_with(|c: char| c.is_alphabetic() || c == '_');
    starts && name.chars().all(|c| c.is_alphanumeric() || c == '_')
}

fn imports(statements: &[String], module: &str) -> bool {
    let rests = statements.iter().filter_map(|line| line.strip_prefix("import ").or(line.strip_prefix("from ")));
    rests.into_iter().any(|rest| rest.split([' ', '.', ',']).next() == Some(module))
}

/// The framework whose maker `value` calls.
fn framework(value: &str, statements: &[String]) -> Option<&'static str> {
    let called = value.trim().split('(').next().filter(|called| called.len() < value.trim().len())?.trim();
    // `web.application(…).wsgifunc()`
    let called = value.trim().strip_suffix("wsgifunc()").map_or(called, |_| "wsgifunc");
    let last = called.rsplit('.').next()?;
    let plain = MAKERS.iter().find(|(maker, _)| *maker == last).map(|(_, name)| *name);
    plain.or_else(|| {
        let of = MAKERS_OF.iter().find(|(maker, module, _)| *maker == last && imports(statements, module));
        of.map(|(_, _, name)| *name)
    })
}

fn is_other(value: &str) -> bool {
    let called = value.trim().split('(').next().unwrap_or_default();
    OTHERS.contains(&called.rsplit('.').next().unwrap_or_default())
}

/// What is assigned to `name`: `app = …`, `server = app = …`, `app: Flask = …`
fn assigned<'line>(line: &'line str, name: &str) -> Option<&'line str> {
    let mut rest = line;
    loop {
        let (target, value) = rest.split_once('=')?;
        let target = target.split(':').next().unwrap_or(target).trim();
        if value.starts_with('=') || !target.split('.').all(is_name) {
            return None;
        }
        if target == name {
            return Some(
                value.rsplit_once(" = ").map_or(value, |(_, last)| if last.contains('(') { last } else { value }),
            );
        }
        rest = value;
    }
}

/// Whether a statement makes something of this name: by assignment, `def`, `class` or import.
fn defines(line: &str, name: &str) -> bool {
    let words: Vec<&str> = line.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|w| !w.is_empty()).collect();
    match words.as_slice() {
        ["def" | "class", made, ..] | ["async", "def", made, ..] => *made == name,
        // `from shop import app`, `from shop import create as app`: the last word of each piece.
        ["from", ..] => line.split_once(" import ").is_some_and(|(_, names)| {
            let made =
                names.trim().trim_matches(['(', ')']).split(',').filter_map(|piece| piece.split_whitespace().last());
            made.into_iter().any(|made| made == name)
        }),
        _ => assigned(line, name).is_some(),
    }
}

/// Whether it is a function of this name with the parameters of WSGI or ASGI.
fn is_interface(line: &str, name: &str) -> bool {
    let Some(parameters) = parameters::of(line, name) else { return false };
    let first = parameters.split([',', ':']).next().unwrap_or_default().trim();
    ["environ", "env", "scope"].contains(&first)
}

/// Whether it is a function of this name that needs no arguments.
fn is_factory(line: &str, name: &str) -> bool {
    !line.starts_with("async ") && parameters::of(line, name).is_some_and(|all| parameters::needed(all).is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_count_in_files_that_are_called_like_an_apps() {
        for (source, expected) in [
            ("app = Flask(__name__)", Some("app")),
            ("app: Flask = make()", Some("app")),
            ("async def app(scope, receive, send): ...", Some("app")),
            ("class app: ...", Some("app")),
            ("from shop import (\n    make,\n    create as app,\n)", Some("app")),
            ("server = app = make()", Some("app")),
            ("try:\n    app = make()\nexcept E:\n    raise", Some("app")),
            ("app = web.application((), globals())\napplication = app.wsgifunc()", Some("application")),
            ("from flask import Flask\nsite = Flask(__name__)", Some("site")),
            ("import falcon\napi = falcon.App()", Some("api")),
            ("def create_app(config=None, *, x: dict[str, int] = {}) -> Flask:\n    return 1", Some("create_app()")),
            ("app = typer.Typer()", None),
            ("app = Celery('x')\nweb = FastAPI()", Some("web")),
            ("def create_app(config_name):\n    app = Flask()", None),
            ("\"\"\"\napp = Flask()\n\"\"\"", None),
            ("# app = 1", None),
            ("apps = 1", None),
            ("from app import x", None),
            ("x(app=1)", None),
            ("import app", None),
            ("if __name__ == '__main__':\n    app = Flask()", None),
            ("app == 1", None),
        ] {
            assert_eq!(find(source, Place::Known).as_deref(), expected, "{source}");
        }
    }

    #[test]
    fn elsewhere_only_what_makes_an_app_counts() {
        for (source, expected) in [
            ("app = load()", None),
            ("from x import app", None),
            ("app = flask.Flask(__name__)", Some("app")),
            ("def app(environ, start_response): ...", Some("app")),
            ("def app(name): ...", None),
            ("def make_app():\n    return 1", Some("make_app()")),
        ] {
            assert_eq!(find(source, Place::Any).as_deref(), expected, "{source}");
        }
        let (factory, needed) = factory_with_arguments("def create_app(name, x=1):\n    pass").unwrap();
        assert_eq!((factory, needed.as_slice()), ("create_app", &["name".to_owned()][..]));
    }

    #[test]
    fn the_framework_is_told() {
        assert_eq!(framework_of("from fastapi import FastAPI\napp = FastAPI()"), "FastAPI");
        assert_eq!(
            framework_of("import web\napp = web.application((), globals())\napplication = app.wsgifunc()"),
            "web.py"
        );
        assert_eq!(framework_of("from flask import Blueprint"), "Flask");
        assert_eq!(framework_of("x = 1"), "");
    }
}
