//! Identifiers that AWS would give: of requests, invocations and traces. Random, and in AWS's own forms.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use fanfare::effects::Random;

/// A UUID, as Lambda names invocations.
pub(crate) fn uuid(random: &dyn Random) -> String {
    let mut bytes = [0; 16];
    random.fill(&mut bytes);
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let n = u128::from_be_bytes(bytes);
    let (head, tail) = ((n >> 64) as u64, n as u64);
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        head >> 32,
        head >> 16 & 0xffff,
        head & 0xffff,
        tail >> 48,
        tail & 0xffff_ffff_ffff
    )
}

/// As API Gateway names requests: eleven bytes in base64.
pub(crate) fn request(random: &dyn Random) -> String {
    let mut bytes = [0; 11];
    random.fill(&mut bytes);
    BASE64.encode(bytes)
}

/// An X-Ray trace header, as API Gateway adds it.
pub(crate) fn trace(random: &dyn Random, now_s: i64) -> String {
    let mut bytes = [0; 16];
    random.fill(&mut bytes);
    format!("Root=1-{:08x}-{:024x}", now_s & 0xffff_ffff, u128::from_be_bytes(bytes) >> 32)
}

#[cfg(test)]
mod tests {
    use fanfare::effects::SystemRandom;

    #[test]
    fn identifiers_have_the_forms_of_aws() {
        let uuid = super::uuid(&SystemRandom);
        assert_eq!(uuid.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
        assert_eq!(&uuid[14..15], "4");
        assert_eq!(super::request(&SystemRandom).len(), 16);
        let trace = super::trace(&SystemRandom, 1_764_000_015);
        assert!(trace.starts_with("Root=1-6924810f-") && trace.len() == "Root=1-6924810f-".len() + 24, "{trace}");
    }
}
