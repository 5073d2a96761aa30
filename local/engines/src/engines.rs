//! The engines together: opened, handed out as an SDK configuration, and asked.

use std::path::Path;
use std::sync::Arc;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use s3s::service::S3Service;
use tempfile::TempDir;

use crate::in_process::InProcess;
use crate::kms::Kms;
use crate::lock::DirectoryLock;
use crate::objects::Objects;
use crate::sqs::Sqs;
use crate::table::Table;
use crate::wire::{self, Request, Response};
use crate::{Clock, Durability, LOCAL_REGION, OpenError, SweepError};

/// The host of the in-process endpoint. Nothing listens there; S3 buckets are `<bucket>.` in front of it.
pub(crate) const LOCAL_HOST: &str = "engines.local";

/// Who signs requests.
pub(crate) const LOCAL_ACCESS_KEY: &str = "local";
/// What requests are signed with that nobody checks.
const LOCAL_SECRET: &str = "local";

const TABLE_TARGETS: [&str; 2] = ["DynamoDB_20120810.", "DynamoDBStreams_20120810."];
const QUEUE_TARGET: &str = "AmazonSQS.";
const KEY_TARGET: &str = "TrentService.";

/// Embedded DynamoDB, SQS, S3 and KMS. Clones share the engines.
///
/// The files are closed, and the data directory is free for others, when the last clone is gone; an SDK client or
/// configuration made from the engines counts as one.
#[derive(Clone)]
pub struct Engines {
    shared: Arc<Shared>,
}

/// In the order they are dropped: the files are closed before the directory is given back.
struct Shared {
    table: Table,
    sqs: Arc<Sqs>,
    objects: Objects,
    kms: Kms,
    _directory: Directory,
}

/// What keeps the directory ours.
enum Directory {
    Temporary { _removed_on_drop: TempDir },
    Kept { _lock: DirectoryLock },
}

impl Engines {
    /// Engines whose state ends with them. Objects lie in a temporary directory that is removed at the end.
    pub fn in_memory(clock: Clock) -> Result<Self, OpenError> {
        let directory =
            tempfile::tempdir().map_err(|source| OpenError::Directory { path: std::env::temp_dir(), source })?;
        let sqs = Arc::new(Sqs::in_memory(Arc::clone(&clock)));
        let shared = Shared {
            table: Table::in_memory(&clock)?,
            objects: Objects::open(directory.path(), Arc::clone(&sqs), clock)?,
            sqs,
            kms: Kms::in_memory()?,
            _directory: Directory::Temporary { _removed_on_drop: directory },
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Engines whose state is kept in `directory`, which is made if it is not there: `table.sqlite`, `queues.sqlite`,
    /// `objects/` and `master-key`. Fails with [`OpenError::InUse`] while another process has the directory open.
    pub fn on_disk(directory: &Path, durability: Durability, clock: Clock) -> Result<Self, OpenError> {
        let objects = directory.join("objects");
        std::fs::create_dir_all(&objects).map_err(|source| OpenError::Directory { path: objects.clone(), source })?;
        let lock = DirectoryLock::take(directory)?;
        let sqs = Arc::new(Sqs::on_disk(&directory.join("queues.sqlite"), durability, Arc::clone(&clock))?);
        let shared = Shared {
            table: Table::on_disk(&directory.join("table.sqlite"), durability)?,
            objects: Objects::open(&objects, Arc::clone(&sqs), clock)?,
            sqs,
            kms: Kms::on_disk(&directory.join("master-key"))?,
            _directory: Directory::Kept { _lock: lock },
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// The in-process way in: an SDK client with this HTTP client, and any endpoint, is answered by the engines.
    /// Connect and read timeouts have nothing to apply to here; operation and attempt timeouts work as always.
    pub fn http_client(&self) -> SharedHttpClient {
        SharedHttpClient::new(InProcess::new(self.clone()))
    }

    /// A configuration from which every SDK client talks to the engines in process, with the SDK's retries and
    /// checksums as in an account, and without time limits: nothing here waits for a network. What is wanted
    /// otherwise is changed with `into_builder`. S3 clients may address buckets by host or by path.
    pub fn sdk_config(&self) -> SdkConfig {
        let credentials = Credentials::from_keys(LOCAL_ACCESS_KEY, LOCAL_SECRET, None);
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new(LOCAL_REGION))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .endpoint_url(format!("http://{LOCAL_HOST}"))
            .http_client(self.http_client())
            .sleep_impl(TokioSleep::new())
            .timeout_config(TimeoutConfig::disabled())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .build()
    }

    /// Removes items whose time to live is over from every table that has one, and counts them. DynamoDB does this
    /// within days, unasked; here it happens when it is called.
    pub async fn sweep_expired(&self) -> Result<usize, SweepError> {
        self.shared.table.sweep_expired().await
    }

    /// Makes every waiting long poll look at the clock again. For a test that moves its clock by hand.
    pub fn clock_moved(&self) {
        self.shared.sqs.clock_moved();
    }

    /// The objects, for those only who sign with this secret.
    pub(crate) fn signed_objects(&self, secret: &str) -> S3Service {
        self.shared.objects.signed(LOCAL_ACCESS_KEY, secret)
    }

    /// Answers a request of any of the services.
    pub(crate) async fn answer(&self, request: Request) -> Response {
        let Some(target) = wire::text(request.headers(), wire::TARGET) else {
            return self.shared.objects.answer(request).await;
        };
        if let Some(operation) = target.strip_prefix(QUEUE_TARGET) {
            let (operation, host) = (operation.to_owned(), wire::host(&request).unwrap_or(LOCAL_HOST).to_owned());
            return self.shared.sqs.answer(&operation, &host, request.into_body()).await;
        }
        if let Some(operation) = target.strip_prefix(KEY_TARGET) {
            let operation = operation.to_owned();
            return self.shared.kms.answer(&operation, request.into_body()).await;
        }
        let operation =
            TABLE_TARGETS.iter().find_map(|prefix| target.strip_prefix(prefix)).unwrap_or(target).to_owned();
        self.shared.table.answer(&operation, request.into_body()).await
    }
}

impl std::fmt::Debug for Engines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engines").finish_non_exhaustive()
    }
}
