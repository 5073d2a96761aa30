//! Removing the contents of everything an application was sent. Removed twice is removed.

use futures_util::{StreamExt, TryStreamExt, stream};

use super::replay::{done, page};
use super::{PageDone, RunTask, Stop};
use crate::domain::background::BackgroundTask;
use crate::domain::ids::{AppScope, MessageId};
use crate::domain::message::Message;
use crate::fault::Fault;
use crate::store::ListFilter;

/// Messages of a page that are worked on at one time.
const AT_ONCE_MAX: usize = 10;

impl RunTask {
    /// One page of the messages that were accepted before the task was asked for, oldest first.
    pub(super) async fn expunge_all(&self, task: &BackgroundTask, scope: &AppScope) -> Result<PageDone, Stop> {
        let application = self.application(scope).await?;
        let filter = ListFilter { before: Some(task.created_at), ..ListFilter::default() };
        let found = self.store.list_messages(scope, &application, &page(task, MessageId::parse), &filter).await?;
        let mut removals = Vec::new();
        for message in &found.items {
            if !message.payload.is_expunged() {
                removals.push(self.expunge(scope, message));
            }
        }
        let count = removals.len();
        stream::iter(removals).buffered(AT_ONCE_MAX).try_collect::<Vec<()>>().await?;
        Ok(done(task, found, count))
    }

    /// The record first, then the object in the bucket: cut short in between, the page is done again and finds its name.
    async fn expunge(&self, scope: &AppScope, message: &Message) -> Result<(), Fault> {
        match self.store.expunge_message(scope, message).await? {
            Some(Some(object)) => self.blobs.delete_payload(&object).await,
            Some(None) | None => Ok(()),
        }
    }
}
