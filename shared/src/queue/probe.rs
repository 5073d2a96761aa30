//! Whether a queue answers.

use aws_config::SdkConfig;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::QueueAttributeName;

use crate::fault::Fault;

/// Asks a queue something that changes nothing. Cheap to clone; one per process.
#[derive(Clone)]
pub struct QueueProbe {
    client: Client,
    url: String,
}

impl QueueProbe {
    /// For the queue at this URL.
    pub fn new(sdk: &SdkConfig, url: &str) -> Self {
        Self { client: Client::new(sdk), url: url.to_owned() }
    }

    /// Whether it answers.
    pub async fn check(&self) -> Result<(), Fault> {
        let ask = self.client.get_queue_attributes().queue_url(&self.url);
        let asked = ask.attribute_names(QueueAttributeName::QueueArn).send().await;
        asked.map(drop).map_err(|error| Fault::unavailable("checking the queue", error))
    }
}
