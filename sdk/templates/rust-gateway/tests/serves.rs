//! The component on a host: what a browser would see.

mod serving;

#[test]
fn the_component_is_served() {
    let Some(host) = serving::serve() else { return };
    let page = host.send("GET", "/?name=Ada", "");
    assert!(
        page.starts_with("HTTP/1.1 200 OK") && page.contains("Hello, Ada"),
        "{page}"
    );
    let answer = host.send("POST", "/greet", "name=Ada");
    assert!(
        answer.starts_with("HTTP/1.1 303") && answer.contains("location: /?name=Ada"),
        "{answer}"
    );
}
