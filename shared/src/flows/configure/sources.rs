//! Sources of inbound webhooks. A secret that the owner tells the provider is made when none is given; one that the provider makes
//! has to be given. The token, the secret part of the address, is always ours.

use super::{Configure, CreationKey, OVERTAKEN_MAX, Refusal, Saved, key_reused, overtaken, require, uid_taken};
use crate::domain::Invalid;
use crate::domain::audit::{Author, Changed, Operation};
use crate::domain::ids::{ApplicationId, OrganizationId, SourceId};
use crate::domain::inbound::{GENERATED_SECRET_BYTES, InboundSecret, Provider};
use crate::domain::page::{Page, PageRequest};
use crate::domain::revision::Precondition;
use crate::domain::source::{SOURCES_PER_ORGANIZATION_MAX, Source, SourceDraft, SourceParts, SourcePatch};
use crate::domain::source_address::{SOURCE_TOKEN_BYTES, SourceToken};
use crate::domain::timestamp::Timestamp;
use crate::fault::Fault;
use crate::flows::Thing;
use crate::store::{ApplicationRef, Created, SourceRef, Updated};

const NO_SOURCE: Refusal = Refusal::NotFound(Thing::Source);

/// A source that is to be created, or to replace one.
#[derive(Clone, Debug)]
pub struct NewSource {
    /// What the caller says about it.
    pub draft: SourceDraft,
    /// For whom its events are.
    pub application: ApplicationRef,
    /// What it verifies with; none: one is made, if the provider is not the one who makes it.
    pub secret: Option<InboundSecret>,
}

/// What a caller asks for who rotates the secret of a source.
#[derive(Clone, Debug)]
pub struct SourceRotation {
    /// The new secret as text; none: one is made.
    pub key: Option<String>,
    /// For how long the old one is good.
    pub grace_ms: i64,
}

/// A change of a source, as it goes on record.
#[derive(Clone, Copy)]
struct Update<'a> {
    operation: Operation,
    /// What of the source is changed once under which key.
    once: Option<(&'a str, CreationKey<'a>)>,
}

impl Update<'_> {
    const PLAIN: Self = Self { operation: Operation::SourceUpdate, once: None };
}

impl Configure {
    /// Creates a source.
    pub async fn create_source(
        &self,
        by: &Author,
        new: NewSource,
        key: Option<CreationKey<'_>>,
    ) -> Result<Source, Refusal> {
        let organization = &by.organization;
        let idempotency = self.idempotency(key, "source");
        let made = match self.parts_of(organization, &new).await {
            Ok(parts) => {
                let source = new.draft.create(parts, self.effects.now());
                let changed = Changed::created(&source).within(source.application);
                let change = self.audit.of(by, Operation::SourceCreate, changed);
                match self.store.create_source(organization, &source, idempotency.as_ref(), &change).await? {
                    Created::New => return Ok(source),
                    made => made,
                }
            }
            // What a repeat's first request made may be the very source that reaches the limit.
            Err(refusal) => match &idempotency {
                Some(key) => self.store.made_before(organization, key).await?.ok_or(refusal)?,
                None => return Err(refusal),
            },
        };
        match made {
            Created::New | Created::ParentGone | Created::Full => Err(no_application()),
            Created::NameTaken => Err(uid_taken()),
            Created::Repeat { is_same_request: false, .. } => Err(key_reused()),
            Created::Repeat { made, is_same_request: true } => {
                self.source(organization, &SourceRef::parse(&made).ok_or(NO_SOURCE)?).await
            }
        }
    }

    /// What a new source gets that no caller says, if there may be another one.
    async fn parts_of(&self, organization: &OrganizationId, new: &NewSource) -> Result<SourceParts, Refusal> {
        let secret = match &new.secret {
            Some(secret) => Some(secret.clone()),
            None => self.made_secret(&new.draft.provider, "secret")?,
        };
        let application = self.target(organization, &new.application).await?;
        if self.store.count_sources(organization).await? >= SOURCES_PER_ORGANIZATION_MAX {
            let limit = format!("an organization may have {SOURCES_PER_ORGANIZATION_MAX} sources");
            return Err(Refusal::LimitReached(limit));
        }
        let id = SourceId::new(self.effects.now(), self.effects.random.id_tail());
        Ok(SourceParts { id, application, secret, token: self.new_token() })
    }

    /// The source a caller names.
    pub async fn source(&self, organization: &OrganizationId, named: &SourceRef) -> Result<Source, Refusal> {
        self.store.source(organization, named).await?.ok_or(NO_SOURCE)
    }

    /// A page of the organization's sources.
    pub async fn list_sources(
        &self,
        organization: &OrganizationId,
        request: &PageRequest<SourceId>,
    ) -> Result<Page<Source, SourceId>, Fault> {
        self.store.list_sources(organization, request).await
    }

    /// Replaces a source, or creates it when it is named by a uid nobody has. Named by its uid it keeps it, unless the caller
    /// gives another.
    pub async fn put_source(
        &self,
        by: &Author,
        named: &SourceRef,
        mut new: NewSource,
        precondition: &Precondition,
    ) -> Result<Saved<Source>, Refusal> {
        let organization = &by.organization;
        if let (None, SourceRef::Uid(uid)) = (&new.draft.uid, named) {
            new.draft.uid = Some(uid.clone());
        }
        let application = self.target(organization, &new.application).await?;
        let replace = |before: &Source, now| new.draft.clone().replace(before, application, now).map_err(unfit);
        match (self.change_source(by, named, precondition, Update::PLAIN, replace).await, named) {
            (Err(Refusal::NotFound(Thing::Source)), SourceRef::Uid(_)) => {
                require(precondition, None)?;
                self.create_source(by, new, None).await.map(Saved::Created)
            }
            (outcome, _) => outcome.map(Saved::Existing),
        }
    }

    /// Changes what the patch says, and for whom the events are, if that is said.
    pub async fn patch_source(
        &self,
        by: &Author,
        named: &SourceRef,
        patch: SourcePatch,
        application: Option<&ApplicationRef>,
        precondition: &Precondition,
    ) -> Result<Source, Refusal> {
        let organization = &by.organization;
        let application = match application {
            Some(application) => Some(self.target(organization, application).await?),
            None => None,
        };
        let apply = |before: &Source, now| patch.clone().apply(before, application, now).map_err(unfit);
        self.change_source(by, named, precondition, Update::PLAIN, apply).await
    }

    /// Deletes a source: its address is nobody's from now on.
    pub async fn delete_source(
        &self,
        by: &Author,
        named: &SourceRef,
        precondition: &Precondition,
    ) -> Result<(), Refusal> {
        let organization = &by.organization;
        for _ in 0..OVERTAKEN_MAX {
            let before = self.source(organization, named).await?;
            require(precondition, Some(&before.revision()))?;
            let changed = Changed::deleted(&before).within(before.application);
            let change = self.audit.of(by, Operation::SourceDelete, changed);
            if self.store.delete_source(organization, &before, &change).await? == Updated::Done {
                return Ok(());
            }
        }
        Err(overtaken())
    }

    /// Rotates the secret, once for an idempotency key: the old one is good for a while longer.
    pub async fn rotate_source_secret(
        &self,
        by: &Author,
        named: &SourceRef,
        rotation: &SourceRotation,
        key: Option<CreationKey<'_>>,
    ) -> Result<Source, Refusal> {
        let rotate = |before: &Source, now: Timestamp| {
            let Some(secrets) = &before.secrets else {
                let reason = Invalid::new(format!("a source of kind {} has no secret", before.provider.name()));
                return Err(Refusal::Invalid { field: "key", reason });
            };
            let new = match &rotation.key {
                Some(text) => {
                    let checked = before.provider.check_secret(text);
                    checked.map_err(|reason| Refusal::Invalid { field: "key", reason })?
                }
                None => self.made_secret(&before.provider, "key")?.unwrap_or_else(|| secrets.current.clone()),
            };
            let rotated = secrets.rotated(new, now, now.plus_millis(rotation.grace_ms));
            let secrets = Some(rotated.map_err(|reason| Refusal::LimitReached(reason.0))?);
            Ok(Source { secrets, updated_at: now.later_than(before.updated_at), ..before.clone() })
        };
        let update = Update { operation: Operation::SourceRotateSecret, once: key.map(|key| ("secret", key)) };
        self.change_source(by, named, &Precondition::default(), update, rotate).await
    }

    /// Gives the source another address, once for an idempotency key: the old one is nobody's from now on.
    pub async fn rotate_source_token(
        &self,
        by: &Author,
        named: &SourceRef,
        key: Option<CreationKey<'_>>,
    ) -> Result<Source, Refusal> {
        let token = self.new_token();
        let rotate = |before: &Source, now: Timestamp| {
            Ok(Source { token, updated_at: now.later_than(before.updated_at), ..before.clone() })
        };
        let update = Update { operation: Operation::SourceRotateToken, once: key.map(|key| ("token", key)) };
        self.change_source(by, named, &Precondition::default(), update, rotate).await
    }

    /// A repeat is answered with the source as it is.
    async fn change_source(
        &self,
        by: &Author,
        named: &SourceRef,
        precondition: &Precondition,
        update: Update<'_>,
        change: impl Fn(&Source, Timestamp) -> Result<Source, Refusal>,
    ) -> Result<Source, Refusal> {
        let organization = &by.organization;
        for _ in 0..OVERTAKEN_MAX {
            let before = self.source(organization, named).await?;
            require(precondition, Some(&before.revision()))?;
            let after = change(&before, self.effects.now())?;
            let once =
                update.once.and_then(|(part, key)| self.idempotency(Some(key), &format!("{part} of {}", before.id)));
            let changed = Changed::between(&before, &after).within(after.application);
            let change = self.audit.of(by, update.operation, changed);
            match self.store.update_source(organization, &before, &after, once.as_ref(), &change).await? {
                Updated::Done => return Ok(after),
                Updated::Repeat { is_same_request: true } => return Ok(before),
                Updated::Repeat { is_same_request: false } => return Err(key_reused()),
                Updated::UidTaken => return Err(uid_taken()),
                Updated::Raced => {}
            }
        }
        Err(overtaken())
    }

    /// The application that a source's events are for.
    async fn target(&self, organization: &OrganizationId, named: &ApplicationRef) -> Result<ApplicationId, Refusal> {
        let application = self.store.application(organization, named).await?;
        application.map(|application| application.id).ok_or_else(no_application)
    }

    /// A secret where the owner tells it to the provider; none where there is none to have; refused where the provider makes it.
    fn made_secret(&self, provider: &Provider, field: &'static str) -> Result<Option<InboundSecret>, Refusal> {
        if !provider.needs_secret() {
            return Ok(None);
        }
        let mut random = [0; GENERATED_SECRET_BYTES];
        self.effects.random.fill(&mut random);
        provider.generated_secret(random).map(Some).ok_or_else(|| {
            let reason = Invalid::new(format!("is required: {} makes it", provider.name()));
            Refusal::Invalid { field, reason }
        })
    }

    fn new_token(&self) -> SourceToken {
        let mut random = [0; SOURCE_TOKEN_BYTES];
        self.effects.random.fill(&mut random);
        SourceToken::new(random)
    }
}

fn no_application() -> Refusal {
    Refusal::Invalid { field: "appId", reason: Invalid::new("there is no such application") }
}

fn unfit(reason: Invalid) -> Refusal {
    Refusal::Invalid { field: "provider", reason }
}
