//! FastAPI with pydantic 1, the last that is Python alone.

use bytes::Bytes;
use http::Method;
use http::StatusCode;

use crate::frameworks::visit::Visit;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_are_checked_and_the_api_describes_itself() {
    let Some(mut visit) = Visit::of("fastapi").await else { return };
    assert_eq!(visit.get("/").await.text(), "{\"cakes\":[\"lemon\",\"plum\"]}");
    let mut order = async |text: &'static str| {
        visit.ask(Method::POST, "/orders", "application/json", Bytes::from_static(text.as_bytes())).await
    };
    let taken = order("{\"cake\": \"plum\", \"pieces\": 3}").await;
    assert_eq!((taken.status, taken.text().as_str()), (StatusCode::OK, "{\"cake\":\"plum\",\"pieces\":3}"));
    assert_eq!(order("{\"cake\": \"plum\", \"pieces\": 13}").await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(order("{\"cake\": \"rock\"}").await.status, StatusCode::NOT_FOUND);
    assert!(visit.get("/docs").await.text().contains("swagger"));
    assert!(visit.get("/openapi.json").await.text().contains("\"title\":\"Cakes\""));
}
