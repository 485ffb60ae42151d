//! The samples that call somebody else's API, one in each language: what they say when it answers, refuses, or is not there.

use std::path::Path;

use bytes::Bytes;
use guesthouse_test_guests as guest;
use http::Request;
use http::StatusCode;

use crate::harness::client::Reply;
use crate::harness::host::Running;
use crate::harness::host::TestHost;
use crate::harness::outside::Outside;
use crate::harness::tools::has_node;
use crate::harness::tools::has_python;
use crate::javascript::workshop::build;
use crate::outbound::granted::HERE;
use crate::outbound::granted::policy;

async fn charge(host: &Running, amount: &str) -> Reply {
    let form = Request::post("/charge/charge").header("content-type", "application/x-www-form-urlencoded");
    host.send(form.body(Bytes::from(format!("amount={amount}")).into()).unwrap()).await
}

async fn charges(component: Vec<u8>) {
    let outside = Outside::begin().await;
    let url = format!("http://{}", outside.address);
    let manifest = |url: &str, key: &str| {
        format!("[outbound]\nhttp = [\"{url}\"]\n[environment]\nAPI_URL = \"{url}\"\nAPI_KEY = \"{key}\"\n")
    };
    let host = async |manifest: &str| {
        TestHost::new().config(policy(HERE)).app("charge", &component).manifest("charge", manifest).run().await
    };
    let good = host(&manifest(&url, "sk_test")).await;
    assert!(good.get("/charge/").await.text().contains("<form method=post"));
    let charged = charge(&good, "4200").await;
    assert_eq!((charged.status, charged.text().as_str()), (StatusCode::OK, "charged 4200: ch_4200\n"));
    assert_eq!(charge(&good, "many").await.status, StatusCode::BAD_REQUEST);

    let refused = charge(&host(&manifest(&url, "other")).await, "4200").await;
    assert_eq!((refused.status, refused.text().as_str()), (StatusCode::BAD_GATEWAY, "the API says 401: no such key\n"));

    let nobody = charge(&host(&manifest("http://127.0.0.1:1", "sk_test")).await, "4200").await;
    assert_eq!(nobody.status, StatusCode::BAD_GATEWAY);
    assert!(nobody.text().starts_with("the API cannot be asked: "), "{}", nobody.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_card_is_charged_in_rust() {
    charges(guest::bytes(guest::CHARGE)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_card_is_charged_in_javascript() {
    if has_node().await {
        charges(built("charge-fetch").await).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_card_is_charged_in_python() {
    if has_python().await {
        charges(built("charge-requests").await).await;
    }
}

/// The component of a sample.
async fn built(sample: &str) -> Vec<u8> {
    let apps = tempfile::tempdir().unwrap();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("samples").join(sample);
    let ended = build(&source, apps.path()).await;
    assert!(ended.status.success(), "{}", ended.stderr);
    std::fs::read(apps.path().join(format!("{sample}.wasm"))).unwrap()
}
