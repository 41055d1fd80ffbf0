//! All configured far ends, by name and by what they serve.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::Url;
use tokio::sync::Notify;

use super::error::{GatewayError, NotSent};
use super::finance_operations::{FinanceOperations, strange_name};
use super::http::Caller;
use super::pace::{Bucket, FarEndView, Pace};
use super::warehouses::{Connector, Standard};
use super::wire::Wire;
use super::{Demands, Dynamics, Product, Warehouse};
use crate::clock::Clock;
use crate::config::{self, ChosenBy, Config, DynamicsKind, Mode, Rate, Stage, ms};
use crate::failure::Failure;
use crate::message::{Connection, Flow, LegalEntity, PlaceCode};

/// All configured far ends. Cheap to clone.
#[derive(Clone)]
pub struct Gateways(Arc<Directory>);

struct Directory {
    dynamics: BTreeMap<Connection, Dynamics>,
    warehouses: BTreeMap<Connection, Warehouse>,
    /// Environment and Dynamics warehouse, and who serves it under which name.
    places: BTreeMap<(Connection, String), (Connection, String)>,
    serving: BTreeMap<Connection, Connection>,
    /// What each warehouse calls its facilities, and Dynamics' warehouse of each.
    facilities: BTreeMap<Connection, Vec<(String, PlaceCode)>>,
    /// Whose stock each warehouse holds.
    companies: BTreeMap<Connection, LegalEntity>,
    modes: BTreeMap<Connection, (Stage, Mode)>,
    paces: BTreeMap<Connection, Arc<Pace>>,
    /// A far end may be called again.
    opened: Arc<Notify>,
    settle: Duration,
}

/// What a person stopped, until the same person or another lets it go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// What is not called.
    pub connection: String,
    /// Only what this flow wants; every flow when it is none.
    pub flow: Option<Flow>,
    /// Who stopped it, when and why, and how it goes on.
    pub sentence: String,
}

/// The configuration names something that gateways cannot work with.
#[derive(Debug, thiserror::Error)]
pub enum GatewaysUnusable {
    /// A value of the configuration cannot be used.
    #[error("{place} {problem}")]
    Value {
        /// Where it stands.
        place: String,
        /// What is wrong with it.
        problem: String,
    },
    /// No HTTP client can be had on this machine, usually for want of certificates.
    #[error("far ends cannot be called from this machine: are the system's certificates of authorities installed?")]
    Client(#[source] reqwest::Error),
}

impl Gateways {
    /// Builds the clients; calls nobody.
    pub fn new(config: &Config, clock: &Clock) -> Result<Self, GatewaysUnusable> {
        let addresses = config.dynamics.values().flat_map(|each| [&each.url, &each.token_url]);
        let mut addresses = addresses.chain(config.warehouses.values().map(|each| &each.url));
        let secure = addresses.any(|address| address.starts_with("https:"));
        Self::with_wire(config, clock, Wire::http(&config.gateways, secure).map_err(GatewaysUnusable::Client)?)
    }

    /// The same, on another wire than the one that is configured.
    pub fn with_wire(config: &Config, clock: &Clock, wire: Wire) -> Result<Self, GatewaysUnusable> {
        let opened = Arc::new(Notify::new());
        let builder = Builder { wire, config, clock, opened: &opened };
        let mut directory = Directory {
            dynamics: BTreeMap::new(),
            warehouses: BTreeMap::new(),
            places: BTreeMap::new(),
            serving: BTreeMap::new(),
            facilities: BTreeMap::new(),
            companies: BTreeMap::new(),
            modes: BTreeMap::new(),
            paces: BTreeMap::new(),
            opened: Arc::clone(&opened),
            settle: ms(config.gateways.settle_ms),
        };
        for (name, dynamics) in &config.dynamics {
            let connection = connection("dynamics", name)?;
            directory.modes.insert(connection.clone(), (dynamics.stage, dynamics.mode));
            let pace = builder.pace(&connection, dynamics.rate);
            directory.paces.insert(connection.clone(), Arc::clone(&pace));
            directory.dynamics.insert(connection.clone(), builder.dynamics(connection, pace, dynamics)?);
        }
        for (name, warehouse) in &config.warehouses {
            let connection = connection("warehouses", name)?;
            directory.modes.insert(connection.clone(), (warehouse.stage, warehouse.mode));
            directory.serve(&connection, warehouse)?;
            let taking_part = config.dynamics.get(&warehouse.dynamics).map(|environment| &environment.legal_entities);
            let only = taking_part.filter(|companies| companies.len() == 1).and_then(|companies| companies.first());
            let named = Some(&warehouse.legal_entity).filter(|name| !name.is_empty());
            let company = named.or(only).and_then(|name| LegalEntity::new(name.as_str()).ok());
            directory.companies.extend(company.map(|company| (connection.clone(), company)));
            let pace = builder.pace(&connection, warehouse.rate);
            directory.paces.insert(connection.clone(), Arc::clone(&pace));
            directory.warehouses.insert(connection.clone(), builder.warehouse(connection, pace, warehouse)?);
        }
        let gateways = Self(Arc::new(directory));
        gateways.stop(&[]);
        Ok(gateways)
    }

    /// A configured environment.
    #[must_use]
    pub fn dynamics(&self, name: &Connection) -> Option<&Dynamics> {
        self.0.dynamics.get(name)
    }

    /// A configured warehouse.
    #[must_use]
    pub fn warehouse(&self, name: &Connection) -> Option<&Warehouse> {
        self.0.warehouses.get(name)
    }

    /// The warehouse that serves a Dynamics warehouse of an environment, and its own name of the facility.
    #[must_use]
    pub fn warehouse_at(&self, environment: &Connection, place: &PlaceCode) -> Option<(&Warehouse, &str)> {
        let (name, facility) = self.0.places.get(&(environment.clone(), folded(place.as_str())))?;
        Some((self.warehouse(name)?, facility))
    }

    /// Dynamics' warehouse for a facility as the warehouse calls it; for none where there is only one.
    #[must_use]
    pub fn place_of(&self, warehouse: &Connection, facility: Option<&PlaceCode>) -> Option<PlaceCode> {
        let facilities = self.0.facilities.get(warehouse)?;
        let named =
            |name: &PlaceCode| facilities.iter().find(|(facility, _)| facility.eq_ignore_ascii_case(name.as_str()));
        let only = || facilities.first().filter(|_| facilities.len() == 1);
        facility.map_or_else(only, named).map(|(_, place)| place.clone())
    }

    /// Whose stock a warehouse holds, where the configuration says so or only one company takes part.
    #[must_use]
    pub fn company_of(&self, warehouse: &Connection) -> Option<LegalEntity> {
        self.0.companies.get(warehouse).cloned()
    }

    /// All environments.
    pub fn environments(&self) -> impl Iterator<Item = &Dynamics> {
        self.0.dynamics.values()
    }

    /// The companies of an environment that take part: those that are configured, and those whose stock warehouses hold.
    #[must_use]
    pub fn companies(&self, environment: &Connection) -> Vec<LegalEntity> {
        let configured = self.dynamics(environment).map(|dynamics| &dynamics.legal_entities);
        let configured = configured.into_iter().flatten().filter_map(|name| LegalEntity::new(name.as_str()).ok());
        let held = self.served(environment).filter_map(|warehouse| self.company_of(warehouse));
        let mut companies: Vec<_> = configured.chain(held).collect();
        companies.sort();
        companies.dedup();
        companies
    }

    /// The warehouses that work for an environment.
    pub fn served(&self, environment: &Connection) -> impl Iterator<Item = &Connection> {
        self.0.serving.iter().filter(move |(_, serves)| *serves == environment).map(|(warehouse, _)| warehouse)
    }

    /// The Dynamics warehouses that a connection is configured to serve.
    #[must_use]
    pub fn places(&self, warehouse: &Connection) -> Vec<PlaceCode> {
        self.0.facilities.get(warehouse).into_iter().flatten().map(|(_, place)| place.clone()).collect()
    }

    /// The environment that a warehouse works for.
    #[must_use]
    pub fn serving(&self, warehouse: &Connection) -> Option<&Connection> {
        self.0.serving.get(warehouse)
    }

    /// What may be done at a connection of either sort.
    #[must_use]
    pub fn mode(&self, name: &Connection) -> Option<Mode> {
        self.0.modes.get(name).map(|(_, mode)| *mode)
    }

    /// Which world a connection of either sort belongs to.
    #[must_use]
    pub fn stage(&self, name: &Connection) -> Option<Stage> {
        self.0.modes.get(name).map(|(stage, _)| *stage)
    }

    /// Leaves alone what people stopped, and what the configuration stops; all else goes on.
    pub fn stop(&self, stops: &[Stop]) {
        for (connection, pace) in &self.0.paces {
            let of_people = stops.iter().filter(|stop| stop.connection == connection.as_str());
            let mut stopped: Vec<_> = of_people.map(|stop| (stop.flow, stop.sentence.clone())).collect();
            if self.mode(connection) == Some(Mode::Paused) {
                stopped.push((None, paused_by_configuration(connection)));
            }
            pace.stop(stopped);
        }
    }

    /// Why a flow may not call a far end now, if it may not: the failure of a call that is not made.
    #[must_use]
    pub fn refusal(&self, name: &Connection, flow: Flow) -> Option<Failure> {
        let why = self.0.paces.get(name)?.refusal(flow)?;
        let error = GatewayError::NotSent { call: "call", why: NotSent::LeftAlone(why) };
        let doing = format!("call {name}");
        let of_warehouse = self.warehouse(name).map(|warehouse| warehouse.failure(&error, &doing));
        of_warehouse.or_else(|| Some(self.dynamics(name)?.failure(&error, &doing)))
    }

    /// How many messages of a flow that wait for a far end may be under way now: none while it is left alone, one that
    /// probes it, and then more. Of one that is not configured any more, whoever waits for it finds that out.
    #[must_use]
    pub fn room(&self, name: &str, flow: Flow) -> usize {
        self.pace(name).map_or(1, |pace| pace.room(flow))
    }

    /// Messages wait for a far end: as long as it has not answered this process, it is called one at a time.
    pub fn suspect(&self, name: &str) {
        if let Some(pace) = self.pace(name) {
            pace.suspect();
        }
    }

    /// Waits until some far end may be called again.
    pub async fn until_opened(&self) {
        self.0.opened.notified().await;
    }

    /// How every far end is paced, for people.
    #[must_use]
    pub fn views(&self) -> Vec<FarEndView> {
        self.0.paces.values().map(Pace::view).collect()
    }

    fn pace(&self, name: &str) -> Option<&Arc<Pace>> {
        self.0.paces.get(&Connection::new(name).ok()?)
    }

    /// How long a far end may take to show what it took.
    #[must_use]
    pub fn settle(&self, _name: &Connection) -> Duration {
        self.0.settle
    }
}

impl Directory {
    fn serve(&mut self, warehouse: &Connection, config: &config::Warehouse) -> Result<(), GatewaysUnusable> {
        let environment = connection("dynamics", &config.dynamics)?;
        for (place, facility) in &config.locations {
            let key = (environment.clone(), folded(place));
            if let Ok(code) = PlaceCode::new(place.as_str()) {
                self.facilities.entry(warehouse.clone()).or_default().push((facility.clone(), code));
            }
            let served = self.places.insert(key, (warehouse.clone(), facility.clone()));
            if let Some((other, _)) = served {
                let problem = format!("is served by {other}, too; an order would not know where to go");
                return Err(unusable(format!("warehouses.{warehouse}.locations.{place}"), problem));
            }
        }
        self.serving.insert(warehouse.clone(), environment);
        Ok(())
    }
}

struct Builder<'a> {
    wire: Wire,
    config: &'a Config,
    clock: &'a Clock,
    opened: &'a Arc<Notify>,
}

impl Builder<'_> {
    fn pace(&self, connection: &Connection, rate: Rate) -> Arc<Pace> {
        let bucket = Bucket::new(rate.calls_per_minute_max, rate.calls_burst_max);
        Pace::new(connection.clone(), &self.config.gateways, bucket, self.clock, Arc::clone(self.opened))
    }

    fn caller(&self, connection: &Connection, pace: &Arc<Pace>) -> Caller {
        Caller::new(connection.clone(), self.wire.clone(), Arc::clone(pace), &self.config.gateways, self.clock)
    }

    fn dynamics(
        &self,
        name: Connection,
        pace: Arc<Pace>,
        config: &config::Dynamics,
    ) -> Result<Dynamics, GatewaysUnusable> {
        let place = |key: &str| format!("dynamics.{name}.{key}");
        let product = match config.kind {
            DynamicsKind::FinanceOperations => {
                if let Some(strange) = strange_name(&config.catalogue) {
                    let problem = format!("names {strange}, by which nothing is read; docs/mapping.md lists the names");
                    return Err(unusable(place("catalogue.names"), problem));
                }
                let addresses = (root(place("url"), &config.url)?, url(place("token_url"), &config.token_url)?);
                let secret = config.client_secret.clone();
                let secret = secret.ok_or_else(|| unusable(place("client_secret"), "is missing"))?;
                let caller = self.caller(&name, &pace);
                let limits = &self.config.gateways;
                let product = FinanceOperations::new(caller, addresses, secret, config, limits);
                Product::FinanceOperations(Arc::new(product))
            }
            DynamicsKind::BusinessCentral => {
                return Err(unusable(place("kind"), "is Business Central, which this release does not support"));
            }
        };
        let (go_live, legal_entities) = (config.go_live, config.legal_entities.clone());
        let adoption = config.adoption.clone();
        Ok(Dynamics { name, go_live, adoption, legal_entities, pace, product, lacks: Mutex::default() })
    }

    fn warehouse(
        &self,
        name: Connection,
        pace: Arc<Pace>,
        config: &config::Warehouse,
    ) -> Result<Warehouse, GatewaysUnusable> {
        let place = |key: &str| format!("warehouses.{name}.{key}");
        if config.connector != "standard" {
            return Err(unusable(place("connector"), format!("{:?} is not known", config.connector)));
        }
        let token = config.token.clone().ok_or_else(|| unusable(place("token"), "is missing"))?;
        let root = root(place("url"), &config.url)?;
        let connector = Connector::Standard(Standard { caller: self.caller(&name, &pace), root, token });
        let order = |chosen_by| chosen_by == ChosenBy::Order;
        let demands = Demands { lots: order(config.lots), serials: order(config.serials) };
        let limits = Arc::new(config.limits.clone());
        let changes = Arc::new(config.changes.clone());
        Ok(Warehouse { name, demands, limits, changes, pace, connector })
    }
}

fn paused_by_configuration(connection: &Connection) -> String {
    format!(
        "The connection {connection} is paused by its configuration (mode = \"paused\"). Its messages wait, in order, until \
         the mode is live and the process is started again."
    )
}

/// Dynamics does not distinguish capitals in codes of places.
fn folded(place: &str) -> String {
    place.to_lowercase()
}

fn connection(section: &str, name: &str) -> Result<Connection, GatewaysUnusable> {
    Connection::new(name).map_err(|invalid| unusable(format!("{section}.{name}"), invalid.to_string()))
}

fn url(place: String, text: &str) -> Result<Url, GatewaysUnusable> {
    let url = Url::parse(text).ok().filter(|url| url.has_host() && matches!(url.scheme(), "http" | "https"));
    url.ok_or_else(|| unusable(place, format!("{text:?} is not an address like https://host")))
}

/// An address below which others lie.
fn root(place: String, text: &str) -> Result<Url, GatewaysUnusable> {
    let mut url = url(place, text)?;
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    url.set_query(None);
    Ok(url)
}

fn unusable(place: String, problem: impl Into<String>) -> GatewaysUnusable {
    GatewaysUnusable::Value { place, problem: problem.into() }
}
