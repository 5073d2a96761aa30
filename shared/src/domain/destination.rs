//! Where a URL leads, as far as its text can tell: which ports and which names are none of a webhook's.
//!
//! Apart from [`super::url`], because what is stored must stay readable when a rule is added here: these rules are asked
//! when an endpoint is made or changed, and again when a connection is. Which *addresses* are refused is the matter of
//! `sender::guard`.

use super::Invalid;

/// Longest name (RFC 1035), without the dot at its end.
const NAME_BYTES_MAX: usize = 253;

/// Longest part of a name between its dots.
const LABEL_BYTES_MAX: usize = 63;

/// Ports of protocols that could take a request for a command of theirs: the "bad ports" of the Fetch standard.
const PORTS_OF_OTHERS: [u16; 83] = [
    0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109,
    110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530, 531,
    532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060,
    5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
];

/// Ends of names that never mean a host of the public internet: RFC 6761, 6762, 7686, 8375 and 9476; `internal`, which
/// ICANN reserves for private use; `arpa`, which names no receivers; and those that networks at home and in companies use
/// although nobody gave them out. Not `example`: it resolves nowhere, and documents are full of it.
const PRIVATE_ENDS: [&str; 14] = [
    "localhost", "localdomain", "local", "internal", "intranet", "private", "corp", "home", "lan", "arpa", "alt",
    "onion", "test", "invalid",
];

/// Refuses the ports of other protocols, and 0, which is none.
pub fn check_port(port: u16) -> Result<(), Invalid> {
    match PORTS_OF_OTHERS.binary_search(&port) {
        Ok(_) => Err(Invalid::new(format!("port {port} is not one for HTTP"))),
        Err(_) => Ok(()),
    }
}

/// Refuses what no name server could know. The URL standard allows more characters in a host.
pub fn check_name(name: &str) -> Result<(), Invalid> {
    let name = name.strip_suffix('.').unwrap_or(name);
    let is_label = |label: &str| {
        let is_of_names = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        (1..=LABEL_BYTES_MAX).contains(&label.len()) && label.bytes().all(is_of_names)
    };
    if name.len() > NAME_BYTES_MAX || !name.split('.').all(is_label) {
        return Err(Invalid::new("the host is not a name that can be looked up"));
    }
    Ok(())
}

/// Refuses names that only mean something inside of a network: those of one part, and those with a private end.
pub fn check_name_is_public(name: &str) -> Result<(), Invalid> {
    let name = name.strip_suffix('.').unwrap_or(name);
    let Some((_, end)) = name.rsplit_once('.') else {
        return Err(Invalid::new("the host is a name of one part, which means nothing on the internet"));
    };
    if PRIVATE_ENDS.iter().any(|private| end.eq_ignore_ascii_case(private)) {
        return Err(Invalid::new(format!(
            "the host is a name under .{}, which is not of the internet",
            end.to_ascii_lowercase()
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_of_other_protocols_are_refused_and_those_of_receivers_are_not() {
        assert!(PORTS_OF_OTHERS.is_sorted(), "they are searched by halves");
        for port in [0, 1, 22, 25, 53, 110, 143, 6000, 6667, 10080] {
            assert!(check_port(port).is_err(), "{port}");
        }
        for port in [80, 443, 8, 2, 3000, 5000, 8000, 8071, 8080, 8443, 9000, 10081, 65535] {
            assert_eq!(check_port(port), Ok(()), "{port}");
        }
    }

    #[track_caller]
    fn check(rule: fn(&str) -> Result<(), Invalid>, fit: &str, unfit: &str) {
        for name in fit.split(' ') {
            assert_eq!(rule(name), Ok(()), "{name:?}");
        }
        for name in unfit.split(' ') {
            assert!(rule(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn a_host_is_a_name_that_a_name_server_can_know() {
        check(
            check_name,
            "example.com example.com. a_b.example xn--bcher-kva.example localhost",
            ". a..b a.. -!x.com a'b.com",
        );
        assert!(check_name("").is_err());
        assert!(check_name(&format!("{}.com", "a".repeat(63))).is_ok());
        assert!(check_name(&format!("{}.com", "a".repeat(64))).is_err());
        assert!(check_name(&"a.".repeat(127)).is_ok());
        assert!(check_name(&"a.".repeat(128)).is_err());
    }

    #[test]
    fn names_of_inside_are_told_by_their_end() {
        check(
            check_name_is_public,
            "example.com example.com. hooks.example internal.example.com local.io localhost.run mytest.com",
            "localhost localhost. a.localhost a.LOCALHOST printer.local metadata.google.internal a.internal. x.home.arpa \
             intranet db redis. a.test a.invalid a.onion 1.0.0.127.in-addr.arpa a.corp a.lan a.home",
        );
    }
}
