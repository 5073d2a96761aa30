//! One invocation: its deadline, its panics, its end.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fanfare::effects::Effects;

use super::context::Contexts;
use super::handler::Handler;
use crate::tasks::Tasks;
use crate::template::{FunctionPlan, Place};

/// Largest event and largest answer of a synchronous invocation: Lambda's own limit.
pub const PAYLOAD_BYTES_MAX: usize = 6 * 1024 * 1024;

/// Why an invocation gave no answer. What the function answers, good or bad, is no error.
#[derive(Debug, thiserror::Error)]
pub enum InvokeError {
    /// The event is larger than [`PAYLOAD_BYTES_MAX`]; the function never saw it.
    #[error("the event for {function} has {bytes} bytes, more than Lambda takes")]
    EventTooLarge {
        /// Logical id of the function.
        function: String,
        /// Size of the event.
        bytes: usize,
    },
    /// The answer is larger than [`PAYLOAD_BYTES_MAX`].
    #[error("the answer of {function} has {bytes} bytes, more than Lambda takes")]
    AnswerTooLarge {
        /// Logical id of the function.
        function: String,
        /// Size of the answer.
        bytes: usize,
    },
    /// The handler returned an error.
    #[error("{function} failed")]
    Failed {
        /// Logical id of the function.
        function: String,
        /// The handler's error.
        source: lambda_runtime::Error,
    },
    /// The handler panicked.
    #[error("{function} panicked: {message}")]
    Panicked {
        /// Logical id of the function.
        function: String,
        /// What it said.
        message: String,
    },
    /// The function's timeout was over.
    #[error("{function} was stopped after {} s", timeout.as_secs())]
    TimedOut {
        /// Logical id of the function.
        function: String,
        /// Its timeout.
        timeout: Duration,
    },
    /// The gateway was closed.
    #[error("{function} was stopped because the gateway was closed")]
    Closed {
        /// Logical id of the function.
        function: String,
    },
}

/// A function that can be invoked. Clones are the same function.
#[derive(Clone)]
pub struct Function {
    shared: Arc<Shared>,
}

struct Shared {
    name: String,
    timeout: Duration,
    contexts: Contexts,
    handler: Box<dyn Handler>,
    tasks: Tasks,
}

impl Function {
    /// Puts a handler behind the template's limits for it.
    pub fn new(plan: &FunctionPlan, place: &Place, handler: Box<dyn Handler>, effects: Effects, tasks: Tasks) -> Self {
        let contexts = Contexts::new(plan, place, effects);
        let shared = Shared { name: plan.logical_id.clone(), timeout: plan.timeout, contexts, handler, tasks };
        Self { shared: Arc::new(shared) }
    }

    /// Logical id.
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// Invokes the function with an event. The invocation is a task of its own: it goes on when this future is dropped.
    pub async fn invoke(&self, payload: Bytes) -> Result<Bytes, InvokeError> {
        if payload.len() > PAYLOAD_BYTES_MAX {
            return Err(InvokeError::EventTooLarge { function: self.shared.name.clone(), bytes: payload.len() });
        }
        let shared = Arc::clone(&self.shared);
        match self.shared.tasks.spawn(async move { shared.run(payload).await }).await {
            Ok(Some(result)) => result,
            Ok(None) => Err(InvokeError::Closed { function: self.shared.name.clone() }),
            Err(error) => Err(self.shared.stopped(error)),
        }
    }
}

impl Shared {
    async fn run(&self, payload: Bytes) -> Result<Bytes, InvokeError> {
        let function = || self.name.clone();
        let handled = self.handler.handle(payload, self.contexts.make());
        let answer = tokio::time::timeout(self.timeout, handled)
            .await
            .map_err(|_| InvokeError::TimedOut { function: function(), timeout: self.timeout })?
            .map_err(|source| InvokeError::Failed { function: function(), source })?;
        if answer.len() > PAYLOAD_BYTES_MAX {
            return Err(InvokeError::AnswerTooLarge { function: function(), bytes: answer.len() });
        }
        Ok(answer)
    }

    fn stopped(&self, error: tokio::task::JoinError) -> InvokeError {
        let function = self.name.clone();
        match error.try_into_panic() {
            Ok(panic) => InvokeError::Panicked { function, message: message_of(panic.as_ref()) },
            Err(_cancelled) => InvokeError::Closed { function },
        }
    }
}

fn message_of(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeMap;

    use lambda_runtime::{Error, LambdaEvent};
    use serde_json::{Value, json};

    use super::super::handler::events;
    use super::*;

    fn function(timeout: Duration, tasks: &Tasks) -> Function {
        let plan = FunctionPlan {
            logical_id: "EchoFunction".to_owned(),
            binary: "echo".to_owned(),
            environment: BTreeMap::new(),
            timeout,
            memory_mb: 256,
        };
        let handler = events(|event: LambdaEvent<Value>| async move {
            match event.payload["do"].as_str() {
                Some("panic") => panic!("as asked"),
                Some("wait") => std::future::pending().await,
                Some("fail") => Err(Error::from("as asked")),
                _ => Ok(json!({ "event": event.payload, "arn": event.context.invoked_function_arn })),
            }
        });
        Function::new(&plan, &Place::local(""), Box::new(handler), Effects::system(), tasks.clone())
    }

    async fn invoke(function: &Function, event: &Value) -> Result<Value, InvokeError> {
        let answer = function.invoke(Bytes::from(event.to_string())).await?;
        Ok(serde_json::from_slice(&answer).unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn an_invocation_ends_in_an_answer_or_in_one_error() {
        let function = function(Duration::from_secs(3), &Tasks::new());
        let answer = invoke(&function, &json!({ "a": 1 })).await.unwrap();
        assert_eq!(answer["event"], json!({ "a": 1 }));
        assert!(answer["arn"].as_str().unwrap().ends_with("function:fanfare-local-EchoFunction"));
        let failed = |kind: &str| json!({ "do": kind });
        let panicked = invoke(&function, &failed("panic")).await;
        assert!(matches!(panicked, Err(InvokeError::Panicked { message, .. }) if message == "as asked"));
        assert!(matches!(invoke(&function, &failed("wait")).await, Err(InvokeError::TimedOut { .. })));
        assert!(matches!(invoke(&function, &failed("fail")).await, Err(InvokeError::Failed { .. })));
        assert!(matches!(function.invoke("not json".into()).await, Err(InvokeError::Failed { .. })));
        let large = Bytes::from(vec![b' '; PAYLOAD_BYTES_MAX + 1]);
        assert!(matches!(function.invoke(large).await, Err(InvokeError::EventTooLarge { .. })));
    }

    #[tokio::test]
    async fn a_closed_gateway_ends_its_invocations() {
        let tasks = Tasks::new();
        let function = function(Duration::from_secs(60), &tasks);
        let running = tokio::spawn(async move { invoke(&function, &json!({ "do": "wait" })).await });
        tokio::task::yield_now().await;
        tasks.end();
        assert!(matches!(running.await.unwrap(), Err(InvokeError::Closed { .. })));
    }
}
