//! Data keys: what an organization's secrets are sealed with, wrapped by one key of KMS that never leaves it.
//!
//! ```text
//! KMS key ──wraps──► data key of an organization ──seals──► the secret parts of its records
//!                    (kept wrapped, in the table)           (AES-256-GCM, the record's key as associated data)
//! ```
//!
//! # Promises
//!
//! - **A stolen table tells nothing.** It holds wrapped keys and sealed parts; who opens them must ask KMS, and is on its record.
//! - **A key is good for its organization only**: the organization is KMS's encryption context, so a wrapped key that was moved
//!   to another organization's record does not unwrap.
//! - **A sealed part is good in its place only**: moved to another record, it does not open.
//! - **Plain keys live in memory only**, at most [`CACHE_LIFETIME`], at most [`CACHED_KEYS_MAX`] of them.
//!
//! Where the wrapped keys are kept, which one is current, and what is sealed, is for [`crate::store`] to say.

mod cache;
mod data_key;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_kms::Client;
use aws_sdk_kms::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::DataKeySpec;
use tokio::time::Instant;

use cache::Cache;
pub use cache::CacheUse;
pub use data_key::{DataKey, SEALED_BYTES_MORE, Sealed};

use crate::domain::ids::OrganizationId;
use crate::fault::Fault;

/// How long a plain key is kept in memory. Each sandbox asks KMS so often for each organization it works for; and so long a key
/// that was erased may still be in use.
pub const CACHE_LIFETIME: Duration = Duration::from_secs(5 * 60);

/// Plain keys kept in memory. A process that serves more organizations within [`CACHE_LIFETIME`] asks again for some of them.
pub const CACHED_KEYS_MAX: usize = 1_000;

/// The name of the organization in KMS's encryption context. The template's policies ask for it.
const CONTEXT: &str = "fanfare:organization";

/// A data key as it is kept: only KMS can make a [`DataKey`] of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrappedKey(pub Vec<u8>);

/// The KMS key, and the data keys it has unwrapped lately. Clones share them; one per process.
#[derive(Clone)]
pub struct Keys(Arc<Inner>);

struct Inner {
    sdk: SdkConfig,
    /// Made when it is needed: most functions never ask KMS in their first invocation, and publish seldom at all.
    client: OnceLock<Client>,
    kms_key: String,
    seals_payloads: bool,
    cache: Cache,
}

impl Keys {
    /// `kms_key`: the ARN, identifier or alias of the key in KMS. `seals_payloads`: whether payloads are secrets, too.
    pub fn new(sdk: &SdkConfig, kms_key: &str, seals_payloads: bool) -> Self {
        let (sdk, client, cache) = (sdk.clone(), OnceLock::new(), Cache::default());
        Self(Arc::new(Inner { sdk, client, kms_key: kms_key.to_owned(), seals_payloads, cache }))
    }

    /// Whether payloads are sealed as well.
    pub fn seals_payloads(&self) -> bool {
        self.0.seals_payloads
    }

    fn client(&self) -> &Client {
        self.0.client.get_or_init(|| Client::new(&self.0.sdk))
    }

    /// A new data key for the organization.
    pub async fn generate(&self, organization: &OrganizationId, number: u32) -> Result<(DataKey, WrappedKey), Fault> {
        let action = format!("making a data key for {organization}");
        let request = self.client().generate_data_key().key_id(&self.0.kms_key).key_spec(DataKeySpec::Aes256);
        let answer = request.encryption_context(CONTEXT, organization.to_string()).send().await;
        let answer = answer.map_err(|error| fault(&action, error))?;
        let wrapped = answer.ciphertext_blob.map(|blob| WrappedKey(blob.into_inner()));
        let wrapped = wrapped.ok_or_else(|| Fault::corrupt(&*action))?;
        Ok((plain(answer.plaintext, number, &action)?, wrapped))
    }

    /// Has KMS unwrap a data key.
    pub async fn unwrap(
        &self,
        organization: &OrganizationId,
        number: u32,
        wrapped: &WrappedKey,
    ) -> Result<DataKey, Fault> {
        let action = format!("unwrapping data key {number} of {organization}");
        // The key is named although the blob tells it: another key's blob is refused instead of tried.
        let request = self.client().decrypt().key_id(&self.0.kms_key).ciphertext_blob(Blob::new(wrapped.0.clone()));
        let answer = request.encryption_context(CONTEXT, organization.to_string()).send().await;
        let answer = answer.map_err(|error| fault(&action, error))?;
        plain(answer.plaintext, number, &action)
    }

    /// The key of this number, if it was unwrapped lately.
    pub fn cached(&self, organization: &OrganizationId, number: u32) -> Option<Arc<DataKey>> {
        self.0.cache.key(organization, number, Instant::now())
    }

    /// The key that was current lately.
    pub fn cached_current(&self, organization: &OrganizationId) -> Option<Arc<DataKey>> {
        self.0.cache.current(organization, Instant::now())
    }

    /// Keeps an unwrapped key for a while; `is_current`: new parts are sealed with it meanwhile.
    pub fn remember(&self, organization: &OrganizationId, key: DataKey, is_current: bool) -> Arc<DataKey> {
        let key = Arc::new(key);
        self.0.cache.insert(organization, Arc::clone(&key), is_current, Instant::now());
        key
    }

    /// Forgets the organization's keys.
    pub fn forget(&self, organization: &OrganizationId) {
        self.0.cache.remove(organization);
    }

    /// How often the cache had what was asked for, since the process began.
    pub fn cache_use(&self) -> CacheUse {
        self.0.cache.usage()
    }
}

fn plain(blob: Option<Blob>, number: u32, action: &str) -> Result<DataKey, Fault> {
    let bytes = blob.map(Blob::into_inner).ok_or_else(|| Fault::corrupt(action))?;
    DataKey::new(number, &bytes).ok_or_else(|| Fault::corrupt(action))
}

/// What asking again cannot help: the blob is not this key's, or we may not use the key.
fn fault<E, R>(action: &str, error: SdkError<E, R>) -> Fault
where
    E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    const FINAL: [&str; 5] = [
        "AccessDeniedException",
        "IncorrectKeyException",
        "InvalidCiphertextException",
        "NotFoundException",
        "ValidationException",
    ];
    match error.code() {
        Some(code) if FINAL.contains(&code) => Fault::corrupt_because(action, error),
        _ => Fault::unavailable(action, error),
    }
}
