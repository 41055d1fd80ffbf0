//! What `deploy/` and `docker-compose.yml` name must exist: commands, options, variables, ports, health path, images.
//! Nothing here needs Docker; the program itself is asked.

use std::collections::BTreeMap;
use std::process::{Command, Output};
use std::time::Duration;

use super::compose::{Service, services};

const COMPOSE: &str = "docker-compose.yml";
const DOCKERFILE: &str = "deploy/Dockerfile";
const CONFIG_INSIDE: &str = "/etc/drayline/drayline.toml";
const CONFIG: &str = "deploy/drayline.toml";

fn read(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The services that run our image.
fn ours() -> Vec<Service> {
    let ours: Vec<Service> =
        services(&read(COMPOSE)).into_iter().filter(|service| service.scalar("image").unwrap() == "drayline").collect();
    let names: Vec<&str> = ours.iter().map(|service| service.name.as_str()).collect();
    assert_eq!(names, ["migrate", "ingest", "work", "triage", "finance-operations", "warehouse"]);
    ours
}

fn drayline(words: &[&str], variables: &BTreeMap<String, String>) -> Output {
    Command::new(env!("CARGO_BIN_EXE_drayline")).args(words).env_clear().envs(variables).output().unwrap()
}

/// The help of the command that these words name; `--option value` pairs are left out.
fn help_of(words: &[String]) -> Result<String, String> {
    let mut command: Vec<&str> = Vec::new();
    let mut words_left = words.iter();
    while let Some(word) = words_left.next() {
        if word.starts_with("--") {
            words_left.next();
        } else {
            command.push(word);
        }
    }
    command.push("--help");
    let output = drayline(&command, &BTreeMap::new());
    // Lines are wrapped where the terminal ends.
    let text = String::from_utf8_lossy(&output.stdout).split_whitespace().collect::<Vec<_>>().join(" ");
    if output.status.success() { Ok(text) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

fn unknown_options(words: &[String], help: &str) -> Vec<String> {
    let options = words.iter().filter(|word| word.starts_with("--"));
    let known = |option: &str| help.split_whitespace().any(|word| word.trim_matches([',', '[', ']', '.']) == option);
    options.filter(|option| !known(option)).cloned().collect()
}

#[test]
fn every_command_and_option_exists() {
    for service in ours() {
        let words = service.words("command");
        let help = help_of(&words).unwrap_or_else(|error| panic!("{}: {words:?}: {error}", service.name));
        assert_eq!(unknown_options(&words, &help), Vec::<String>::new(), "{}", service.name);
    }
    let planted = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    assert!(help_of(&planted(&["toil", "--flow", "orders"])).is_err());
    let help = help_of(&planted(&["work"])).unwrap();
    assert_eq!(unknown_options(&planted(&["work", "--flaw", "orders"]), &help), ["--flaw"]);
}

/// The environment that the image gives every process.
fn of_the_image() -> BTreeMap<String, String> {
    let dockerfile = read(DOCKERFILE).replace("\\\n", " ");
    let line = dockerfile.lines().find_map(|line| line.strip_prefix("ENV ")).unwrap();
    let pairs = line.split_whitespace().map(|pair| pair.split_once('=').unwrap());
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn environment(service: &Service) -> BTreeMap<String, String> {
    let mut variables = of_the_image();
    variables.extend(service.mapping("environment"));
    variables
}

/// With exactly the variables that a service gets: unknown keys, values and secrets that are missing are findings.
#[test]
fn the_configuration_is_whole_with_the_variables_of_each_service() {
    for service in ours() {
        let configured = service.words("command").contains(&CONFIG_INSIDE.to_owned());
        assert!(!configured || service.list("volumes").contains(&format!("./{CONFIG}:{CONFIG_INSIDE}:ro")));
        let words: &[&str] = if configured { &["--config", CONFIG, "config", "check"] } else { &["config", "check"] };
        let output = drayline(words, &environment(&service));
        assert!(output.status.success(), "{}: {}", service.name, String::from_utf8_lossy(&output.stderr));
    }
    let ingest = ours().remove(1);
    let mut variables = environment(&ingest);
    variables.remove("WAREHOUSE_TOKEN");
    assert!(!drayline(&["--config", CONFIG, "config", "check"], &variables).status.success());
    variables = environment(&ingest);
    variables.insert("DRAYLINE__INGEST__COLOUR".to_owned(), "blue".to_owned());
    assert!(!drayline(&["--config", CONFIG, "config", "check"], &variables).status.success());
}

#[test]
fn every_variable_of_the_sandboxes_exists() {
    for service in ours().into_iter().filter(|service| service.words("command")[0] == "sandbox") {
        let help = help_of(&service.words("command")).unwrap();
        for variable in service.mapping("environment").keys() {
            assert!(help.contains(&format!("[env: {variable}")), "{}: {variable} is not read:\n{help}", service.name);
        }
    }
}

/// Where the sandboxes' events go, and how each side believes the other: the same words on both sides.
#[test]
fn both_sides_of_every_secret_agree() {
    let all: BTreeMap<String, BTreeMap<String, String>> =
        ours().into_iter().map(|service| (service.name.clone(), service.mapping("environment"))).collect();
    let (work, dynamics, warehouse) = (&all["work"], &all["finance-operations"], &all["warehouse"]);
    assert_eq!(work["DYNAMICS_CLIENT_SECRET"], dynamics["DRAYLINE_SANDBOX_CLIENT_SECRET"]);
    assert_eq!(work["WAREHOUSE_TOKEN"], warehouse["DRAYLINE_SANDBOX_TOKEN"]);
    assert_eq!(work["WAREHOUSE_SIGNING_SECRET"], warehouse["DRAYLINE_SANDBOX_SIGNING_SECRET"]);
    let door = format!("http://ingest:8080/ingest/d365/finance-operations/contoso/{}", work["DYNAMICS_EVENT_SECRET"]);
    assert_eq!(dynamics["DRAYLINE_SANDBOX_DELIVER_TO"], door);
    assert_eq!(warehouse["DRAYLINE_SANDBOX_DELIVER_TO"], "http://ingest:8080/ingest/warehouse/north");
}

/// The ports behind `127.0.0.1:outside:inside`, and what our processes listen on in their containers.
#[test]
fn every_published_port_is_listened_on_and_published_on_this_machine_alone() {
    let image = of_the_image();
    let port = |address: &str| address.rsplit_once(':').unwrap().1.to_owned();
    let doors = ["DRAYLINE__INGEST__LISTEN", "DRAYLINE__OPERATIONS__LISTEN"].map(|name| port(&image[name]));
    let exposed = read(DOCKERFILE);
    let exposed = exposed.lines().find_map(|line| line.strip_prefix("EXPOSE ")).unwrap();
    assert_eq!(exposed.split(' ').collect::<Vec<_>>(), doors);
    for service in services(&read(COMPOSE)) {
        let words = service.words("command");
        let listen = words.iter().position(|word| word == "--listen").map(|at| port(&words[at + 1]));
        for published in service.list("ports") {
            assert!(published.starts_with("127.0.0.1:"), "{}: {published}", service.name);
            let inside = port(&published);
            let known = match service.name.as_str() {
                "rabbitmq" => inside == "15672",
                "ingest" => doors.contains(&inside),
                _ => listen.as_ref() == Some(&inside),
            };
            assert!(known, "{}: nobody listens on {inside}", service.name);
        }
    }
}

/// The addresses of the configuration name services of the composition and ports that they listen on.
#[test]
fn every_far_end_of_the_configuration_is_a_service() {
    let services = ours();
    let config = read(CONFIG);
    let mut far_ends = 0;
    for rest in config.split("\"http://").skip(1) {
        let (host, port) = rest.split(['/', '"']).next().unwrap().split_once(':').unwrap();
        let service =
            services.iter().find(|service| service.name == host).unwrap_or_else(|| panic!("no service {host}"));
        assert!(service.words("command").iter().any(|word| word.ends_with(&format!(":{port}"))), "{host}:{port}");
        far_ends += 1;
    }
    assert_eq!(far_ends, 3);
}

/// The health check of the image, word for word, against the real program on another port.
#[tokio::test]
async fn the_health_check_tells_a_process_that_lives_from_one_that_does_not() {
    let dockerfile = read(DOCKERFILE);
    let check = dockerfile.lines().find_map(|line| line.trim().strip_prefix("CMD [\"bash\", \"-c\", \"")).unwrap();
    let check = check.strip_suffix("\"]").unwrap().replace("\\\\", "\\");
    assert!(check.contains("/dev/tcp/127.0.0.1/8081") && check.contains(" /livez "), "{check}");
    let folder = tempfile::tempdir().unwrap();
    let mut process = tokio::process::Command::new(env!("CARGO_BIN_EXE_drayline"))
        .args(["run", "--data"])
        .arg(folder.path())
        .env_clear()
        .envs([("DRAYLINE__INGEST__LISTEN", "127.0.0.1:0"), ("DRAYLINE__OPERATIONS__LISTEN", "127.0.0.1:0")])
        .stderr(std::process::Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let port = operations_port(&folder.path().join("addresses.json")).await;
    let check = check.replace("/8081", &format!("/{port}"));
    let healthy = || Command::new("bash").args(["-c", &check]).output().unwrap().status.success();
    assert!(healthy());
    process.kill().await.unwrap();
    assert!(!healthy());
}

async fn operations_port(addresses: &std::path::Path) -> String {
    let mut tick = tokio::time::interval(Duration::from_millis(50));
    let told = async {
        loop {
            tick.tick().await;
            let Ok(text) = std::fs::read_to_string(addresses) else { continue };
            let Ok(told) = serde_json::from_str::<BTreeMap<String, String>>(&text) else { continue };
            return told["operations"].rsplit_once(':').unwrap().1.to_owned();
        }
    };
    tokio::time::timeout(Duration::from_secs(30), told).await.expect("the process tells its addresses within 30 s")
}

#[test]
fn the_image_is_built_from_what_is_there_with_a_toolchain_that_suffices() {
    let dockerfile = read(DOCKERFILE);
    let ignore = read(".dockerignore");
    let copies =
        dockerfile.lines().filter_map(|line| line.strip_prefix("COPY ")).filter(|line| !line.starts_with("--from"));
    let mut copied: Vec<&str> = copies.flat_map(|line| line.split(' ').rev().skip(1)).collect();
    let mut let_through: Vec<&str> = ignore.lines().filter_map(|line| line.strip_prefix('!')).collect();
    copied.sort_unstable();
    let_through.sort_unstable();
    assert_eq!(copied, let_through, "what is copied and what .dockerignore lets through differ");
    for path in copied {
        assert!(std::path::Path::new(path).exists(), "{path} is not there");
    }
    let minor = |version: &str| version.split('.').nth(1).unwrap().parse::<u32>().unwrap();
    let toolchain = dockerfile.lines().find_map(|line| line.strip_prefix("FROM rust:")).unwrap();
    assert!(minor(toolchain.split('-').next().unwrap()) >= minor(env!("CARGO_PKG_RUST_VERSION")));
    assert!(dockerfile.contains("\nUSER 10001:10001\n"), "the image runs as somebody without rights");
}

/// Tests with containers and the composition speak of the same servers.
#[test]
fn tests_use_the_images_of_the_composition() {
    let script = read("scripts/servers");
    for service in services(&read(COMPOSE)).iter().filter(|service| service.scalar("image").unwrap() != "drayline") {
        let image = service.scalar("image").unwrap();
        assert!(script.contains(&format!("_IMAGE={image}\n")), "scripts/servers does not use {image}");
    }
}

/// Where a Compose is installed, it has the last word; it needs no daemon for that.
#[test]
fn compose_reads_the_file() {
    let versions: [(&str, &[&str]); 2] = [("docker", &["compose"]), ("docker-compose", &[])];
    for (program, words) in versions {
        let run = |more: &[&str]| Command::new(program).args(words).args(more).output();
        if !run(&["version"]).is_ok_and(|output| output.status.success()) {
            continue;
        }
        let output = run(&["--profile", "sandbox", "config", "-q"]).unwrap();
        assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    }
    assert!(read(COMPOSE).lines().all(|line| !line.starts_with("name:")), "Compose 1.29 knows no top-level name");
}
