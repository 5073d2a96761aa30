//! The invocation that is at work, and the trace that what it does right now belongs to. Both are known to everything that runs in
//! its task, as spans are, so that log lines and queued work carry them without every signature between.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::task::futures::TaskLocalFuture;

use super::spans::Spans;
use crate::domain::ids::RequestId;
use crate::domain::trace::TraceParent;

/// One invocation of a function.
#[derive(Default)]
pub(super) struct Invocation {
    pub(super) function: &'static str,
    pub(super) request_id: String,
    pub(super) http_request_id: Option<RequestId>,
    pub(super) is_cold: bool,
    /// The share of traces that is logged in detail.
    pub(super) debug_share: f64,
    /// The step that the invocation itself is.
    pub(super) trace: Option<TraceParent>,
    /// Where steps are recorded, if they are.
    pub(super) spans: Option<Spans>,
}

/// Where in an invocation.
#[derive(Clone)]
pub(super) struct Scope {
    pub(super) invocation: Arc<Invocation>,
    pub(super) trace: TraceParent,
    /// Whether this trace is logged in detail.
    pub(super) is_debug: bool,
}

tokio::task_local! {
    static SCOPE: Scope;
}

impl Scope {
    pub(super) fn new(invocation: Arc<Invocation>, trace: TraceParent) -> Self {
        let is_debug = invocation.debug_share > 0.0 && trace.is_among(invocation.debug_share);
        Self { invocation, trace, is_debug }
    }

    pub(super) fn around<F: Future>(self, work: F) -> TaskLocalFuture<Self, F> {
        SCOPE.scope(self, work)
    }

    /// Looks at the one that is at work; none outside of invocations.
    pub(super) fn look<T>(look: impl FnOnce(&Self) -> T) -> Option<T> {
        SCOPE.try_with(look).ok()
    }
}

/// The step that is at work, for what follows from it.
pub fn trace() -> Option<TraceParent> {
    Scope::look(|scope| scope.trace)
}

/// Has this work belong to the trace that asked for it; without one it belongs to the trace of the invocation. Boxed, because what is
/// done for one message is nested as deeply as the compiler lays out futures.
pub fn in_trace<'a, F>(trace: Option<TraceParent>, work: F) -> BoxFuture<'a, F::Output>
where
    F: Future + Send + 'a,
{
    let around = Scope::look(Clone::clone);
    let scope = match (trace, around) {
        (Some(trace), around) => Some(Scope::new(around.map(|scope| scope.invocation).unwrap_or_default(), trace)),
        (None, around) => around,
    };
    match scope {
        Some(scope) => scope.around(work).boxed(),
        None => work.boxed(),
    }
}
