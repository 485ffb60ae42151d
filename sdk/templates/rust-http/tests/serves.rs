//! The component on a host: what a browser would see.

mod serving;

#[test]
fn the_component_is_served() {
    let Some(host) = serving::serve() else { return };
    let page = host.send("GET", "/", "");
    assert!(
        page.starts_with("HTTP/1.1 200 OK") && page.contains("<h1>Hello</h1>"),
        "{page}"
    );
    let lines = host.send("GET", "/lines", "");
    assert!(
        lines.contains("line 1\n") && lines.contains("line 5\n"),
        "{lines}"
    );
    let echo = host.send("POST", "/echo", "there and back");
    assert!(echo.contains("there and back"), "{echo}");
}
