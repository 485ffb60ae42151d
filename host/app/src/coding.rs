//! Content codings: which of them a visitor wants (RFC 9110 section 12.5.3), and for which bodies they are worth it.

use http::HeaderMap;
use http::HeaderValue;
use http::header::ACCEPT_ENCODING;

use crate::headers::items;
use crate::headers::weighted;

/// A way to write a body in fewer bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// `zstd` (RFC 8878).
    Zstd,
    /// `br` (RFC 7932).
    Brotli,
    /// `gzip` (RFC 1952).
    Gzip,
}

/// All of them, the one first that we choose among equals: why is in `docs/decisions/0030-compression.md`.
pub const ALL: [Coding; 3] = [Coding::Zstd, Coding::Brotli, Coding::Gzip];

impl Coding {
    /// As it stands in `Content-Encoding`.
    pub fn name(self) -> &'static str {
        match self {
            Coding::Zstd => "zstd",
            Coding::Brotli => "br",
            Coding::Gzip => "gzip",
        }
    }

    /// The same, as a field's value.
    pub fn value(self) -> HeaderValue {
        HeaderValue::from_static(self.name())
    }
}

/// Which codings a visitor accepts, and how gladly: in thousandths, zero for what is not accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Accepted {
    zstd: u16,
    brotli: u16,
    gzip: u16,
    /// Zero as well where nothing is said of it: then it is accepted, but anything else is preferred.
    identity: u16,
}

impl Accepted {
    /// What is asked for in these fields. Without any, nothing but the body as it is.
    pub fn asked_in(headers: &HeaderMap) -> Accepted {
        let mut named = [None; 4];
        let mut any = None;
        for value in headers.get_all(ACCEPT_ENCODING) {
            for item in items(value.as_bytes()) {
                let (name, quality) = weighted(item);
                let place = match () {
                    () if name.eq_ignore_ascii_case(b"zstd") => &mut named[0],
                    () if name.eq_ignore_ascii_case(b"br") => &mut named[1],
                    () if name.eq_ignore_ascii_case(b"gzip") || name.eq_ignore_ascii_case(b"x-gzip") => &mut named[2],
                    () if name.eq_ignore_ascii_case(b"identity") => &mut named[3],
                    () if name == b"*" => &mut any,
                    () => continue,
                };
                *place = Some(quality);
            }
        }
        // `*` speaks for what is not named.
        let [zstd, brotli, gzip, identity] = named.map(|quality| quality.or(any).unwrap_or(0));
        // Who takes anything does not ask for the longest.
        let identity = if named[3].is_some() { identity } else { 0 };
        Accepted { zstd, brotli, gzip, identity }
    }

    /// The coding to use: the one that is wanted most, unless the body as it is is wanted more.
    pub fn best(self) -> Option<Coding> {
        self.in_order().next()
    }

    /// All codings that may be used, the best first.
    pub fn in_order(self) -> impl Iterator<Item = Coding> {
        let mut order = ALL;
        // Stable: among equals our own order stays.
        order.sort_by_key(|coding| std::cmp::Reverse(self.quality(*coding)));
        order.into_iter().filter(move |coding| {
            let quality = self.quality(*coding);
            quality > 0 && quality >= self.identity
        })
    }

    fn quality(self, coding: Coding) -> u16 {
        match coding {
            Coding::Zstd => self.zstd,
            Coding::Brotli => self.brotli,
            Coding::Gzip => self.gzip,
        }
    }
}

/// Whether bodies of this type become much shorter. Server-sent events never are: not every reader of them on the way
/// lets single events pass.
pub fn is_compressible(media_type: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match essence.split_once('/') {
        Some(("text", kind)) => kind != "event-stream",
        Some(("application", kind)) => {
            matches!(
                kind,
                "javascript"
                    | "json"
                    | "rtf"
                    | "vnd.ms-fontobject"
                    | "wasm"
                    | "x-javascript"
                    | "x-ndjson"
                    | "x-www-form-urlencoded"
                    | "xml"
            ) || kind.ends_with("+json")
                || kind.ends_with("+xml")
        }
        Some(("image", kind)) => matches!(kind, "bmp" | "svg+xml" | "vnd.microsoft.icon" | "x-icon"),
        Some(("font", kind)) => matches!(kind, "otf" | "ttf"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::proptest;

    use super::*;

    fn check(sent: &[&'static str], expected: &[Coding]) {
        let mut headers = HeaderMap::new();
        for value in sent {
            headers.append(ACCEPT_ENCODING, HeaderValue::from_static(value));
        }
        let accepted = Accepted::asked_in(&headers);
        assert_eq!(accepted.in_order().collect::<Vec<_>>(), expected, "{sent:?}");
        assert_eq!(accepted.best(), expected.first().copied());
    }

    #[test]
    fn the_coding_that_is_wanted_most_is_used() {
        use Coding::Brotli;
        use Coding::Gzip;
        use Coding::Zstd;

        check(&[], &[]);
        check(&[""], &[]);
        check(&["gzip, deflate, br, zstd"], &[Zstd, Brotli, Gzip]);
        check(&["gzip"], &[Gzip]);
        check(&["X-GZip"], &[Gzip]);
        check(&["deflate"], &[]);
        check(&["gzip;q=1.0, br;q=0.5"], &[Gzip, Brotli]);
        check(&["gzip ; q=0.501,br;Q=0.5"], &[Gzip, Brotli]);
        check(&["br", "gzip;q=0.9"], &[Brotli, Gzip]);
        check(&["*"], &[Zstd, Brotli, Gzip]);
        check(&["*;q=0.1, gzip"], &[Gzip, Zstd, Brotli]);
        check(&["*, zstd;q=0"], &[Brotli, Gzip]);
        check(&["*;q=0"], &[]);
        check(&["gzip;q=0"], &[]);
        check(&["identity"], &[]);
        check(&["identity, gzip;q=0.5"], &[]);
        check(&["identity, gzip"], &[Gzip]);
        check(&["identity;q=0.5, gzip;q=0.6, br;q=0.4"], &[Gzip]);
        check(&["identity;q=0"], &[]);
        check(&["identity;q=0, gzip;q=0.1"], &[Gzip]);
        check(&["identity;q=0, *"], &[Zstd, Brotli, Gzip]);
    }

    #[test]
    fn a_weight_that_cannot_be_read_is_a_refusal() {
        check(&["gzip;q=x, br"], &[Coding::Brotli]);
    }

    #[test]
    fn types() {
        for media_type in [
            "text/html; charset=utf-8",
            "TEXT/CSS",
            "application/json",
            "application/ld+json;x=y",
            "application/xhtml+xml",
            "application/wasm",
            "image/svg+xml",
            "font/ttf",
        ] {
            assert!(is_compressible(media_type), "{media_type}");
        }
        for media_type in [
            "text/event-stream",
            "Text/Event-Stream;charset=utf-8",
            "image/png",
            "application/octet-stream",
            "application/zip",
            "application/grpc",
            "font/woff2",
            "multipart/byteranges",
            "text",
            "",
        ] {
            assert!(!is_compressible(media_type), "{media_type}");
        }
    }

    proptest! {
        #[test]
        fn what_is_chosen_was_named(value in r"((gzip|br|zstd|\*|identity)(;q=[01](\.[0-9]{0,4})?)?(, ?|;| )?){0,5}") {
            let headers = HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_str(&value).unwrap())]);
            if let Some(coding) = Accepted::asked_in(&headers).best() {
                assert!(value.contains(coding.name()) || value.contains('*'), "{value}: {coding:?}");
            }
        }
    }
}
