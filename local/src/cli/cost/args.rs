//! The flags of `fanfare cost`.

use clap::Args;
use fanfare::domain::message::{PAYLOAD_BYTES_MAX, RETENTION_DAYS_DEFAULT};

use super::load::{BATCH_MAX, Load};
use super::numbers::{bytes, number, quantity, share};
use super::prices::Assumed;

/// Endpoints a message is queued for at once; for more, others work in the background, which is not reckoned with.
const ENDPOINTS_MAX: f64 = 100.0;
/// Above that nothing arrives any more.
const FAILURE_MAX: f64 = 0.9;

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  fanfare cost --messages 10M --endpoints 1.3 --size 1KB --failure 2%
  fanfare cost --messages 300M --batch 8    many deliveries at one time: batches fill
  fanfare cost --messages 1M --import 100% --json
  fanfare cost --messages 0                 what is paid when nothing happens

Calls and units were counted; prices and assumptions are in local/src/cli/cost/prices.yaml. docs/COST.md says how.")]
pub(in crate::cli) struct CostArgs {
    /// Messages a month: 300, 2.5k, 10M, 1G
    #[arg(long, default_value = "1M", value_parser = quantity, value_name = "N")]
    messages: f64,
    /// Endpoints that want a message, on average
    #[arg(long, default_value = "1", value_parser = number, value_name = "N")]
    endpoints: f64,
    /// Size of a payload
    #[arg(long, default_value = "1KB", value_parser = bytes, value_name = "BYTES")]
    size: f64,
    /// Share of attempts that fail
    #[arg(long, default_value = "0", value_parser = share, value_name = "SHARE")]
    failure: f64,
    /// Share of messages that come in imported files
    #[arg(long, default_value = "0", value_parser = share, value_name = "SHARE")]
    import: f64,
    /// Share of messages that come as webhooks from outside
    #[arg(long, default_value = "0", value_parser = share, value_name = "SHARE")]
    inbound: f64,
    /// Deliveries that one invocation gets, 1 to 10. One is what messages bring that come one by one
    #[arg(long, default_value = "1", value_parser = number, value_name = "N")]
    batch: f64,
    /// Milliseconds the slowest receiver of a batch takes [default: 200]
    #[arg(long, value_parser = number, value_name = "MS")]
    receiver_ms: Option<f64>,
    /// Milliseconds publish takes [default: 25]
    #[arg(long, value_parser = number, value_name = "MS")]
    publish_ms: Option<f64>,
    /// Milliseconds deliver takes besides its receivers [default: 25]
    #[arg(long, value_parser = number, value_name = "MS")]
    deliver_ms: Option<f64>,
    /// Organizations, each of which has a data key
    #[arg(long, default_value = "1", value_parser = quantity, value_name = "N")]
    organizations: f64,
    /// Days that messages are kept
    #[arg(long, default_value_t = RETENTION_DAYS_DEFAULT, value_parser = clap::value_parser!(u16).range(5..=90), value_name = "DAYS")]
    kept_days: u16,
    /// Payloads are sealed where they are kept
    #[arg(long)]
    sealed: bool,
    /// Take off what AWS gives each account for nothing
    #[arg(long)]
    pub(super) free_tier: bool,
    /// Print JSON instead of a table
    #[arg(long)]
    pub(super) json: bool,
}

impl CostArgs {
    /// The load that is asked for.
    pub(super) fn load(&self, assumed: &mut Assumed) -> anyhow::Result<Load> {
        let ways =
            [("--publish-ms", self.publish_ms), ("--deliver-ms", self.deliver_ms), ("--receiver-ms", self.receiver_ms)];
        let known = [&mut assumed.publish_ms, &mut assumed.deliver_ms, &mut assumed.receiver_ms];
        for ((flag, given), assumption) in ways.into_iter().zip(known) {
            if let Some(ms) = given {
                assumption.value = ms;
                assumption.why = format!("given with {flag}");
            }
        }
        let within = |flag: &str, value: f64, min: f64, max: f64| {
            anyhow::ensure!((min..=max).contains(&value), "{flag} must be between {min} and {max}");
            Ok(())
        };
        within("--endpoints", self.endpoints, 0.0, ENDPOINTS_MAX)?;
        within("--size", self.size, 1.0, PAYLOAD_BYTES_MAX as f64)?;
        within("--failure", self.failure, 0.0, FAILURE_MAX)?;
        within("--batch", self.batch, 1.0, BATCH_MAX)?;
        within("--organizations", self.organizations, 1.0, f64::INFINITY)?;
        within("--import and --inbound together", self.import + self.inbound, 0.0, 1.0)?;
        Ok(Load {
            messages: self.messages,
            endpoints: self.endpoints,
            bytes: self.size,
            failure: self.failure,
            import: self.import,
            inbound: self.inbound,
            batch: self.batch,
            receiver_ms: assumed.receiver_ms.value,
            organizations: self.organizations,
            kept_days: f64::from(self.kept_days),
            is_sealed: self.sealed,
        })
    }
}
