//! Secrets are named, never written, never printed; a file is read again when it changes.

use std::time::{Duration, SystemTime};

use drayline::config::{Secret, SecretError, address};
use secrecy::ExposeSecret as _;

use super::{connections, finding, loaded, refused};

fn file(path: &std::path::Path) -> Secret {
    Secret::named(&format!("file:{}", path.display())).unwrap()
}

fn exposed(secret: &Secret) -> String {
    secret.value().unwrap().expose_secret().to_owned()
}

#[test]
fn a_secret_written_down_is_refused_and_not_repeated() {
    let text = "[dynamics.contoso]\nkind = \"finance_operations\"\nclient_secret = \"hunter2-hunter2\"\n";
    let findings = refused(text);
    assert!(finding(&findings, "dynamics.contoso.client_secret").problem.contains("env:NAME or file:PATH"));
    assert!(!format!("{findings:?}").contains("hunter2"), "{findings:?}");
    for nonsense in ["", "hunter2", "env:", "file:", "vault:hunter2"] {
        assert!(!Secret::named(nonsense).unwrap_err().contains("hunter2"));
    }
}

#[test]
fn no_form_of_a_configuration_shows_a_secret() {
    let folder = tempfile::tempdir().unwrap();
    let config = loaded(&connections(folder.path()));
    let secret = config.dynamics["contoso"].client_secret.clone().unwrap();
    assert_eq!(exposed(&secret), "client-secret-value");
    for shown in [
        format!("{config:?}"),
        serde_json::to_string(&config).unwrap(),
        format!("{secret} {secret:?} {:?}", secret.value()),
        serde_json::to_string(&secret).unwrap(),
    ] {
        assert!(!shown.contains("secret-value"), "{shown}");
    }
    assert_eq!(secret.to_string(), format!("file:{}", folder.path().join("client").display()));
}

#[test]
fn the_end_of_the_line_is_no_part_of_a_secret() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    for (written, read) in [("a b", "a b"), ("a b\n", "a b"), ("a b\r\n", "a b"), (" a\n", " a")] {
        std::fs::write(&path, written).unwrap();
        assert_eq!(exposed(&file(&path)), read);
    }
}

#[test]
fn what_cannot_be_had_is_told_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    assert!(matches!(file(&path).value(), Err(SecretError::Unread(unread, _)) if unread == path));
    std::fs::write(&path, "\n").unwrap();
    assert!(matches!(file(&path).value(), Err(SecretError::Empty(_))));
    let unset = Secret::named("env:DRAYLINE_TEST_NOBODY_SETS_THIS").unwrap();
    assert_eq!(
        unset.value().unwrap_err().to_string(),
        "the environment variable DRAYLINE_TEST_NOBODY_SETS_THIS is not set"
    );
}

/// Waits for the new value: the file is looked at once a second.
#[tokio::test]
async fn a_file_is_read_again_when_it_changes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    std::fs::write(&path, "old").unwrap();
    let secret = file(&path);
    let copy = secret.clone();
    assert_eq!(exposed(&secret), "old");
    std::fs::write(&path, "new").unwrap();
    // Both writes may fall into one tick of the file system's clock.
    let later = SystemTime::now() + Duration::from_secs(5);
    std::fs::File::options().write(true).open(&path).unwrap().set_modified(later).unwrap();
    let mut tick = tokio::time::interval(Duration::from_millis(50));
    let seen = async {
        while exposed(&secret) != "new" {
            tick.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), seen).await.expect("the new secret is read within ten seconds");
    assert_eq!(exposed(&copy), "new", "copies of a secret are one");
}

#[test]
fn an_address_may_be_a_secret() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("url");
    std::fs::write(&path, "amqp://user:word@host/%2f\n").unwrap();
    assert_eq!(address(&format!("file:{}", path.display())).unwrap(), "amqp://user:word@host/%2f");
    assert_eq!(address("amqp://host/%2f").unwrap(), "amqp://host/%2f");
    assert!(address("env:DRAYLINE_TEST_NOBODY_SETS_THIS").is_err());
}
