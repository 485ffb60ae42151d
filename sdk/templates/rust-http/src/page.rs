//! What is answered to whom, without a word about how it is sent.

/// An answer.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    /// A whole page.
    Page(String),
    /// So many lines, one after the other, with a pause before each.
    Lines(u32),
    /// The request's body, as it comes.
    Echo,
    /// There is no such page.
    NotFound,
    /// There is, but not for this method; these would do.
    WrongMethod(&'static str),
}

/// What is answered to a request. `mount` is the prefix under which the app lies, `target` is path and query below it.
pub fn answer(method: &str, target: &str, mount: &str) -> Answer {
    let path = target.split('?').next().unwrap_or_default();
    match (path, method) {
        ("/", "GET" | "HEAD") => Answer::Page(page(mount)),
        ("/lines", "GET" | "HEAD") => Answer::Lines(5),
        ("/echo", "POST") => Answer::Echo,
        ("/" | "/lines", _) => Answer::WrongMethod("GET, HEAD"),
        ("/echo", _) => Answer::WrongMethod("POST"),
        _ => Answer::NotFound,
    }
}

/// One line of the stream.
pub fn line(number: u32) -> String {
    format!("line {number}\n")
}

fn page(mount: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<title>my-app</title>\n<h1>Hello</h1>\n\
         <p><a href=\"{mount}/lines\">Five lines, one after the other</a></p>\n\
         <form method=\"post\" action=\"{mount}/echo\" enctype=\"text/plain\">\n\
         <input name=\"text\"> <button>Echo</button>\n</form>\n</html>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_links_below_the_mount() {
        let Answer::Page(page) = answer("GET", "/?x=1", "/shop") else {
            panic!("no page")
        };
        assert!(page.contains("href=\"/shop/lines\"") && page.contains("action=\"/shop/echo\""));
    }

    #[test]
    fn each_path_says_what_it_takes() {
        assert_eq!(answer("POST", "/echo", ""), Answer::Echo);
        assert_eq!(answer("GET", "/lines", ""), Answer::Lines(5));
        assert_eq!(answer("GET", "/echo", ""), Answer::WrongMethod("POST"));
        assert_eq!(answer("GET", "/nowhere", ""), Answer::NotFound);
    }
}
