//! How the AWS SDK is set up in a deployed function. Put together by hand instead of with `aws_config::load_*`: Lambda
//! gives region and credentials in the environment, so the default chain's search through profiles, SSO and instance
//! metadata would only cost start-up time and dependencies.

use std::time::Duration;

use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_http_client::tls;

/// A connection inside a region is made in a few milliseconds or not at all.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// One try of a call. DynamoDB and SQS answer in milliseconds; an object of a megabyte takes longer.
const TRY_TIMEOUT: Duration = Duration::from_secs(4);
/// All tries of a call. Below the HTTP functions' timeout of 20 s, so that callers get our answer.
const CALL_TIMEOUT: Duration = Duration::from_secs(12);
/// Tries of a call: throttles and lost connections pass quickly or not at all.
const TRIES_MAX: u32 = 4;

pub(super) fn from_env() -> SdkConfig {
    let builder = SdkConfig::builder()
        // Pinned: a newer one may change retries, time limits or TLS with an update of the SDK.
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(variable("AWS_REGION").map(Region::new))
        .credentials_provider(SharedCredentialsProvider::new(EnvironmentVariableCredentialsProvider::new()))
        .http_client(
            aws_smithy_http_client::Builder::new()
                .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::AwsLc))
                .build_https(),
        )
        .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    // Set when a function is run against engines that are not AWS: the local gateway's, for example.
    with_call_limits(match variable("AWS_ENDPOINT_URL") {
        Some(url) => builder.endpoint_url(url).build(),
        None => builder.build(),
    })
}

/// How often a call is tried and how long it may take. Deployed functions have these limits, and simulated ones.
pub fn with_call_limits(sdk: SdkConfig) -> SdkConfig {
    let limits = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(TRY_TIMEOUT)
        .operation_timeout(CALL_TIMEOUT);
    let retries = RetryConfig::standard().with_max_attempts(TRIES_MAX);
    sdk.into_builder().retry_config(retries).timeout_config(limits.build()).build()
}

#[allow(clippy::disallowed_methods)] // the SDK's own variables, read where the SDK is configured
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
