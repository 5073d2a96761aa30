//! What nobody who only has the table should read is taken out of its item, sealed, and put back as one attribute, `sealed`.
//!
//! A record's conversions know nothing of it: an item is sealed on its way to the table and opened on its way back. What opens
//! it is the organization's data key of the number that the sealed part names, and only where it was sealed: the item's key is
//! the associated data.
//!
//! A record whose data key was erased is as good as gone. Its item comes back marked, and whoever reads it leaves it out ([`Store::readable`]),
//! or shows what is left.

use std::sync::Arc;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;

use super::item::Item;
use super::{Store, hidden, key_text, keys};
use crate::domain::ids::OrganizationId;
use crate::domain::page::{Page, PageRequest};
use crate::domain::timestamp::Timestamp;
use crate::fault::Fault;
use crate::keys::{DataKey, Sealed};

/// The attribute that holds what was taken out.
const SEALED: &str = "sealed";

/// The mark of an item in memory whose data key was erased. It is never stored.
pub(super) const ERASED: &str = "erased";

/// Whether an item that came back is whole.
fn is_readable(item: &Item) -> bool {
    !item.contains_key(ERASED)
}

/// The page out of items that were read; those that cannot be opened any more take their places, and are left out.
pub(super) fn page_of_readable<T, K: Copy>(
    request: &PageRequest<K>,
    items: &[Item],
    key_of: impl Fn(&Item) -> Result<K, Fault>,
    from_item: impl Fn(&Item) -> Result<T, Fault>,
) -> Result<Page<T, K>, Fault> {
    let read = items.iter().map(|item| Ok((key_of(item)?, item))).collect::<Result<Vec<_>, Fault>>()?;
    let Page { items, next, previous, is_done } = request.page(read, |(key, _)| *key);
    let readable = items.into_iter().map(|(_, item)| item).filter(|item| is_readable(item));
    Ok(Page { items: readable.map(from_item).collect::<Result<_, _>>()?, next, previous, is_done })
}

impl Store {
    /// The item with these of its attributes sealed.
    pub(super) async fn seal(&self, mut item: Item, secret: &[&str], now: Timestamp) -> Result<Item, Fault> {
        let taken: Item = secret.iter().filter_map(|name| item.remove_entry(*name)).collect();
        if taken.is_empty() {
            return Ok(item);
        }
        let place = Place::of(&item)?;
        let plain = hidden::encode(&taken).ok_or_else(|| place.corrupt("encoding"))?;
        let sealed = self.seal_bytes(&place.organization, &place.name, &plain, now).await?;
        item.insert(SEALED.to_owned(), AttributeValue::B(Blob::new(sealed)));
        Ok(item)
    }

    /// One item, opened; none: it is not there, or cannot be opened any more.
    pub(super) async fn get_readable(&self, action: &str, pk: String, sk: String) -> Result<Option<Item>, Fault> {
        let Some(item) = self.get(action, pk, sk).await? else { return Ok(None) };
        Ok(Some(self.open(item).await?).filter(is_readable))
    }

    /// The items, opened, without those that cannot be opened any more.
    pub(super) async fn readable(&self, items: Vec<Item>) -> Result<Vec<Item>, Fault> {
        let mut opened = self.open_all(items).await?;
        opened.retain(is_readable);
        Ok(opened)
    }

    /// The items as they were before they were sealed; those that were not are as they are.
    pub(super) async fn open_all(&self, items: Vec<Item>) -> Result<Vec<Item>, Fault> {
        let mut opened = Vec::with_capacity(items.len());
        for item in items {
            opened.push(self.open(item).await?);
        }
        Ok(opened)
    }

    /// The item as it was before it was sealed.
    pub(super) async fn open(&self, mut item: Item) -> Result<Item, Fault> {
        let Some(sealed) = item.remove(SEALED) else { return Ok(item) };
        let place = Place::of(&item)?;
        let bytes = sealed.as_b().map_err(|_| place.corrupt("reading"))?;
        match self.open_bytes(&place.organization, &place.name, bytes.as_ref()).await? {
            Some(plain) => item.extend(hidden::decode(&plain).ok_or_else(|| place.corrupt("decoding"))?),
            None => {
                item.insert(ERASED.to_owned(), AttributeValue::Bool(true));
            }
        }
        Ok(item)
    }

    /// Seals bytes that are kept elsewhere than in the table; `place` names where.
    pub async fn seal_bytes(
        &self,
        organization: &OrganizationId,
        place: &str,
        plain: &[u8],
        now: Timestamp,
    ) -> Result<Vec<u8>, Fault> {
        let key = self.current_data_key(organization, now).await?;
        key.seal(place, plain).ok_or_else(|| Fault::corrupt(format!("sealing {place}")))
    }

    /// What [`Store::seal_bytes`] has sealed; none: its key was erased.
    pub async fn open_bytes(
        &self,
        organization: &OrganizationId,
        place: &str,
        sealed: &[u8],
    ) -> Result<Option<Vec<u8>>, Fault> {
        let corrupt = || Fault::corrupt(format!("opening what is sealed at {place}"));
        let sealed = Sealed::parse(sealed).ok_or_else(corrupt)?;
        let key: Option<Arc<DataKey>> = self.data_key(organization, sealed.number).await?;
        key.map(|key| key.open(place, &sealed).ok_or_else(corrupt)).transpose()
    }
}

/// Where an item stands.
struct Place {
    organization: OrganizationId,
    /// The key, as one text; no part of a key has a line break.
    name: String,
}

impl Place {
    fn of(item: &Item) -> Result<Self, Fault> {
        let (pk, sk) = (key_text(item, "pk").unwrap_or_default(), key_text(item, "sk").unwrap_or_default());
        let name = format!("{pk}\n{sk}");
        match keys::organization_of(pk) {
            Some(organization) => Ok(Self { organization, name }),
            None => Err(Fault::corrupt(format!("finding out whose the item at {pk} {sk} is"))),
        }
    }

    fn corrupt(&self, action: &str) -> Fault {
        Fault::corrupt(format!("{action} the sealed part of the item at {}", self.name.replace('\n', " ")))
    }
}
