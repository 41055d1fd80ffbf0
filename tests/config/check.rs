//! What types cannot say: each finding is planted once, and says where it is and what to do.

use super::{connections, finding, loaded, refused};

#[test]
fn a_time_zone_that_nobody_knows_is_found() {
    let text = "dynamics.contoso.kind = \"finance_operations\"\n\
                dynamics.contoso.outbound.time_zones.usmf = \"Middle/Earth\"\n";
    let findings = drayline::config::load_text(text).unwrap_err();
    let found: Vec<_> = findings.iter().filter(|each| each.place.contains("time_zones")).collect();
    assert_eq!(found[0].place, "dynamics.contoso.outbound.time_zones.usmf");
    assert!(found[0].problem.contains("Middle/Earth"));
}

#[test]
fn a_service_that_posts_journals_has_three_names() {
    let text = "dynamics.contoso.kind = \"finance_operations\"\n\
                dynamics.contoso.adjustments.journals.service = \"ConJournals/post\"\n\
                dynamics.contoso.adjustments.journals.headers = \"\"\n";
    let findings = drayline::config::load_text(text).unwrap_err();
    assert!(
        finding(&findings, "dynamics.contoso.adjustments.journals.service").remedy.contains("GROUP/SERVICE/OPERATION")
    );
    assert_eq!(finding(&findings, "dynamics.contoso.adjustments.journals.headers").problem, "is empty");
}

#[test]
fn a_whole_configuration_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let config = loaded(&connections(folder.path()));
    assert_eq!(config.warehouses["north"].locations["24"], "NORTH-1");
    assert_eq!(config.dynamics["contoso"].outbound.processed_states, ["Accepted", "Processed"]);
}

#[test]
fn limits_name_fields_that_there_are() {
    let folder = tempfile::tempdir().unwrap();
    let usual = connections(folder.path());
    let limits = "[warehouses.north.limits.orders]\ncharacters_max = { \"recipient.street\" = 35, orderNumber = 0 }\n\
                  required = [\"sender.phone\"]\ncountries = [\"usa\"]\n\
                  [warehouses.north.limits.receipts]\nrequired = [\"sender.phone\"]\n\
                  [warehouses.north.limits.returns]\nrequired = [\"rma\", \"orderNumber\"]\ncountries = [\"US\"]\n";
    let findings = refused(&format!("{usual}{limits}"));
    let place = |key: &str| format!("warehouses.north.limits.orders.{key}");
    let street = finding(&findings, &place("characters_max"));
    assert!(street.problem.contains("recipient.street") && street.remedy.contains("recipient.line1"), "{street:?}");
    assert!(finding(&findings, &place("required")).problem.contains("sender.phone"));
    assert!(finding(&findings, &place("countries")).remedy.contains("ISO 3166-1"));
    assert_eq!(finding(&findings, &place("characters_max.orderNumber")).problem, "is 0");
    let of_returns = finding(&findings, "warehouses.north.limits.returns.required");
    assert!(of_returns.problem.contains("orderNumber") && of_returns.remedy.contains("rma"), "{of_returns:?}");
    assert_eq!(finding(&findings, "warehouses.north.limits.returns.countries").problem, "limits nothing");
    assert_eq!(findings.len(), 6, "{findings:#?}");
}

#[test]
fn changes_name_fields_that_can_be_changed() {
    let folder = tempfile::tempdir().unwrap();
    let usual = connections(folder.path());
    let changes = "[warehouses.north.changes]\nfields = [\"recipient\", \"facility\"]\nuntil = \"packed\"\n";
    let findings = refused(&format!("{usual}{changes}"));
    let facility = finding(&findings, "warehouses.north.changes.fields");
    assert!(facility.problem.contains("facility") && facility.remedy.contains("lines.quantity"), "{facility:?}");
    assert_eq!(findings.len(), 1, "{findings:#?}");
}

#[test]
fn servers_need_their_addresses() {
    let findings = refused("[transport]\nkind = \"rabbitmq\"\n\n[store]\nkind = \"postgresql\"\n");
    assert!(finding(&findings, "transport.url").remedy.contains("amqp://"));
    assert!(finding(&findings, "store.url").remedy.contains("postgres://"));
    assert_eq!(findings.len(), 2, "{findings:#?}");
}

#[test]
fn limits_that_let_nothing_through_are_refused() {
    for (section, key) in [
        ("transport", "prefetch"),
        ("transport", "publish_window"),
        ("transport", "heartbeat_s"),
        ("transport.partitions", "orders"),
        ("transport.partitions", "shipments"),
        ("transport.partitions", "goods_received"),
        ("transport.partitions", "stock_adjustments"),
        ("transport.partitions", "returns"),
        ("transport.partitions", "stock_snapshots"),
        ("store", "connections_max"),
        ("ingest", "body_bytes_max"),
        ("ingest", "requests_max"),
        ("processor", "batch_max"),
        ("processor", "waiting_per_far_end_max"),
        ("processor", "stop_poll_ms"),
        ("processor", "mapping_poll_ms"),
        ("processor", "mapping_age_ms_max"),
        ("gateways", "calls_at_once_max"),
        ("gateways", "breaker_failures_max"),
    ] {
        let findings = refused(&format!("[{section}]\n{key} = 0\n"));
        assert_eq!(findings.len(), 1, "{findings:#?}");
        assert_eq!(finding(&findings, &format!("{section}.{key}")).problem, "is 0");
    }
}

#[test]
fn limits_that_contradict_each_other_are_refused() {
    for (text, place, problem) in [
        ("processor.retry_delays_ms = []", "processor.retry_delays_ms", "is empty"),
        ("processor.posting_poll_delays_ms = []", "processor.posting_poll_delays_ms", "is empty"),
        ("processor.dead_after_ms = 2999", "processor.dead_after_ms", "is shorter than three heartbeats"),
        (
            "transport.reconnect_delay_ms_max = 100",
            "transport.reconnect_delay_ms_max",
            "is smaller than transport.reconnect_delay_ms_min",
        ),
    ] {
        let findings = refused(text);
        assert_eq!(findings.len(), 1, "{findings:#?}");
        assert_eq!(finding(&findings, place).problem, problem);
    }
    loaded("processor.dead_after_ms = 3000");
}

/// Changes one line of a configuration that is taken, and expects one finding.
#[test]
fn connections_are_checked_line_by_line() {
    let folder = tempfile::tempdir().unwrap();
    let whole = connections(folder.path());
    let line = |beginning: &str, ordinal: usize| {
        let mut lines = whole.lines().filter(|line| line.starts_with(beginning));
        lines.nth(ordinal).unwrap_or_else(|| panic!("no line {beginning}")).to_owned()
    };
    for (old, new, place, problem) in [
        (line("url", 0), "url = \"contoso\"", "dynamics.contoso.url", "is not an address"),
        (line("url", 0), "", "dynamics.contoso.url", "is missing"),
        (line("url", 1), "url = \"https://\"", "warehouses.north.url", "is not an address"),
        (line("token_url", 0), "", "dynamics.contoso.token_url", "is missing"),
        (line("client_id", 0), "", "dynamics.contoso.client_id", "is missing"),
        (line("client_secret", 0), "", "dynamics.contoso.client_secret", "is missing"),
        (
            line("client_secret", 0),
            "client_secret = \"file:nowhere\"",
            "dynamics.contoso.client_secret",
            "cannot be read",
        ),
        (line("secrets", 0), "", "dynamics.contoso.secrets", "is empty"),
        (
            line("secrets", 1),
            "secrets = [\"env:DRAYLINE_TEST_NOBODY_SETS_THIS\"]",
            "warehouses.north.secrets[0]",
            "is not set",
        ),
        (line("secrets", 1), "", "warehouses.north.secrets", "is empty"),
        (line("token = ", 0), "", "warehouses.north.token", "is missing"),
        (line("connector", 0), "connector = \"pigeon\"", "warehouses.north.connector", "is not a connector"),
        (line("dynamics", 0), "dynamics = \"fabrikam\"", "warehouses.north.dynamics", "is not a configured"),
        (line("locations", 0), "", "warehouses.north.locations", "is empty"),
        (line("connector", 0), "connector = \"standard\"\nstage = \"test\"", "warehouses.north.stage", "another stage"),
        (
            line("client_id", 0),
            "client_id = \"app\"\nlegal_entities = [\"USMF\"]",
            "dynamics.contoso.legal_entities",
            "capitals",
        ),
        (
            line("client_id", 0),
            "client_id = \"app\"\ngo_live = \"2026-11-01T00:00:00Z\"\nadoption.outbound_reference = \"WMS-{number}\"",
            "dynamics.contoso.adoption.outbound_reference",
            "holds \"number\", which no document has",
        ),
        (
            line("client_id", 0),
            "client_id = \"app\"\ngo_live = \"2026-11-01T00:00:00Z\"\nadoption.inbound_reference = \"WMS\"",
            "dynamics.contoso.adoption.inbound_reference",
            "names nothing of the document",
        ),
        (
            line("client_id", 0),
            "client_id = \"app\"\nadoption.inbound_reference = \"WMS-{request}\"",
            "dynamics.contoso.go_live",
            "is missing, though documents from before it are to be adopted",
        ),
        (line("kind", 0), "kind = \"business_central\"", "dynamics.contoso.kind", "not supported"),
    ] {
        let findings = refused(&whole.replacen(&old, new, 1));
        let finding = finding(&findings, place);
        assert!(finding.problem.contains(problem), "{place}: {finding:?}");
        assert!(!finding.remedy.is_empty());
        assert_eq!(findings.len(), 1, "{findings:#?}");
    }
}

#[test]
fn public_names_are_small_and_different() {
    let folder = tempfile::tempdir().unwrap();
    let whole = connections(folder.path());
    let findings = refused(&whole.replace("[warehouses.north]", "[warehouses.North-1]"));
    assert_eq!(finding(&findings, "warehouses.North-1").problem, "is not a public name");
    let findings = refused(&whole.replace("[warehouses.north]", "[warehouses.contoso]"));
    assert!(finding(&findings, "warehouses.contoso").problem.contains("Dynamics environment, too"));
    let long = "a".repeat(41);
    let findings = refused(&whole.replace("[warehouses.north]", &format!("[warehouses.{long}]")));
    assert_eq!(finding(&findings, &format!("warehouses.{long}")).problem, "is not a public name");
}
