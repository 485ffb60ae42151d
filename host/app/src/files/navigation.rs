//! Whether somebody goes to an address, rather than a page asking for a part of itself.

use http::HeaderMap;

use crate::headers::accepts_html;

/// Browsers say so (Fetch Metadata, `Sec-Fetch-Mode`). Of others, whoever names HTML as what it accepts.
pub fn is_navigation(headers: &HeaderMap) -> bool {
    if let Some(mode) = headers.get("sec-fetch-mode") {
        return mode == "navigate";
    }
    accepts_html(headers)
}

#[cfg(test)]
mod tests {
    use http::HeaderName;
    use http::HeaderValue;

    use super::*;

    #[test]
    fn navigations() {
        for (fields, expected) in [
            (vec![("sec-fetch-mode", "navigate")], true),
            (vec![("sec-fetch-mode", "cors"), ("accept", "text/html")], false),
            (vec![("accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8")], true),
            (vec![("accept", "application/json, Text/HTML;q=0.1")], true),
            (vec![("accept", "text/html;q=0")], false),
            (vec![("accept", "*/*")], false),
            (vec![], false),
        ] {
            let headers = fields
                .iter()
                .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
                .collect();
            assert_eq!(is_navigation(&headers), expected, "{fields:?}");
        }
    }
}
