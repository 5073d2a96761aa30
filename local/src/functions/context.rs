//! What Lambda tells a function about an invocation.

use std::sync::Arc;

use fanfare::effects::Effects;
use lambda_runtime::{Config, Context};

use crate::ids;
use crate::template::{FunctionPlan, Place};

/// Makes the contexts of one function; all but request id and deadline is the same every time.
pub(super) struct Contexts {
    template: Context,
    timeout_ms: u64,
    effects: Effects,
}

impl Contexts {
    pub(super) fn new(plan: &FunctionPlan, place: &Place, effects: Effects) -> Self {
        let config = Config {
            function_name: format!("{}-{}", place.stack_name, plan.logical_id),
            memory: i32::try_from(plan.memory_mb).unwrap_or(i32::MAX),
            version: "$LATEST".to_owned(),
            ..Config::default()
        };
        let mut template = Context::default();
        template.invoked_function_arn =
            format!("arn:aws:lambda:{}:{}:function:{}", place.region, place.account, config.function_name);
        template.env_config = Arc::new(config);
        let timeout_ms = u64::try_from(plan.timeout.as_millis()).unwrap_or(u64::MAX);
        Self { template, timeout_ms, effects }
    }

    pub(super) fn make(&self) -> Context {
        let now_ms = u64::try_from(self.effects.now().as_millis()).unwrap_or_default();
        let mut context = self.template.clone();
        context.request_id = ids::uuid(&*self.effects.random);
        context.deadline = now_ms.saturating_add(self.timeout_ms);
        context
    }
}
