//! Applications.

use super::{Configure, CreationKey, OVERTAKEN_MAX, Refusal, Saved, key_reused, overtaken, require, uid_taken};
use crate::domain::Metadata;
use crate::domain::application::{Application, ApplicationDraft, ApplicationPatch};
use crate::domain::audit::{Author, Changed, Operation};
use crate::domain::ids::{ApplicationId, OrganizationId};
use crate::domain::operational::{OPERATIONAL_APPLICATION_NAME, operational_application};
use crate::domain::page::{Page, PageRequest};
use crate::domain::revision::Precondition;
use crate::domain::timestamp::Timestamp;
use crate::fault::Fault;
use crate::flows::Thing;
use crate::store::{ApplicationRef, Created, Updated};

const NO_APPLICATION: Refusal = Refusal::NotFound(Thing::Application);

impl Configure {
    /// Creates an application. `get_if_exists`: one that has the uid already is found instead of refused.
    pub async fn create_application(
        &self,
        by: &Author,
        draft: ApplicationDraft,
        key: Option<CreationKey<'_>>,
        get_if_exists: bool,
    ) -> Result<Saved<Application>, Refusal> {
        let organization = &by.organization;
        if let (true, Some(uid)) = (get_if_exists, &draft.uid)
            && let Some(found) = self.store.application(organization, &ApplicationRef::Uid(uid.clone())).await?
        {
            return Ok(Saved::Existing(found));
        }
        let now = self.effects.now();
        let application = draft.create(ApplicationId::new(now, self.effects.random.id_tail()), now);
        let idempotency = self.idempotency(key, "app");
        let changed = Changed::created(&application).within(application.id);
        let change = self.audit.of(by, Operation::ApplicationCreate, changed);
        match self.store.create_application(organization, &application, idempotency.as_ref(), &change).await? {
            Created::New => Ok(Saved::Created(application)),
            Created::NameTaken => Err(uid_taken()),
            Created::ParentGone | Created::Full => Err(NO_APPLICATION),
            Created::Repeat { is_same_request: false, .. } => Err(key_reused()),
            Created::Repeat { made, is_same_request: true } => {
                let named = ApplicationRef::parse(&made).ok_or(NO_APPLICATION)?;
                self.application(organization, &named).await.map(Saved::Created)
            }
        }
    }

    /// The application a caller names.
    pub async fn application(
        &self,
        organization: &OrganizationId,
        named: &ApplicationRef,
    ) -> Result<Application, Refusal> {
        self.store.application(organization, named).await?.ok_or(NO_APPLICATION)
    }

    /// A page of the organization's applications.
    pub async fn list_applications(
        &self,
        organization: &OrganizationId,
        request: &PageRequest<ApplicationId>,
    ) -> Result<Page<Application, ApplicationId>, Fault> {
        self.store.list_applications(organization, request).await
    }

    /// Replaces an application, or creates it when it is named by a uid nobody has. Named by its uid it keeps it, unless the
    /// caller gives another: so the same request may come twice.
    pub async fn put_application(
        &self,
        by: &Author,
        named: &ApplicationRef,
        mut draft: ApplicationDraft,
        precondition: &Precondition,
    ) -> Result<Saved<Application>, Refusal> {
        if let (None, ApplicationRef::Uid(uid)) = (&draft.uid, named) {
            draft.uid = Some(uid.clone());
        }
        let replace = |before: &Application, now| draft.clone().replace(before, now);
        match (self.change_application(by, named, precondition, replace).await, named) {
            (Err(Refusal::NotFound(_)), ApplicationRef::Uid(_)) => {
                require(precondition, None)?;
                self.create_application(by, draft, None, false).await
            }
            (outcome, _) => outcome.map(Saved::Existing),
        }
    }

    /// The organization's own application, whose endpoints get operational webhooks. It is made when it is first asked for;
    /// two that ask at once make the same.
    pub async fn operational_application(&self, organization: &OrganizationId) -> Result<ApplicationRef, Refusal> {
        let id = operational_application(organization);
        let named = ApplicationRef::Id(id);
        if self.store.application(organization, &named).await?.is_none() {
            let draft = ApplicationDraft {
                name: OPERATIONAL_APPLICATION_NAME.to_owned(),
                uid: None,
                rate_limit: None,
                metadata: Metadata::new(),
                retry_schedule: None,
            };
            let application = draft.create(id, self.effects.now());
            self.store.create_unlisted_application(organization, &application).await?;
        }
        Ok(named)
    }

    /// Changes what the patch says.
    pub async fn patch_application(
        &self,
        by: &Author,
        named: &ApplicationRef,
        patch: ApplicationPatch,
        precondition: &Precondition,
    ) -> Result<Application, Refusal> {
        let apply = |before: &Application, now| patch.clone().apply(before, now);
        self.change_application(by, named, precondition, apply).await
    }

    /// Deletes an application with its endpoints. The precondition is looked at before the first of them goes.
    pub async fn delete_application(
        &self,
        by: &Author,
        named: &ApplicationRef,
        precondition: &Precondition,
    ) -> Result<(), Refusal> {
        let organization = &by.organization;
        let application = self.application(organization, named).await?;
        require(precondition, Some(&application.revision()))?;
        let changed = Changed::deleted(&application).within(application.id);
        let change = self.audit.of(by, Operation::ApplicationDelete, changed);
        Ok(self.store.delete_application(organization, &application, &change).await?)
    }

    async fn change_application(
        &self,
        by: &Author,
        named: &ApplicationRef,
        precondition: &Precondition,
        change: impl Fn(&Application, Timestamp) -> Application,
    ) -> Result<Application, Refusal> {
        let organization = &by.organization;
        for _ in 0..OVERTAKEN_MAX {
            let before = self.application(organization, named).await?;
            require(precondition, Some(&before.revision()))?;
            let after = change(&before, self.effects.now());
            let changed = Changed::between(&before, &after).within(after.id);
            let change = self.audit.of(by, Operation::ApplicationUpdate, changed);
            match self.store.update_application(organization, &before, &after, &change).await? {
                Updated::Done => return Ok(after),
                Updated::UidTaken => return Err(uid_taken()),
                Updated::Raced | Updated::Repeat { .. } => {}
            }
        }
        Err(overtaken())
    }
}
