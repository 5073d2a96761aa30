//! The gateway as one thing that is started, asked and shut down.
//!
//! Starting goes bottom up: engines, what the template wants in them, the functions, and only then what brings work to
//! them: triggers and the HTTP API. Shutting down goes the other way: nothing new is begun, what has begun may end, the
//! engines are closed last. A gateway that is dropped instead stops where it stands, which loses nothing that was
//! accepted: state on disk survives worse.
//!
//! The API's port also takes presigned URLs of objects, which in the cloud lead to S3: one port to open, and the same after
//! a restart.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use aws_config::SdkConfig;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use fanfare::config::{JwtSecret, Platform, Settings};
use fanfare::domain::ids::OrganizationId;
use fanfare::effects::Effects;
use fanfare::http::auth::issue_token;
use fanfare::network::SystemNetwork;
use fanfare_engines::{Engines, Presigned, system_clock};
use tokio::net::TcpListener;

use crate::api_gateway::{self, Api, Routes};
use crate::directory;
use crate::functions::{Function, handler_of};
use crate::options::{LOCAL_DEFAULTS, Options, State};
use crate::provision::provision;
use crate::secret;
use crate::tasks::Tasks;
use crate::template::{FunctionPlan, Place, Plan, TEMPLATE};
use crate::triggers::{Mapping, Schedule, run_mapping, run_schedule};

/// How long a shutdown waits for what has begun: as long as the slowest function may take.
const SHUTDOWN_MAX: Duration = Duration::from_secs(60);
/// How often items whose time is over are removed from the table. DynamoDB takes days.
const EXPIRY_PERIOD: Duration = Duration::from_secs(60 * 60);
/// How long a token of [`Gateway::token`] is valid.
pub const TOKEN_LIFETIME_S: i64 = 365 * 24 * 60 * 60;
/// The template's parameter behind `FANFARE_JWT_SECRET`, the only one without a default.
const JWT_SECRET_PARAMETER: &str = "JwtSecret";

/// A running gateway.
pub struct Gateway {
    address: SocketAddr,
    aws_address: Option<SocketAddr>,
    engines: Engines,
    sdk: SdkConfig,
    jwt_secret: JwtSecret,
    effects: Effects,
    tasks: Tasks,
}

/// What functions, triggers and API are made from.
struct Parts<'a> {
    plan: &'a Plan,
    place: &'a Place,
    sdk: &'a SdkConfig,
    effects: &'a Effects,
    tasks: &'a Tasks,
    functions: HashMap<String, Function>,
}

impl Gateway {
    /// Starts everything. When this returns, the API answers.
    pub async fn start(options: Options) -> anyhow::Result<Self> {
        Self::start_with(options, |client| client).await
    }

    /// As [`Gateway::start`]; `wire` may put something between the functions and the engines that counts, for example.
    pub async fn start_with(
        options: Options,
        wire: impl FnOnce(SharedHttpClient) -> SharedHttpClient,
    ) -> anyhow::Result<Self> {
        let effects = Effects::system();
        let jwt_secret = jwt_secret(&options, &effects)?;
        let engines = match &options.state {
            State::Memory => Engines::in_memory(system_clock())?,
            State::Disk(directory) => {
                directory::make(directory).with_context(|| format!("making {}", directory.display()))?;
                Engines::on_disk(directory, options.durability, system_clock())?
            }
        };
        // The port is known before the functions are: presigned URLs lead to it. Nobody is answered before they are ready.
        let (listener, address) = listen(options.listen).await?;
        let objects = engines.presigned(&secret::of_objects(&jwt_secret));
        let sdk = objects.sdk_config(&format!("http://{}", reachable(address)));
        let sdk = sdk.into_builder().http_client(wire(engines.http_client())).build();
        let place = Place::local(engines.sdk_config().endpoint_url().unwrap_or_default());
        let plan = plan(&place, &jwt_secret, &options.overrides)?;
        provision(&plan, &sdk).await?;
        let tasks = Tasks::new();
        let mut parts = Parts {
            plan: &plan,
            place: &place,
            sdk: &sdk,
            effects: &effects,
            tasks: &tasks,
            functions: HashMap::new(),
        };
        parts.build_functions()?;
        let aws_address = match options.aws_listen {
            Some(address) => Some(serve_engines(&engines, address, &tasks).await?),
            None => None,
        };
        parts.start_triggers()?;
        parts.serve_api(listener, objects, address.port())?;
        drop(tasks.spawn(expire_items(engines.clone(), tasks.clone())));
        Ok(Self { address, aws_address, engines, sdk, jwt_secret, effects, tasks })
    }

    /// Where the API listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where the engines' AWS endpoint listens, if it does.
    pub fn aws_address(&self) -> Option<SocketAddr> {
        self.aws_address
    }

    /// The engines: table, queues and bucket, for whoever wants to look inside.
    pub fn engines(&self) -> &Engines {
        &self.engines
    }

    /// What the functions' AWS clients are made from: those of S3 presign URLs that lead to [`Gateway::address`].
    pub fn functions_sdk(&self) -> &SdkConfig {
        &self.sdk
    }

    /// A bearer token for an organization, valid for a year.
    pub fn token(&self, organization: &OrganizationId) -> anyhow::Result<String> {
        Ok(issue_token(&self.jwt_secret, organization, self.effects.now(), TOKEN_LIFETIME_S)?)
    }

    /// Stops taking requests and messages, lets what has begun end (at most a minute), and closes the engines.
    pub async fn shutdown(self) {
        self.tasks.stop();
        if tokio::time::timeout(SHUTDOWN_MAX, self.tasks.wait()).await.is_err() {
            tracing::warn!("some invocations did not end in time; their messages will come again");
        }
        self.tasks.end();
        self.tasks.wait().await;
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.tasks.end();
    }
}

impl std::fmt::Debug for Gateway {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gateway").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Parts<'_> {
    fn build_functions(&mut self) -> anyhow::Result<()> {
        for plan in &self.plan.functions {
            self.functions.insert(plan.logical_id.clone(), self.function_of(plan)?);
        }
        Ok(())
    }

    fn function_of(&self, plan: &FunctionPlan) -> anyhow::Result<Function> {
        let settings = Settings::from_lookup(|name| plan.environment.get(name).cloned())?;
        let (sdk, effects, network) = (self.sdk.clone(), self.effects.clone(), Arc::new(SystemNetwork));
        let platform = Platform::new(settings, sdk, effects, network);
        let handler = handler_of(&plan.binary, &platform).with_context(|| {
            let FunctionPlan { logical_id, binary, .. } = plan;
            format!("template.yaml, {logical_id}: the local gateway knows no function {binary}")
        })?;
        Ok(Function::new(plan, self.place, handler, self.effects.clone(), self.tasks.clone()))
    }

    fn function(&self, logical_id: &str) -> anyhow::Result<Function> {
        self.functions.get(logical_id).cloned().with_context(|| format!("template.yaml has no function {logical_id}"))
    }

    fn start_triggers(&self) -> anyhow::Result<()> {
        let Place { account, region, endpoint_url, .. } = self.place;
        for plan in &self.plan.mappings {
            let mapping = Mapping {
                function: self.function(&plan.function)?,
                sqs: aws_sdk_sqs::Client::new(self.sdk),
                queue_url: format!("{endpoint_url}/{account}/{}", plan.queue),
                queue_arn: format!("arn:aws:sqs:{region}:{account}:{}", plan.queue),
                region: region.clone(),
                batch_size: plan.batch_size,
                reports_failures: plan.reports_failures,
                concurrency_max: plan.concurrency_max,
            };
            drop(self.tasks.spawn(run_mapping(mapping, self.tasks.clone())));
        }
        for plan in &self.plan.schedules {
            let schedule = Schedule {
                name: plan.name.clone(),
                function: self.function(&plan.function)?,
                period: plan.period,
                place: self.place.clone(),
                effects: self.effects.clone(),
            };
            drop(self.tasks.spawn(run_schedule(schedule, self.tasks.clone())));
        }
        Ok(())
    }

    fn serve_api(&self, listener: TcpListener, objects: Presigned, port: u16) -> anyhow::Result<()> {
        let routes = Routes::new(&self.plan.routes, |logical_id| self.functions.get(logical_id).cloned())?;
        let api = Arc::new(Api { routes, objects, effects: self.effects.clone(), port });
        drop(self.tasks.spawn(api_gateway::serve(listener, api, self.tasks.clone())));
        Ok(())
    }
}

fn jwt_secret(options: &Options, effects: &Effects) -> Result<JwtSecret, secret::SecretError> {
    match (&options.jwt_secret, &options.state) {
        (Some(secret), _) => Ok(secret.clone()),
        (None, State::Disk(directory)) => secret::of_directory(directory, &*effects.random),
        (None, State::Memory) => secret::random(&*effects.random),
    }
}

/// The template's plan, with the environment as it is here.
fn plan(place: &Place, secret: &JwtSecret, overrides: &BTreeMap<String, String>) -> anyhow::Result<Plan> {
    let secret = String::from_utf8(secret.as_bytes().to_vec())?;
    let mut plan = Plan::read(TEMPLATE, place, &BTreeMap::from([(JWT_SECRET_PARAMETER.to_owned(), secret)]))?;
    let mut unused: BTreeSet<&str> = overrides.keys().map(String::as_str).collect();
    let defaults = LOCAL_DEFAULTS.iter().copied();
    let given = overrides.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    for (name, value) in defaults.chain(given) {
        for function in &mut plan.functions {
            if let Some(variable) = function.environment.get_mut(name) {
                value.clone_into(variable);
                unused.remove(name);
            }
        }
    }
    match unused.first() {
        None => Ok(plan),
        Some(name) => anyhow::bail!("{name} is a variable that no function has"),
    }
}

/// Where a client on this machine finds what listens at `address`, which may stand for all addresses of the machine.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(if address.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() });
    }
    address
}

async fn listen(address: SocketAddr) -> anyhow::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(address).await.with_context(|| format!("listening on {address}"))?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

async fn serve_engines(engines: &Engines, address: SocketAddr, tasks: &Tasks) -> anyhow::Result<SocketAddr> {
    let (listener, address) = listen(address).await?;
    let serving = engines.serve(listener);
    let stopping = tasks.clone();
    drop(tasks.spawn(async move {
        tokio::select! {
            never = serving => match never {},
            () = stopping.stopping() => {}
        }
    }));
    Ok(address)
}

async fn expire_items(engines: Engines, tasks: Tasks) {
    let mut ticks = tokio::time::interval(EXPIRY_PERIOD);
    loop {
        tokio::select! {
            biased;
            () = tasks.stopping() => return,
            _ = ticks.tick() => {}
        }
        if let Err(error) = engines.sweep_expired().await {
            tracing::warn!(%error, "removing expired items failed");
        }
    }
}
