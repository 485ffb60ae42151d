//! The two functions, on bytes.

use pbkdf2::pbkdf2_hmac;
use scrypt::Params;
use sha1::Sha1;
use sha2::Sha224;
use sha2::Sha256;
use sha2::Sha384;
use sha2::Sha512;

/// Fills `key` by PBKDF2 with HMAC of this hash. `None`: it is not one of those that are here.
pub fn pbkdf2(hash: &[u8], password: &[u8], salt: &[u8], rounds: u32, key: &mut [u8]) -> Option<()> {
    match hash {
        b"sha1" => pbkdf2_hmac::<Sha1>(password, salt, rounds, key),
        b"sha224" => pbkdf2_hmac::<Sha224>(password, salt, rounds, key),
        b"sha256" => pbkdf2_hmac::<Sha256>(password, salt, rounds, key),
        b"sha384" => pbkdf2_hmac::<Sha384>(password, salt, rounds, key),
        b"sha512" => pbkdf2_hmac::<Sha512>(password, salt, rounds, key),
        _ => return None,
    }
    Some(())
}

/// Fills `key` by scrypt, with a cost of two to the power of `log_n`. `None`: these parameters are not allowed.
pub fn scrypt(password: &[u8], salt: &[u8], log_n: u8, r: u32, p: u32, key: &mut [u8]) -> Option<()> {
    let params = Params::new(log_n, r, p).ok()?;
    scrypt::scrypt(password, salt, &params, key).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn pbkdf2_gives_the_vectors_of_rfc_6070_and_rfc_7914() {
        for (hash, password, salt, rounds, expected) in [
            ("sha1", "password", "salt", 1, "0c60c80f961f0e71f3a9b524af6012062fe037a6"),
            ("sha1", "password", "salt", 2, "ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957"),
            ("sha1", "password", "salt", 4096, "4b007901b765489abead49d926f721d065a429c1"),
            (
                "sha1",
                "passwordPASSWORDpassword",
                "saltSALTsaltSALTsaltSALTsaltSALTsalt",
                4096,
                "3d2eec4fe41c849b80c8d83662c0e44a8b291a964cf2f07038",
            ),
            ("sha1", "pass\0word", "sa\0lt", 4096, "56fa6aa75548099dcc37d7f03425e0c3"),
            (
                "sha256",
                "passwd",
                "salt",
                1,
                "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783",
            ),
            (
                "sha256",
                "Password",
                "NaCl",
                80000,
                "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56a1d425a1225833549adb841b51c9b3176a272bdebba1d078478f62b397f33c8d",
            ),
            (
                "sha512",
                "password",
                "salt",
                1,
                "867f70cf1ade02cff3752599a3a53dc4af34c7a669815ae5d513554e1c8cf252c02d470a285a0501bad999bfe943c08f050235d7d68b1da55e63f73b60a57fce",
            ),
        ] {
            let mut key = vec![0; expected.len() / 2];
            pbkdf2(hash.as_bytes(), password.as_bytes(), salt.as_bytes(), rounds, &mut key).unwrap();
            assert_eq!(hex(&key), expected, "{hash} {password} {rounds}");
        }
        assert_eq!(pbkdf2(b"md4", b"", b"", 1, &mut [0]), None);
    }

    #[test]
    fn scrypt_gives_the_vectors_of_rfc_7914() {
        for (password, salt, log_n, r, p, expected) in [
            (
                "",
                "",
                4,
                1,
                1,
                "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906",
            ),
            (
                "password",
                "NaCl",
                10,
                8,
                16,
                "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b3731622eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640",
            ),
            (
                "pleaseletmein",
                "SodiumChloride",
                14,
                8,
                1,
                "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887",
            ),
        ] {
            let mut key = vec![0; expected.len() / 2];
            scrypt(password.as_bytes(), salt.as_bytes(), log_n, r, p, &mut key).unwrap();
            assert_eq!(hex(&key), expected, "{password} {log_n}");
        }
        assert_eq!(scrypt(b"", b"", 0, 0, 1, &mut [0]), None);
    }
}
