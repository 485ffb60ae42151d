//! Indexes of packages on loopback: one page for each package (PEP 503 or PEP 691), and wheels that are made for the test.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;

use flate2::Crc;
use guesthouse_types::name::Digest;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

/// An index that serves for as long as it lives.
pub struct Index {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    serving: JoinHandle<()>,
}

/// How its pages are written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Pages {
    /// PEP 503, without hashes.
    Html,
    /// PEP 691, with hashes, and with the metadata of wheels beside them (PEP 714).
    Json,
}

/// A file of a package.
#[derive(Clone)]
pub struct Wheel {
    pub file: String,
    pub bytes: Vec<u8>,
    metadata: String,
}

impl Wheel {
    /// The package `name`: one module of that name, which says that it comes from `place`.
    pub fn of(name: &str, version: &str, place: &str) -> Wheel {
        Wheel::built(name, version, "", place)
    }

    /// The same with a build number, which pip prefers where it may choose.
    pub fn built(name: &str, version: &str, build: &str, place: &str) -> Wheel {
        let metadata = format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n");
        let folder = format!("{name}-{version}.dist-info");
        let files = [
            (format!("{name}.py"), format!("PLACE = \"{place}\"\n")),
            (format!("{folder}/METADATA"), metadata.clone()),
            (format!("{folder}/WHEEL"), "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n".to_owned()),
        ];
        let record: String = files.iter().map(|(name, _)| format!("{name},,\n")).collect();
        let record = (format!("{folder}/RECORD"), format!("{record}{folder}/RECORD,,\n"));
        let files: Vec<(String, String)> = files.into_iter().chain([record]).collect();
        let build = if build.is_empty() { String::new() } else { format!("-{build}") };
        Wheel { file: format!("{name}-{version}{build}-py3-none-any.whl"), bytes: zip(&files), metadata }
    }

    pub fn sha256(&self) -> String {
        Digest::of(&self.bytes).to_string()
    }
}

impl Index {
    /// Serves `wheels` at `/simple/` and `/files/`.
    pub async fn serve(pages: Pages, wheels: &[Wheel]) -> Index {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let answers = Arc::new(answers(pages, wheels));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let noted = asked.clone();
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // One after the other: pip asks so as well.
                let _ = answer(stream, &answers, &noted).await;
            }
        });
        Index { address, asked, serving }
    }

    /// What `--index-url` takes.
    pub fn url(&self) -> String {
        format!("http://{}/simple/", self.address)
    }

    /// Where a file lies.
    pub fn file(&self, wheel: &Wheel) -> String {
        format!("http://{}/files/{}", self.address, wheel.file)
    }

    /// The paths that it was asked for.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for Index {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn answers(pages: Pages, wheels: &[Wheel]) -> BTreeMap<String, (&'static str, Vec<u8>)> {
    let mut answers = BTreeMap::new();
    let mut packages: BTreeMap<&str, Vec<&Wheel>> = BTreeMap::new();
    for wheel in wheels {
        packages.entry(wheel.file.split('-').next().unwrap()).or_default().push(wheel);
        answers.insert(format!("/files/{}", wheel.file), ("application/octet-stream", wheel.bytes.clone()));
        answers.insert(format!("/files/{}.metadata", wheel.file), ("text/plain", wheel.metadata.clone().into_bytes()));
    }
    for (package, wheels) in packages {
        let page = match pages {
            Pages::Html => wheels.iter().map(|wheel| format!("<a href=\"/files/{0}\">{0}</a>\n", wheel.file)).collect(),
            Pages::Json => {
                let file = |wheel: &&Wheel| {
                    serde_json::json!({
                        "filename": wheel.file,
                        "url": format!("/files/{}", wheel.file),
                        "hashes": {"sha256": wheel.sha256()},
                        "core-metadata": {"sha256": Digest::of(wheel.metadata.as_bytes()).to_string()},
                    })
                };
                let files: Vec<_> = wheels.iter().map(file).collect();
                serde_json::json!({"meta": {"api-version": "1.1"}, "name": package, "files": files}).to_string()
            }
        };
        let kind = if pages == Pages::Html { "text/html" } else { "application/vnd.pypi.simple.v1+json" };
        answers.insert(format!("/simple/{package}/"), (kind, page.into_bytes()));
    }
    answers
}

async fn answer(
    mut stream: TcpStream,
    answers: &BTreeMap<String, (&'static str, Vec<u8>)>,
    asked: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let path = String::from_utf8_lossy(&head).split(' ').nth(1).unwrap_or_default().to_owned();
    let (status, (kind, body)) = match answers.get(&path) {
        Some((kind, body)) => ("200 OK", (*kind, body.as_slice())),
        None => ("404 Not Found", ("text/plain", &b""[..])),
    };
    asked.lock().unwrap().push(path);
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body).await?;
    stream.shutdown().await
}

/// A zip archive with these files, as they are (APPNOTE.TXT 4.3).
fn zip(files: &[(String, String)]) -> Vec<u8> {
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in files {
        let mut crc = Crc::new();
        crc.update(content.as_bytes());
        let length = u32::try_from(content.len()).unwrap().to_le_bytes();
        // Version 2.0, no flags, stored, 1 January 1980.
        let mut common = vec![20, 0, 0, 0, 0, 0, 0, 0, 33, 0];
        common.extend_from_slice(&crc.sum().to_le_bytes());
        common.extend_from_slice(&length);
        common.extend_from_slice(&length);
        common.extend_from_slice(&u16::try_from(name.len()).unwrap().to_le_bytes());
        common.extend_from_slice(&[0, 0]);
        let at = u32::try_from(archive.len()).unwrap().to_le_bytes();
        archive.extend_from_slice(b"PK\x03\x04");
        archive.extend_from_slice(&common);
        archive.extend_from_slice(name.as_bytes());
        archive.extend_from_slice(content.as_bytes());
        directory.extend_from_slice(b"PK\x01\x02\x14\0");
        directory.extend_from_slice(&common);
        // No comment, the first disk, no attributes.
        directory.extend_from_slice(&[0; 10]);
        directory.extend_from_slice(&at);
        directory.extend_from_slice(name.as_bytes());
    }
    let (begin, length) = (archive.len(), directory.len());
    archive.extend_from_slice(&directory);
    archive.extend_from_slice(b"PK\x05\x06\0\0\0\0");
    let count = u16::try_from(files.len()).unwrap().to_le_bytes();
    archive.extend_from_slice(&count);
    archive.extend_from_slice(&count);
    archive.extend_from_slice(&u32::try_from(length).unwrap().to_le_bytes());
    archive.extend_from_slice(&u32::try_from(begin).unwrap().to_le_bytes());
    archive.extend_from_slice(&[0, 0]);
    archive
}
