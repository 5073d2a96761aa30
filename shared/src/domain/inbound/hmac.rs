//! HMACs, and comparisons that take the same time whatever they find.

use aws_lc_rs::{constant_time, digest, hmac};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

pub(super) use crate::domain::hex::hex;
pub(super) use aws_lc_rs::hmac::{
    Algorithm, HMAC_SHA1_FOR_LEGACY_USE_ONLY as SHA1, HMAC_SHA256 as SHA256, HMAC_SHA512 as SHA512,
};

/// The HMAC of these parts, one behind the other: a body need not be copied to be signed with what stands around it.
pub(super) fn tag(algorithm: Algorithm, key: &[u8], parts: &[&[u8]]) -> hmac::Tag {
    let mut context = hmac::Context::with_key(&hmac::Key::new(algorithm, key));
    parts.iter().for_each(|part| context.update(part));
    context.sign()
}

/// The standard alphabet, with padding.
pub(super) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Whether a signature is the one expected: as text, so that there is one way only to write it. Its length is no secret.
pub(super) fn is_same_signature(expected: &str, given: &str) -> bool {
    constant_time::verify_slices_are_equal(expected.as_bytes(), given.as_bytes()).is_ok()
}

/// Whether the signature expected is one of those given. All are compared.
pub(super) fn is_one_of(expected: &str, given: &[&str]) -> bool {
    given.iter().fold(false, |found, each| found | is_same_signature(expected, each))
}

/// Whether a token or password is the one expected. Digests are compared, because the length of a secret is part of it.
pub(super) fn is_same_secret(expected: &[u8], given: &[u8]) -> bool {
    let digest_of = |bytes| digest::digest(&digest::SHA256, bytes);
    constant_time::verify_slices_are_equal(digest_of(expected).as_ref(), digest_of(given).as_ref()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 2202, section 3, test case 2 of SHA-1; RFC 4231, section 4.3, for the others.
    #[test]
    fn tags_are_those_of_the_standards() {
        let parts: [&[u8]; 2] = [b"what do ya want ", b"for nothing?"];
        let tag = |algorithm| hex(tag(algorithm, b"Jefe", &parts).as_ref());
        assert_eq!(tag(SHA1), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
        assert_eq!(tag(SHA256), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
        assert!(tag(SHA512).starts_with("164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"));
    }

    #[test]
    fn what_differs_anywhere_or_in_length_is_not_the_same() {
        for (given, is_same) in [("abcd", true), ("abce", false), ("bbcd", false), ("abc", false), ("", false)] {
            assert_eq!(is_same_signature("abcd", given), is_same, "{given}");
            assert_eq!(is_same_secret(b"abcd", given.as_bytes()), is_same, "{given}");
            assert_eq!(is_one_of("abcd", &["xxxx", given]), is_same, "{given}");
        }
    }
}
