//! Plain WSGI: each thing that PEP 3333 lets an app do.

use bytes::Bytes;
use http::Method;
use http::StatusCode;
use http::header::SET_COOKIE;

use crate::frameworks::visit::Visit;
use crate::harness::client::Client;
use crate::harness::client::get;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_finds_its_request_in_the_environ() {
    let Some(mut visit) = Visit::of("wsgi").await else { return };
    let page = visit.get("/?colour=blue%20sky").await.text();
    for row in [
        "<tr><th>QUERY_STRING<td>colour=blue%20sky",
        "<tr><th>REQUEST_METHOD<td>GET",
        "<tr><th>REMOTE_ADDR<td>127.0.0.1",
        "<tr><th>SCRIPT_NAME<td>\n",
        "<tr><th>SERVER_NAME<td>wsgi.localhost",
        "<tr><th>wsgi.multithread<td>False",
        "<tr><th>wsgi.url_scheme<td>http",
        "<tr><th>wsgi.version<td>(1, 0)",
    ] {
        assert!(page.contains(row), "no `{row}` in {page}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mount_is_the_script_name_and_a_path_is_decoded() {
    let Some(address) = crate::frameworks::hall::hall().await else { return };
    let page = Client::new(address).send(get("/wsgi/")).await.text();
    assert!(page.contains("<tr><th>SCRIPT_NAME<td>/wsgi\n"), "{page}");
    let hello = Client::new(address).send(get("/wsgi/h%65llo?name=Ada%20L.")).await.text();
    assert_eq!(hello, "hello Ada L.\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_comes_back_byte_by_byte() {
    let Some(mut visit) = Visit::of("wsgi").await else { return };
    let body: Bytes = (0..3_000_000_u32).map(|at| (at % 251) as u8).collect::<Vec<u8>>().into();
    let reply = visit.ask(Method::POST, "/echo", "application/x-test", body.clone()).await;
    assert_eq!((reply.status, reply.header("content-type")), (StatusCode::OK, "application/x-test"));
    assert!(reply.body == body, "{} bytes", reply.body.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_generator_streams_and_write_comes_before_what_is_returned() {
    let Some(mut visit) = Visit::of("wsgi").await else { return };
    assert_eq!(visit.get("/stream").await.text(), "line 1\nline 2\nline 3\nline 4\nline 5\n");
    assert_eq!(visit.get("/write").await.text(), "written, returned\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_cookies_are_two_fields() {
    let Some(mut visit) = Visit::of("wsgi").await else { return };
    let reply = visit.get("/cookies").await;
    let cookies: Vec<_> = reply.headers.get_all(SET_COOKIE).iter().collect();
    assert_eq!((cookies.len(), reply.text().as_str()), (2, "none"));
    assert_eq!(visit.get("/cookies").await.text(), "cup=blue; tea=green");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_has_the_length_and_no_body() {
    let Some(mut visit) = Visit::of("wsgi").await else { return };
    let reply = visit.head("/hello").await;
    assert_eq!((reply.status, reply.header("content-length"), reply.body.len()), (StatusCode::OK, "12", 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_module_may_be_imported_late() {
    let Some(mut visit) = Visit::of("wsgi").await else { return };
    assert_eq!(visit.get("/late").await.text(), "1/3");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exception_is_500_and_one_in_the_middle_cuts_the_body() {
    let Some(mut visit) = Visit::of("wsgi").await else { return };
    assert_eq!(visit.get("/error").await.status, StatusCode::INTERNAL_SERVER_ERROR);
    // In the same breath as its head, the failure may be found out before the head is sent.
    match visit.try_get("/broken").await {
        Ok(reply) => assert_eq!(reply.status, StatusCode::BAD_GATEWAY, "{reply:?}"),
        Err(cut) => drop(cut),
    }
    assert_eq!(visit.get("/hello").await.text(), "hello world\n");
}
