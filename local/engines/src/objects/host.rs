//! Which bucket a host name stands for.
//!
//! S3 clients put the bucket in front of the host unless they are told otherwise, and Fanfare's deployed code does not
//! tell them. So `<bucket>.engines.local` (in process), `<bucket>.localhost` and AWS's own `<bucket>.s3.*` name a
//! bucket; every other host names none, and the bucket is the first part of the path.

use s3s::S3Result;
use s3s::host::{S3Host, VirtualHost};

use crate::engines::LOCAL_HOST;

pub(super) struct Hosts;

impl S3Host for Hosts {
    fn parse_host_header<'a>(&'a self, host: &'a str) -> S3Result<VirtualHost<'a>> {
        let host = VirtualHost::new(host);
        Ok(match bucket_of(host.domain()).map(str::to_owned) {
            Some(bucket) => host.with_bucket(bucket),
            None => host,
        })
    }
}

fn bucket_of(host: &str) -> Option<&str> {
    let name = host.split(':').next().unwrap_or(host);
    let of_domain = |domain: &str| name.strip_suffix(domain).and_then(|rest| rest.strip_suffix('.'));
    let of_aws = || name.ends_with(".amazonaws.com").then(|| name.find(".s3.")).flatten().map(|end| &name[..end]);
    of_domain(LOCAL_HOST).or_else(|| of_domain("localhost")).or_else(of_aws)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_may_stand_in_front_of_the_host() {
        let cases = [
            ("engines.local", None),
            ("imports.engines.local", Some("imports")),
            ("localhost:9000", None),
            ("my.imports.localhost:9000", Some("my.imports")),
            ("127.0.0.1:9000", None),
            ("imports.s3.us-east-1.amazonaws.com", Some("imports")),
            ("s3.us-east-1.amazonaws.com", None),
            ("gateway.example.com", None),
        ];
        for (host, bucket) in cases {
            assert_eq!(bucket_of(host), bucket, "{host}");
        }
    }
}
