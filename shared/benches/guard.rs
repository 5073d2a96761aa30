//! What the guard costs, on one core: judging an address, and judging a URL from its text to its address.
//!
//! `cargo bench -p fanfare --bench guard`. Figures for people; nothing here passes or fails.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a tool that prints figures, and stops when it cannot")]

use std::hint::black_box;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use fanfare::domain::url::EndpointUrl;
use fanfare::network::{Network, Stream};
use fanfare::sender::Destinations;
use fanfare::sender::guard::forbidden_because;
use futures_util::future::BoxFuture;

/// How long each figure is measured.
const LENGTH: Duration = Duration::from_millis(500);

/// Public ones go through all ranges; forbidden ones end at theirs.
const ADDRESSES: [&str; 5] = ["93.184.216.34", "10.0.0.1", "2606:4700::1111", "fd00::1", "64:ff9b::8.8.8.8"];

/// As many as an operator with many networks has.
const SUBNETS: [&str; 8] = [
    "10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/16", "172.16.0.0/16", "192.168.7.0/24", "fd00:1::/32", "fd00:2::/32",
    "10.9.9.9/32",
];

/// Every name has one public address, at once: what is measured is ours.
struct AtOnce;

impl Network for AtOnce {
    fn resolve<'a>(&'a self, _: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        Box::pin(std::future::ready(Ok(vec![IpAddr::from([93, 184, 216, 34])])))
    }

    fn connect(&self, _: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Stream>>> {
        Box::pin(std::future::ready(Err(io::ErrorKind::ConnectionRefused.into())))
    }
}

fn main() {
    println!("{:<44} {:>8}", "an address", "ns");
    for text in ADDRESSES {
        let ip: IpAddr = text.parse().unwrap();
        print(text, || black_box(forbidden_because(black_box(ip))).is_some());
    }
    println!("{:<44} {:>8}", "a URL, from its text", "ns");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let subnets = SUBNETS.map(|subnet| subnet.parse().unwrap());
    let text = "https://hooks.example.com/webhooks/orders?tenant=7";
    print("parsed only", || black_box(EndpointUrl::parse(black_box(text))).is_ok());
    for (subnets, name) in [(&subnets[..0], "no subnet allowed"), (&subnets[..], "8 subnets allowed")] {
        let destinations = Destinations::new(subnets, Arc::new(AtOnce));
        for text in [text, "https://93.184.216.34/", "https://10.200.0.1/", "https://[2606:4700::1111]/"] {
            let check = || {
                let url = EndpointUrl::parse(black_box(text)).unwrap();
                black_box(runtime.block_on(destinations.check(&url))).is_ok()
            };
            print(&format!("{}, {name}", &text[8..text.len().min(26)]), check);
        }
    }
}

fn print(name: &str, work: impl Fn() -> bool) {
    let (started, mut done) = (Instant::now(), 0_u32);
    while started.elapsed() < LENGTH {
        // A hundred at a time: looking at the clock takes as long as an address.
        for _ in 0..100 {
            black_box(work());
        }
        done += 100;
    }
    println!("{name:<44} {:>8.0}", started.elapsed().as_nanos() as f64 / f64::from(done));
}
