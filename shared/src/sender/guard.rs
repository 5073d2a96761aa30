//! Which addresses a delivery may connect to: those of the public internet, and what the operator allows on top.
//!
//! A customer chooses the URL, and the gateway stands inside somebody's network: without this guard a webhook could talk
//! to a metadata service, a database console or the gateway itself. Refused is every range of the IANA special-purpose
//! registries (RFC 6890 and its updates), whole: nobody receives webhooks at the few addresses of those ranges that are
//! reachable. Metadata services at addresses that no registry knows are refused besides.
//!
//! An IPv6 address that carries an IPv4 address may lead to either of the two, by a gateway, a relay or a tunnel on the
//! way; what the operator allows must cover each of them ([`faces`]).
//!
//! A range that the operator allows does not open the metadata services inside of it: they hand out the gateway's own
//! credentials. Each is opened by naming it alone, as a /32 or /128.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use ipnet::IpNet;

/// Where a cloud's machines ask for their credentials, names and time.
const METADATA: &str = "metadata service of a cloud";

/// The class that makes an address unfit as a receiver; `None` for one of the public internet.
pub fn forbidden_because(ip: IpAddr) -> Option<&'static str> {
    faces(ip).find_map(class_of)
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
        faces(ip).find_map(|face| class_of(face).filter(|class| !self.is_allowed(face, class)))
    }

    /// Whether the operator allows anything at all beyond the public internet.
    pub(super) fn has_exceptions(&self) -> bool {
        !self.allowed_subnets.is_empty()
    }

    fn is_allowed(&self, ip: IpAddr, class: &str) -> bool {
        let names_it_alone = |subnet: &IpNet| subnet.prefix_len() == subnet.max_prefix_len();
        self.allowed_subnets.iter().any(|subnet| subnet.contains(&ip) && (class != METADATA || names_it_alone(subnet)))
    }
}

/// Every address that packets to `ip` may end at.
///
/// IPv4-mapped (RFC 4291), NAT64 (RFC 6052) and 6to4 (RFC 3056) addresses are their IPv4 address in other clothes, and are
/// judged by it alone. IPv4-compatible and IPv4-translated addresses (RFC 4291, 2765), the NAT64 of a local network (RFC
/// 8215), Teredo (RFC 4380: its server, and the client with its bits turned over) and ISATAP (RFC 5214, below any prefix and
/// with any of its two flag bits) are judged as what they are and by what they carry.
fn faces(ip: IpAddr) -> impl Iterator<Item = IpAddr> {
    let faces = match ip {
        IpAddr::V4(_) => [Some(ip), None, None],
        IpAddr::V6(v6) => match v6.segments() {
            [0, 0, 0, 0, 0, 0, 0, 0 | 1] => [Some(ip), None, None],
            [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => {
                [None, carried(high, low), None]
            }
            [0x2001, 0, server_high, server_low, _, _, high, low] => {
                [Some(ip), carried(server_high, server_low), carried(!high, !low)]
            }
            [0, 0, 0, 0, 0 | 0xffff, 0, high, low]
            | [0x64, 0xff9b, 1, _, _, _, high, low]
            | [_, _, _, _, 0 | 0x100 | 0x200 | 0x300, 0x5efe, high, low] => [Some(ip), carried(high, low), None],
            _ => [Some(ip), None, None],
        },
    };
    faces.into_iter().flatten()
}

fn carried(high: u16, low: u16) -> Option<IpAddr> {
    Some(IpAddr::V4(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low))))
}

fn class_of(ip: IpAddr) -> Option<&'static str> {
    match ip {
        IpAddr::V4(ip) => forbidden_v4(ip),
        IpAddr::V6(ip) => forbidden_v6(ip),
    }
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

/// The first four groups are enough for most ranges.
const fn v6(groups: [u16; 4], prefix: u32, class: &'static str) -> Range<u128> {
    let base = Ipv6Addr::new(groups[0], groups[1], groups[2], groups[3], 0, 0, 0, 0).to_bits();
    Range { base, prefix, class }
}

const fn host(address: Ipv6Addr, class: &'static str) -> Range<u128> {
    host_range(address, 128, class)
}

const fn host_range(base: Ipv6Addr, prefix: u32, class: &'static str) -> Range<u128> {
    Range { base: base.to_bits(), prefix, class }
}

/// Narrow ranges stand before the wider ones that hold them, so that the class named is the telling one.
const V4_RANGES: [Range<u32>; 26] = [
    v4(0, 0, 0, 0, 8, "this network"),
    v4(10, 0, 0, 0, 8, "private network"),
    v4(100, 100, 100, 200, 32, METADATA), // Alibaba Cloud
    v4(100, 64, 0, 0, 10, "shared address space of carriers"),
    v4(127, 0, 0, 0, 8, "loopback"),
    v4(168, 63, 129, 16, 32, METADATA), // Azure's; a public address that only its machines see
    v4(169, 254, 169, 0, 24, METADATA), // nearly everybody's; AWS: also name service and time
    v4(169, 254, 170, 0, 24, METADATA), // tasks and pods of AWS
    v4(169, 254, 0, 23, 32, METADATA),  // Tencent Cloud
    v4(169, 254, 42, 42, 32, METADATA), // Scaleway
    v4(169, 254, 0, 0, 16, "link-local"),
    v4(172, 16, 0, 0, 12, "private network"),
    v4(192, 0, 0, 192, 32, METADATA), // Oracle Cloud, its first one
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
const V6_RANGES: [Range<u128>; 27] = [
    host(Ipv6Addr::UNSPECIFIED, "unspecified"),
    host(Ipv6Addr::LOCALHOST, "loopback"),
    v6([0, 0, 0, 0], 96, "IPv4-compatible"),
    host_range(Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, 0, 0), 96, "IPv4-translated"),
    v6([0x64, 0xff9b, 1, 0], 48, "NAT64 of a local network"),
    v6([0x64, 0xff9b, 0, 0], 32, "NAT64"), // the rest of the block: the well-known /96 is judged by what it carries
    v6([0x100, 0, 0, 0], 64, "discard only"),
    v6([0x100, 0, 0, 1], 64, "dummy prefix"),
    v6([0x2001, 0, 0, 0], 32, "Teredo"),
    v6([0x2001, 2, 0, 0], 48, "benchmarking"),
    v6([0x2001, 3, 0, 0], 32, "automatic multicast tunneling"),
    v6([0x2001, 4, 0x112, 0], 48, "AS112 name service"),
    v6([0x2001, 0x10, 0, 0], 28, "ORCHID"),
    v6([0x2001, 0x20, 0, 0], 28, "ORCHIDv2"),
    v6([0x2001, 0x30, 0, 0], 28, "remote identification of drones"),
    v6([0x2001, 0, 0, 0], 23, "IETF protocol assignments"),
    v6([0x2001, 0xdb8, 0, 0], 32, "documentation"),
    v6([0x2620, 0x4f, 0x8000, 0], 48, "AS112 name service"),
    v6([0x3fff, 0, 0, 0], 20, "documentation"),
    v6([0x5f00, 0, 0, 0], 16, "segment routing"),
    v6([0xfd00, 0xec2, 0, 0], 64, METADATA), // AWS: metadata, name service, time, pods
    host(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254), METADATA), // Google Cloud
    host(Ipv6Addr::new(0xfd00, 0xc1, 0, 0, 0, 0, 0xa9fe, 0xa9fe), METADATA), // Oracle Cloud
    v6([0xfc00, 0, 0, 0], 7, "private network"),
    v6([0xfe80, 0, 0, 0], 10, "link-local"),
    v6([0xfec0, 0, 0, 0], 10, "site-local"),
    v6([0xff00, 0, 0, 0], 8, "multicast"),
];

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
        check(Some("shared address space of carriers"), "100.64.0.0 100.127.255.255 100.100.100.199");
        check(Some("loopback"), "127.0.0.0 127.0.0.1 127.255.255.255 ::1");
        check(
            Some(METADATA),
            "169.254.169.254 169.254.169.123 169.254.170.2 169.254.170.23 169.254.0.23 169.254.42.42",
        );
        check(Some(METADATA), "168.63.129.16 100.100.100.200 192.0.0.192 fd00:ec2::254 fd00:ec2::23 fd20:ce::254");
        check(Some(METADATA), "fd00:c1::a9fe:a9fe");
        check(Some("link-local"), "169.254.0.0 169.254.171.0 169.254.255.255 fe80:: fe80::1 febf:ffff::1");
        check(Some("IETF protocol assignments"), "192.0.0.0 192.0.0.9 192.0.0.170 192.0.0.255 2001:1::1 2001:1ff::1");
        check(Some("documentation"), "192.0.2.1 198.51.100.255 203.0.113.0 2001:db8::1 3fff:: 3fff:fff::1");
        check(Some("AS112 name service"), "192.31.196.1 192.175.48.255 2620:4f:8000::1 2001:4:112::1");
        check(Some("automatic multicast tunneling"), "192.52.193.1 2001:3::1 2001:3:ffff::1");
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
        check(Some("remote identification of drones"), "2001:30::1 2001:3f:ffff::1");
        check(Some("IPv4-translated"), "::ffff:0:8.8.8.8 ::ffff:0:127.0.0.1");
        check(Some("NAT64"), "64:ff9b:0:1:: 64:ff9b:2::1 64:ff9b:ffff::");
        check(Some("segment routing"), "5f00::1 5f00:ffff::");
        check(Some("private network"), "fc00:: fd12:3456::1 fdff:ffff::1");
        check(Some("site-local"), "fec0:: feff::1");
        check(Some("not a global unicast address"), "4000::1 1fff:: ::1:0:0:0 fe00::1");
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
    fn a_tunnel_through_a_public_address_is_judged_by_where_it_ends() {
        check(
            Some("loopback"),
            "2606:4700::5efe:127.0.0.1 2606:4700::200:5efe:127.0.0.1 2a00:1450::300:5efe:127.0.0.1",
        );
        check(Some(METADATA), "2606:4700::5efe:169.254.169.254");
        check(None, "2606:4700::5efe:8.8.8.8 2606:4700::1:5efe:127.0.0.1");
        check(Some("private network"), "fd00::5efe:8.8.8.8");
    }

    fn guard(allowed: &str) -> Guard {
        Guard::new(&allowed.split_whitespace().map(|subnet| subnet.parse().unwrap()).collect::<Vec<_>>())
    }

    #[track_caller]
    fn check_guard(allowed: &str, passes: &str, refused: &str) {
        let guard = guard(allowed);
        for address in passes.split_whitespace() {
            assert_eq!(guard.refusal(address.parse().unwrap()), None, "{address} with {allowed}");
        }
        for address in refused.split_whitespace() {
            assert!(guard.refusal(address.parse().unwrap()).is_some(), "{address} with {allowed}");
        }
    }

    #[test]
    fn an_allowed_subnet_is_an_exception_in_every_form_of_its_addresses() {
        check_guard(
            "10.1.0.0/16 fd00:1::/32",
            "10.1.2.3 ::ffff:10.1.2.3 64:ff9b::10.1.2.3 2002:a01:203::1 fd00:1::5 8.8.8.8",
            "10.2.0.1 ::ffff:10.2.0.1 127.0.0.1 fd00:2::1",
        );
        check_guard("::1/128", "::1", "127.0.0.1 :: ::2 ::ffff:127.0.0.1");
    }

    #[test]
    fn allowing_the_clothes_does_not_allow_what_is_inside() {
        check_guard("2002::/16", "2002:808:808::1", "2002:7f00:1::1 2002:a9fe:a9fe::1");
        check_guard("64:ff9b::/96", "64:ff9b::8.8.8.8", "64:ff9b::127.0.0.1 64:ff9b::10.0.0.1");
        check_guard("64:ff9b:1::/48", "64:ff9b:1::8.8.8.8", "64:ff9b:1::127.0.0.1 64:ff9b:1::10.0.0.1");
        check_guard("64:ff9b:1::/48 10.0.0.0/8", "64:ff9b:1::10.0.0.1", "64:ff9b:1::127.0.0.1");
        check_guard("::ffff:0:0/96", "::ffff:8.8.8.8", "::ffff:127.0.0.1");
        check_guard("::ffff:0:0:0/96", "::ffff:0:8.8.8.8", "::ffff:0:127.0.0.1");
        check_guard("::/96", "::8.8.8.8", "::127.0.0.1");
        check_guard("fd00::/8", "fd00::5efe:8.8.8.8", "fd00::5efe:127.0.0.1 fd00::200:5efe:10.0.0.1");
        // Its server is 65.54.227.120; its client is written with all bits turned over.
        check_guard(
            "2001::/32",
            "2001:0:4136:e378:8000:63bf:f7f7:f7f7",
            "2001:0:4136:e378:8000:63bf:80ff:fffe 2001:0:7f00:1::",
        );
    }

    #[test]
    fn a_metadata_service_is_allowed_only_by_its_own_name() {
        check_guard("169.254.0.0/16", "169.254.1.1", "169.254.169.254 169.254.170.2 ::ffff:169.254.169.254");
        check_guard("fc00::/7", "fd00::1", "fd00:ec2::254 fd20:ce::254");
        check_guard("100.64.0.0/10", "100.64.0.1", "100.100.100.200");
        check_guard("0.0.0.0/0 ::/0", "127.0.0.1 fe80::1", "169.254.169.254 168.63.129.16 fd00:ec2::254");
        check_guard("169.254.169.254/32", "169.254.169.254 64:ff9b::169.254.169.254", "169.254.169.253");
        check_guard("fd00:ec2::254/128", "fd00:ec2::254", "fd00:ec2::253");
    }
}
