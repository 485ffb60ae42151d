//! The FastAPI sample with pydantic 2, whose core is Rust that was compiled for the guest.

use bytes::Bytes;
use http::Method;
use http::StatusCode;

use crate::frameworks::visit::Visit;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pydantic_2_checks_bodies_queries_and_answers() {
    let Some(mut visit) = Visit::of("fastapi2").await else { return };
    assert_eq!(visit.get("/").await.text(), "{\"books\":1}");
    assert_eq!(visit.get("/books?pages=66").await.text(), "[]");
    assert!(visit.get("/books/1").await.text().contains("\"tags\":[\"engines\"]"));
    assert_eq!(visit.get("/books/2").await.status, StatusCode::NOT_FOUND);
    let mut post = async |text: &'static str| {
        visit.ask(Method::POST, "/books", "application/json", Bytes::from_static(text.as_bytes())).await
    };
    let taken = post("{\"title\": \" Notes \", \"pages\": \"3\", \"bought\": \"1843-10-01\", \"tags\": [\"A\"]}").await;
    let expected = "{\"title\":\"Notes\",\"pages\":3,\"bought\":\"1843-10-01\",\"tags\":[\"a\"]}";
    assert_eq!((taken.status, taken.text().as_str()), (StatusCode::CREATED, expected));
    let refused = post("{\"title\": \"\", \"pages\": 0}").await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        refused.text().contains("string_too_short") && refused.text().contains("greater_than"),
        "{}",
        refused.text()
    );
    assert_eq!(visit.get("/books?pages=0").await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(visit.get("/openapi.json").await.text().contains("\"exclusiveMinimum\""));
}
