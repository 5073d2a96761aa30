//! Which addresses a delivery may connect to: those of the public internet, and what the operator allows on top.
//!
//! A customer chooses the URL, and the gateway stands inside somebody's network: without this guard a webhook could talk
//! to a metadata service, a database console or the gateway itself. Refused is every range of the IANA special-purpose
//! registries (RFC 6890 and its updates), whole: nobody receives webhooks at the few addresses of those ranges that are
//! reachable. IPv4 addresses in IPv6 clothes are judged by the IPv4 address inside.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use ipnet::IpNet;

/// The class that makes an address unfit as a receiver; `None` for one of the public internet.
pub fn forbidden_because(ip: IpAddr) -> Option<&'static str> {
    match reached_by(ip) {
        IpAddr::V4(ip) => forbidden_v4(ip),
        IpAddr::V6(ip) => forbidden_v6(ip),
    }
}

/// The guard with the operator's exceptions.
#[derive(Clone, Debug)]
pub(super) struct Guard {
    allowed_subnets: Arc<[IpNet]>,
}

impl Guard {
    pub(super) fn new(allowed_subnets: &[IpNet]) -> Self {
        Self { allowed_subnets: allowed_subnets.into() }
    }

    /// The class because of which this address may not be connected to.
    pub(super) fn refusal(&self, ip: IpAddr) -> Option<&'static str> {
        forbidden_because(ip).filter(|_| !self.is_allowed(ip))
    }

    fn is_allowed(&self, ip: IpAddr) -> bool {
        let reached = reached_by(ip);
        self.allowed_subnets.iter().any(|subnet| subnet.contains(&ip) || subnet.contains(&reached))
    }
}

/// The address that packets to `ip` end at: the embedded one for IPv4-mapped, NAT64 and 6to4 addresses.
fn reached_by(ip: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = ip else { return ip };
    match v6.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low] => embedded(high, low),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => embedded(high, low),
        [0x2002, high, low, ..] => embedded(high, low),
        _ => ip,
    }
}

fn embedded(high: u16, low: u16) -> IpAddr {
    IpAddr::V4(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)))
}

fn forbidden_v4(ip: Ipv4Addr) -> Option<&'static str> {
    let ip = ip.to_bits();
    V4_RANGES.iter().find(|range| (ip ^ range.base) >> (32 - range.prefix) == 0).map(|range| range.class)
}

fn forbidden_v6(ip: Ipv6Addr) -> Option<&'static str> {
    let ip = ip.to_bits();
    let range = V6_RANGES.iter().find(|range| (ip ^ range.base) >> (128 - range.prefix) == 0);
    // Everything IANA has given out for use between networks begins with the bits 001.
    range.map(|range| range.class).or((ip >> 125 != 1).then_some("not a global unicast address"))
}

struct Range<Bits> {
    base: Bits,
    prefix: u32,
    class: &'static str,
}

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u32, class: &'static str) -> Range<u32> {
    Range { base: u32::from_be_bytes([a, b, c, d]), prefix, class }
}

/// The first four groups are enough for every range but the host addresses.
const fn v6(groups: [u16; 4], prefix: u32, class: &'static str) -> Range<u128> {
    let base = Ipv6Addr::new(groups[0], groups[1], groups[2], groups[3], 0, 0, 0, 0).to_bits();
    Range { base, prefix, class }
}

/// Narrow ranges stand before the wider ones that hold them, so that the class named is the telling one.
const V4_RANGES: [Range<u32>; 21] = [
    v4(0, 0, 0, 0, 8, "this network"),
    v4(10, 0, 0, 0, 8, "private network"),
    v4(100, 64, 0, 0, 10, "shared address space of carriers"),
    v4(127, 0, 0, 0, 8, "loopback"),
    v4(168, 63, 129, 16, 32, "metadata service of a cloud"), // Azure's; a public address that only its machines see
    v4(169, 254, 169, 254, 32, "metadata service of a cloud"),
    v4(169, 254, 0, 0, 16, "link-local"),
    v4(172, 16, 0, 0, 12, "private network"),
    v4(192, 0, 0, 0, 24, "IETF protocol assignments"),
    v4(192, 0, 2, 0, 24, "documentation"),
    v4(192, 31, 196, 0, 24, "AS112 name service"),
    v4(192, 52, 193, 0, 24, "automatic multicast tunneling"),
    v4(192, 88, 99, 0, 24, "6to4 relay"),
    v4(192, 168, 0, 0, 16, "private network"),
    v4(192, 175, 48, 0, 24, "AS112 name service"),
    v4(198, 18, 0, 0, 15, "benchmarking"),
    v4(198, 51, 100, 0, 24, "documentation"),
    v4(203, 0, 113, 0, 24, "documentation"),
    v4(224, 0, 0, 0, 4, "multicast"),
    v4(255, 255, 255, 255, 32, "broadcast"),
    v4(240, 0, 0, 0, 4, "reserved"),
];

/// As above. What lies outside of 2000::/3 would be refused anyway; it stands here for its name.
const V6_RANGES: [Range<u128>; 21] = [
    Range { base: Ipv6Addr::UNSPECIFIED.to_bits(), prefix: 128, class: "unspecified" },
    Range { base: Ipv6Addr::LOCALHOST.to_bits(), prefix: 128, class: "loopback" },
    v6([0, 0, 0, 0], 96, "IPv4-compatible"),
    v6([0x64, 0xff9b, 1, 0], 48, "NAT64 of a local network"),
    v6([0x100, 0, 0, 0], 64, "discard only"),
    v6([0x100, 0, 0, 1], 64, "dummy prefix"),
    v6([0x2001, 0, 0, 0], 32, "Teredo"),
    v6([0x2001, 2, 0, 0], 48, "benchmarking"),
    v6([0x2001, 0x10, 0, 0], 28, "ORCHID"),
    v6([0x2001, 0x20, 0, 0], 28, "ORCHIDv2"),
    v6([0x2001, 0, 0, 0], 23, "IETF protocol assignments"),
    v6([0x2001, 0xdb8, 0, 0], 32, "documentation"),
    v6([0x2620, 0x4f, 0x8000, 0], 48, "AS112 name service"),
    v6([0x3fff, 0, 0, 0], 20, "documentation"),
    v6([0x5f00, 0, 0, 0], 16, "segment routing"),
    Range { base: METADATA_V6.to_bits(), prefix: 128, class: "metadata service of a cloud" },
    v6([0xfc00, 0, 0, 0], 7, "private network"),
    v6([0xfe80, 0, 0, 0], 10, "link-local"),
    v6([0xfec0, 0, 0, 0], 10, "site-local"),
    v6([0xff00, 0, 0, 0], 8, "multicast"),
    v6([0x64, 0xff9b, 0, 0], 32, "NAT64"), // the rest of the block: `reached_by` has taken the well-known /96
];

const METADATA_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(class: Option<&str>, addresses: &str) {
        for address in addresses.split_whitespace() {
            assert_eq!(forbidden_because(address.parse().unwrap()), class, "{address}");
        }
    }

    #[test]
    fn every_special_range_is_refused_from_its_first_to_its_last_address() {
        check(Some("this network"), "0.0.0.0 0.255.255.255");
        check(Some("private network"), "10.0.0.0 10.255.255.255 172.16.0.0 172.31.255.255 192.168.0.0 192.168.255.255");
        check(Some("shared address space of carriers"), "100.64.0.0 100.127.255.255 100.100.100.200");
        check(Some("loopback"), "127.0.0.0 127.0.0.1 127.255.255.255 ::1");
        check(Some("metadata service of a cloud"), "169.254.169.254 168.63.129.16 fd00:ec2::254");
        check(Some("link-local"), "169.254.0.0 169.254.170.2 169.254.255.255 fe80:: fe80::1 febf:ffff::1");
        check(Some("IETF protocol assignments"), "192.0.0.0 192.0.0.9 192.0.0.192 192.0.0.255 2001:1::1 2001:1ff::1");
        check(Some("documentation"), "192.0.2.1 198.51.100.255 203.0.113.0 2001:db8::1 3fff:: 3fff:fff::1");
        check(Some("AS112 name service"), "192.31.196.1 192.175.48.255 2620:4f:8000::1");
        check(Some("automatic multicast tunneling"), "192.52.193.1");
        check(Some("6to4 relay"), "192.88.99.0 192.88.99.255");
        check(Some("benchmarking"), "198.18.0.0 198.19.255.255 2001:2::1");
        check(Some("multicast"), "224.0.0.0 239.255.255.255 ff00:: ff02::1 ffff::1");
        check(Some("reserved"), "240.0.0.0 255.255.255.254");
        check(Some("broadcast"), "255.255.255.255");
        check(Some("unspecified"), "::");
        check(Some("IPv4-compatible"), "::2 ::127.0.0.1 ::8.8.8.8 ::ffff:ffff");
        check(Some("NAT64 of a local network"), "64:ff9b:1:: 64:ff9b:1::10.0.0.1 64:ff9b:1:ffff::");
        check(Some("discard only"), "100:: 100::ffff");
        check(Some("dummy prefix"), "100:0:0:1::");
        check(Some("Teredo"), "2001:: 2001:0:ffff::1");
        check(Some("ORCHID"), "2001:10::1 2001:1f::1");
        check(Some("ORCHIDv2"), "2001:20::1 2001:2f:ffff::1");
        check(Some("segment routing"), "5f00::1 5f00:ffff::");
        check(Some("private network"), "fc00:: fd12:3456::1 fdff:ffff::1");
        check(Some("site-local"), "fec0:: feff::1");
        check(Some("not a global unicast address"), "4000::1 1fff:: ::ffff:0:8.8.8.8 fe00::1");
    }

    #[test]
    fn addresses_next_to_the_special_ranges_are_public() {
        check(None, "1.1.1.1 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0");
        check(None, "168.63.129.15 168.63.129.17 192.88.98.255 192.88.100.0");
        check(None, "169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0 192.0.1.0 192.0.3.0 192.167.255.255");
        check(None, "192.169.0.0 198.17.255.255 198.20.0.0 203.0.112.255 203.0.114.0 223.255.255.255");
        check(None, "2001:200::1 2001:db7:ffff::1 2001:db9::1 2606:4700::1111 2a00:1450::1 3ffe:ffff::1");
    }

    #[test]
    fn an_embedded_address_is_judged_as_what_it_is() {
        check(Some("loopback"), "::ffff:127.0.0.1 64:ff9b::127.0.0.1 2002:7f00:1::1");
        check(Some("private network"), "::ffff:10.0.0.1 64:ff9b::192.168.0.1 2002:ac10:1:ffff::1");
        check(Some("metadata service of a cloud"), "::ffff:169.254.169.254 64:ff9b::a9fe:a9fe 2002:a9fe:a9fe::");
        check(None, "::ffff:8.8.8.8 64:ff9b::8.8.8.8 2002:808:808::1");
    }

    #[test]
    fn an_allowed_subnet_is_an_exception_in_every_form_of_its_addresses() {
        let guard = Guard::new(&["10.1.0.0/16".parse().unwrap(), "fd00:1::/32".parse().unwrap()]);
        for allowed in ["10.1.2.3", "::ffff:10.1.2.3", "64:ff9b::10.1.2.3", "fd00:1::5", "8.8.8.8"] {
            assert_eq!(guard.refusal(allowed.parse().unwrap()), None, "{allowed}");
        }
        for refused in ["10.2.0.1", "::ffff:10.2.0.1", "127.0.0.1", "fd00:2::1"] {
            assert!(guard.refusal(refused.parse().unwrap()).is_some(), "{refused}");
        }
    }
}
