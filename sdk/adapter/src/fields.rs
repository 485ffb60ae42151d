//! Which fields may pass: not those of one connection, and not those that only a proxy may say.

/// A field as WASI and the gateway have it.
pub type Field = (String, Vec<u8>);

/// What the app is shown of a request's fields. The authority is told apart from them.
pub fn of_request(fields: Vec<Field>) -> Vec<Field> {
    keep(fields, |name| !is_of_connection(name) && !is_of_request_only(name) && !is_of_proxy(name))
}

/// What is sent of the app's fields. The length is the adapter's to say.
pub fn of_response(fields: Vec<Field>) -> Vec<Field> {
    keep(fields, |name| !is_of_connection(name) && name != "content-length")
}

fn keep(fields: Vec<Field>, may_pass: impl Fn(&str) -> bool) -> Vec<Field> {
    // RFC 9110 section 7.6.1: a field named there is meant for the next hop alone.
    let connection = fields.iter().filter(|(name, _)| name.eq_ignore_ascii_case("connection"));
    let named: Vec<String> = connection
        .flat_map(|(_, value)| value.split(|byte| *byte == b','))
        .map(|name| String::from_utf8_lossy(name.trim_ascii()).to_ascii_lowercase())
        .collect();
    let lower = fields.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value));
    lower.filter(|(name, _)| may_pass(name) && !named.contains(name)).collect()
}

fn is_of_connection(name: &str) -> bool {
    matches!(
        name,
        "connection" | "keep-alive" | "proxy-connection" | "te" | "transfer-encoding" | "upgrade" | "http2-settings"
    )
}

fn is_of_request_only(name: &str) -> bool {
    matches!(name, "host" | "expect" | "trailer" | "proxy-authorization")
}

/// What an app would take for the word of a proxy, and what turns into it where `-` and `_` are the same.
fn is_of_proxy(name: &str) -> bool {
    matches!(name, "forwarded" | "x-real-ip" | "x-request-id" | "proxy")
        || name.starts_with("x-forwarded-")
        || name.contains('_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(passed: fn(Vec<Field>) -> Vec<Field>, sent: &[(&str, &str)], expected: &[&str]) {
        let sent = sent.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect();
        let names: Vec<String> = passed(sent).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, expected);
    }

    #[test]
    fn fields_of_the_connection_and_of_proxies_stay_behind() {
        let sent = [
            ("Host", "a"),
            ("connection", "close, X-Mine"),
            ("x-mine", "1"),
            ("X-Forwarded-For", "1"),
            ("x_y", "1"),
            ("Accept", "1"),
            ("accept", "2"),
        ];
        check(of_request, &sent, &["accept", "accept"]);
    }

    #[test]
    fn the_length_is_not_the_apps_to_say() {
        let sent =
            [("content-length", "9"), ("transfer-encoding", "chunked"), ("set-cookie", "a"), ("set-cookie", "b")];
        check(of_response, &sent, &["set-cookie", "set-cookie"]);
    }
}
