//! Gateways on a configuration of a test's own, and the documents they are given.

use std::path::PathBuf;

use drayline::clock::Clock;
use drayline::config::Config;
use drayline::failure::{Code, Failure};
use drayline::gateways::{
    Direction, Dynamics, FulfilmentLine, FulfilmentOrder, GatewayError, Gateways, GatewaysUnusable, ShipmentUpdate,
    UpdateDimension, UpdateLine, Warehouse, Wire,
};
use drayline::message::{Address, Connection, LegalEntity, Reference, RequestId, Serial, Sku, Unit};
use rust_decimal::Decimal;
use serde_json::json;

use super::far_end::{Asked, FarEnd, Said};
use crate::support::{Backing, Ground};

/// Gateways to one Dynamics environment, `contoso`, and one warehouse, `north`.
pub struct Scene {
    pub gateways: Gateways,
    ground: Ground,
}

impl Scene {
    /// Both behind one address; `more` is TOML in dotted keys and goes before.
    pub async fn at(url: &str, more: &str) -> Self {
        Self::with_clock(url, more, &Clock::system()).await
    }

    pub async fn with_clock(url: &str, more: &str, clock: &Clock) -> Self {
        Self::built(url, more, |config| Gateways::new(config, clock)).await
    }

    /// Far ends in this process, whatever their address.
    pub async fn with_wire(wire: Wire) -> Self {
        Self::built("http://nobody.invalid", "", |config| Gateways::with_wire(config, &Clock::system(), wire)).await
    }

    async fn built(url: &str, more: &str, build: impl FnOnce(&Config) -> Result<Gateways, GatewaysUnusable>) -> Self {
        let ground = Ground::fresh(Backing::Embedded).await;
        let secret = ground.data().join("secret");
        std::fs::write(&secret, "s3cret-value").unwrap();
        let secret = format!("file:{}", secret.display());
        let private = if more.contains("private_addresses") { "" } else { "gateways.private_addresses = true" };
        let deadline = if more.contains("call_ms_max") { "" } else { "gateways.call_ms_max = 5000" };
        let token = if more.contains("token_url") {
            String::new()
        } else {
            format!("dynamics.contoso.token_url = \"{url}/token\"")
        };
        // Far ends of a script answer single calls; what shares requests is shown at a simulated Dynamics.
        let singly = if more.contains("dynamics.contoso.together") {
            ""
        } else {
            "dynamics.contoso.together = { documents_max = 1, changesets = false }"
        };
        let config = ground.config(&format!(
            r#"
            {private}
            {deadline}
            {singly}
            {token}
            {more}
            dynamics.contoso.kind = "finance_operations"
            dynamics.contoso.url = "{url}"
            dynamics.contoso.client_id = "drayline"
            dynamics.contoso.client_secret = "{secret}"
            dynamics.contoso.secrets = ["{secret}"]
            warehouses.north.connector = "standard"
            warehouses.north.url = "{url}"
            warehouses.north.token = "{secret}"
            warehouses.north.secrets = ["{secret}"]
            warehouses.north.dynamics = "contoso"
            warehouses.north.locations = {{ "24" = "NORTH-1" }}
            "#
        ));
        Self { gateways: build(&config).unwrap(), ground }
    }

    /// The file with the one secret of all connections.
    pub fn secret(&self) -> PathBuf {
        self.ground.data().join("secret")
    }

    pub fn dynamics(&self) -> &Dynamics {
        self.gateways.dynamics(&connection("contoso")).unwrap()
    }

    pub fn warehouse(&self) -> &Warehouse {
        self.gateways.warehouse(&connection("north")).unwrap()
    }

    pub fn dynamics_failure(&self, error: &GatewayError) -> Failure {
        self.dynamics().failure(error, "do it")
    }

    /// The failure's code of creating an order.
    pub async fn create_code(&self) -> Code {
        self.create_failure().await.code
    }

    pub async fn create_failure(&self) -> Failure {
        let error = self.warehouse().create_order(&order()).await.unwrap_err();
        self.warehouse().failure(&error, "create the order")
    }

    pub async fn find_failure(&self) -> Failure {
        let error = self.warehouse().find_order(Direction::Outbound, "usmf-SHP0012-W1").await.unwrap_err();
        self.warehouse().failure(&error, "find the order")
    }
}

/// A far end that gives out tokens, and otherwise answers as the script says.
pub async fn dynamics_end(script: impl Fn(&Asked) -> Said + Send + Sync + 'static) -> FarEnd {
    FarEnd::start(move |asked| if asked.path == "/token" { token("token-1", 3600) } else { script(asked) }).await
}

pub fn token(value: &str, expires_s: u64) -> Said {
    Said::json(200, &json!({"token_type": "Bearer", "expires_in": expires_s, "access_token": value}))
}

pub fn connection(name: &str) -> Connection {
    Connection::new(name).unwrap()
}

pub fn usmf() -> LegalEntity {
    LegalEntity::new("usmf").unwrap()
}

pub fn shp() -> RequestId {
    RequestId::new("SHP0012").unwrap()
}

pub fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

/// The order of `connectors/standard/samples/calls/create_order.json`.
pub fn order() -> FulfilmentOrder {
    let some = |text: &str| Some(text.to_owned());
    FulfilmentOrder {
        direction: Direction::Outbound,
        reference: Reference::of(&usmf(), &shp()),
        facility: "NORTH-1".to_owned(),
        order_number: some("SO-1001"),
        purchase_order: some("PO-77"),
        customer_account: None,
        recipient: Address {
            name: some("Ada Example"),
            company: some("Example Ltd"),
            line1: some("High Street 12"),
            line2: some("Building B"),
            line3: some("Riverside"),
            city: some("Springfield"),
            region: some("IL"),
            postal_code: some("62701"),
            country: some("US"),
            phone: some("+1 217 555 0100"),
            email: some("ada@example.com"),
            residential: None,
        },
        delivery_mode: some("GROUND"),
        carrier: some("UPS"),
        service: some("GND"),
        ship_by: Some("2026-11-28T17:00:00Z".parse().unwrap()),
        deliver_by: Some("2026-12-02T12:00:00Z".parse().unwrap()),
        lines: vec![
            FulfilmentLine {
                line_id: "1".to_owned(),
                sku: Sku::new("D0001").unwrap(),
                description: some("Speaker"),
                quantity: decimal("2.50"),
                unit: Unit::new("pcs").unwrap(),
                lot: None,
                serial: None,
            },
            FulfilmentLine {
                line_id: "2".to_owned(),
                sku: Sku::new("D0002").unwrap(),
                description: some("Cable"),
                quantity: decimal("1"),
                unit: Unit::new("ea").unwrap(),
                lot: some("B-2026-07"),
                serial: Some(Serial::new("SN-000123").unwrap()),
            },
        ],
    }
}

/// A shipment of two lines: 2.5 pcs without lots, and 3 ea without lots.
pub fn shipment() -> ShipmentUpdate {
    ShipmentUpdate {
        direction: Direction::Outbound,
        legal_entity: usmf(),
        update_id: "D0123456789ABCDEF012".to_owned(),
        origin_id: "OSO0012".to_owned(),
        packing_slip: "SH-1-D01234567".to_owned(),
        moved_at: "2026-11-27T22:15:30.5Z".parse().unwrap(),
        lines: vec![line("1", "2.5", "2.5", "0"), line("2", "5", "3", "2")],
    }
}

pub fn line(line_id: &str, ordered: &str, shipped: &str, remaining: &str) -> UpdateLine {
    UpdateLine {
        line_id: line_id.to_owned(),
        ordered: decimal(ordered),
        unit: Unit::new("pcs").unwrap(),
        moved: decimal(shipped),
        remaining: decimal(remaining),
        dimensions: Vec::new(),
    }
}

pub fn lot(number: &str, quantity: &str) -> UpdateDimension {
    UpdateDimension { lot: Some(number.to_owned()), quantity: decimal(quantity), ..UpdateDimension::default() }
}
