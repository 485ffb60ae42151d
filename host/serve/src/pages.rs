//! Pages that a person can read: what happened, what to do, and the id to ask about.

use std::fmt;
use std::fmt::Write as _;

use guesthouse_app::headers::accepts_html;
use http::HeaderMap;
use http::StatusCode;

/// How a visitor wants to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A browser.
    Html,
    /// Anything else: a command, a program.
    Plain,
}

impl Format {
    /// What the visitor asks for. Only who names HTML gets HTML.
    pub fn asked_in(headers: &HeaderMap) -> Format {
        if accepts_html(headers) { Format::Html } else { Format::Plain }
    }

    /// The media type that goes with it.
    pub fn media_type(self) -> &'static str {
        match self {
            Format::Html => "text/html; charset=utf-8",
            Format::Plain => "text/plain; charset=utf-8",
        }
    }
}

/// A page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// What the page is about.
    pub title: String,
    /// What happened, in a sentence or two.
    pub happened: String,
    /// What the reader can do about it; may be empty.
    pub advice: String,
    /// What whoever runs the host can do about it, for their eyes only.
    pub for_operator: Option<String>,
    /// What only a developer may see: a trap, a backtrace, a reason.
    pub details: Option<String>,
    /// Apps to choose from, on the index page.
    pub apps: Vec<AppLine>,
}

/// One app on the index page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppLine {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub urls: Vec<String>,
    /// How it is.
    pub state: String,
}

impl Page {
    /// A page about `status`.
    pub fn about(status: StatusCode, happened: String) -> Page {
        let title = match status.canonical_reason() {
            Some(reason) => format!("{} {reason}", status.as_str()),
            None => status.as_str().to_owned(),
        };
        let advice = advice(status).to_owned();
        Page { title, happened, advice, for_operator: None, details: None, apps: Vec::new() }
    }

    /// The page as text.
    pub fn render(&self, format: Format, id: &str) -> String {
        match format {
            Format::Html => self.html(id),
            Format::Plain => self.plain(id),
        }
    }

    fn plain(&self, id: &str) -> String {
        let mut text = format!("{}\n\n{}\n", self.title, self.happened);
        for AppLine { name, urls, state } in &self.apps {
            let _ = writeln!(text, "\n{name} ({state})");
            urls.iter().for_each(|url| {
                let _ = writeln!(text, "  {url}");
            });
        }
        if !self.advice.is_empty() {
            let _ = writeln!(text, "{}", self.advice);
        }
        if let Some(hint) = &self.for_operator {
            let _ = writeln!(text, "For the operator: {hint}");
        }
        if let Some(details) = &self.details {
            let _ = writeln!(text, "\n{}", details.trim_end());
        }
        let _ = writeln!(text, "\nrequest {id}");
        text
    }

    fn html(&self, id: &str) -> String {
        let title = Escaped(&self.title);
        let mut text = format!(
            "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n\
             <style>{STYLE}</style>\n<main>\n<h1>{title}</h1>\n<p>{}</p>\n",
            Marked(&self.happened)
        );
        if !self.apps.is_empty() {
            text.push_str("<ul>\n");
            for AppLine { name, urls, state } in &self.apps {
                let _ = write!(text, "<li><b>{}</b> <i>{}</i>", Escaped(name), Marked(state));
                for url in urls {
                    let _ = write!(text, "<br><a href=\"{0}\">{0}</a>", Escaped(url));
                }
                text.push_str("</li>\n");
            }
            text.push_str("</ul>\n");
        }
        if !self.advice.is_empty() {
            let _ = writeln!(text, "<p>{}</p>", Marked(&self.advice));
        }
        if let Some(hint) = &self.for_operator {
            let _ = writeln!(text, "<p class=\"operator\"><b>For the operator:</b> {}</p>", Marked(hint));
        }
        if let Some(details) = &self.details {
            let _ = writeln!(text, "<pre>{}</pre>", Escaped(details));
        }
        let _ = write!(text, "<footer>request <code>{}</code></footer>\n</main>\n</html>\n", Escaped(id));
        text
    }
}

/// What a visitor can do about a status. Words of operators and authors have no place in it.
fn advice(status: StatusCode) -> &'static str {
    match status {
        StatusCode::BAD_REQUEST | StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED => {
            "Browsers do not send such requests by themselves. Check the program or the link that sent it."
        }
        StatusCode::NOT_FOUND | StatusCode::MISDIRECTED_REQUEST => "Check the address for typing mistakes.",
        StatusCode::REQUEST_TIMEOUT => "Try again, over a better connection if you can.",
        StatusCode::PAYLOAD_TOO_LARGE => "Send less at once.",
        StatusCode::URI_TOO_LONG => "Use a shorter address, or send long values in a form.",
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => "Delete this site's cookies and try again.",
        StatusCode::BAD_GATEWAY | StatusCode::INTERNAL_SERVER_ERROR => {
            "Try again. If it keeps failing, tell whoever runs this site, with the request id below."
        }
        StatusCode::GATEWAY_TIMEOUT => {
            "Try again later. If it keeps failing, tell whoever runs this site, with the request id below."
        }
        StatusCode::SERVICE_UNAVAILABLE => "Try again in a moment.",
        _ => "",
    }
}

const STYLE: &str = ":root{color-scheme:light dark}\
body{margin:0;font:1.05rem/1.6 system-ui,sans-serif;background:Canvas;color:CanvasText}\
main{max-width:40rem;margin:0 auto;padding:12vh 1.5rem 3rem}\
h1{font-size:1.7rem;line-height:1.2;margin:0 0 1rem;letter-spacing:-.01em}\
p,li{overflow-wrap:anywhere}code{font-size:.92em;padding:.1em .3em;border-radius:.3rem;background:#8882}\
pre{white-space:pre-wrap;overflow-wrap:anywhere;padding:1rem;border-radius:.5rem;font-size:.85rem;line-height:1.45;background:#8881}\
.operator{padding:.6rem 1rem;border-left:.25rem solid #8886;font-size:.95rem}\
ul{list-style:none;padding:0}li{padding:.6rem 0;border-top:1px solid #8884}i{opacity:.75;font-size:.9rem}\
footer{margin-top:2.5rem;padding-top:.8rem;border-top:1px solid #8884;font-size:.85rem;opacity:.75}";

/// A text within HTML, or within an attribute's quotes.
pub struct Escaped<'text>(pub &'text str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|character| match character {
            '&' => formatter.write_str("&amp;"),
            '<' => formatter.write_str("&lt;"),
            '>' => formatter.write_str("&gt;"),
            '"' => formatter.write_str("&quot;"),
            '\'' => formatter.write_str("&#39;"),
            _ => formatter.write_char(character),
        })
    }
}

/// A sentence within HTML: what stands between backticks is code.
pub struct Marked<'text>(pub &'text str);

impl fmt::Display for Marked<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = self.0.split('`').peekable();
        let mut is_code = false;
        while let Some(part) = parts.next() {
            // A last backtick without its other one is only a character.
            if is_code && parts.peek().is_none() {
                return write!(formatter, "`{}", Escaped(part));
            }
            match is_code {
                true => write!(formatter, "<code>{}</code>", Escaped(part))?,
                false => write!(formatter, "{}", Escaped(part))?,
            }
            is_code = !is_code;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use http::header::ACCEPT;

    use super::*;

    #[test]
    fn a_plain_page() {
        let mut page = Page::about(StatusCode::BAD_GATEWAY, "The app `shop` failed.".to_owned());
        page.details = Some("the guest trapped: unreachable\nshop::main\n".to_owned());
        page.for_operator = Some("see the log".to_owned());
        let expected = "502 Bad Gateway\n\nThe app `shop` failed.\n\
                        Try again. If it keeps failing, tell whoever runs this site, with the request id below.\n\
                        For the operator: see the log\n\n\
                        the guest trapped: unreachable\nshop::main\n\nrequest x-1\n";
        assert_eq!(page.render(Format::Plain, "x-1"), expected);
    }

    #[test]
    fn an_index_page() {
        let urls = vec!["http://shop.localhost/".to_owned(), "http://localhost/shop/".to_owned()];
        let page = Page {
            title: "Guesthouse".to_owned(),
            happened: "These apps are here.".to_owned(),
            advice: String::new(),
            for_operator: None,
            details: None,
            apps: vec![AppLine { name: "shop".to_owned(), urls, state: "live".to_owned() }],
        };
        let expected = "Guesthouse\n\nThese apps are here.\n\nshop (live)\n  http://shop.localhost/\n  \
                        http://localhost/shop/\n\nrequest x-1\n";
        assert_eq!(page.render(Format::Plain, "x-1"), expected);
        assert!(
            page.render(Format::Html, "x-1").contains("<a href=\"http://shop.localhost/\">http://shop.localhost/</a>")
        );
    }

    #[test]
    fn nothing_gets_out_of_its_place() {
        let mut page = Page::about(StatusCode::NOT_FOUND, "<script>&'\"".to_owned());
        page.details = Some("</pre>".to_owned());
        let html = page.render(Format::Html, "x-1");
        assert!(html.contains("<p>&lt;script&gt;&amp;&#39;&quot;</p>") && html.contains("<pre>&lt;/pre&gt;</pre>"));
    }

    #[test]
    fn what_stands_between_backticks_is_code() {
        for (text, expected) in [
            ("`shop` is <busy>.", "<code>shop</code> is &lt;busy&gt;."),
            ("`a` and `b`", "<code>a</code> and <code>b</code>"),
            ("one ` alone", "one ` alone"),
            ("`<a>` and ` alone", "<code>&lt;a&gt;</code> and ` alone"),
            ("``", "<code></code>"),
        ] {
            assert_eq!(Marked(text).to_string(), expected);
        }
    }

    #[test]
    fn only_who_names_html_gets_html() {
        for (accept, expected) in [
            ("text/html,application/xhtml+xml,*/*;q=0.8", Format::Html),
            ("application/json, text/HTML;q=0.1", Format::Html),
            ("text/html;q=0", Format::Plain),
            ("*/*", Format::Plain),
            ("", Format::Plain),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, HeaderValue::from_static(accept));
            assert_eq!(Format::asked_in(&headers), expected, "{accept}");
        }
    }
}
