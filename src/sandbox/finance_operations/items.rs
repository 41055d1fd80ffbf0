//! Items, variants, tracking groups, units, conversions, warehouses and carriers: those of the simulated world, and whatever
//! somebody puts there or takes away with `POST /sandbox/catalogue`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::entities::{COMPANY, Entity, VARIANT, text};
use super::rules::FinanceOperationsRules;
use super::state::{Environment, Fact};
use crate::sandbox::call::{Answer, Call};
use crate::sandbox::catalogue::{Tracking, items, tracking, unit};
use crate::sandbox::ledger::Effect;

type Fields = Map<String, Value>;

/// The entities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Listed {
    Items,
    Variants,
    Groups,
    Units,
    Conversions,
    ProductConversions,
    VariantConversions,
    Warehouses,
    CarrierServices,
}

impl Listed {
    pub(super) fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Items => &[COMPANY, "ItemNumber"],
            Self::Variants => &[COMPANY, "ItemNumber", VARIANT[0], VARIANT[1], VARIANT[2], VARIANT[3], VARIANT[4]],
            Self::Groups => &["GroupName"],
            Self::Units => &["UnitSymbol"],
            Self::Conversions => &["FromUnitSymbol", "ToUnitSymbol"],
            Self::ProductConversions => &["ProductNumber", "FromUnitSymbol", "ToUnitSymbol"],
            Self::VariantConversions => &[
                "ProductNumber",
                VARIANT[0],
                VARIANT[1],
                VARIANT[2],
                VARIANT[3],
                VARIANT[4],
                "FromUnitSymbol",
                "ToUnitSymbol",
            ],
            Self::Warehouses => &[COMPANY, "WarehouseId"],
            Self::CarrierServices => &[COMPANY, "ShippingCarrierId", "ServiceId"],
        }
    }

    fn key(self, row: &Fields) -> String {
        let parts: Vec<_> = self.keys().iter().map(|part| text(row, part).to_lowercase()).collect();
        format!("{}({})", Entity::Listed(self).name(), parts.join(","))
    }

    /// All members that a row has, where nobody says otherwise.
    fn blank(self) -> Value {
        match self {
            Self::Items => json!({
                "ProductNumber": "", "InventoryUnitSymbol": "ea", "SalesUnitSymbol": "ea", "PurchaseUnitSymbol": "ea",
                "TrackingDimensionGroupName": "None", "SalesOverdeliveryPercentage": 0, "SalesUnderdeliveryPercentage": 0,
                "PurchaseOverdeliveryPercentage": 0, "PurchaseUnderdeliveryPercentage": 0,
            }),
            Self::Variants => json!(VARIANT.map(|name| (name, "")).into_iter().collect::<BTreeMap<_, _>>()),
            Self::Groups => json!({
                "IsBatchNumberActive": "No", "IsBlankIssueAllowedForBatchNumber": "No",
                "IsBlankReceiptAllowedForBatchNumber": "No", "IsSerialNumberActive": "No",
                "IsBlankIssueAllowedForSerialNumber": "No", "IsBlankReceiptAllowedForSerialNumber": "No",
            }),
            Self::Units => json!({ "DecimalPrecision": 0 }),
            Self::Conversions | Self::ProductConversions => factor(),
            Self::VariantConversions => {
                let mut blank = Self::Variants.blank();
                if let (Value::Object(blank), Value::Object(factor)) = (&mut blank, factor()) {
                    blank.extend(factor);
                }
                blank
            }
            Self::Warehouses => json!({ "WarehouseName": "", "OperationalSiteId": "1", "WarehouseType": "Standard" }),
            Self::CarrierServices => json!({ "ServiceName": "", "DeliveryModeCode": "" }),
        }
    }

    /// The rows of the simulated world.
    fn usual(self, rules: &FinanceOperationsRules) -> Vec<Value> {
        match self {
            Self::Items => items()
                .map(|item| {
                    let group = match tracking(&item) {
                        Tracking::No => "None",
                        Tracking::Lots => "Lots",
                        Tracking::Serials => "Serials",
                    };
                    let unit = unit(&item);
                    let over = rules.items_tolerate_percent.unwrap_or_default();
                    json!({
                        COMPANY: rules.company, "ItemNumber": item, "ProductNumber": item, "InventoryUnitSymbol": unit,
                        "SalesUnitSymbol": unit, "PurchaseUnitSymbol": unit, "TrackingDimensionGroupName": group,
                        "SalesOverdeliveryPercentage": over, "PurchaseOverdeliveryPercentage": over,
                    })
                })
                .collect(),
            Self::Groups => vec![
                json!({ "GroupName": "None" }),
                json!({ "GroupName": "Lots", "IsBatchNumberActive": "Yes" }),
                json!({ "GroupName": "Serials", "IsSerialNumberActive": "Yes" }),
            ],
            Self::Units => vec![
                json!({ "UnitSymbol": "ea" }),
                json!({ "UnitSymbol": "case" }),
                json!({ "UnitSymbol": "kg", "DecimalPrecision": 3 }),
                json!({ "UnitSymbol": "g" }),
            ],
            Self::Conversions => vec![json!({ "FromUnitSymbol": "kg", "ToUnitSymbol": "g", "Factor": 1000 })],
            Self::Warehouses => {
                vec![json!({ COMPANY: rules.company, "WarehouseId": rules.warehouse, "WarehouseName": "Example" })]
            }
            Self::Variants | Self::ProductConversions | Self::VariantConversions | Self::CarrierServices => Vec::new(),
        }
    }

    fn whole(self, row: Fields) -> Fields {
        let Value::Object(mut whole) = self.blank() else { return row };
        whole.extend(row);
        whole
    }

    /// All rows, by key.
    pub(super) fn rows(self, environment: &Environment, rules: &FinanceOperationsRules) -> Vec<Fields> {
        let usual = self.usual(rules).into_iter().filter_map(|row| match row {
            Value::Object(row) => Some((self.key(&row), self.whole(row))),
            _ => None,
        });
        let mut rows: BTreeMap<String, Fields> = usual.collect();
        let prefix = format!("{}(", Entity::Listed(self).name());
        for (key, row) in environment.items.range(prefix.clone()..).take_while(|(key, _)| key.starts_with(&prefix)) {
            match row {
                Some(row) => rows.insert(key.clone(), row.clone()),
                None => rows.remove(key),
            };
        }
        rows.into_values().collect()
    }
}

/// What a row of a conversion says beside its key.
fn factor() -> Value {
    json!({
        "Factor": 1, "Numerator": 1, "Denominator": 1, "InnerOffset": 0, "OuterOffset": 0, "Rounding": "Nearest",
    })
}

/// What shall be there, and what shall not.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    entity: String,
    #[serde(default)]
    rows: Vec<Fields>,
    /// By their keys.
    #[serde(default)]
    gone: Vec<Fields>,
}

/// Answers `POST /sandbox/catalogue`.
pub(super) fn control(rules: &FinanceOperationsRules, call: &Call) -> Option<Answer<Fact>> {
    if call.path != "/sandbox/catalogue" || call.method != axum::http::Method::POST {
        return None;
    }
    let refused = |problem: String| Some(Answer::new(400, Effect::Refused, json!({ "error": problem })));
    let read = call.object().map(Value::Object);
    let change = read.and_then(|body| serde_json::from_value::<Change>(body).map_err(|error| error.to_string()));
    let change = match change {
        Ok(change) => change,
        Err(problem) => return refused(problem),
    };
    let Some(Entity::Listed(listed)) = Entity::of(&change.entity) else {
        return refused(format!("there is no entity {}", change.entity));
    };
    let located = |mut row: Fields| {
        if listed.keys().contains(&COMPANY) && !row.contains_key(COMPANY) {
            row.insert(COMPANY.to_owned(), json!(rules.company));
        }
        row
    };
    let there = change.rows.into_iter().map(|row| {
        let row = listed.whole(located(row));
        (listed.key(&row), Some(row))
    });
    let gone = change.gone.into_iter().map(|row| (listed.key(&located(row)), None));
    let rows: Vec<_> = there.chain(gone).collect();
    let mut answer = Answer::new(200, Effect::Changed, json!({ "changed": rows.len() }));
    answer.facts = rows.into_iter().map(|(key, fields)| Fact::ItemsChanged { key, fields }).collect();
    Some(answer)
}
