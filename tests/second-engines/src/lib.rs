//! The same tests on engines that others wrote.
//!
//! Our tests run on engines that we wrote for them, or chose: where those are wrong about AWS, the tests are wrong with them. So
//! `tests/lanes/second-engines.sh` starts others, and names them to the tests:
//!
//! | variable | whose calls go there |
//! |---|---|
//! | `FANFARE_TEST_DYNAMODB` | the table's |
//! | `FANFARE_TEST_SQS` | the queues' |
//! | `FANFARE_TEST_S3` | the bucket's |
//! | `FANFARE_TEST_KMS` | the keys' |
//! | `FANFARE_TEST_RESET` | nobody's; posted to when a test begins, makes an engine forget everything |
//! | `FANFARE_TEST_CLOCK` | nobody's; `/` and milliseconds since the epoch behind it, posted to when a test sets its clock |
//!
//! Each is an URL, `http://127.0.0.1:8000`. Without any of them nothing here does anything.
//!
//! **The seam** is the HTTP client of the SDK, as for faults (`docs/decisions/0002`): a request is sent on as the SDK made it, to another
//! address, and nobody above notices. Signatures do not match afterwards, which these engines do not look at.
//!
//! **Tests do not see each other's tables**: DynamoDB Local keeps a database for each access key, and each test signs with one of
//! its own. The others know no such thing; there tests run one after the other, and each begins with a reset.

mod control;
mod route;

use std::process;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_config::SdkConfig;
use aws_smithy_http_client::Builder;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

/// What can be asked elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// DynamoDB.
    Table,
    /// SQS.
    Queues,
    /// S3.
    Objects,
    /// KMS.
    Keys,
}

/// The engines that the environment names.
#[derive(Debug, Default)]
struct Named {
    table: Option<String>,
    queues: Option<String>,
    objects: Option<String>,
    keys: Option<String>,
    reset: Option<String>,
    clock: Option<String>,
}

#[allow(clippy::disallowed_methods)] // the one place where tests are told of other engines
static NAMED: LazyLock<Named> = LazyLock::new(|| {
    let url = |name| std::env::var(name).ok().map(|url| url.trim_end_matches('/').to_owned());
    Named {
        table: url("FANFARE_TEST_DYNAMODB"),
        queues: url("FANFARE_TEST_SQS"),
        objects: url("FANFARE_TEST_S3"),
        keys: url("FANFARE_TEST_KMS"),
        reset: url("FANFARE_TEST_RESET"),
        clock: url("FANFARE_TEST_CLOCK"),
    }
});

impl Service {
    /// Where it is asked, when that is not our own engine.
    fn elsewhere(self) -> Option<&'static str> {
        let url = match self {
            Self::Table => &NAMED.table,
            Self::Queues => &NAMED.queues,
            Self::Objects => &NAMED.objects,
            Self::Keys => &NAMED.keys,
        };
        url.as_deref()
    }

    /// Whether it is asked elsewhere, for a test that has to prepare what our own engine needs not.
    pub fn is_elsewhere(self) -> bool {
        self.elsewhere().is_some()
    }
}

/// What one test has of the other engines. Clones have the same.
#[derive(Clone, Debug)]
pub struct SecondEngines {
    access_key: String,
}

impl SecondEngines {
    /// Engines that know nothing yet.
    ///
    /// # Panics
    /// When an engine that is to forget everything does not say that it did.
    pub fn empty() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        if let Some(url) = &NAMED.reset {
            control::post(url);
        }
        // Letters and digits only, says DynamoDB Local.
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        Self { access_key: format!("test{}x{count}", process::id()) }
    }

    /// Stops the clock of queues that are somebody else's at this time, when they have one that can be set.
    ///
    /// # Panics
    /// When they do not say that they did.
    pub fn set_clock(now_ms: u64) {
        if let Some(url) = &NAMED.clock {
            control::post(&format!("{url}/{now_ms}"));
        }
    }

    /// The client, with other engines behind it for the services that have one; as it was when none has.
    pub fn wrap(&self, ours: SharedHttpClient) -> SharedHttpClient {
        let all = [Service::Table, Service::Queues, Service::Objects, Service::Keys];
        if !all.into_iter().any(Service::is_elsewhere) {
            return ours;
        }
        let theirs = Builder::new().build_http();
        SharedHttpClient::new(Client { ours, theirs, access_key: self.access_key.clone() })
    }

    /// The configuration, with [`SecondEngines::wrap`] around its client.
    pub fn configure(&self, sdk: SdkConfig) -> SdkConfig {
        let Some(ours) = sdk.http_client() else { return sdk };
        let client = self.wrap(ours);
        sdk.into_builder().http_client(client).build()
    }
}

#[derive(Clone, Debug)]
struct Client {
    ours: SharedHttpClient,
    theirs: SharedHttpClient,
    access_key: String,
}

#[derive(Debug)]
struct Connector {
    ours: SharedHttpConnector,
    theirs: SharedHttpConnector,
    access_key: String,
}

impl HttpClient for Client {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(Connector {
            ours: self.ours.http_connector(settings, components),
            theirs: self.theirs.http_connector(settings, components),
            access_key: self.access_key.clone(),
        })
    }
}

impl HttpConnector for Connector {
    fn call(&self, mut request: HttpRequest) -> HttpConnectorFuture {
        let Some(url) = route::service_of(&request).elsewhere() else { return self.ours.call(request) };
        match route::send_to(url, &self.access_key, &mut request) {
            Ok(()) => self.theirs.call(request),
            Err(error) => HttpConnectorFuture::ready(Err(error)),
        }
    }
}
