//! Processes of our own: what production runs, beside whoever measures.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use super::Failed;
use super::ground::Ground;
use super::messages::DYNAMICS;

/// A process has opened its doors by then.
const OPENS_WITHIN: Duration = Duration::from_secs(30);

/// A running process of ours. Dropped, it is killed.
pub(super) struct Child {
    process: tokio::process::Child,
    addresses: BTreeMap<String, SocketAddr>,
}

/// Where events are posted.
pub(super) struct Door {
    client: reqwest::Client,
    url: String,
}

impl Child {
    /// Starts `drayline ARGUMENTS` on the ground, and waits for its doors.
    pub(super) async fn start(ground: &Ground, name: &str, arguments: &[&str]) -> Result<Self, Failed> {
        let data = ground.folder.join(name);
        std::fs::create_dir_all(&data)?;
        let told: PathBuf = data.join("addresses.json");
        let _ = std::fs::remove_file(&told);
        let mut command = tokio::process::Command::new(std::env::current_exe()?);
        if let Some(file) = &ground.file {
            command.arg("--config").arg(file);
        }
        // It logs as it always does, to nobody.
        command.args(arguments).arg("--data").arg(&data).envs(ground.told.iter().cloned());
        let mut process = command.stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true).spawn()?;
        let began = ground.clock.mark();
        loop {
            let text = std::fs::read_to_string(&told).unwrap_or_default();
            if let Ok(addresses) = serde_json::from_str(&text) {
                return Ok(Self { process, addresses });
            }
            if process.try_wait()?.is_some() || ground.clock.since(began) > OPENS_WITHIN {
                return Err(Failed::Work(format!("drayline {} did not start.", arguments.join(" "))));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Its door for events of Dynamics.
    pub(super) fn door(&self, ground: &Ground) -> Result<Door, Failed> {
        let door = self.addresses.get("ingest").ok_or_else(|| Failed::Work("The doors are nowhere.".to_owned()))?;
        let url = format!("http://{door}/ingest/d365/finance-operations/{DYNAMICS}/{}", ground.secret);
        Ok(Door { client: crate::sandbox::client()?, url })
    }

    /// Kilobytes that it holds now, and at most until now; nothing where the system does not tell.
    pub(super) fn resident_kb(&self) -> Option<(u64, u64)> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()?)).ok()?;
        let line = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse().ok()
        };
        Some((line("VmRSS:")?, line("VmHWM:")?))
    }

    /// Ends it as a crash would: everything it holds is gone anyway.
    pub(super) async fn stop(mut self) {
        let _ = self.process.kill().await;
    }
}

impl Door {
    /// Posts an event; it must be accepted.
    pub(super) async fn post(&self, body: Vec<u8>) -> Result<(), Failed> {
        let request = self.client.post(&self.url).header("content-type", "application/json").body(body);
        let answer = request.send().await?;
        let status = answer.status();
        answer.bytes().await?;
        if status.is_success() { Ok(()) } else { Err(Failed::Work(format!("The doors answered {status}."))) }
    }
}
