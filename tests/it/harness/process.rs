//! The real `fanfare` process, which a test may kill.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use fanfare::config::JwtSecret;
use fanfare::domain::ids::OrganizationId;
use fanfare::effects::Effects;
use fanfare::http::auth::issue_token;
use http::Request;
use http_body_util::Full;
use svix::api::{Svix, SvixOptions};
use tokio::process::{Child, Command};

use super::raw::try_send;
use super::stage::{JWT_SECRET, ORGANIZATION};
use super::wait::eventually;

/// A running gateway with its state on disk. Killed when it is dropped.
pub(crate) struct Process(Child);

impl Process {
    /// Starts it and waits until it answers.
    pub(crate) async fn start(binary: &Path, data: &Path, address: SocketAddr) -> Self {
        Self::start_with(binary, data, address, &[]).await
    }

    /// As [`Process::start`], with these arguments besides.
    pub(crate) async fn start_with(binary: &Path, data: &Path, address: SocketAddr, arguments: &[&str]) -> Self {
        Self::start_logging(binary, data, address, arguments, Stdio::inherit()).await
    }

    /// As [`Process::start_with`], with its log lines sent there.
    pub(crate) async fn start_logging(
        binary: &Path,
        data: &Path,
        address: SocketAddr,
        arguments: &[&str],
        log: Stdio,
    ) -> Self {
        let mut child = Command::new(binary)
            .env_clear()
            .arg("--data")
            .arg(data)
            .args(["--listen", &address.to_string(), "--jwt-secret", JWT_SECRET])
            .args(["--retry-schedule", "0,1,1", "--log-level", "error"])
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let look = async || {
            assert_eq!(child.try_wait().unwrap(), None, "the gateway ended by itself");
            let ping = Request::get("/api/v1/health/ping").body(Full::<Bytes>::default()).unwrap();
            try_send(address, ping).await.ok().filter(|answer| answer.status == 204).map(drop)
        };
        eventually("the gateway answers", look).await;
        Self(child)
    }

    /// The most memory it ever had, in megabytes. Linux says so; others are not asked.
    pub(crate) fn memory_peak_mb(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id()?)).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kb| kb / 1_024)
    }

    /// `kill -9`: no destructor runs, nothing is flushed.
    pub(crate) async fn kill(mut self) {
        self.0.kill().await.unwrap();
    }
}

/// The SDK for a process. It repeats nothing by itself: what it was told is what counts.
pub(crate) fn client(address: SocketAddr) -> Svix {
    let options = SvixOptions {
        server_url: Some(format!("http://{address}")),
        timeout: Some(Duration::from_secs(5)),
        num_retries: Some(0),
        ..SvixOptions::default()
    };
    Svix::new(token(), Some(options))
}

/// A token of a process, for what the SDK does not know.
pub(crate) fn token() -> String {
    let organization = OrganizationId::parse(ORGANIZATION).unwrap();
    let secret = JwtSecret::parse(JWT_SECRET).unwrap();
    issue_token(&secret, &organization, Effects::system().now(), 3_600).unwrap()
}

/// A loopback address that nobody listens at.
pub(crate) fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// The `fanfare` binary of this build. `cargo test` of the workspace has made it already; of this package alone it may not
/// be there, or not be what the sources say, and is built.
pub(crate) fn fanfare_binary() -> PathBuf {
    // target/debug/deps/it-0123456789abcdef
    let profile = std::env::current_exe().unwrap().ancestors().nth(2).unwrap().to_owned();
    let binary = profile.join(format!("fanfare{}", std::env::consts::EXE_SUFFIX));
    let built_at = std::fs::metadata(&binary).and_then(|metadata| metadata.modified()).ok();
    if built_at.is_none_or(|built_at| built_at < sources_changed_at()) {
        let mut build = std::process::Command::new(env!("CARGO"));
        build.current_dir(root()).args(["build", "--quiet", "--workspace", "--bin", "fanfare"]);
        if profile.file_name().is_some_and(|name| name == "release") {
            build.arg("--release");
        }
        build.env("CARGO_TARGET_DIR", profile.parent().unwrap());
        assert!(build.status().unwrap().success(), "building the gateway's binary");
    }
    binary
}

/// The workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// When a file that the binary is made from was last changed.
fn sources_changed_at() -> SystemTime {
    let folders = ["shared", "functions", "local"].map(|folder| root().join(folder));
    let files = folders.iter().flat_map(|folder| files_under(folder));
    let files = files.chain([root().join("Cargo.lock"), root().join("Cargo.toml"), root().join("template.yaml")]);
    files.map(|file| std::fs::metadata(file).unwrap().modified().unwrap()).max().unwrap()
}

/// Every source file and manifest in a folder, in order.
pub(crate) fn files_under(folder: &Path) -> Vec<PathBuf> {
    let (mut files, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs" || extension == "toml") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}
