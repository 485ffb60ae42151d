//! The pages. The visitor's words go through `escape::html`, every link and form through `request.link`.

use guesthouse::Request;
use guesthouse::RequestExt;
use guesthouse::escape;

use crate::list::List;

const STYLE: &str = include_str!("page.css");

/// The list itself.
pub fn of(request: &Request, list: &List) -> String {
    let mut items = String::new();
    for (index, item) in list.items.iter().enumerate() {
        let text = escape::html(&item.text);
        let (class, mark) = if item.done { ("done", "☑") } else { ("open", "☐") };
        items.push_str(&format!(
            "<li class={class}>{}<span>{text}</span>{}</li>\n",
            button(request, "/toggle", index, mark, "done or not"),
            button(request, "/delete", index, "✕", "delete"),
        ));
    }
    let left = list.items.iter().filter(|item| !item.done).count();
    let count = format!("{left} to do, {} done", list.items.len() - left);
    let content = format!(
        "<form class=add method=post action=\"{add}\">\
         <input name=text maxlength=100 required autofocus placeholder=\"What is to do?\" aria-label=\"What is to do?\">\
         <button>Add</button></form>\n<ul>\n{items}</ul>\n\
         <form method=post action=\"{clear}\"><p>{count} <button>Take off what is done</button></p></form>",
        add = link(request, "/add"),
        clear = link(request, "/clear"),
    );
    page("To do", &content)
}

/// For a path that is none of the app's.
pub fn not_found(request: &Request) -> String {
    let path = escape::html(request.uri().path());
    page("Not here", &format!("<p>There is no page <code>{path}</code>.</p>{}", back(request)))
}

/// For a change that was not made.
pub fn refused(request: &Request, reason: &str) -> String {
    page("Not done", &format!("<p>{}</p>{}", escape::html(reason), back(request)))
}

fn back(request: &Request) -> String {
    format!("<p><a href=\"{}\">Back to the list</a></p>", link(request, "/"))
}

fn button(request: &Request, path: &str, index: usize, mark: &str, label: &str) -> String {
    let action = link(request, path);
    format!(
        "<form method=post action=\"{action}\"><button name=item value={index} aria-label=\"{label}\">{mark}</button></form>"
    )
}

fn link(request: &Request, path: &str) -> String {
    escape::html(&request.link(path)).into_owned()
}

fn page(title: &str, content: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=en>\n<meta charset=utf-8>\n\
         <meta name=viewport content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n<h1>{title}</h1>\n{content}\n</html>\n"
    )
}
