//! The simulated far ends of the demo: what they are called, where they listen, how they behave, and what the product is told of
//! them.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::{SocketAddr, TcpListener};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::memory::{Memory, random};
use crate::cli::{Failed, mapping};
use crate::config::{Config, StoreKind, TransportKind};
use crate::mapping::{Cells, Row};
use crate::sandbox::{
    Faults, FinanceOperations, FinanceOperationsRules, Premises, Running, StartError, Warehouse, WarehouseRules,
};
use crate::store::{MappingChange, Store};

/// Waits that suit somebody who watches: the simulated far ends answer within milliseconds, what they lose is looked up
/// after seconds, and what a crash left waiting is looked at again after seconds, too. One shop asks for all returns.
const BRISK: &str = "[console]\nrequests_per_minute_max = 60000\nrequests_at_once_max = 1000\n\
    [gateways]\nprivate_addresses = true\ncall_ms_max = 3000\nsettle_ms = 500\n\
    [processor]\nbusy_delay_ms_min = 200\nbusy_delay_ms_max = 2000\nlook_again_ms = 2000\n\
    posting_poll_delays_ms = [500, 1000, 2000, 5000]\n\
    retry_delays_ms = [200, 400, 800, 1500, 3000, 3000, 3000, 3000, 3000, 3000, 3000, 3000, 3000, 3000]\n";

/// The event of a return order: Dynamics has none of its own.
const RETURN_EVENT: &str = "DraylineReturnOrderBusinessEvent";

/// Names and secrets of the demo's connections.
pub(super) struct Names {
    pub(super) dynamics: String,
    pub(super) warehouse: String,
    client_secret: (String, String),
    pub(super) event_secret: (String, String),
    token: (String, String),
    signing: (String, String),
}

impl Names {
    pub(super) fn of(memory: &Memory, config: &Config) -> Result<Self, Failed> {
        let embedded = config.store.kind == StoreKind::Sqlite && config.transport.kind == TransportKind::Embedded;
        // On shared servers an earlier demo's events would be taken for this one's.
        let name = |plain: &str| if embedded { plain.to_owned() } else { format!("{plain}_{}", memory.run) };
        let secret = |file: &str, make: fn() -> String| {
            let (path, value) = memory.secret(file, make)?;
            Ok::<_, Failed>((path.display().to_string(), value))
        };
        Ok(Self {
            dynamics: name("contoso"),
            warehouse: name("north"),
            client_secret: secret("client_secret", random)?,
            event_secret: secret("event_secret", random)?,
            token: secret("token", random)?,
            signing: secret("signing", || format!("whsec_{}", STANDARD.encode(random())))?,
        })
    }

    /// Dynamics and the warehouse.
    pub(super) async fn opened(&self, memory: &Memory) -> Result<(Running, Running), StartError> {
        let faults = memory.faults.then(|| disturbances(0));
        let premises = |own: Premises| Premises { seed: memory.seed, faults: faults.clone(), ..own };
        let rules = FinanceOperationsRules {
            client_secret: self.client_secret.1.clone(),
            return_event: RETURN_EVENT.to_owned(),
            ..Default::default()
        };
        let own = premises(Premises::finance_operations(memory.folder("finance-operations")));
        let dynamics = opened(&own, async |own| FinanceOperations::start(own, rules.clone()).await).await?;
        let rules = WarehouseRules {
            token: self.token.1.clone(),
            signing_secret: self.signing.1.clone(),
            dispositions_in_turn: true,
            ..Default::default()
        };
        let own = premises(Premises::warehouse(memory.folder("warehouse")));
        let warehouse = opened(&own, async |own| Warehouse::start(own, rules.clone()).await).await?;
        Ok((dynamics, warehouse))
    }

    /// The sections of the configuration that name the simulated far ends.
    pub(super) fn sections(&self, dynamics_url: &str, warehouse_url: &str, config: &Config) -> String {
        let mut toml = String::new();
        let Self { dynamics, warehouse, client_secret, event_secret, token, signing } = self;
        // Writing to a text cannot fail.
        let _ = write!(
            toml,
            "[ingest]\nlisten = {:?}\n[operations]\nlisten = {:?}\n{BRISK}\
             [dynamics.{dynamics}]\nkind = \"finance_operations\"\nurl = {dynamics_url:?}\n\
             token_url = \"{dynamics_url}/contoso/oauth2/v2.0/token\"\nclient_id = \"drayline\"\n\
             client_secret = \"file:{}\"\nsecrets = [\"file:{}\"]\nlegal_entities = [\"usmf\"]\n\
             [dynamics.{dynamics}.events]\nDraylineOrderChangedBusinessEvent = \"order_changed\"\n\
             DraylineOrderCancelledBusinessEvent = \"order_cancelled\"\n{RETURN_EVENT} = \"return_authorised\"\n\
             [dynamics.{dynamics}.outbound]\nvalue_field = \"OrderTotalAmount\"\ncurrency_field = \"CurrencyCode\"\n\
             [dynamics.{dynamics}.inbound]\nvalue_field = \"OrderTotalAmount\"\ncurrency_field = \"CurrencyCode\"\n\
             [dynamics.{dynamics}.returns]\nvalue_field = \"OrderTotalAmount\"\nwarehouse = \"24\"\n\
             exchange_code = \"REPLACE\"\ncredited_elsewhere = [\"REPLACE\"]\n\
             without_credit = [\"STOCK\", \"WRITEOFF\", \"SENDBACK\"]\n\
             [dynamics.{dynamics}.statuses]\nDAMAGED = \"Damaged\"\nQUARANTINE = \"Quarantine\"\nON_HOLD = \"On hold\"\n\
             [warehouses.{warehouse}]\nconnector = \"standard\"\nurl = {warehouse_url:?}\ntoken = \"file:{}\"\n\
             secrets = [\"file:{}\"]\ndynamics = {dynamics:?}\nlocations = {{ \"24\" = \"NORTH-1\" }}\n",
            free(config.ingest.listen).to_string(),
            free(config.operations.listen).to_string(),
            client_secret.0,
            event_secret.0,
            token.0,
            signing.0,
        );
        toml
    }
}

/// What goes wrong in a demo with faults: only what heals by itself.
pub(super) fn disturbances(down_s: u64) -> Faults {
    Faults {
        latency_ms: 5,
        refuse_429: 0.02,
        fail_5xx: 0.03,
        lose_answer: 0.03,
        duplicate: 0.1,
        reorder: 0.1,
        lose_events: 0.0,
        down_s,
        refuse_updates: 0.0,
        once: false,
    }
}

/// A row of the mapping.
pub(super) fn row(cells: [(&str, &str); 4]) -> Result<Row, Failed> {
    let cells: Cells = cells.map(|(column, cell)| (column.to_owned(), cell.to_owned())).into();
    Row::read(&cells).map_err(|_| Failed::Work("the demo's own row cannot be read".to_owned()))
}

/// What the mapping says before the product starts. What somebody set otherwise stays.
pub(super) async fn mapped(config: &Config, mut rows: Vec<Row>) -> Result<(), Failed> {
    let store = Store::open(config).await?;
    let mapping = store.mapping(None).await?;
    let held: BTreeSet<_> = mapping.rows().iter().map(Row::identity).collect();
    rows.retain(|row| !held.contains(&row.identity()));
    if !rows.is_empty() {
        let (removed, by, reason) = (Vec::new(), "drayline demo".to_owned(), "the demo begins with it".to_owned());
        let change = MappingChange { from: mapping.version(), set: rows, removed, by, reason };
        mapping::changed(&store, "mapping.set", &change).await?;
    }
    store.close().await;
    Ok(())
}

/// A sandbox on its usual port, or on a free one when that is taken.
async fn opened<E>(premises: &Premises, start: impl AsyncFn(Premises) -> Result<Running, E>) -> Result<Running, E> {
    match start(premises.clone()).await {
        Err(_) if free(premises.listen) != premises.listen => {
            start(Premises { listen: SocketAddr::new(premises.listen.ip(), 0), ..premises.clone() }).await
        }
        started => started,
    }
}

/// The address, or a free port where somebody has it already.
fn free(address: SocketAddr) -> SocketAddr {
    if TcpListener::bind(address).is_ok() { address } else { SocketAddr::new(address.ip(), 0) }
}
