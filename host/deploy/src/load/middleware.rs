//! What stands before an app: middleware, joined with the app into one component.

use guesthouse_component::compose::ComposeError;
use guesthouse_component::compose::compose;
use guesthouse_component::inspect::InspectError;
use guesthouse_component::inspect::Lane;
use guesthouse_component::inspect::inspect;
use guesthouse_types::name::Digest;
use guesthouse_types::units::Size;

use crate::reason::Failure;
use crate::reason::ReasonCode;

/// A middleware as it was read.
#[derive(Debug)]
pub struct Middleware {
    /// Its file, as the manifest names it.
    pub name: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// By what is remembered that these cannot be joined; what they are joined to has a digest of its own.
pub fn recipe(parts: &[Middleware], code: Digest) -> Digest {
    let digests = parts.iter().map(|part| Digest::of(&part.bytes)).chain([code]);
    Digest::of(digests.map(|digest| digest.to_string()).collect::<Vec<_>>().join(" ").as_bytes())
}

/// One component of an app and of what stands before it, the outermost first.
pub fn join(parts: &[Middleware], code: Vec<u8>, bytes_max: u64) -> Result<Vec<u8>, Failure> {
    let lane = inspect(&code).map_err(|error| judge("", ReasonCode::Component, &error))?.lane;
    if lane != Lane::Http03 {
        return Err(Failure::refused(
            ReasonCode::Lane,
            format!(
                "has `before` in its manifest, but is called through {lane}: only an app for {} can have something before \
             it (leave it out, or build the app for that)",
                Lane::Http03
            ),
        ));
    }
    let mut whole = code;
    for Middleware { name, bytes } in parts.iter().rev() {
        inspect(bytes)
            .map_err(|error| judge(&format!("`{name}`, which stands before it: "), ReasonCode::Middleware, &error))?;
        whole = compose(bytes, &whole).map_err(|error| match error {
            ComposeError::Unfit(why) => Failure::refused(
                ReasonCode::Middleware,
                format!("`{name}` cannot stand before it: they do not fit each other: {why}"),
            ),
            error => Failure::refused(ReasonCode::Middleware, format!("`{name}` cannot stand before it: {error}")),
        })?;
        if whole.len() as u64 > bytes_max {
            let (bytes, most) = (whole.len(), Size(bytes_max));
            return Err(Failure::refused(
                ReasonCode::TooLarge,
                format!("has {bytes} bytes with what stands before it, more than {most}"),
            ));
        }
    }
    Ok(whole)
}

fn judge(whose: &str, code: ReasonCode, error: &InspectError) -> Failure {
    match error {
        InspectError::Truncated { .. } => Failure::retry(ReasonCode::Incomplete, format!("{whose}{error}")),
        error => Failure::refused(code, format!("{whose}{error}")),
    }
}

#[cfg(test)]
mod tests {
    use guesthouse_test_guests as guest;

    use super::*;

    fn part(bytes: Vec<u8>) -> Vec<Middleware> {
        vec![Middleware { name: "_auth.wasm".to_owned(), bytes }]
    }

    fn refused(parts: &[Middleware], code: &str, expected: &str) {
        match join(parts, guest::bytes(code), 1 << 30) {
            Err(Failure::Refused(why)) => assert!(why.text.starts_with(expected), "{why}"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_cannot_stand_before_an_app_is_told_why() {
        let auth = guest::bytes(guest::AUTH_HTTP03);
        let echo = guest::bytes(guest::ECHO_HTTP03);
        let sound = join(&part(auth.clone()), echo.clone(), 1 << 30).unwrap();
        assert_eq!(inspect(&sound).unwrap().lane, Lane::Http03);
        match join(&part(auth[..auth.len() / 2].to_owned()), echo.clone(), 1 << 30) {
            Err(Failure::Retry(why)) => {
                assert!(why.text.starts_with("`_auth.wasm`, which stands before it: the file ends after"), "{why}");
            }
            other => panic!("{other:?}"),
        }
        refused(
            &part(auth.clone()),
            guest::HELLO_HTTP,
            "has `before` in its manifest, but is called through wasi:http 0.2: only an app for wasi:http 0.3 can",
        );
        refused(
            &part(echo.clone()),
            guest::HELLO_HTTP03,
            "`_auth.wasm` cannot stand before it: it is no middleware: it does not import `wasi:http/handler@0.3`",
        );
        refused(
            &part(b"<html>...".to_vec()),
            guest::HELLO_HTTP03,
            "`_auth.wasm`, which stands before it: not WebAssembly",
        );
        let most = sound.len() as u64 - 1;
        assert!(matches!(join(&part(auth), echo, most), Err(Failure::Refused(why)) if why.text.contains("more than")));
    }

    #[test]
    fn a_recipe_is_known_by_all_its_parts_and_their_order() {
        let parts = |bytes: &[&[u8]]| -> Vec<Middleware> {
            bytes.iter().map(|bytes| Middleware { name: String::new(), bytes: bytes.to_vec() }).collect()
        };
        let code = Digest::of(b"code");
        let digests = [
            recipe(&parts(&[b"a"]), code),
            recipe(&parts(&[b"b"]), code),
            recipe(&parts(&[b"a", b"b"]), code),
            recipe(&parts(&[b"b", b"a"]), code),
            recipe(&parts(&[b"a"]), Digest::of(b"other")),
        ];
        assert!((1..5).all(|at| !digests[..at].contains(&digests[at])));
    }
}
