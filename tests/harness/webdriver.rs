//! A real browser that types and clicks: headless Chromium, told what to do by its driver (W3C WebDriver).

use std::path::PathBuf;
use std::process::Stdio;

use bytes::Bytes;
use http::Method;
use http::Request;
use http_body_util::Full;
use serde_json::Value;
use serde_json::json;
use tempfile::TempDir;
use tokio::io::AsyncBufReadExt as _;
use tokio::io::BufReader;
use tokio::process::Child;
use tokio::process::Command;

use crate::harness::client::Client;
use crate::harness::serving::until;
use crate::harness::within;

/// How the driver names an element in its answers (WebDriver, section 11).
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A browser's only window. It ends with its driver when dropped.
pub struct Browser {
    client: Client,
    session: String,
    driver: Child,
    _profile: TempDir,
}

impl Browser {
    /// None, and a line that says so, where there is no driver. Where it must be there (CI sets
    /// `GUESTHOUSE_REQUIRE_CHROMIUM`), its absence is a failure.
    pub async fn open() -> Option<Browser> {
        let Some(program) = driver() else {
            assert!(std::env::var_os("GUESTHOUSE_REQUIRE_CHROMIUM").is_none(), "no chromedriver, and CI needs it");
            eprintln!(
                "NOT TESTED IN A BROWSER: chromedriver is not installed (Debian: apt-get install chromium-driver)"
            );
            return None;
        };
        let profile = tempfile::tempdir().unwrap();
        let mut command = Command::new(program);
        command.arg("--port=0").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
        // The browser is its child, and stays when it is killed: both are one group, which ends together.
        command.process_group(0);
        let mut driver = command.spawn().unwrap();
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = within("the driver's port", async {
            loop {
                let line = lines.next_line().await.unwrap().expect("the driver says where it listens");
                if let Some((_, port)) = line.split_once("started successfully on port ") {
                    break port.trim_end_matches('.').parse().unwrap();
                }
            }
        })
        .await;
        let mut client = Client::new(([127, 0, 0, 1], port).into());
        let arguments = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            &format!("--user-data-dir={}", profile.path().display()),
        ];
        let wanted = json!({"capabilities": {"alwaysMatch": {"goog:chromeOptions": {"args": arguments}}}});
        let begun = ask(&mut client, Method::POST, "/session", &wanted).await.unwrap();
        let session = begun["sessionId"].as_str().unwrap().to_owned();
        Some(Browser { client, session, driver, _profile: profile })
    }

    /// Opens a page, and returns when it is loaded.
    pub async fn go(&mut self, url: &str) {
        self.tell("/url", &json!({"url": url})).await.unwrap();
    }

    /// Types into the field that this selector (CSS) finds.
    pub async fn fill(&mut self, selector: &str, text: &str) {
        let element = self.find(selector).await;
        self.tell(&format!("/element/{element}/value"), &json!({"text": text})).await.unwrap();
    }

    /// Clicks on what this selector finds.
    pub async fn click(&mut self, selector: &str) {
        let element = self.find(selector).await;
        self.tell(&format!("/element/{element}/click"), &json!({})).await.unwrap();
    }

    /// Returns when the page shows `text`.
    pub async fn until_it_shows(&mut self, text: &str) {
        let shown = "document.body ? document.body.innerText : ''";
        self.until(&format!("a page with `{text}`"), shown, |shown| shown.contains(text)).await;
    }

    /// Returns when this expression (JavaScript) is a text that `is_so`. While a page is loaded it is the empty text.
    pub async fn until(&mut self, about: &str, expression: &str, is_so: impl Fn(&str) -> bool) {
        let script = json!({"script": format!("return {expression}"), "args": []});
        let mut last = String::new();
        let next = async || {
            let told = self.tell("/execute/sync", &script).await;
            // For whoever reads why a test failed.
            let now = format!("{told:?}");
            if now != last {
                eprintln!("the browser shows {now}");
                last = now;
            }
            told.ok().and_then(|shown| shown.as_str().map(str::to_owned)).unwrap_or_default()
        };
        until(about, next, |shown: &String| is_so(shown), |_| {}).await;
    }

    async fn find(&mut self, selector: &str) -> String {
        let asked = json!({"using": "css selector", "value": selector});
        let found = self.tell("/element", &asked).await.unwrap_or_else(|error| panic!("no `{selector}`: {error}"));
        found[ELEMENT].as_str().unwrap().to_owned()
    }

    async fn tell(&mut self, path: &str, what: &Value) -> Result<Value, String> {
        let path = format!("/session/{}{path}", self.session);
        ask(&mut self.client, Method::POST, &path, what).await
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let group = self.driver.id().and_then(|id| rustix::process::Pid::from_raw(id.cast_signed()));
        if let Some(group) = group {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    }
}

async fn ask(client: &mut Client, method: Method, path: &str, what: &Value) -> Result<Value, String> {
    let body = Full::new(Bytes::from(what.to_string()));
    let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
    let reply = client.send(request.body(body).unwrap()).await;
    let mut answer: Value = serde_json::from_slice(&reply.body).unwrap();
    let value = answer["value"].take();
    if reply.status.is_success() { Ok(value) } else { Err(value["message"].to_string()) }
}

fn driver() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).map(|folder| folder.join("chromedriver")).find(|program| program.is_file())
}
