//! Gathering: many callers that each want one thing done, and an engine that does many in one call.
//!
//! While one call is on its way, what arrives meanwhile waits together and becomes the next call. So a lone caller waits
//! for nobody, those who come in one moment share a call, and under load a call carries as much as it may. No timer, no
//! background task: the callers themselves take turns, which is what a Lambda function needs, since it is frozen as soon as its
//! last caller has its answer.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Semaphore, oneshot};

use crate::fault::Fault;

/// What one call did with each of its things, in their order.
pub type Results = Vec<Result<(), Fault>>;

/// Does a batch of things.
pub type Call<T> = Box<dyn Fn(Vec<T>) -> Pin<Box<dyn Future<Output = Results> + Send>> + Send + Sync>;

/// Gathers things into calls. Cheap to clone.
pub struct Gatherer<T>(Arc<Inner<T>>);

struct Inner<T> {
    call: Call<T>,
    limits: Limits,
    waiting: Mutex<VecDeque<Waiting<T>>>,
    calls: Semaphore,
}

/// What one call may carry, and how many run at once.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Things in one call.
    pub items_max: usize,
    /// Their bytes together; a larger single thing still goes alone.
    pub bytes_max: usize,
    /// Calls at one time.
    pub calls_max: usize,
}

struct Waiting<T> {
    thing: T,
    bytes: usize,
    done: oneshot::Sender<Result<(), Fault>>,
}

impl<T> Clone for Gatherer<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Send + 'static> Gatherer<T> {
    /// Gathers for this call.
    pub fn new(limits: Limits, call: Call<T>) -> Self {
        let calls = Semaphore::new(limits.calls_max);
        Self(Arc::new(Inner { call, limits, waiting: Mutex::default(), calls }))
    }

    /// Has one thing of this size done, together with what others want done now.
    pub async fn run(&self, thing: T, bytes: usize) -> Result<(), Fault> {
        let (done, mut outcome) = oneshot::channel();
        self.queue().push_back(Waiting { thing, bytes, done });
        // Those who come in this very moment come along: the other endpoints of a message, the other attempts of a batch.
        tokio::task::yield_now().await;
        // Either another caller's call takes this thing along, or it is our turn to make a call for everybody.
        tokio::select! {
            biased;
            outcome = &mut outcome => return outcome.unwrap_or_else(|_| Err(abandoned())),
            permit = self.0.calls.acquire() => {
                let _permit = permit.map_err(|_| abandoned())?;
                while outcome.is_empty() && self.call_once().await {}
            }
        }
        outcome.await.unwrap_or_else(|_| Err(abandoned()))
    }

    /// Makes one call with what waits; whether there was anything.
    async fn call_once(&self) -> bool {
        let batch = self.take();
        if batch.is_empty() {
            return false;
        }
        let (things, callers): (Vec<T>, Vec<_>) = batch.into_iter().map(|w| (w.thing, w.done)).unzip();
        let mut results = (self.0.call)(things).await.into_iter();
        for done in callers {
            // A caller that has gone away does not care any more; what it wanted is done all the same.
            let _ = done.send(results.next().unwrap_or_else(|| Err(abandoned())));
        }
        true
    }

    fn take(&self) -> Vec<Waiting<T>> {
        let mut queue = self.queue();
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while batch.len() < self.0.limits.items_max
            && let Some(next) = queue.front()
            && (batch.is_empty() || bytes + next.bytes <= self.0.limits.bytes_max)
        {
            bytes += next.bytes;
            batch.extend(queue.pop_front());
        }
        batch
    }

    fn queue(&self) -> std::sync::MutexGuard<'_, VecDeque<Waiting<T>>> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The caller who made the call was dropped in the middle of it: whether it took effect is not known.
fn abandoned() -> Fault {
    Fault::unavailable("waiting for a gathered call", "the call was abandoned")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use futures_util::FutureExt;

    type Calls = Arc<Mutex<Vec<Vec<u32>>>>;

    const LIMITS: Limits = Limits { items_max: 3, bytes_max: 10, calls_max: 1 };

    /// Gathers numbers; each call notes what it carried. Odd numbers fail.
    fn numbers() -> (Gatherer<u32>, Calls) {
        let calls = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&calls);
        let gatherer = Gatherer::new(
            LIMITS,
            Box::new(move |batch: Vec<u32>| {
                seen.lock().unwrap().push(batch.clone());
                Box::pin(async move {
                    tokio::task::yield_now().await;
                    let fails = |n: &u32| if n % 2 == 1 { Err(Fault::corrupt("odd")) } else { Ok(()) };
                    batch.iter().map(fails).collect()
                })
            }),
        );
        (gatherer, calls)
    }

    #[tokio::test]
    async fn callers_share_calls_up_to_the_limits_and_each_gets_its_own_result() {
        let (gatherer, calls) = numbers();
        let wishes = (0..8).map(|n| {
            let gatherer = gatherer.clone();
            async move { (n, gatherer.run(n, if n == 7 { 100 } else { 4 }).await.is_ok()) }
        });
        let results = futures_util::future::join_all(wishes).await;
        assert!(results.iter().all(|(n, is_done)| *is_done == (n % 2 == 0)), "{results:?}");
        let calls = calls.lock().unwrap();
        let mut all: Vec<u32> = calls.concat();
        all.sort_unstable();
        assert_eq!(all, (0..8).collect::<Vec<_>>());
        assert!(calls.len() < 8 && calls.iter().all(|call| call.len() <= 2), "{calls:?}");
    }

    /// Whatever is free to go alone.
    #[tokio::test]
    async fn those_who_come_together_go_together() {
        let calls = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&calls);
        let limits = Limits { items_max: 25, bytes_max: 1_000, calls_max: 4 };
        let call: Call<u32> = Box::new(move |batch| {
            seen.lock().unwrap().push(batch.len());
            let results = batch.iter().map(|_| Ok(())).collect();
            Box::pin(std::future::ready(results))
        });
        let gatherer = Gatherer::new(limits, call);
        let results = futures_util::future::join_all((0..10).map(|n| gatherer.run(n, 1))).await;
        assert!(results.iter().all(Result::is_ok));
        assert_eq!(*calls.lock().unwrap(), [10]);
    }

    #[tokio::test]
    async fn a_lone_caller_waits_for_nobody() {
        let (gatherer, calls) = numbers();
        gatherer.run(2, 1).await.unwrap();
        assert_eq!(*calls.lock().unwrap(), [[2]]);
    }

    #[tokio::test]
    async fn a_dropped_caller_harms_only_those_in_its_call() {
        let (gatherer, _) = numbers();
        assert!(gatherer.run(2, 1).now_or_never().is_none());
        gatherer.run(4, 1).await.unwrap();
    }
}
