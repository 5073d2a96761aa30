//! Endpoints.

use super::{Configure, CreationKey, OVERTAKEN_MAX, Refusal, Saved, key_reused, overtaken, uid_taken};
use crate::domain::Invalid;
use crate::domain::endpoint::{
    ENDPOINTS_PER_APPLICATION_MAX, Endpoint, EndpointDraft, EndpointPatch, HEADERS_MAX, Header,
};
use crate::domain::ids::{AppScope, EndpointId, OrganizationId};
use crate::domain::names::EventTypeName;
use crate::domain::page::{Page, PageRequest};
use crate::domain::signature::{SECRET_BYTES_DEFAULT, SigningSecret};
use crate::domain::timestamp::Timestamp;
use crate::domain::url::EndpointUrl;
use crate::flows::Thing;
use crate::store::{ApplicationRef, Created, EndpointRef, Updated};

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
    /// Sent with every delivery.
    pub headers: Vec<Header>,
}

impl Configure {
    /// The scope of the application a caller names.
    pub async fn scope(&self, organization: &OrganizationId, named: &ApplicationRef) -> Result<AppScope, Refusal> {
        let application = self.application(organization, named).await?.id;
        Ok(AppScope { organization: *organization, application })
    }

    /// Creates an endpoint.
    pub async fn create_endpoint(
        &self,
        organization: &OrganizationId,
        application: &ApplicationRef,
        new: NewEndpoint,
        key: Option<CreationKey<'_>>,
    ) -> Result<Endpoint, Refusal> {
        let scope = self.scope(organization, application).await?;
        let idempotency = self.idempotency(key, &format!("endpoint of {}", scope.application));
        if let Err(refusal) = self.check_new(&scope, &new.draft).await {
            // What a repeat's first request made may be the very endpoint that fills the application.
            return match &idempotency {
                Some(key) => match self.store.made_before(organization, key).await? {
                    Some(repeat) => self.created(&scope, repeat).await,
                    None => Err(refusal),
                },
                None => Err(refusal),
            };
        }
        let now = self.effects.now();
        let id = EndpointId::new(now, self.effects.random.id_tail());
        let secret = match new.secret {
            Some(secret) => secret,
            None => self.new_secret(),
        };
        let endpoint = new.draft.create(id, secret, new.headers, now);
        match self.store.create_endpoint(&scope, &endpoint, idempotency.as_ref()).await? {
            Created::New => Ok(endpoint),
            other => self.created(&scope, other).await,
        }
    }

    async fn check_new(&self, scope: &AppScope, draft: &EndpointDraft) -> Result<(), Refusal> {
        self.check(&scope.organization, Some(&draft.url), &draft.event_types).await?;
        if self.store.count_endpoints(scope).await? >= ENDPOINTS_PER_APPLICATION_MAX {
            return Err(Refusal::LimitReached(format!(
                "an application may have {ENDPOINTS_PER_APPLICATION_MAX} endpoints"
            )));
        }
        Ok(())
    }

    /// The answer to a creation that made nothing new.
    async fn created(&self, scope: &AppScope, created: Created) -> Result<Endpoint, Refusal> {
        match created {
            Created::New | Created::ParentGone => Err(Refusal::NotFound(Thing::Application)),
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
        named: &EndpointName,
        mut draft: EndpointDraft,
    ) -> Result<Saved<Endpoint>, Refusal> {
        if let (None, EndpointRef::Uid(uid)) = (&draft.uid, &named.endpoint) {
            draft.uid = Some(uid.clone());
        }
        self.check(&named.organization, Some(&draft.url), &draft.event_types).await?;
        let replace = |before: &Endpoint, now| draft.clone().replace(before, now);
        match (self.change_endpoint(named, replace).await, &named.endpoint) {
            (Err(Refusal::NotFound(Thing::Endpoint)), EndpointRef::Uid(_)) => {
                let new = NewEndpoint { draft, secret: None, headers: Vec::new() };
                self.create_endpoint(&named.organization, &named.application, new, None).await.map(Saved::Created)
            }
            (outcome, _) => outcome.map(Saved::Existing),
        }
    }

    /// Changes what the patch says.
    pub async fn patch_endpoint(&self, named: &EndpointName, patch: EndpointPatch) -> Result<Endpoint, Refusal> {
        let event_types = patch.event_types.as_deref().unwrap_or_default();
        self.check(&named.organization, patch.url.as_ref(), event_types).await?;
        let apply = |before: &Endpoint, now| patch.clone().apply(before, now);
        self.change_endpoint(named, apply).await
    }

    /// Deletes an endpoint; deliveries to it that are on their way end.
    pub async fn delete_endpoint(&self, named: &EndpointName) -> Result<(), Refusal> {
        let scope = self.scope(&named.organization, &named.application).await?;
        let endpoint = self.store.endpoint(&scope, &named.endpoint).await?.ok_or(NO_ENDPOINT)?;
        Ok(self.store.delete_endpoint(&scope, &endpoint).await?)
    }

    /// Replaces the headers sent with every delivery.
    pub async fn put_headers(&self, named: &EndpointName, headers: Vec<Header>) -> Result<(), Refusal> {
        let replace = |before: &Endpoint, now: Timestamp| Endpoint {
            headers: headers.clone(),
            updated_at: now.later_than(before.updated_at),
            ..before.clone()
        };
        self.change_endpoint(named, replace).await.map(drop)
    }

    /// Sets some of the headers and removes others; the rest stays.
    pub async fn patch_headers(
        &self,
        named: &EndpointName,
        set: Vec<Header>,
        remove: Vec<String>,
    ) -> Result<(), Refusal> {
        let is_kept = |header: &Header| {
            !remove.iter().any(|name| name.eq_ignore_ascii_case(header.name()))
                && !set.iter().any(|new| new.name() == header.name())
        };
        let patch = |before: &Endpoint, now: Timestamp| Endpoint {
            headers: before.headers.iter().filter(|header| is_kept(header)).chain(&set).cloned().collect(),
            updated_at: now.later_than(before.updated_at),
            ..before.clone()
        };
        let endpoint = self.endpoint(named).await?;
        if patch(&endpoint, self.effects.now()).headers.len() > HEADERS_MAX {
            return Err(Refusal::LimitReached(format!("an endpoint may have {HEADERS_MAX} headers")));
        }
        self.change_endpoint(named, patch).await.map(drop)
    }

    async fn change_endpoint(
        &self,
        named: &EndpointName,
        change: impl Fn(&Endpoint, Timestamp) -> Endpoint,
    ) -> Result<Endpoint, Refusal> {
        let scope = self.scope(&named.organization, &named.application).await?;
        for _ in 0..OVERTAKEN_MAX {
            let before = self.store.endpoint(&scope, &named.endpoint).await?.ok_or(NO_ENDPOINT)?;
            let after = change(&before, self.effects.now());
            match self.store.update_endpoint(&scope, &before, &after).await? {
                Updated::Done => return Ok(after),
                Updated::UidTaken => return Err(uid_taken()),
                Updated::Raced | Updated::Repeat { .. } => {}
            }
        }
        Err(overtaken())
    }

    /// The rules that the text of a request alone cannot tell.
    async fn check(
        &self,
        organization: &OrganizationId,
        url: Option<&EndpointUrl>,
        event_types: &[EventTypeName],
    ) -> Result<(), Refusal> {
        if self.https_only && url.is_some_and(|url| !url.is_https()) {
            return Err(Refusal::Invalid { field: "url", reason: Invalid::new("must be an https URL") });
        }
        if event_types.is_empty() {
            return Ok(());
        }
        let unknown = self.store.unknown_event_types(organization, event_types).await?;
        let Some(first) = unknown.first() else { return Ok(()) };
        let reason = Invalid::new(format!("no event type is named {first}; create it first"));
        Err(Refusal::Invalid { field: "eventTypes", reason })
    }

    fn new_secret(&self) -> SigningSecret {
        let mut bytes = [0; SECRET_BYTES_DEFAULT];
        self.effects.random.fill(&mut bytes);
        SigningSecret::Symmetric(bytes.to_vec())
    }
}
