//! Endpoints.

use super::{Configure, CreationKey, OVERTAKEN_MAX, Refusal, Saved, key_reused, overtaken, require, uid_taken};
use crate::domain::Invalid;
use crate::domain::application::Application;
use crate::domain::audit::{Author, Changed, Operation};
use crate::domain::endpoint::{
    ENDPOINTS_PER_APPLICATION_MAX, Endpoint, EndpointDraft, EndpointPatch, HEADERS_MAX, Header,
};
use crate::domain::ids::{AppScope, EndpointId, OrganizationId};
use crate::domain::names::EventTypeName;
use crate::domain::operational::{OperationalEvent, OperationalEventType, Whose, operational_application};
use crate::domain::page::{Page, PageRequest};
use crate::domain::revision::Precondition;
use crate::domain::signature::{SECRET_BYTES_DEFAULT, SignatureScheme, SigningSecret};
use crate::domain::timestamp::Timestamp;
use crate::domain::url::EndpointUrl;
use crate::flows::Thing;
use crate::store::{ApplicationRef, Created, EndpointRef, Updated};

/// The field that legacy signatures which do not fit the rest are found in.
const LEGACY_SIGNATURES: &str = "legacySignatures";

const NO_ENDPOINT: Refusal = Refusal::NotFound(Thing::Endpoint);

/// An endpoint as a caller names it.
#[derive(Clone, Debug)]
pub struct EndpointName {
    /// The caller's.
    pub organization: OrganizationId,
    /// Which of its applications.
    pub application: ApplicationRef,
    /// Which of that one's endpoints.
    pub endpoint: EndpointRef,
}

/// An endpoint that is to be created.
#[derive(Clone, Debug)]
pub struct NewEndpoint {
    /// What the caller says about it.
    pub draft: EndpointDraft,
    /// What signs; none: one is made.
    pub secret: Option<SigningSecret>,
    /// What a secret that is made is for.
    pub scheme: SignatureScheme,
    /// Sent with every delivery.
    pub headers: Vec<Header>,
}

impl Configure {
    /// The scope of the application a caller names.
    pub async fn scope(&self, organization: &OrganizationId, named: &ApplicationRef) -> Result<AppScope, Refusal> {
        self.owner(organization, named).await.map(|(scope, _)| scope)
    }

    /// The application a caller names, with its scope.
    pub(super) async fn owner(
        &self,
        organization: &OrganizationId,
        named: &ApplicationRef,
    ) -> Result<(AppScope, Application), Refusal> {
        let application = self.application(organization, named).await?;
        Ok((AppScope { organization: *organization, application: application.id }, application))
    }

    /// Creates an endpoint.
    pub async fn create_endpoint(
        &self,
        by: &Author,
        application: &ApplicationRef,
        new: NewEndpoint,
        key: Option<CreationKey<'_>>,
    ) -> Result<Endpoint, Refusal> {
        let (scope, application) = self.owner(&by.organization, application).await?;
        let endpoint = self.make_endpoint(by, &scope, new, key).await?;
        let whose = Whose::of(&scope, &application);
        self.announce(&[OperationalEvent::endpoint_created(whose, &endpoint)]).await;
        Ok(endpoint)
    }

    async fn make_endpoint(
        &self,
        by: &Author,
        scope: &AppScope,
        new: NewEndpoint,
        key: Option<CreationKey<'_>>,
    ) -> Result<Endpoint, Refusal> {
        let idempotency = self.idempotency(key, &format!("endpoint of {}", scope.application));
        if let Err(refusal) = self.check_new(scope, &new.draft).await {
            // What a repeat's first request made may be the very endpoint that fills the application.
            return match &idempotency {
                Some(key) => match self.store.made_before(&scope.organization, key).await? {
                    Some(repeat) => self.created(scope, repeat).await,
                    None => Err(refusal),
                },
                None => Err(refusal),
            };
        }
        let now = self.effects.now();
        let id = EndpointId::new(now, self.effects.random.id_tail());
        let secret = match new.secret {
            Some(secret) => secret,
            None => self.new_secret(new.scheme),
        };
        let endpoint = checked(new.draft.create(id, secret, new.headers, now), LEGACY_SIGNATURES)?;
        let changed = Changed::created(&endpoint).within(scope.application);
        let change = self.audit.of(by, Operation::EndpointCreate, changed);
        match self.store.create_endpoint(scope, &endpoint, idempotency.as_ref(), &change).await? {
            Created::New => Ok(endpoint),
            other => self.created(scope, other).await,
        }
    }

    async fn check_new(&self, scope: &AppScope, draft: &EndpointDraft) -> Result<(), Refusal> {
        self.check(scope.organization, &ApplicationRef::Id(scope.application), Some(&draft.url), &draft.event_types)
            .await?;
        if self.store.count_endpoints(scope).await? >= ENDPOINTS_PER_APPLICATION_MAX {
            return Err(Refusal::LimitReached(format!(
                "an application may have {ENDPOINTS_PER_APPLICATION_MAX} endpoints"
            )));
        }
        self.check_destination(&draft.url).await
    }

    /// The answer to a creation that made nothing new.
    async fn created(&self, scope: &AppScope, created: Created) -> Result<Endpoint, Refusal> {
        match created {
            Created::New | Created::ParentGone | Created::Full => Err(Refusal::NotFound(Thing::Application)),
            Created::NameTaken => Err(uid_taken()),
            Created::Repeat { is_same_request: false, .. } => Err(key_reused()),
            Created::Repeat { made, is_same_request: true } => {
                let named = EndpointRef::parse(&made).ok_or(NO_ENDPOINT)?;
                self.store.endpoint(scope, &named).await?.ok_or(NO_ENDPOINT)
            }
        }
    }

    /// The endpoint a caller names.
    pub async fn endpoint(&self, named: &EndpointName) -> Result<Endpoint, Refusal> {
        let scope = self.scope(&named.organization, &named.application).await?;
        self.store.endpoint(&scope, &named.endpoint).await?.ok_or(NO_ENDPOINT)
    }

    /// A page of the application's endpoints.
    pub async fn list_endpoints(
        &self,
        organization: &OrganizationId,
        application: &ApplicationRef,
        request: &PageRequest<EndpointId>,
    ) -> Result<Page<Endpoint, EndpointId>, Refusal> {
        let scope = self.scope(organization, application).await?;
        Ok(self.store.list_endpoints(&scope, request).await?)
    }

    /// Replaces an endpoint, or creates it when it is named by a uid nobody has. Named by its uid it keeps it, unless the
    /// caller gives another.
    pub async fn put_endpoint(
        &self,
        by: &Author,
        named: &EndpointName,
        mut draft: EndpointDraft,
        precondition: &Precondition,
    ) -> Result<Saved<Endpoint>, Refusal> {
        if let (None, EndpointRef::Uid(uid)) = (&draft.uid, &named.endpoint) {
            draft.uid = Some(uid.clone());
        }
        self.check(named.organization, &named.application, Some(&draft.url), &draft.event_types).await?;
        let replace = |before: &Endpoint, now| checked(draft.clone().replace(before, now), LEGACY_SIGNATURES);
        let EndpointRef::Uid(uid) = &named.endpoint else {
            return self.change_endpoint(by, named, precondition, replace).await.map(Saved::Existing);
        };
        match self.change_endpoint(by, named, precondition, &replace).await {
            Err(Refusal::NotFound(Thing::Endpoint)) => {}
            outcome => return outcome.map(Saved::Existing),
        }
        require(precondition, None)?;
        let is_own_uid = draft.uid.as_ref() == Some(uid);
        let (draft, scheme) = (draft.clone(), SignatureScheme::V1);
        let new = NewEndpoint { draft, secret: None, scheme, headers: Vec::new() };
        match self.create_endpoint(by, &named.application, new, None).await {
            // Somebody else created it just now.
            Err(Refusal::Conflict(_)) if is_own_uid => {
                self.change_endpoint(by, named, precondition, replace).await.map(Saved::Existing)
            }
            outcome => outcome.map(Saved::Created),
        }
    }

    /// Changes what the patch says.
    pub async fn patch_endpoint(
        &self,
        by: &Author,
        named: &EndpointName,
        patch: EndpointPatch,
        precondition: &Precondition,
    ) -> Result<Endpoint, Refusal> {
        let event_types = patch.event_types.as_deref().unwrap_or_default();
        self.check(named.organization, &named.application, patch.url.as_ref(), event_types).await?;
        let apply = |before: &Endpoint, now| checked(patch.clone().apply(before, now), LEGACY_SIGNATURES);
        self.change_endpoint(by, named, precondition, apply).await
    }

    /// Deletes an endpoint; deliveries to it that are on their way end.
    pub async fn delete_endpoint(
        &self,
        by: &Author,
        named: &EndpointName,
        precondition: &Precondition,
    ) -> Result<(), Refusal> {
        let (scope, application) = self.owner(&named.organization, &named.application).await?;
        for _ in 0..OVERTAKEN_MAX {
            let before = self.store.endpoint(&scope, &named.endpoint).await?.ok_or(NO_ENDPOINT)?;
            require(precondition, Some(&before.revision()))?;
            let changed = Changed::deleted(&before).within(scope.application);
            let change = self.audit.of(by, Operation::EndpointDelete, changed);
            if self.store.delete_endpoint(&scope, &before, &change).await? == Updated::Done {
                let whose = Whose::of(&scope, &application);
                self.announce(&[OperationalEvent::endpoint_deleted(whose, &before)]).await;
                return Ok(());
            }
        }
        Err(overtaken())
    }

    /// Replaces the headers sent with every delivery.
    pub async fn put_headers(
        &self,
        by: &Author,
        named: &EndpointName,
        headers: Vec<Header>,
        precondition: &Precondition,
    ) -> Result<(), Refusal> {
        let replace = |before: &Endpoint, now| with_headers(before, headers.clone(), now);
        self.change_endpoint(by, named, precondition, replace).await.map(drop)
    }

    /// Sets some of the headers and removes others; the rest stays.
    pub async fn patch_headers(
        &self,
        by: &Author,
        named: &EndpointName,
        set: Vec<Header>,
        remove: Vec<String>,
        precondition: &Precondition,
    ) -> Result<(), Refusal> {
        let is_kept = |header: &Header| {
            !remove.iter().any(|name| name.eq_ignore_ascii_case(header.name()))
                && !set.iter().any(|new| new.name() == header.name())
        };
        let patch = |before: &Endpoint, now| {
            let kept = before.headers.iter().filter(|header| is_kept(header));
            with_headers(before, kept.chain(&set).cloned().collect(), now)
        };
        self.change_endpoint(by, named, precondition, patch).await.map(drop)
    }

    async fn change_endpoint(
        &self,
        by: &Author,
        named: &EndpointName,
        precondition: &Precondition,
        change: impl Fn(&Endpoint, Timestamp) -> Result<Endpoint, Refusal>,
    ) -> Result<Endpoint, Refusal> {
        let (scope, application) = self.owner(&named.organization, &named.application).await?;
        let mut looked_at = None;
        for _ in 0..OVERTAKEN_MAX {
            let before = self.store.endpoint(&scope, &named.endpoint).await?.ok_or(NO_ENDPOINT)?;
            require(precondition, Some(&before.revision()))?;
            let after = change(&before, self.effects.now())?;
            if after.url != before.url && looked_at.as_ref() != Some(&after.url) {
                self.check_destination(&after.url).await?;
                looked_at = Some(after.url.clone());
            }
            let changed = Changed::between(&before, &after).within(scope.application);
            let change = self.audit.of(by, Operation::EndpointUpdate, changed);
            match self.store.update_endpoint(&scope, &before, &after, &change).await? {
                Updated::Done => {
                    if after.begins_anew(&before)
                        && let Err(fault) = self.store.forget_gate(&scope, &after.id).await
                    {
                        // The change is done; what was learnt before it wears off by itself.
                        tracing::warn!(endpoint.id = %after.id, error = fault.chain(), "an endpoint's gate was not forgotten");
                    }
                    let whose = Whose::of(&scope, &application);
                    self.announce(&OperationalEvent::endpoint_changed(whose, &before, &after)).await;
                    return Ok(after);
                }
                Updated::UidTaken => return Err(uid_taken()),
                Updated::Raced | Updated::Repeat { .. } => {}
            }
        }
        Err(overtaken())
    }

    /// The rules that the text of a request alone cannot tell.
    async fn check(
        &self,
        organization: OrganizationId,
        application: &ApplicationRef,
        url: Option<&EndpointUrl>,
        event_types: &[EventTypeName],
    ) -> Result<(), Refusal> {
        if self.https_only && url.is_some_and(|url| !url.is_https()) {
            return Err(Refusal::Invalid { field: "url", reason: Invalid::new("must be an https URL") });
        }
        if event_types.is_empty() {
            return Ok(());
        }
        let unknown = match application {
            // What is told there is ours to say, not the organization's.
            ApplicationRef::Id(id) if *id == operational_application(&organization) => {
                let is_unknown = |name: &&EventTypeName| OperationalEventType::parse(name.as_str()).is_none();
                event_types.iter().filter(is_unknown).cloned().collect()
            }
            _ => self.store.unknown_event_types(&organization, event_types).await?,
        };
        let Some(first) = unknown.first() else { return Ok(()) };
        let reason = Invalid::new(format!("no event type is named {first}; create it first"));
        Err(Refusal::Invalid { field: "eventTypes", reason })
    }

    /// Whether webhooks could go there; asks the name server.
    async fn check_destination(&self, url: &EndpointUrl) -> Result<(), Refusal> {
        self.destinations.check(url).await.map_err(|reason| Refusal::Invalid { field: "url", reason })
    }

    fn new_secret(&self, scheme: SignatureScheme) -> SigningSecret {
        let mut bytes = [0; SECRET_BYTES_DEFAULT];
        self.effects.random.fill(&mut bytes);
        scheme.secret_of(bytes)
    }
}

/// The endpoint, if its parts agree; else the refusal of the field that was changed.
pub(super) fn checked(endpoint: Endpoint, field: &'static str) -> Result<Endpoint, Refusal> {
    match endpoint.check_legacy_signatures() {
        Ok(()) => Ok(endpoint),
        Err(reason) => Err(Refusal::Invalid { field, reason }),
    }
}

fn with_headers(before: &Endpoint, headers: Vec<Header>, now: Timestamp) -> Result<Endpoint, Refusal> {
    if headers.len() > HEADERS_MAX {
        return Err(Refusal::LimitReached(format!("an endpoint may have {HEADERS_MAX} headers")));
    }
    let updated_at = now.later_than(before.updated_at);
    checked(Endpoint { headers, updated_at, ..before.clone() }, "headers")
}
