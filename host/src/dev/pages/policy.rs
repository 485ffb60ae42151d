//! The Content-Security-Policy (CSP level 3) of a page: what `dev` puts at its end is admitted by its hash, and nothing else.

use http::HeaderMap;
use http::HeaderValue;
use http::header::CONTENT_SECURITY_POLICY;

/// What is put at the end of a page.
#[derive(Debug, Default)]
pub struct Additions {
    /// Hashes of scripts.
    pub scripts: Vec<&'static str>,
    /// Hashes of styles.
    pub styles: Vec<&'static str>,
    /// Whether a script asks this origin for something.
    pub connects: bool,
}

/// A directive: its name, and its sources.
type Directive = (String, Vec<String>);

/// Admits `additions` to all policies in `headers`. False, and nothing is changed, where a page may run no scripts at all or
/// has no origin (`sandbox`), or where a policy cannot be read.
pub fn admit(headers: &mut HeaderMap, additions: &Additions) -> bool {
    let mut admitted = Vec::new();
    for value in headers.get_all(CONTENT_SECURITY_POLICY) {
        let Ok(text) = value.to_str() else { return false };
        let policies: Option<Vec<String>> = text.split(',').map(|policy| with(policy, additions)).collect();
        let Some(Ok(value)) = policies.map(|policies| HeaderValue::try_from(policies.join(", "))) else { return false };
        admitted.push(value);
    }
    headers.remove(CONTENT_SECURITY_POLICY);
    admitted.into_iter().for_each(|value| _ = headers.append(CONTENT_SECURITY_POLICY, value));
    true
}

/// One policy with the additions.
fn with(policy: &str, additions: &Additions) -> Option<String> {
    let mut directives: Vec<Directive> = policy.split(';').filter_map(directive).collect();
    if directives.iter().any(|(name, _)| name == "sandbox") {
        return None;
    }
    for hash in &additions.scripts {
        add(&mut directives, &["script-src-elem", "script-src", "default-src"], hash, allows_inline);
    }
    for hash in &additions.styles {
        add(&mut directives, &["style-src-elem", "style-src", "default-src"], hash, allows_inline);
    }
    if additions.connects {
        add(&mut directives, &["connect-src", "default-src"], "'self'", allows_self);
    }
    let told = directives.iter().map(|(name, sources)| match sources.is_empty() {
        true => name.clone(),
        false => format!("{name} {}", sources.join(" ")),
    });
    Some(told.collect::<Vec<_>>().join("; "))
}

fn directive(text: &str) -> Option<Directive> {
    let mut words = text.split_ascii_whitespace();
    let name = words.next()?.to_ascii_lowercase();
    Some((name, words.map(str::to_owned).collect()))
}

/// Adds `source` to the first of these directives that is there: under the first name, so that what else it stands for stays
/// as it is. Where none is there, everything is allowed.
fn add(directives: &mut Vec<Directive>, names: &[&str], source: &str, allows: fn(&[String]) -> bool) {
    // Of two with one name the first counts.
    let found = names.iter().find_map(|name| directives.iter().position(|(found, _)| found == name));
    let Some(at) = found else { return };
    if allows(&directives[at].1) {
        return;
    }
    let mut sources = directives[at].1.clone();
    sources.retain(|kept| !kept.eq_ignore_ascii_case("'none'"));
    sources.push(source.to_owned());
    match directives[at].0 == names[0] {
        true => directives[at].1 = sources,
        false => directives.push((names[0].to_owned(), sources)),
    }
}

/// A hash or a nonce takes `'unsafe-inline'` its meaning: where this holds, adding one would forbid the page's own.
fn allows_inline(sources: &[String]) -> bool {
    let strict = |source: &str| {
        ["'nonce-", "'sha256-", "'sha384-", "'sha512-", "'strict-dynamic'"].iter().any(|word| source.starts_with(word))
    };
    let lower: Vec<String> = sources.iter().map(|source| source.to_ascii_lowercase()).collect();
    lower.iter().any(|source| source == "'unsafe-inline'") && !lower.iter().any(|source| strict(source))
}

fn allows_self(sources: &[String]) -> bool {
    sources.iter().any(|source| source == "*" || source.eq_ignore_ascii_case("'self'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(policy: &str, expected: Option<&str>) {
        let additions = Additions { scripts: vec!["'sha256-a='"], styles: vec!["'sha256-b='"], connects: true };
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_str(policy).unwrap());
        let found =
            admit(&mut headers, &additions).then(|| headers[CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned());
        assert_eq!(found.as_deref(), expected, "{policy}");
    }

    #[test]
    fn what_is_added_is_admitted_and_nothing_else() {
        check("img-src *", Some("img-src *"));
        check(
            "Default-Src 'none'; img-src 'self'",
            Some(
                "default-src 'none'; img-src 'self'; script-src-elem 'sha256-a='; style-src-elem 'sha256-b='; connect-src 'self'",
            ),
        );
        check(
            "script-src 'self' https://cdn.example; connect-src 'self'",
            Some(
                "script-src 'self' https://cdn.example; connect-src 'self'; script-src-elem 'self' https://cdn.example 'sha256-a='",
            ),
        );
        check("script-src-elem 'nonce-x'", Some("script-src-elem 'nonce-x' 'sha256-a='"));
        check("default-src * 'unsafe-inline'", Some("default-src * 'unsafe-inline'"));
        check(
            "script-src 'unsafe-inline' 'nonce-x'",
            Some("script-src 'unsafe-inline' 'nonce-x'; script-src-elem 'unsafe-inline' 'nonce-x' 'sha256-a='"),
        );
        check(
            "script-src 'none', style-src 'self'",
            Some("script-src 'none'; script-src-elem 'sha256-a=', style-src 'self'; style-src-elem 'self' 'sha256-b='"),
        );
        check("sandbox allow-scripts", None);
    }

    #[test]
    fn a_page_without_a_policy_needs_none() {
        assert!(admit(&mut HeaderMap::new(), &Additions::default()));
    }
}
