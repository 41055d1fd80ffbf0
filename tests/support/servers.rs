//! Servers of one test's own, which it may stop and start without anybody else noticing.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use tempfile::TempDir;

pub struct Servers {
    /// They run as users of their own, who must get through to it.
    _open_to_all: TempDir,
    folder: PathBuf,
    pub amqp: String,
    pub postgres: String,
    /// RabbitMQ's management API, with user and password.
    pub management: Option<String>,
}

impl Servers {
    /// Starts a RabbitMQ and a PostgreSQL; takes some seconds.
    pub async fn start() -> Self {
        tokio::task::spawn_blocking(|| Self::start_now(false)).await.unwrap()
    }

    /// The same with the broker's management API.
    pub async fn start_with_management() -> Self {
        tokio::task::spawn_blocking(|| Self::start_now(true)).await.unwrap()
    }

    fn start_now(management: bool) -> Self {
        use std::os::unix::fs::PermissionsExt as _;
        let outer = tempfile::tempdir().unwrap();
        std::fs::set_permissions(outer.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let folder = outer.path().join("servers");
        let exports = ended(
            script(&["start", folder.to_str().unwrap()])
                .env("DRAYLINE_SERVERS_MANAGEMENT", if management { "1" } else { "" }),
        );
        let value = |name: &str| {
            let line = exports.lines().find_map(|line| line.strip_prefix(&format!("export {name}=")));
            line.map(str::to_owned)
        };
        Self {
            _open_to_all: outer,
            folder,
            amqp: value("DRAYLINE_TEST_AMQP_URL").unwrap(),
            postgres: value("DRAYLINE_TEST_POSTGRES_URL").unwrap(),
            management: value("DRAYLINE_TEST_MANAGEMENT_URL"),
        }
    }

    /// Stops one (`rabbitmq`, `postgresql`) in good order, as an upgrade does.
    pub async fn stop(&self, server: &str) {
        self.tell("stop-one", server).await;
    }

    /// Ends one as a crash does; what is on its disk stays.
    pub async fn crash(&self, server: &str) {
        self.tell("crash-one", server).await;
    }

    /// Starts it again, on the same port.
    pub async fn start_again(&self, server: &str) {
        self.tell("start-one", server).await;
    }

    /// Tells the broker something by its own command, `rabbitmqctl`.
    pub async fn control(&self, arguments: &[&str]) {
        let folder = self.folder.display().to_string();
        let arguments: Vec<String> =
            ["control", &folder].iter().chain(arguments).map(|argument| (*argument).to_owned()).collect();
        let told = move || run(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
        tokio::task::spawn_blocking(told).await.unwrap();
    }

    async fn tell(&self, what: &str, server: &str) {
        let arguments = [what.to_owned(), self.folder.display().to_string(), server.to_owned()];
        tokio::task::spawn_blocking(move || run(&arguments.each_ref().map(String::as_str))).await.unwrap();
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        run(&["stop", self.folder.to_str().unwrap()]);
    }
}

fn run(arguments: &[&str]) -> String {
    ended(&mut script(arguments))
}

fn script(arguments: &[&str]) -> Command {
    let mut script = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/servers"));
    script.args(arguments).stdin(Stdio::null());
    script
}

fn ended(script: &mut Command) -> String {
    let output = script.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}
