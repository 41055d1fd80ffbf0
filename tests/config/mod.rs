//! Configuration: what the default file says is what happens, and whatever is wrong is told at once, with its place.

mod check;
mod defaults;
mod environment;
mod load;
mod secrets;

use drayline::config::{Config, Finding, load_text};

/// The TOML of one environment and one warehouse with which everything starts, in files of `folder`.
fn connections(folder: &std::path::Path) -> String {
    for name in ["client", "event", "token", "signing"] {
        std::fs::write(folder.join(name), format!("{name}-secret-value\n")).unwrap();
    }
    let file = |name: &str| format!("{:?}", format!("file:{}", folder.join(name).display()));
    let (client, event, token, signing) = (file("client"), file("event"), file("token"), file("signing"));
    format!(
        r#"
[dynamics.contoso]
kind = "finance_operations"
url = "https://contoso.operations.dynamics.com"
token_url = "https://login.microsoftonline.com/tenant/oauth2/v2.0/token"
client_id = "app"
client_secret = {client}
secrets = [{event}]

[warehouses.north]
connector = "standard"
url = "https://api.north.example"
token = {token}
secrets = [{signing}]
dynamics = "contoso"
locations = {{ "24" = "NORTH-1" }}
"#
    )
}

fn loaded(text: &str) -> Config {
    load_text(text).unwrap_or_else(|findings| panic!("{findings:#?}"))
}

fn refused(text: &str) -> Vec<Finding> {
    load_text(text).err().unwrap_or_else(|| panic!("it was taken:\n{text}"))
}

/// The one finding whose place begins with a key.
fn finding<'a>(findings: &'a [Finding], place: &str) -> &'a Finding {
    let mut found = findings.iter().filter(|finding| finding.place.split(' ').next() == Some(place));
    let only = found.next().unwrap_or_else(|| panic!("nothing is said about {place}: {findings:#?}"));
    assert!(found.next().is_none(), "{place} is told twice: {findings:#?}");
    only
}
