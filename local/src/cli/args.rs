//! The command line. Every flag has a twin in the environment; those that configure the functions have the same name there
//! as in the cloud.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use fanfare::config::{JwtSecret, names, rows};
use fanfare::domain::access::Role;
use fanfare::domain::ids::OrganizationId;
use fanfare_engines::Durability;

use super::cost::CostArgs;
use super::flags::{default, help};
use super::import::{CONNECTIONS_DEFAULT, ColumnArg};
use crate::options::{Options, State};

/// Whose token is made when nobody says.
const ORGANIZATION_DEFAULT: &str = "org_23rb8YdGqMT0qIzpgGwdXfHirMu";

const EXAMPLES: &str = "\
Examples:
  fanfare                                   start; the state is kept in .fanfare
  fanfare --memory                          start with nothing, leave nothing
  fanfare --retry-schedule 1,5,30           retry after 1, 5 and 30 seconds, then give up
  fanfare --aws-listen 127.0.0.1:8072       let the AWS CLI look inside:
      aws --endpoint-url http://127.0.0.1:8072 sqs list-queues
  fanfare token                             print a bearer token
  fanfare import events.ndjson --app acme   make messages of a file
  fanfare demo                              see it at work, in under a minute
  fanfare bench --messages 20000            measure it on this machine
  fanfare simulate --seeds 1000             play a thousand disasters
  fanfare cost --messages 10M               see what it costs on AWS";

/// The webhook gateway on one machine: the functions that run on AWS Lambda, behind a real HTTP listener, with table,
/// queue and bucket embedded. Started without a command it serves the API until Ctrl-C.
#[derive(Debug, Parser)]
#[command(name = "fanfare", version, after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Option<Command>,
    #[command(flatten)]
    pub(super) start: StartArgs,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Print a bearer token for the API
    Token(TokenArgs),
    /// Make messages of files: uploads them to a gateway and follows them to the end
    Import(ImportArgs),
    /// Watch the gateway deliver to good and bad receivers, in under a minute; fails if a promise is broken
    Demo(DemoArgs),
    /// Measure how much the gateway takes and delivers on this machine
    Bench(BenchArgs),
    /// Play disasters in simulated time, each drawn from a seed; fails if a promise is broken
    Simulate(SimulateArgs),
    /// Say what a load costs on AWS, line by line, and what it costs elsewhere
    Cost(CostArgs),
}

/// Where the state is, and the secret with it.
#[derive(Args, Clone, Debug)]
pub(super) struct StateArgs {
    /// Folder for table, queues, objects and the token secret; made if it is not there
    #[arg(long, env = "FANFARE_DATA", default_value = ".fanfare", value_name = "DIR")]
    pub(super) data: PathBuf,
    /// What signs bearer tokens, at least 32 bytes [default: made at the first start and kept in the data folder]
    #[arg(long, env = names::JWT_SECRET, hide_env_values = true, value_parser = JwtSecret::parse, value_name = "SECRET")]
    pub(super) jwt_secret: Option<JwtSecret>,
}

#[derive(Args, Debug)]
pub(super) struct StartArgs {
    #[command(flatten)]
    pub(super) state: StateArgs,
    /// Keep everything in memory; it is gone at the end
    #[arg(long, env = "FANFARE_MEMORY")]
    pub(super) memory: bool,
    /// Where the API listens
    #[arg(long, env = "FANFARE_LISTEN", default_value = "127.0.0.1:8071", value_name = "ADDRESS")]
    pub(super) listen: SocketAddr,
    /// Also serve table, queues and bucket to AWS clients here; nothing is checked, whoever reaches it may do everything
    #[arg(long, env = "FANFARE_AWS_LISTEN", value_name = "ADDRESS")]
    pub(super) aws_listen: Option<SocketAddr>,
    /// What an accepted message survives
    #[arg(long, env = "FANFARE_DURABILITY", value_enum, default_value_t = Survives::ProcessKill)]
    pub(super) durability: Survives,
    #[arg(long, env = names::RETRY_SCHEDULE, help = help(&rows::RETRY_SCHEDULE), value_name = "SECONDS")]
    pub(super) retry_schedule: Option<String>,
    #[arg(long, env = names::REQUEST_TIMEOUT, help = help(&rows::REQUEST_TIMEOUT), value_name = "SECONDS")]
    pub(super) request_timeout: Option<String>,
    #[arg(long, env = names::ALLOWED_SUBNETS, help = help(&rows::ALLOWED_SUBNETS), value_name = "CIDRS")]
    pub(super) allowed_subnets: Option<String>,
    #[arg(long, env = names::HTTPS_ONLY, help = help(&rows::HTTPS_ONLY), value_name = "true|false",
        num_args = 0..=1, default_missing_value = "true")]
    pub(super) https_only: Option<String>,
    #[arg(long, env = names::DISABLE_AFTER_DAYS, help = help(&rows::DISABLE_AFTER_DAYS), value_name = "DAYS")]
    pub(super) disable_after_days: Option<String>,
    #[arg(long, env = names::AUDIT_DAYS, help = help(&rows::AUDIT_DAYS), value_name = "DAYS")]
    pub(super) audit_days: Option<String>,
    #[arg(long, env = names::ENCRYPT_PAYLOADS, help = help(&rows::ENCRYPT_PAYLOADS), value_name = "true|false",
        num_args = 0..=1, default_missing_value = "true")]
    pub(super) encrypt_payloads: Option<String>,
    #[arg(long, env = names::RATE_LIMIT, help = help(&rows::RATE_LIMIT), value_name = "N")]
    pub(super) rate_limit: Option<String>,
    #[arg(long, env = names::TOKEN_RATE_LIMIT, help = help(&rows::TOKEN_RATE_LIMIT), value_name = "N")]
    pub(super) token_rate_limit: Option<String>,
    #[arg(long, env = names::CORS_ORIGINS, help = help(&rows::CORS_ORIGINS), value_name = "ORIGINS")]
    pub(super) cors_origins: Option<String>,
    #[arg(long, env = names::PORTAL_URL, help = help(&rows::PORTAL_URL), value_name = "URL")]
    pub(super) portal_url: Option<String>,
    #[arg(long, env = names::PUBLIC_URL, help = help(&rows::PUBLIC_URL), value_name = "URL")]
    pub(super) public_url: Option<String>,
    #[arg(long, env = names::LOG_LEVEL, help = help(&rows::LOG_LEVEL), value_name = "LEVEL",
        default_value = default(&rows::LOG_LEVEL), hide_default_value = true)]
    pub(super) log_level: String,
    #[arg(long, env = names::DEBUG_SAMPLE, help = help(&rows::DEBUG_SAMPLE), value_name = "SHARE")]
    pub(super) debug_sample: Option<String>,
    #[arg(long, env = names::OTLP_ENDPOINT, help = help(&rows::OTLP_ENDPOINT), value_name = "URL")]
    pub(super) otlp_endpoint: Option<String>,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  fanfare token
  fanfare token --role publisher --expires-days 30
  fanfare token --organization org_23rb8YdGqMT0qIzpgGwdXfHirMu --expires-days 7
  curl -H \"authorization: Bearer $(fanfare token)\" http://127.0.0.1:8071/api/v1/app")]
pub(super) struct TokenArgs {
    #[command(flatten)]
    pub(super) state: StateArgs,
    /// Whose token: everything it creates belongs to this organization
    #[arg(long, default_value = ORGANIZATION_DEFAULT, value_parser = organization, value_name = "ORG")]
    pub(super) organization: OrganizationId,
    /// What the token lets its bearer do: owner, publisher, reader or support
    #[arg(long, default_value = "owner", value_parser = role, value_name = "ROLE")]
    pub(super) role: Role,
    /// Days until the token is no longer valid
    #[arg(long, default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..=36_500), value_name = "DAYS")]
    pub(super) expires_days: u32,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  fanfare import events.ndjson --app acme
  fanfare import monday.csv.gz tuesday.csv.gz   applications are named in the files
  fanfare import orders.csv --app acme --column eventType=kind --column payload.total=amount
  fanfare import events.ndjson --app acme --url https://fanfare.example.com --token \"$TOKEN\"")]
pub(super) struct ImportArgs {
    /// Files of messages: NDJSON, a JSON array or CSV, each plain, gzip or zstd
    #[arg(required = true, value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
    /// The application's uid or id [default: each record names its own]
    #[arg(long, value_name = "UID")]
    pub(super) app: Option<String>,
    /// Where the API is
    #[arg(long, env = "FANFARE_URL", default_value = "http://127.0.0.1:8071", value_name = "URL")]
    pub(super) url: String,
    /// A bearer token for it [default: one made from the secret in the data folder]
    #[arg(long, env = "FANFARE_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    pub(super) token: Option<String>,
    #[command(flatten)]
    pub(super) state: StateArgs,
    /// Whose token is made when none is given
    #[arg(long, default_value = ORGANIZATION_DEFAULT, value_parser = organization, value_name = "ORG")]
    pub(super) organization: OrganizationId,
    /// What a column of a CSV file is: eventType, eventId, channels, application, tags, orderingKey, payload (a column of
    /// JSON) or payload.FIELD; defaultEventType takes an event type instead [default: what the columns' names say]
    #[arg(long = "column", value_name = "PART=COLUMN")]
    pub(super) columns: Vec<ColumnArg>,
    /// Content type of the files [default: by their names]
    #[arg(long, value_name = "TYPE")]
    pub(super) content_type: Option<String>,
    /// How many parts of a large file are sent at one time
    #[arg(long, default_value_t = CONNECTIONS_DEFAULT, value_parser = clap::value_parser!(u8).range(1..=32), value_name = "N")]
    pub(super) connections: u8,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  fanfare demo
  fanfare demo --messages 10000")]
pub(super) struct DemoArgs {
    /// How many messages to publish
    #[arg(long, default_value_t = 3_000, value_parser = clap::value_parser!(u32).range(100..=100_000), value_name = "N")]
    pub(super) messages: u32,
}

/// What `bench` measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Scenario {
    /// Messages over 16 connections, one endpoint
    Publish,
    /// Messages over one connection: how long one takes
    Latency,
    /// Messages for five endpoints each
    FanOut,
    /// As publish, with two more endpoints that always answer 503
    Failing,
    /// A file of messages
    Import,
    /// Lists and lookups over what was published
    List,
    /// Each of them, one after the other
    All,
}

impl Scenario {
    /// As the command line spells it.
    pub(super) fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  fanfare bench                             publish; state on disk, in a temporary folder
  fanfare bench fan-out --memory
  fanfare bench all --json                  every scenario, a line of JSON for each
  fanfare bench --durability power-loss --json
  fanfare bench import --import 100MB")]
pub(super) struct BenchArgs {
    /// What to measure; the flags below change how much of it
    #[arg(value_enum, default_value_t = Scenario::Publish, value_name = "SCENARIO")]
    pub(super) scenario: Scenario,
    /// How many messages to publish [default: by scenario, 20000 for publish]
    #[arg(long, value_name = "N")]
    pub(super) messages: Option<usize>,
    /// How many endpoints want each message [default: 1; fan-out 5, import 0]
    #[arg(long, value_name = "N")]
    pub(super) endpoints: Option<usize>,
    /// How many more endpoints want each message and answer 503 [default: 0; failing 2]
    #[arg(long, value_name = "N")]
    pub(super) failing: Option<usize>,
    /// How many more endpoints want each message, accept the connection and never answer
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(super) dead: usize,
    /// Publish so many messages a second [default: as many as possible]
    #[arg(long, value_name = "N")]
    pub(super) rate: Option<u32>,
    /// Attempt every delivery at once, whatever is known about its receiver
    #[arg(long)]
    pub(super) no_breaker: bool,
    /// Over how many keep-alive connections, one request at a time on each [default: 16; latency 1]
    #[arg(long, value_name = "N")]
    pub(super) connections: Option<usize>,
    /// When all have arrived, also measure this many requests of each kind of list and lookup [default: 0; list 1000]
    #[arg(long, value_name = "N")]
    pub(super) reads: Option<usize>,
    /// Import one file of this size instead of publishing messages one by one; 10MB, 1GB [default: none; import 50MB]
    #[arg(long, value_name = "SIZE", value_parser = size, conflicts_with_all = ["messages", "rate", "dead", "failing", "reads"])]
    pub(super) import: Option<u64>,
    /// Size of a payload
    #[arg(long, default_value_t = 512, value_name = "BYTES")]
    pub(super) payload_bytes: usize,
    /// Keep the state in this folder [default: a temporary one]
    #[arg(long, value_name = "DIR", conflicts_with = "memory")]
    pub(super) data: Option<PathBuf>,
    /// Keep the state in memory
    #[arg(long)]
    pub(super) memory: bool,
    /// What an accepted message survives
    #[arg(long, value_enum, default_value_t = Survives::ProcessKill)]
    pub(super) durability: Survives,
    /// Print one line of JSON instead of a table
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  fanfare simulate --seeds 1000
  fanfare simulate --seeds 1000 --first-seed 5000
  fanfare simulate --seed 17 --log          what happened in one of them")]
pub(super) struct SimulateArgs {
    /// How many seeds to play
    #[arg(long, default_value_t = 300, value_name = "N", conflicts_with = "seed")]
    pub(super) seeds: u64,
    /// The first of them
    #[arg(long, default_value_t = 1, value_name = "SEED", conflicts_with = "seed")]
    pub(super) first_seed: u64,
    /// On how many threads [default: one for each processor]
    #[arg(long, value_name = "N", conflicts_with = "seed")]
    pub(super) threads: Option<usize>,
    /// Play this one only
    #[arg(long, value_name = "SEED")]
    pub(super) seed: Option<u64>,
    /// Print all that happened in it
    #[arg(long, requires = "seed")]
    pub(super) log: bool,
}

/// What an accepted message survives.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Survives {
    /// the death of this process in any way, kill -9 included
    ProcessKill,
    /// a power failure too: every write is synced to the disk, which takes its time
    PowerLoss,
}

impl From<Survives> for Durability {
    fn from(survives: Survives) -> Self {
        match survives {
            Survives::ProcessKill => Self::ProcessKill,
            Survives::PowerLoss => Self::PowerLoss,
        }
    }
}

impl std::fmt::Display for Survives {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::ProcessKill => "process-kill",
            Self::PowerLoss => "power-loss",
        })
    }
}

impl StartArgs {
    pub(super) fn into_options(self) -> Options {
        let state = if self.memory { State::Memory } else { State::Disk(self.state.data.clone()) };
        Options {
            listen: self.listen,
            aws_listen: self.aws_listen,
            durability: self.durability.into(),
            jwt_secret: self.state.jwt_secret.clone(),
            overrides: self.overrides(),
            ..Options::new(state)
        }
    }

    fn overrides(self) -> BTreeMap<String, String> {
        let given = [
            (names::RETRY_SCHEDULE, self.retry_schedule),
            (names::REQUEST_TIMEOUT, self.request_timeout),
            (names::ALLOWED_SUBNETS, self.allowed_subnets),
            (names::HTTPS_ONLY, self.https_only),
            (names::DISABLE_AFTER_DAYS, self.disable_after_days),
            (names::AUDIT_DAYS, self.audit_days),
            (names::ENCRYPT_PAYLOADS, self.encrypt_payloads),
            (names::RATE_LIMIT, self.rate_limit),
            (names::TOKEN_RATE_LIMIT, self.token_rate_limit),
            (names::CORS_ORIGINS, self.cors_origins),
            (names::PORTAL_URL, self.portal_url),
            (names::PUBLIC_URL, self.public_url),
            (names::LOG_LEVEL, Some(self.log_level)),
            (names::DEBUG_SAMPLE, self.debug_sample),
            (names::OTLP_ENDPOINT, self.otlp_endpoint),
        ];
        given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }
}

/// The organization of tokens nobody asked otherwise for.
pub(super) fn organization_default() -> Option<OrganizationId> {
    OrganizationId::parse(ORGANIZATION_DEFAULT)
}

fn role(text: &str) -> Result<Role, String> {
    Role::parse(text).map_err(|reason| reason.0)
}

fn organization(text: &str) -> Result<OrganizationId, String> {
    OrganizationId::parse(text).ok_or_else(|| "must be org_ and 27 letters or digits".to_owned())
}

/// Bytes, with or without a unit.
fn size(text: &str) -> Result<u64, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor = match unit {
        "" | "B" => Some(1),
        "kB" | "KB" => Some(1_000),
        "MB" => Some(1_000_000),
        "GB" => Some(1_000_000_000),
        _ => None,
    };
    let bytes = factor.and_then(|factor: u64| number.parse::<u64>().ok()?.checked_mul(factor));
    bytes.ok_or_else(|| "must be a number of bytes, as in 500, 10MB or 1GB".to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_makes_sense() {
        Cli::command().debug_assert();
        assert!(organization_default().is_some());
    }

    #[test]
    fn flags_become_the_variables_of_the_functions() {
        let line = ["fanfare", "--memory", "--retry-schedule", "", "--https-only", "--log-level", "debug"];
        let options = Cli::parse_from(line).start.into_options();
        assert_eq!(options.state, State::Memory);
        assert_eq!(options.overrides[names::RETRY_SCHEDULE], "");
        assert_eq!(options.overrides[names::HTTPS_ONLY], "true");
        assert_eq!(options.overrides[names::LOG_LEVEL], "debug");
        assert!(!options.overrides.contains_key(names::REQUEST_TIMEOUT));
    }

    #[test]
    fn a_size_may_have_a_unit() {
        assert_eq!(["500", "1B", "2kB", "10MB", "1GB"].map(size), [500, 1, 2_000, 10_000_000, 1_000_000_000].map(Ok));
        assert!(["", "MB", "1.5MB", "10 MB", "1TB", "99999999999GB"].iter().all(|text| size(text).is_err()));
    }

    #[test]
    fn a_secret_that_is_too_short_is_refused() {
        assert!(Cli::try_parse_from(["fanfare", "--jwt-secret", "short"]).is_err());
    }
}
