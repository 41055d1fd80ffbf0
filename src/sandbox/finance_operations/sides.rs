//! Inbound documents are kept as outbound ones are; only at the edge they have names of their own.

use serde_json::{Map, Value};

use super::address::Address;
use super::entities::{DIMENSION_SHIPPED, Entity, ORIGIN, REQUEST, SHIPPED, UPDATE};
use crate::sandbox::side::Side;

const INBOUND: &str = "Inbound";
const OUTBOUND: &str = "Outbound";

/// Names that are the same in every inbound entity: theirs, and ours.
const NAMES: [(&str, &str); 3] = [
    ("InboundShipmentOrderRequestId", REQUEST),
    ("InboundShipmentOrderUpdateId", UPDATE),
    ("InboundShipmentOrderOriginId", ORIGIN),
];

/// How much was received, of a line as of a lot.
const RECEIVED: &str = "ReceivedQuantity";

/// The side of an entity, and the name under which it is known to us.
pub(super) fn of_entity(name: &str) -> (Side, String) {
    match name.strip_prefix(INBOUND) {
        Some(rest) => (Side::Inbound, format!("{OUTBOUND}{rest}")),
        None => (Side::Outbound, name.to_owned()),
    }
}

/// What an entity is called on each side that has it.
pub(super) fn on_each_side(name: &'static str) -> impl Iterator<Item = String> {
    let inbound = name.strip_prefix(OUTBOUND).map(|rest| format!("{INBOUND}{rest}"));
    [name.to_owned()].into_iter().chain(inbound)
}

impl Side {
    /// Whether what is posted of documents of this side stands in the entities of another: what comes back is received.
    pub(super) fn is_posted_on(self, entities: Self) -> bool {
        (self == Self::Outbound) == (entities == Self::Outbound)
    }

    /// Our name of what an entity of this side calls so; nothing for what only the other side has.
    pub(super) fn inward(self, entity: Entity, name: &str) -> Option<String> {
        if self == Self::Outbound {
            return Some(name.to_owned());
        }
        let mut names = names(entity);
        if let Some((_, ours)) = names.clone().find(|(theirs, _)| *theirs == name) {
            return Some(ours.to_owned());
        }
        (!names.any(|(_, ours)| ours == name)).then(|| name.to_owned())
    }

    /// Whether it is a name that this side alone has.
    pub(super) fn knows(self, name: &str) -> bool {
        self != Self::Outbound && (name == RECEIVED || NAMES.iter().any(|(theirs, _)| *theirs == name))
    }

    /// A row with the names that this side has for it.
    pub(super) fn outward(self, entity: Entity, row: Map<String, Value>) -> Map<String, Value> {
        if self == Self::Outbound {
            return row;
        }
        let theirs = |name: String| {
            let known = names(entity).find(|(_, ours)| *ours == name);
            known.map_or(name, |(theirs, _)| theirs.to_owned())
        };
        row.into_iter().map(|(name, value)| (theirs(name), value)).collect()
    }

    /// The parts of a key by our names.
    pub(super) fn address(self, entity: Entity, address: Address) -> Address {
        let part = |(name, value): (String, String)| (self.inward(entity, &name).unwrap_or(name), value);
        Address { keys: address.keys.map(|keys| keys.into_iter().map(part).collect()), ..address }
    }
}

fn names(entity: Entity) -> impl Iterator<Item = (&'static str, &'static str)> + Clone {
    let moved = match entity {
        Entity::UpdateLines => Some((RECEIVED, SHIPPED)),
        Entity::UpdateDimensions => Some((RECEIVED, DIMENSION_SHIPPED)),
        _ => None,
    };
    NAMES.into_iter().chain(moved)
}
