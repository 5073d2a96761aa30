//! What was counted: the usage of each scenario, as `counted.json` beside this file has it. `tests/it/cost/` counts again and
//! holds the file to it; nothing in it is typed in by hand.

use serde::{Deserialize, Serialize};

use super::usage::Usage;

/// As it is committed.
pub const COUNTED: &str = include_str!("counted.json");

/// Everything that was counted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counted {
    /// Payloads of many sizes, smallest first.
    pub plain: Vec<OfSize>,
    /// The same, sealed where they are kept.
    pub sealed: Vec<OfSize>,
    /// What else happens, with a payload of a kilobyte.
    pub scenarios: Scenarios,
}

/// The way of messages with a payload of this size that are delivered at once.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfSize {
    /// Size of the payload.
    pub bytes: u64,
    /// A publish that no endpoint wants.
    pub publish_none: Usage,
    /// A publish that one endpoint wants.
    pub publish_one: Usage,
    /// A publish that five endpoints want.
    pub publish_five: Usage,
    /// A record of an imported file that one endpoint wants.
    pub import_record: Usage,
    /// A batch of one delivery.
    pub deliver_one: Usage,
    /// A batch of ten deliveries, each to an endpoint of another application.
    pub deliver_ten: Usage,
}

macro_rules! scenarios {
    ($($name:ident: $title:literal,)+) => {
        /// What else happens. What each is, is said where they are listed: [`Scenarios::all`].
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        #[allow(missing_docs, reason = "the titles say it")]
        pub struct Scenarios {
            $(pub $name: Usage,)+
        }

        impl Scenarios {
            /// Each with what it is.
            pub fn all(&self) -> Vec<(&'static str, &Usage)> {
                vec![$(($title, &self.$name),)+]
            }
        }
    };
}

scenarios! {
    publish_repeated: "publish, repeated with the same idempotency key",
    publish_of_a_hundred: "publish, the mean of a hundred within ten seconds",
    publish_cold: "publish, by a process that has just started",
    deliver_ten_to_one: "deliver, ten to one endpoint",
    deliver_steady: "deliver, the mean of a hundred to one endpoint, in batches of ten",
    deliver_cold: "deliver, by a process that has just started",
    deliver_slow: "deliver, the receiver takes 0.3 s",
    deliver_slower: "deliver, the receiver takes 1.5 s",
    fails_first: "deliver, the endpoint's first failure, retry within 15 minutes",
    fails_again: "deliver, another failure, retry within 15 minutes",
    fails_again_later: "deliver, another failure, retry later: through the due index",
    fails_last: "deliver, the last attempt fails; the organization is told, nobody listens",
    retry_succeeds: "deliver, a retry, which succeeds",
    postponed: "deliver, postponed by the circuit breaker",
    swept: "sweep, for each delivery that is due (the mean of ten)",
    sweep_empty: "sweep, nothing is due",
    import_begun: "import, for the file itself: asked for, begun, ended",
    inbound: "inbound webhook, one endpoint wants its message",
}

impl Counted {
    /// As it is committed.
    pub fn committed() -> Result<Self, serde_json::Error> {
        serde_json::from_str(COUNTED)
    }

    /// As it is to be committed: a line for each usage, so that a change of one is a change of one line.
    pub fn to_text(&self) -> Result<String, serde_json::Error> {
        let sizes = |sizes: &[OfSize]| -> Result<String, serde_json::Error> {
            let sizes = sizes
                .iter()
                .map(|of_size| Ok(format!("    {{\n{}\n    }}", lines(&serde_json::to_value(of_size)?, "      ")?)));
            Ok(sizes.collect::<Result<Vec<_>, serde_json::Error>>()?.join(",\n"))
        };
        let scenarios = lines(&serde_json::to_value(&self.scenarios)?, "    ")?;
        let (plain, sealed) = (sizes(&self.plain)?, sizes(&self.sealed)?);
        Ok(format!(
            "{{\n  \"plain\": [\n{plain}\n  ],\n  \"sealed\": [\n{sealed}\n  ],\n  \"scenarios\": {{\n{scenarios}\n  }}\n}}\n"
        ))
    }
}

/// A line for each member.
fn lines(value: &serde_json::Value, indent: &str) -> Result<String, serde_json::Error> {
    let members = value.as_object().into_iter().flatten();
    let lines = members.map(|(name, member)| Ok(format!("{indent}\"{name}\": {}", serde_json::to_string(member)?)));
    Ok(lines.collect::<Result<Vec<_>, serde_json::Error>>()?.join(",\n"))
}
