//! Any value by environment, as a process really gets it: a variable of this process would be seen by every other test.

use std::process::{Command, Output};

use serde_json::Value;

fn show(variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_drayline"));
    command.args(["config", "show"]).env_clear().envs(variables.iter().copied());
    command.output().unwrap()
}

fn shown(variables: &[(&str, &str)]) -> Value {
    let output = show(variables);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn any_value_can_be_given_by_environment() {
    let config = shown(&[
        ("DRAYLINE__TRANSPORT__URL", "amqp://broker/%2f"),
        ("DRAYLINE__TRANSPORT__PARTITIONS__ORDERS", "24"),
        ("DRAYLINE__PROCESSOR__RETRY_DELAYS_MS", "[1, 2]"),
        ("DRAYLINE__GATEWAYS__PRIVATE_ADDRESSES", "true"),
        ("DRAYLINE__DATA", "elsewhere"),
    ]);
    assert_eq!(config["transport"]["url"], "amqp://broker/%2f");
    assert_eq!(config["transport"]["partitions"]["orders"], 24);
    assert_eq!(config["processor"]["retry_delays_ms"], serde_json::json!([1, 2]));
    assert_eq!(config["gateways"]["private_addresses"], true);
    assert_eq!(config["data"], "elsewhere");
    assert_eq!(config["store"]["kind"], "sqlite");
}

#[test]
fn a_whole_connection_can_be_given_by_environment() {
    let config = shown(&[
        ("SECRET", "value-that-nobody-sees"),
        ("DRAYLINE__DYNAMICS__CONTOSO__KIND", "finance_operations"),
        ("DRAYLINE__DYNAMICS__CONTOSO__URL", "https://contoso.operations.dynamics.com"),
        ("DRAYLINE__DYNAMICS__CONTOSO__TOKEN_URL", "https://login.microsoftonline.com/t/oauth2/v2.0/token"),
        ("DRAYLINE__DYNAMICS__CONTOSO__CLIENT_ID", "app"),
        ("DRAYLINE__DYNAMICS__CONTOSO__CLIENT_SECRET", "env:SECRET"),
        ("DRAYLINE__DYNAMICS__CONTOSO__SECRETS", "[\"env:SECRET\"]"),
        ("DRAYLINE__DYNAMICS__CONTOSO__MODE", "dry_run"),
    ]);
    assert_eq!(config["dynamics"]["contoso"]["mode"], "dry_run");
    assert_eq!(config["dynamics"]["contoso"]["client_secret"], "env:SECRET");
    assert!(!config.to_string().contains("nobody-sees"));
}

#[test]
fn what_is_wrong_there_is_told_with_the_variable() {
    let output = show(&[("DRAYLINE__INGEST__LISTEN", "nowhere"), ("DRAYLINE__STORE__COLOUR", "blue")]);
    assert!(!output.status.success() && output.stdout.is_empty());
    let told = String::from_utf8(output.stderr).unwrap();
    for variable in ["DRAYLINE__INGEST__LISTEN", "DRAYLINE__STORE__COLOUR"] {
        assert!(told.contains(variable), "{told}");
    }
}
