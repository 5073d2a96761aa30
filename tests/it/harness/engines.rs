//! The engines behind a test: ours, in memory; for the services that `tests/lanes/second-engines.sh` names another one for, that.

use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use fanfare_engines::{Clock, system_clock};
use fanfare_local::Gateway;
use fanfare_second_engines::{SecondEngines, Service};

use super::table::{TABLE, items, text};

#[derive(Clone)]
pub(crate) struct Engines {
    ours: fanfare_engines::Engines,
    others: SecondEngines,
    clock: Clock,
}

impl Engines {
    /// Engines that know nothing, on this clock, as far as they are ours.
    pub(crate) fn in_memory(clock: Clock) -> Self {
        let ours = fanfare_engines::Engines::in_memory(clock.clone()).unwrap();
        let others = SecondEngines::empty();
        SecondEngines::set_clock(clock());
        Self { ours, others, clock }
    }

    /// The engines of a gateway, which has the machine's time.
    pub(crate) fn of(gateway: &Gateway, others: SecondEngines) -> Self {
        Self { ours: gateway.engines().clone(), others, clock: system_clock() }
    }

    pub(crate) fn http_client(&self) -> SharedHttpClient {
        self.others.wrap(self.ours.http_client())
    }

    pub(crate) fn sdk_config(&self) -> SdkConfig {
        self.others.configure(self.ours.sdk_config())
    }

    /// Removes what is past its time from the table. DynamoDB does so within days, and nobody can tell it to.
    pub(crate) async fn sweep_expired(&self) {
        if !Service::Table.is_elsewhere() {
            self.ours.sweep_expired().await.unwrap();
            return;
        }
        let now_s = (self.clock)() / 1_000;
        let is_over =
            |ttl: &AttributeValue| ttl.as_n().is_ok_and(|ttl| ttl.parse::<u64>().is_ok_and(|ttl| ttl < now_s));
        let client = Client::new(&self.sdk_config());
        for item in items(self).await.iter().filter(|item| item.get("ttl").is_some_and(is_over)) {
            let [pk, sk] = ["pk", "sk"].map(|name| AttributeValue::S(text(item, name)));
            client.delete_item().table_name(TABLE).key("pk", pk).key("sk", sk).send().await.unwrap();
        }
    }
}
