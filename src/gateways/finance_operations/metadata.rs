//! What an environment's version has: its entities and actions are read once, and compared with what the configuration needs
//! of it.
//!
//! Nothing is refused here. What is missing fails when it is needed; this tells it before, with what to do.

use std::fmt;

use super::FinanceOperations;
use super::catalogue::named;
use super::fields as field;
use super::odata::unreadable;
use crate::config::Commit;
use crate::gateways::documents::Direction;
use crate::gateways::error::GatewayError;
use crate::gateways::http::aside;
use crate::message::Connection;

/// What the configuration needs of an environment.
pub(super) struct Need {
    name: String,
    what: What,
    used_for: &'static str,
    /// What to do where it is not there.
    remedy: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    Entity,
    Action,
    Service,
}

/// What an environment has.
#[derive(Default)]
struct Model {
    entities: Vec<String>,
    actions: Vec<String>,
}

impl fmt::Display for Need {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.what {
            What::Entity => "entity",
            What::Action => "action",
            What::Service => "service",
        };
        write!(formatter, "no {what} {}, which is needed for {}: {}", self.name, self.used_for, self.remedy)
    }
}

impl FinanceOperations {
    /// What the configuration needs and this version has not, one sentence each without its end; read from the environment.
    pub(in crate::gateways) async fn lacks(&self, environment: &Connection) -> Result<Vec<String>, GatewayError> {
        let call = aside("read_metadata");
        let answer = self.odata.metadata(call).await?;
        let model = Model::read(&String::from_utf8_lossy(&answer.body));
        if model.entities.is_empty() {
            return Err(unreadable(call, "it names no entity".to_owned()));
        }
        let mut lacks: Vec<_> = self.needs(environment).into_iter().filter(|need| !model.has(need)).collect();
        if let Some(need) = self.need_of_service(environment) {
            let there = self.odata.has_service(call, &need.name).await?;
            lacks.extend((!there).then_some(need));
        }
        Ok(lacks.iter().map(ToString::to_string).collect())
    }

    /// The service that posts journals, where one is configured: no model names it.
    fn need_of_service(&self, environment: &Connection) -> Option<Need> {
        let journals = self.adjustments.by_journal().filter(|journals| !journals.service.is_empty())?;
        let remedy = format!(
            "name the right one as dynamics.{environment}.adjustments.journals.service, or \"\" where a job in Dynamics \
             posts them"
        );
        Some(Need { what: What::Service, ..entity(&journals.service, "posting journals", &remedy) })
    }

    /// What is needed for something that the environment turned out not to have.
    pub(super) fn need_of(&self, environment: &Connection, name: &str) -> Option<Need> {
        self.needs(environment).into_iter().find(|need| need.name.eq_ignore_ascii_case(name))
    }

    fn needs(&self, environment: &Connection) -> Vec<Need> {
        let of = |section: &str| format!("dynamics.{environment}.{section}");
        let mut needs = of_documents();
        if self.outbound.write_back {
            let remedy = format!("set {} = false", of("outbound.write_back"));
            needs.push(entity(field::REQUEST_STATUS, "telling what a warehouse made of an order", &remedy));
        }
        let adjusting = "posting stock adjustments";
        let configured = match self.adjustments.by_journal() {
            Some(journals) => vec![
                (&journals.headers, adjusting, "adjustments.journals.headers"),
                (&journals.lines, adjusting, "adjustments.journals.lines"),
            ],
            None => vec![(&self.adjustments.entity, adjusting, "adjustments.entity")],
        };
        needs.extend(configured.into_iter().map(|(name, used_for, key)| {
            let otherwise = if key == "adjustments.entity" { "; or have them written to journals" } else { "" };
            entity(name, used_for, &format!("name the right one as {}{otherwise}", of(key)))
        }));
        let optional = [
            (&self.outbound.tracking_entity, "tracking numbers", "outbound.tracking_entity"),
            (&self.inbound.status_entity, "the status of expected goods", "inbound.status_entity"),
        ];
        needs.extend(optional.into_iter().filter(|(name, ..)| !name.is_empty()).map(|(name, used_for, key)| {
            entity(name, used_for, &format!("name the right one as {}, or \"\" to do without", of(key)))
        }));
        if self.outbound.commit == Commit::CompleteAction {
            let remedy = format!("set {} = \"status\"", of("outbound.commit"));
            needs.push(Need { what: What::Action, ..entity(field::COMPLETE, "handing updates over", &remedy) });
        }
        let listed = LISTED.into_iter().filter_map(|name| named(&self.catalogue.names, name));
        needs.extend(listed.map(|name| {
            let remedy = format!("name the right one under {}, or \"\" to do without", of("catalogue.names"));
            entity(name, "what is known of items, units, warehouses and carriers", &remedy)
        }));
        needs
    }
}

/// Released documents and their updates, for which nothing can be configured instead.
fn of_documents() -> Vec<Need> {
    let remedy = "have the environment updated, or warehouses of other systems switched on there (transfer orders: from \
                  version 10.0.44 on); nothing stands in for it";
    let directions = [
        (Direction::Outbound, "orders that are released", "posting shipments"),
        (Direction::Inbound, "goods that are expected", "posting receipts"),
    ];
    let of_one = |(direction, read, posted)| {
        let names = field::names(direction);
        [
            (names.requests, read),
            (names.request_lines, read),
            (names.updates, posted),
            (names.update_lines, posted),
            (names.update_dimensions, posted),
        ]
    };
    directions.into_iter().flat_map(of_one).map(|(name, used_for)| entity(name, used_for, remedy)).collect()
}

fn entity(name: &str, used_for: &'static str, remedy: &str) -> Need {
    Need { name: name.to_owned(), what: What::Entity, used_for, remedy: remedy.to_owned() }
}

/// The entities that scans of items read.
const LISTED: [&str; 9] = [
    field::ITEMS,
    field::VARIANTS,
    field::GROUPS,
    field::UNITS,
    field::CONVERSIONS,
    field::PRODUCT_CONVERSIONS,
    field::VARIANT_CONVERSIONS,
    field::WAREHOUSES,
    field::CARRIER_SERVICES,
];

impl Model {
    /// Only the names are wanted: of each element of these sorts, its attribute `Name`.
    fn read(text: &str) -> Self {
        let mut model = Self::default();
        for tag in text.split('<').filter_map(|rest| rest.split('>').next()) {
            let element = tag.split(|each: char| each.is_whitespace() || each == '/').next().unwrap_or_default();
            let names = match element.rsplit(':').next() {
                Some("EntitySet") => &mut model.entities,
                Some("Action") => &mut model.actions,
                _ => continue,
            };
            names.extend(attribute(tag, "Name"));
        }
        model
    }

    fn has(&self, need: &Need) -> bool {
        let names = match need.what {
            What::Entity => &self.entities,
            What::Action => &self.actions,
            // It is asked for by itself.
            What::Service => return true,
        };
        names.iter().any(|name| name.eq_ignore_ascii_case(&need.name))
    }
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let mut rest = tag;
    loop {
        let (before, after) = rest.split_once(name)?;
        let own = before.ends_with(char::is_whitespace);
        let value = after.trim_start().strip_prefix('=').map(str::trim_start).filter(|_| own);
        if let Some(value) = value {
            let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
            return value[1..].split(quote).next().map(str::to_owned);
        }
        rest = after;
    }
}
