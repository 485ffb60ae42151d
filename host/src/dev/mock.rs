//! The file of `dev --mock`: what is answered in place of the outside.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Context as _;
use anyhow::bail;
use guesthouse_outbound::mock::Mock;
use guesthouse_outbound::mock::MockAnswer;
use guesthouse_types::toml_error::explain;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::StatusCode;
use serde::Deserialize;

/// One answer as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default = "ok")]
    status: u16,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    body: Option<String>,
    /// Beside the file.
    file: Option<PathBuf>,
}

fn ok() -> u16 {
    200
}

/// Reads `[["GET https://api.example.com/rates"]]` and what follows, from the file at `path`.
pub fn read(path: &Path) -> anyhow::Result<Mock> {
    let shown = path.display().to_string();
    let text = fs::read_to_string(path).with_context(|| format!("cannot read the mock `{shown}`"))?;
    let written: BTreeMap<String, Vec<Written>> =
        toml::from_str(&text).map_err(|error| anyhow::anyhow!(explain(&shown, &text, &error)))?;
    let mut answers = BTreeMap::new();
    for (asked, all) in written {
        let is_request = asked.split_once(' ').is_some_and(|(method, url)| !method.is_empty() && url.contains("://"));
        if !is_request {
            bail!("{shown}: `{asked}` is no request: write it as `[[\"GET https://api.example.com/rates\"]]`");
        }
        let folder = path.parent().unwrap_or_else(|| Path::new(""));
        let all = all.into_iter().map(|one| answer(one, folder)).collect::<anyhow::Result<Vec<_>>>();
        answers.insert(asked.clone(), all.with_context(|| format!("{shown}: `{asked}`"))?);
    }
    Ok(Mock::new(answers))
}

fn answer(written: Written, folder: &Path) -> anyhow::Result<MockAnswer> {
    let status = StatusCode::from_u16(written.status);
    let status = status.with_context(|| format!("`status = {}` is none", written.status))?;
    let mut headers = HeaderMap::new();
    for (name, value) in &written.headers {
        let field = (HeaderName::try_from(name), HeaderValue::try_from(value));
        let (Ok(name), Ok(value)) = field else { bail!("`{name}: {value}` is no header field") };
        headers.append(name, value);
    }
    let body = match (written.body, written.file) {
        (Some(_), Some(_)) => bail!("`body` and `file` say the same: leave one out"),
        (Some(body), None) => body.into_bytes(),
        (None, Some(file)) => {
            let path = folder.join(file);
            fs::read(&path).with_context(|| format!("cannot read `{}`", path.display()))?
        }
        (None, None) => Vec::new(),
    };
    Ok(MockAnswer { status, headers, body: body.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_are_explained() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mock.toml");
        let said = |text: &str| {
            fs::write(&path, text).unwrap();
            read(&path).map(|_| ()).map_err(|error| format!("{error:#}"))
        };
        let rates = "[[\"GET https://api.example.com/rates\"]]\n";
        assert_eq!(
            said(&format!("{rates}headers = {{ content-type = \"text/plain\" }}\nbody = \"1\"\n{rates}status = 404\n")),
            Ok(())
        );
        for (text, why) in [
            ("[[\"api.example.com\"]]\n".to_owned(), "`api.example.com` is no request: write it as"),
            (format!("{rates}status = 99\n"), "`status = 99` is none"),
            (format!("{rates}body = \"1\"\nfile = \"x\"\n"), "`body` and `file` say the same"),
            (format!("{rates}file = \"missing.json\"\n"), "missing.json"),
            (format!("{rates}text = \"1\"\n"), "text"),
        ] {
            let error = said(&text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
