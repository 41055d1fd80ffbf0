//! Commands on what is wrong, missing or not theirs: a clear answer, the right exit code, one document with `--json`.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::support::wait::until;

fn drayline(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_drayline"));
    command
        .args(arguments)
        .env("DRAYLINE__INGEST__LISTEN", "127.0.0.1:0")
        .env("DRAYLINE__OPERATIONS__LISTEN", "127.0.0.1:0");
    command
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn written(folder: &Path, text: &str) -> String {
    let file = folder.join("drayline.toml");
    std::fs::write(&file, text).unwrap();
    file.display().to_string()
}

#[test]
fn looking_makes_no_store() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().join("typo");
    for command in [&["exceptions", "list"][..], &["documents", "show", "SO-1"], &["exceptions", "list", "--json"]] {
        let output = drayline(command).arg("--data").arg(&nowhere).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{command:?}");
        assert!(said(&output).contains("There is no store in"), "{}", said(&output));
        assert!(!nowhere.exists(), "{command:?} made it");
        if command.contains(&"--json") {
            let error: Value = serde_json::from_slice(&output.stdout).unwrap();
            assert!(error["error"].as_str().unwrap().contains("There is no store in"));
        }
    }
}

#[test]
fn config_check_tells_what_would_stop_a_start() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("secret"), "a/secret?").unwrap();
    let secret = format!("\"file:{}\"", folder.path().join("secret").display());
    let warehouse = |name: &str| {
        format!(
            "[warehouses.{name}]\nconnector = \"standard\"\nurl = \"https://{name}.example\"\ntoken = {secret}\n\
             secrets = []\ndynamics = \"contoso\"\nlocations = {{ \"24\" = \"NORTH-1\" }}\n"
        )
    };
    let text = format!(
        "[transport]\nkind = \"rabbitmq\"\nurl = \"env:NO_SUCH_VARIABLE_HERE\"\n[store]\nkind = \"postgresql\"\n\
         url = \"postgre://host/db\"\n[dynamics.contoso]\nkind = \"finance_operations\"\nurl = \"https://d.example\"\n\
         token_url = \"https://t.example\"\nclient_id = \"c\"\nclient_secret = {secret}\nsecrets = [{secret}]\n\
         legal_entities = [\"usmf\"]\n[rehearsal]\nkill_at = \"call.maid:1\"\n{}{}",
        warehouse("north").replace("secrets = []", &format!("secrets = [{}]", whsec(folder.path()))),
        warehouse("south").replace("secrets = []", &format!("secrets = [{}]", whsec(folder.path()))),
    );
    let file = written(folder.path(), &text);
    let output = drayline(&["config", "check", "--json", "--config", &file]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let places: Vec<_> =
        told["findings"].as_array().unwrap().iter().map(|each| each["place"].as_str().unwrap()).collect();
    let wanted = ["dynamics.contoso.secrets[0]", "rehearsal", "transport.url", "store.url", "connections"];
    assert_eq!(places, wanted, "{told}");
}

fn whsec(folder: &Path) -> String {
    let file = folder.join("whsec");
    std::fs::write(&file, "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=").unwrap();
    format!("\"file:{}\"", file.display())
}

#[test]
fn passwords_in_addresses_are_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let text = "[transport]\nkind = \"rabbitmq\"\nurl = \"amqp://user:hunter@2@host:5672/\"\n\
                management_url = \"http://user:hunter3@host:15672\"\n[store]\nkind = \"postgresql\"\n\
                url = \"postgres://user:hunter4@host/db\"\n";
    let file = written(folder.path(), text);
    let output = drayline(&["config", "show", "--json", "--config", &file]).output().unwrap();
    let shown: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(shown["transport"]["url"], "amqp://user:***@host:5672/");
    assert!(!shown.to_string().contains("hunter"), "{shown}");
}

/// Waits for the doors of a process, then ends it as an operator does.
async fn starts_and_stops(command: &mut Command, data: &Path) -> std::process::ExitStatus {
    let mut child = command.arg("--data").arg(data).stdout(Stdio::null()).spawn().unwrap();
    until("its doors are open", || {
        assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
        std::future::ready(data.join("addresses.json").exists().then_some(()))
    })
    .await;
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    tokio::task::spawn_blocking(move || child.wait().unwrap()).await.unwrap()
}

#[tokio::test]
async fn a_log_that_cannot_be_written_ends_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let full = File::options().write(true).open("/dev/full").unwrap();
    let status = starts_and_stops(drayline(&["run"]).stderr(full), folder.path()).await;
    assert!(status.success(), "{status}");
}

#[tokio::test]
async fn a_role_does_not_work_in_a_demos_folder_nor_a_demo_in_a_roles() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("demo");
    let ended = drayline(&["demo", "--orders", "1", "--exit", "--data"]).arg(&data).output().unwrap();
    assert!(ended.status.success(), "{}", said(&ended));
    let refused = drayline(&["run", "--data"]).arg(&data).output().unwrap();
    assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
    assert!(said(&refused).contains("belongs to a demo"), "{}", said(&refused));

    let data = folder.path().join("role");
    let status = starts_and_stops(drayline(&["run"]).stderr(Stdio::null()), &data).await;
    assert!(status.success());
    let refused = drayline(&["demo", "--orders", "1", "--exit", "--data"]).arg(&data).output().unwrap();
    assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
    assert!(said(&refused).contains("no demo made"), "{}", said(&refused));
}

/// Whoever asks beside a demo learns where it was looked, and which states were asked for.
#[test]
fn what_is_not_there_is_said_with_where_it_was_looked_for() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data").display().to_string();
    let run = |arguments: &[&str]| drayline(arguments).args(["--data", &data]).output().unwrap();
    let checked = run(&["mapping", "check"]);
    assert_eq!(checked.status.code(), Some(1));
    let sentence = "nothing to map to: no file was given with --config, and the variables DRAYLINE__WAREHOUSES__… name none. Give the file";
    assert!(said(&checked).contains(sentence), "{}", said(&checked));
    let file = written(folder.path(), "");
    let checked = run(&["mapping", "check", "--config", &file]);
    assert!(said(&checked).contains(&format!("neither {file} nor the variables")), "{}", said(&checked));

    let listed = run(&["documents", "list", "--state", "rejected", "--warehouse", "north"]);
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned() + &said(&listed);
    assert_eq!(listed.trim(), "No document that fits is in the state rejected at the warehouse north.");
}

/// The script of bash is read by bash itself, and completes what a person has begun to write.
#[test]
fn shells_complete_what_was_begun() {
    let script = |shell: &str| {
        let output = drayline(&["completions", shell]).output().unwrap();
        assert!(output.status.success(), "{}", said(&output));
        String::from_utf8(output.stdout).unwrap()
    };
    let completed = |words: &str| {
        let begun = format!("{}\nCOMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))", script("bash"));
        let asked = format!(
            "{begun}\n_drayline drayline \"${{COMP_WORDS[COMP_CWORD]}}\" \"${{COMP_WORDS[COMP_CWORD - 1]}}\"\n\
             printf '%s\\n' \"${{COMPREPLY[@]}}\""
        );
        // As its input: it is longer than an argument may be.
        let mut bash = Command::new("bash");
        bash.args(["--norc", "-s"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut shell = bash.spawn().unwrap();
        shell.stdin.take().unwrap().write_all(asked.as_bytes()).unwrap();
        let output = shell.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", said(&output));
        String::from_utf8(output.stdout).unwrap().split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(completed("drayline exce"), ["exceptions"]);
    assert_eq!(completed("drayline replay pl"), ["plan"]);
    assert_eq!(completed("drayline demo --fa"), ["--faults"]);
    for shell in ["zsh", "fish", "powershell", "elvish"] {
        let script = script(shell);
        assert!(script.contains("exceptions") && script.contains("fingerprint"), "{shell}: {script}");
    }
    assert_eq!(drayline(&["completions", "csh"]).output().unwrap().status.code(), Some(2));
}
