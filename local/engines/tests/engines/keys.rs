//! KMS: a data key comes back for who made it, and for nobody else.

use aws_sdk_kms::Client;
use aws_sdk_kms::error::ProvideErrorMetadata;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::DataKeySpec;
use fanfare_engines::{Durability, Engines, OpenError, system_clock};
use fanfare_second_engines::Service;

const KEY: &str = "arn:aws:kms:us-east-1:000000000000:key/fanfare";

fn kms(engines: &Engines) -> Client {
    Client::new(&engines.sdk_config())
}

/// A key to wrap with. Ours is there under every name.
async fn key(kms: &Client, ours: &str) -> String {
    if !Service::Keys.is_elsewhere() {
        return ours.to_owned();
    }
    kms.create_key().send().await.unwrap().key_metadata.unwrap().arn.unwrap()
}

/// A new data key of the context `org`: its bytes, and how it is kept.
async fn generate(kms: &Client, org: &str) -> (Vec<u8>, Vec<u8>) {
    generate_with(kms, KEY, org).await
}

async fn generate_with(kms: &Client, key: &str, org: &str) -> (Vec<u8>, Vec<u8>) {
    let request = kms.generate_data_key().key_id(key).key_spec(DataKeySpec::Aes256).encryption_context("org", org);
    let answer = request.send().await.unwrap();
    (answer.plaintext.unwrap().into_inner(), answer.ciphertext_blob.unwrap().into_inner())
}

/// The bytes of a key that was kept, or the error's code.
async fn decrypt(kms: &Client, key: &str, org: &str, blob: Vec<u8>) -> Result<Vec<u8>, String> {
    let request = kms.decrypt().key_id(key).ciphertext_blob(Blob::new(blob)).encryption_context("org", org);
    let answer = request.send().await;
    answer.map(|answer| answer.plaintext.unwrap().into_inner()).map_err(|error| error.code().unwrap().to_owned())
}

#[tokio::test]
async fn a_data_key_comes_back_for_its_key_and_context_only() {
    let kms = Client::new(&super::sdk(&super::in_memory()));
    let (first, second) = (key(&kms, KEY).await, key(&kms, "another").await);
    let (plain, blob) = generate_with(&kms, &first, "a").await;
    assert_eq!((plain.len(), decrypt(&kms, &first, "a", blob.clone()).await), (32, Ok(plain.clone())));
    assert_ne!(generate_with(&kms, &first, "a").await.0, plain);
    let refused = |code: &str| Err(code.to_owned());
    assert_eq!(decrypt(&kms, &first, "b", blob.clone()).await, refused("InvalidCiphertextException"));
    assert_eq!(decrypt(&kms, &second, "a", blob).await, refused("IncorrectKeyException"));
}

#[tokio::test]
async fn a_data_key_is_opened_by_the_engines_that_made_it_and_only_whole() {
    let engines = Engines::in_memory(system_clock()).unwrap();
    let kms = kms(&engines);
    let (_, blob) = generate(&kms, "a").await;
    let others = Client::new(&Engines::in_memory(system_clock()).unwrap().sdk_config());
    let refused = Err("InvalidCiphertextException".to_owned());
    assert_eq!(decrypt(&others, KEY, "a", blob.clone()).await, refused);
    for at in 0..blob.len() {
        let mut changed = blob.clone();
        changed[at] ^= 1;
        assert!(decrypt(&kms, KEY, "a", changed).await.is_err(), "byte {at}");
        assert!(decrypt(&kms, KEY, "a", blob[..at].to_vec()).await.is_err(), "cut at {at}");
    }
}

#[tokio::test]
async fn what_nobody_here_uses_is_refused_as_unknown() {
    let engines = Engines::in_memory(system_clock()).unwrap();
    let error = kms(&engines).list_keys().send().await.unwrap_err();
    assert_eq!(error.code(), Some("UnknownOperationException"));
    let other = kms(&engines).generate_data_key().key_id(KEY).key_spec(DataKeySpec::Aes128).send().await.unwrap_err();
    assert_eq!(other.code(), Some("ValidationException"));
}

#[tokio::test]
async fn the_key_outlives_its_process_in_a_file_for_its_owner() {
    let directory = tempfile::tempdir().unwrap();
    let open = || Engines::on_disk(directory.path(), Durability::ProcessKill, system_clock());
    let engines = open().unwrap();
    let (plain, blob) = generate(&kms(&engines), "a").await;
    drop(engines);
    let engines = open().unwrap();
    assert_eq!(decrypt(&kms(&engines), KEY, "a", blob).await, Ok(plain));
    drop(engines);
    let file = directory.path().join("master-key");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(open(), Err(OpenError::MasterKeyExposed { .. })), "others may read the key");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    std::fs::write(&file, "c2hvcnQ=").unwrap();
    assert!(matches!(open(), Err(OpenError::MasterKey { .. })), "half a key");
}
