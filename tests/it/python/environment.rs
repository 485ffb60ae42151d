//! Apps that read their environment while they are imported: it is that of the place where they run.

use std::fs;

use crate::harness::host::TestHost;
use crate::harness::tools::has_python;
use crate::python::workshop::Workshop;

const APP: &str = r#"
import os

GREETING = os.environ["GREETING"]


def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [GREETING.encode()]
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_that_reads_its_environment_at_import_is_imported_where_it_runs() {
    if !has_python().await {
        return;
    }
    let shop = Workshop::with(&[("app.py", APP)]);
    let built = shop.build().await;
    assert!(built.status.success(), "{}", built.stderr);
    assert!(built.stderr.contains("app.py (line 4) reads `GREETING` while it is imported"), "{}", built.stderr);
    let component = fs::read(shop.component()).unwrap();
    let host =
        TestHost::new().app("app", &component).manifest("app", "[environment]\nGREETING = \"bonjour\"\n").run().await;
    assert_eq!(host.get("/app/").await.text(), "bonjour");
}
