//! Any address of a forbidden range, in any spelling, is refused; and so it is under any name.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use fanfare::domain::url::EndpointUrl;
use fanfare::network::SystemNetwork;
use fanfare::sender::Destinations;
use proptest::prelude::*;
use std::sync::Arc;

/// Written down a second time, from the registries: base and prefix.
const FORBIDDEN_V4: [(Ipv4Addr, u32); 19] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(168, 63, 129, 16), 32),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 31, 196, 0), 24),
    (Ipv4Addr::new(192, 52, 193, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(192, 175, 48, 0), 24),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// As above.
const FORBIDDEN_V6: [(&str, u32); 16] = [
    ("::", 96),
    ("::ffff:0:0:0", 96),
    ("64:ff9b:1::", 48),
    ("100::", 64),
    ("100:0:0:1::", 64),
    ("2001::", 23),
    ("2001:db8::", 32),
    ("2620:4f:8000::", 48),
    ("3fff::", 20),
    ("5f00::", 16),
    ("fc00::", 7),
    ("fe80::", 10),
    ("fec0::", 10),
    ("ff00::", 8),
    ("4000::", 2),
    ("8000::", 2),
];

fn forbidden_v4() -> impl Strategy<Value = Ipv4Addr> {
    (prop::sample::select(&FORBIDDEN_V4[..]), any::<u32>()).prop_map(|((base, prefix), bits)| {
        let host = u32::MAX.checked_shr(prefix).unwrap_or(0);
        Ipv4Addr::from_bits(base.to_bits() | bits & host)
    })
}

fn forbidden_v6() -> impl Strategy<Value = Ipv6Addr> {
    (prop::sample::select(&FORBIDDEN_V6[..]), any::<u128>()).prop_map(|((base, prefix), bits)| {
        let base: Ipv6Addr = base.parse().unwrap();
        Ipv6Addr::from_bits(base.to_bits() | bits & (u128::MAX >> prefix))
    })
}

fn public_v4() -> impl Strategy<Value = Ipv4Addr> {
    any::<u32>().prop_map(Ipv4Addr::from_bits).prop_filter("public", |ip| {
        FORBIDDEN_V4.iter().all(|(base, prefix)| (ip.to_bits() ^ base.to_bits()) >> (32 - prefix) != 0)
    })
}

/// A part of an IPv4 address, in one of three radices, with zeros before it.
fn part(value: u32, radix: u8, zeros: usize) -> String {
    let zeros = "0".repeat(zeros);
    match radix % 3 {
        0 => value.to_string(),
        1 => format!("0{zeros}{value:o}"),
        _ => format!("0x{zeros}{value:x}"),
    }
}

/// One to four parts; the last one takes the rest.
fn in_parts(ip: Ipv4Addr, parts: usize, radices: [u8; 4], zeros: usize) -> String {
    let mut rest = ip.to_bits();
    let mut texts = Vec::new();
    for (place, radix) in radices.iter().enumerate().take(parts - 1) {
        let shift = 24 - 8 * u32::try_from(place).unwrap();
        texts.push(part(rest >> shift, *radix, zeros));
        rest &= (1 << shift) - 1;
    }
    texts.push(part(rest, radices[3], zeros));
    texts.join(".")
}

/// The same characters as browsers read them: percent-encoded, or of full width.
fn disguised(text: &str, way: u8) -> String {
    match way % 4 {
        1 => text.bytes().map(|byte| format!("%{byte:02x}")).collect(),
        2 => text.chars().map(|c| char::from_u32(u32::from(c) + 0xfee0).unwrap()).collect(),
        3 => text.replace('.', "\u{3002}"),
        _ => text.to_owned(),
    }
}

/// An IPv6 address that carries this one.
fn carrying(ip: Ipv4Addr, way: u8, noise: u64) -> Ipv6Addr {
    let v4 = u128::from(ip.to_bits());
    let noise = u128::from(noise);
    // A prefix of the public internet, for the tunnels through it.
    let public = 0x2606_4700_u128 << 96 | (noise & 0xffff_ffff) << 64;
    Ipv6Addr::from_bits(match way % 9 {
        0 => 0xffff << 32 | v4,
        1 => v4,
        2 => 0xffff << 48 | v4,
        3 => 0x64_ff9b << 96 | v4,
        4 => 0x64_ff9b_0001 << 80 | v4,
        5 => 0x2002 << 112 | v4 << 80 | noise,
        6 => 0x2001_0000 << 96 | 0x4136_e378 << 64 | (noise & 0xffff_ffff) << 32 | (!v4 & 0xffff_ffff),
        7 => public | 0x5efe << 32 | v4,
        _ => public | 0x0200_5efe << 32 | v4,
    })
}

/// Compressed, whole, in capitals, or with a dotted end.
fn spelled(ip: Ipv6Addr, way: u8) -> String {
    let groups = ip.segments();
    match way % 4 {
        0 => ip.to_string(),
        1 => groups.map(|group| format!("{group:04x}")).join(":"),
        2 => ip.to_string().to_uppercase(),
        _ => {
            let end = Ipv4Addr::from_bits(u32::from(groups[6]) << 16 | u32::from(groups[7]));
            let head: Vec<String> = groups[..6].iter().map(|group| format!("{group:x}")).collect();
            format!("{}:{end}", head.join(":"))
        }
    }
}

/// What the check says to this host.
fn refusal(host: &str) -> Option<String> {
    let url = EndpointUrl::parse(&format!("https://{host}/hooks")).unwrap_or_else(|reason| panic!("{host:?} {reason}"));
    let destinations = Destinations::new(&[], Arc::new(SystemNetwork));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(destinations.check(&url)).err().map(|reason| reason.0)
}

#[track_caller]
fn assert_refused(host: &str) {
    assert!(
        refusal(host).is_some_and(|reason| reason.contains("address of the class")),
        "{host:?}: {:?}",
        refusal(host)
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_024))]

    #[test]
    fn a_forbidden_ipv4_address_is_refused_in_any_notation(
        ip in forbidden_v4(), parts in 1..=4_usize, radices: [u8; 4], zeros in 0..3_usize, way: u8, dot: bool,
    ) {
        let dot = if dot { "." } else { "" };
        assert_refused(&disguised(&format!("{}{dot}", in_parts(ip, parts, radices, zeros)), way));
    }

    #[test]
    fn a_forbidden_ipv4_address_is_refused_in_any_ipv6_clothes(ip in forbidden_v4(), way: u8, spelling: u8, noise: u64) {
        assert_refused(&format!("[{}]", spelled(carrying(ip, way, noise), spelling)));
    }

    #[test]
    fn a_forbidden_ipv6_address_is_refused_in_any_spelling(ip in forbidden_v6(), spelling: u8) {
        assert_refused(&format!("[{}]", spelled(ip, spelling)));
    }

    #[test]
    fn a_public_address_is_taken_in_any_notation(ip in public_v4(), parts in 1..=4_usize, radices: [u8; 4], way: u8) {
        prop_assert_eq!(refusal(&disguised(&in_parts(ip, parts, radices, 0), way)), None);
        for clothes in [0, 3, 5, 7, 8] {
            prop_assert_eq!(refusal(&format!("[{}]", carrying(ip, clothes, 7))), None);
        }
    }
}

#[test]
fn what_the_guard_forbids_is_what_the_registries_list() {
    for (base, prefix) in FORBIDDEN_V4 {
        let last = Ipv4Addr::from_bits(base.to_bits() | u32::MAX.checked_shr(prefix).unwrap_or(0));
        for ip in [base, last] {
            assert!(fanfare::sender::guard::forbidden_because(IpAddr::V4(ip)).is_some(), "{ip}");
        }
    }
}
