//! Reads what Dynamics says of a company's items: the items themselves, their variants, how their tracking groups tell them
//! apart, units and conversions, warehouses, carriers with their services.
//!
//! Only items must be there. What a version does not have, or what is configured away, is told as lacking: then less is
//! known, and nothing is made up.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use rust_decimal::Decimal;

use super::FinanceOperations;
use super::fields as field;
use super::odata::unreadable;
use super::rows::Rows;
use crate::config::{Catalogue, TrackedBy};
use crate::gateways::error::GatewayError;
use crate::gateways::http::reading;
use crate::gateways::json::Row;
use crate::gateways::pace::Pace;
use crate::mapping::{ConversionFacts, Fact, Fraction, ItemFacts, Told, Tolerance, Tracking};
use crate::message::{LegalEntity, PlaceCode, Unit};

/// What an item's row says, and its product: conversions are of products.
type Item = (ItemFacts, Option<String>);

/// A name in the configuration that nothing is read by.
pub(in crate::gateways) fn strange_name(catalogue: &Catalogue) -> Option<&str> {
    catalogue.names.keys().map(String::as_str).find(|name| !field::CATALOGUE.contains(name))
}

/// Which rows are read: our name of the entity, and our names of the members.
struct Wanted<'a> {
    entity: &'static str,
    members: &'a [&'static str],
    /// Whether each company has rows of its own.
    by_company: bool,
}

/// Rows with the names that this environment has for their members.
struct Read<'a> {
    rows: Vec<Row>,
    names: &'a BTreeMap<String, String>,
}

/// The environment's name; nothing for what it does not have.
pub(super) fn named<'a>(names: &'a BTreeMap<String, String>, name: &'static str) -> Option<&'a str> {
    names.get(name).map_or(Some(name), |name| Some(name.as_str()).filter(|name| !name.is_empty()))
}

impl FinanceOperations {
    /// All that is known of a company's items, and what could not be read, in words.
    pub(in crate::gateways) async fn catalogue(
        &self,
        legal_entity: &LegalEntity,
        pace: &Arc<Pace>,
    ) -> Result<(Vec<Fact>, Vec<String>), GatewayError> {
        let mut lacks = Vec::new();
        let from = (legal_entity, pace);
        let of = |entity, members, by_company| Wanted { entity, members, by_company };
        let wanted = of(field::ITEMS, ITEM_MEMBERS, true);
        let entity = named(&self.catalogue.names, field::ITEMS).unwrap_or(field::ITEMS).to_owned();
        let items = self.read(&wanted, from, &mut lacks).await?;
        let items = items.ok_or(GatewayError::EntityMissing { call: CALL, entity })?;
        let variants = self.read(&of(field::VARIANTS, VARIANT_MEMBERS, true), from, &mut lacks).await?;
        let groups = self.read(&of(field::GROUPS, GROUP_MEMBERS, false), from, &mut lacks).await?;
        let units = self.read(&of(field::UNITS, &[field::UNIT, field::DECIMALS], false), from, &mut lacks).await?;
        let general = self.read(&of(field::CONVERSIONS, CONVERSION_MEMBERS, false), from, &mut lacks).await?;
        let members = [&[field::PRODUCT], CONVERSION_MEMBERS].concat();
        let special = self.read(&of(field::PRODUCT_CONVERSIONS, &members, false), from, &mut lacks).await?;
        let members = [&[field::PRODUCT], field::VARIANT.as_slice(), CONVERSION_MEMBERS].concat();
        let of_variants = self.read(&of(field::VARIANT_CONVERSIONS, &members, false), from, &mut lacks).await?;
        let members = [field::WAREHOUSE, field::WAREHOUSE_NAME];
        let warehouses = self.read(&of(field::WAREHOUSES, &members, true), from, &mut lacks).await?;
        let members = [field::CARRIER_ID, field::SERVICE_ID];
        let carriers = self.read(&of(field::CARRIER_SERVICES, &members, true), from, &mut lacks).await?;

        let facts = || -> Result<Vec<Fact>, String> {
            let groups = groups.map_or(Ok(HashMap::new()), |groups| groups.tracking())?;
            let items = items.items(&self.catalogue, &groups)?;
            let mut facts = units.map_or(Ok(Vec::new()), |units| units.units())?;
            facts.extend(warehouses.map_or(Ok(Vec::new()), |rows| rows.warehouses())?);
            facts.extend(carriers.map_or(Ok(Vec::new()), |rows| rows.carriers())?);
            facts.extend(general.map_or(Ok(Vec::new()), |rows| rows.conversions(&Of::Every))?);
            let mut products: HashMap<String, Vec<String>> = HashMap::new();
            for (item, product) in &items {
                products.entry(product.clone().unwrap_or_default()).or_default().push(item.number.clone());
            }
            facts.extend(special.map_or(Ok(Vec::new()), |rows| rows.conversions(&Of::Products(&products)))?);
            facts.extend(of_variants.map_or(Ok(Vec::new()), |rows| rows.conversions(&Of::Variants(&products)))?);
            let mut variants = variants.map_or(Ok(HashMap::new()), |rows| rows.variants())?;
            facts.extend(items.into_iter().map(|(item, _)| {
                let variants = variants.remove(&item.number).unwrap_or_default();
                Fact::Item(ItemFacts { variants, ..item })
            }));
            Ok(facts)
        };
        let facts = facts().map_err(|problem| unreadable(reading(CALL), problem))?;
        Ok((facts, lacks))
    }

    /// All rows; nothing where the version, or the configuration, has no such entity.
    async fn read(
        &self,
        wanted: &Wanted<'_>,
        (legal_entity, pace): (&LegalEntity, &Arc<Pace>),
        lacks: &mut Vec<String>,
    ) -> Result<Option<Read<'_>>, GatewayError> {
        let names = &self.catalogue.names;
        let Some(entity) = named(names, wanted.entity) else { return Ok(None) };
        let rows = if wanted.by_company { Rows::of(entity, legal_entity) } else { Rows::configured(entity) };
        let rows = rows.select(wanted.members.iter().filter_map(|name| named(names, name)).collect());
        match self.odata.list_patiently(reading(CALL), &rows, pace).await {
            Ok(rows) => Ok(Some(Read { rows, names })),
            Err(GatewayError::EntityMissing { .. }) => {
                lacks.push(format!("this version has no entity {entity}"));
                Ok(None)
            }
            // Items must be read as they are asked for; of all else less is known then.
            Err(GatewayError::Refused { detail: Some(detail), .. })
                if wanted.entity != field::ITEMS && strange_member(wanted, names, &detail).is_some() =>
            {
                let member = strange_member(wanted, names, &detail).unwrap_or_default();
                lacks.push(format!("this version's entity {entity} has no member {member}"));
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

/// The member that a refusal complains of: `Could not find a property named 'X' on type …`.
fn strange_member<'a>(wanted: &Wanted<'_>, names: &'a BTreeMap<String, String>, detail: &str) -> Option<&'a str> {
    let mut members = wanted.members.iter().filter_map(|name| named(names, name));
    members.find(|member| detail.contains(&format!("'{member}'")))
}

/// Whose conversions rows are; with the numbers of each product's items.
enum Of<'a> {
    Every,
    Products(&'a HashMap<String, Vec<String>>),
    Variants(&'a HashMap<String, Vec<String>>),
}

/// Our word for it.
const CALL: &str = "read_catalogue";

const ITEM_MEMBERS: &[&str] = &[
    field::ITEM,
    field::PRODUCT,
    field::STOCK_UNIT,
    field::SALES_UNIT,
    field::PURCHASE_UNIT,
    field::TRACKING_GROUP,
    field::SALES_OVER,
    field::SALES_UNDER,
    field::PURCHASE_OVER,
    field::PURCHASE_UNDER,
];

const VARIANT_MEMBERS: &[&str] =
    &[field::ITEM, field::VARIANT[0], field::VARIANT[1], field::VARIANT[2], field::VARIANT[3], field::VARIANT[4]];

const GROUP_MEMBERS: &[&str] = &[
    field::GROUP,
    field::LOTS_ACTIVE,
    field::LOTS_BLANK_OUT,
    field::LOTS_BLANK_IN,
    field::SERIALS_ACTIVE,
    field::SERIALS_BLANK_OUT,
    field::SERIALS_BLANK_IN,
];

const CONVERSION_MEMBERS: &[&str] = &[
    field::FROM_UNIT,
    field::TO_UNIT,
    field::FACTOR,
    field::NUMERATOR,
    field::DENOMINATOR,
    field::INNER_OFFSET,
    field::OUTER_OFFSET,
];

impl Read<'_> {
    fn text(&self, row: &Row, name: &'static str) -> Result<Option<String>, String> {
        named(self.names, name).map_or(Ok(None), |name| row.text(name))
    }

    fn decimal(&self, row: &Row, name: &'static str) -> Result<Option<Decimal>, String> {
        named(self.names, name).map_or(Ok(None), |name| row.decimal(name))
    }

    /// A unit; one that nobody could write down is none.
    fn unit(&self, row: &Row, name: &'static str) -> Result<Option<Unit>, String> {
        Ok(self.text(row, name)?.and_then(|symbol| Unit::new(symbol).ok()))
    }

    /// Whether Dynamics says yes.
    fn says_yes(&self, row: &Row, name: &'static str) -> Result<bool, String> {
        let said = self.text(row, name)?.unwrap_or_default();
        Ok(said.eq_ignore_ascii_case("yes") || said.eq_ignore_ascii_case("true"))
    }

    fn items(&self, configured: &Catalogue, groups: &HashMap<String, Tracking>) -> Result<Vec<Item>, String> {
        let mut items = Vec::new();
        for row in &self.rows {
            let Some(number) = self.text(row, field::ITEM)? else { continue };
            let tracking_group = self.text(row, field::TRACKING_GROUP)?;
            let tracking = tracking_group.as_ref().and_then(|group| tracking(configured, groups, group));
            let tolerance = Tolerance {
                sales_over: self.decimal(row, field::SALES_OVER)?,
                sales_under: self.decimal(row, field::SALES_UNDER)?,
                purchase_over: self.decimal(row, field::PURCHASE_OVER)?,
                purchase_under: self.decimal(row, field::PURCHASE_UNDER)?,
            };
            let item = ItemFacts {
                number,
                stock_unit: self.unit(row, field::STOCK_UNIT)?,
                sales_unit: self.unit(row, field::SALES_UNIT)?,
                purchase_unit: self.unit(row, field::PURCHASE_UNIT)?,
                variants: Vec::new(),
                tracking_group,
                tracking,
                tolerance,
            };
            items.push((item, self.text(row, field::PRODUCT)?));
        }
        Ok(items)
    }

    /// The variants of each item, as orders name them.
    fn variants(&self) -> Result<HashMap<String, Vec<String>>, String> {
        let mut variants: HashMap<String, Vec<String>> = HashMap::new();
        for row in &self.rows {
            let Some(item) = self.text(row, field::ITEM)? else { continue };
            if let Some(variant) = self.variant(row)? {
                variants.entry(item).or_default().push(variant);
            }
        }
        for of_item in variants.values_mut() {
            of_item.sort();
            of_item.dedup();
        }
        Ok(variants)
    }

    /// Product dimensions, joined as orders join them.
    fn variant(&self, row: &Row) -> Result<Option<String>, String> {
        let dimensions: Result<Vec<_>, _> = field::VARIANT.iter().map(|name| self.text(row, name)).collect();
        let dimensions: Vec<_> = dimensions?.into_iter().flatten().collect();
        Ok((!dimensions.is_empty()).then(|| dimensions.join("/")))
    }

    /// How each group tells its items apart.
    fn tracking(&self) -> Result<HashMap<String, Tracking>, String> {
        let told = |row: &Row, active, blank_out, blank_in| -> Result<Told, String> {
            let active = self.says_yes(row, active)?;
            let (issue, receipt) = (!self.says_yes(row, blank_out)?, !self.says_yes(row, blank_in)?);
            Ok(Told { issue: active && issue, receipt: active && receipt })
        };
        let mut groups = HashMap::new();
        for row in &self.rows {
            let Some(group) = self.text(row, field::GROUP)? else { continue };
            let lots = told(row, field::LOTS_ACTIVE, field::LOTS_BLANK_OUT, field::LOTS_BLANK_IN)?;
            let serials = told(row, field::SERIALS_ACTIVE, field::SERIALS_BLANK_OUT, field::SERIALS_BLANK_IN)?;
            groups.insert(group.to_lowercase(), Tracking { lots, serials });
        }
        Ok(groups)
    }

    fn units(&self) -> Result<Vec<Fact>, String> {
        let mut units = Vec::new();
        for row in &self.rows {
            let Some(symbol) = self.unit(row, field::UNIT)? else { continue };
            let decimals = self.decimal(row, field::DECIMALS)?.and_then(|digits| u32::try_from(digits).ok());
            units.push(Fact::Unit { symbol, decimals: decimals.unwrap_or_default() });
        }
        Ok(units)
    }

    fn warehouses(&self) -> Result<Vec<Fact>, String> {
        let mut warehouses = Vec::new();
        for row in &self.rows {
            let place = self.text(row, field::WAREHOUSE)?.and_then(|code| PlaceCode::new(code).ok());
            let name = self.text(row, field::WAREHOUSE_NAME)?;
            warehouses.extend(place.map(|place| Fact::Warehouse { place, name }));
        }
        Ok(warehouses)
    }

    fn carriers(&self) -> Result<Vec<Fact>, String> {
        let mut services = Vec::new();
        for row in &self.rows {
            let named = self.text(row, field::CARRIER_ID)?.zip(self.text(row, field::SERVICE_ID)?);
            services.extend(named.map(|(carrier, service)| Fact::CarrierService { carrier, service }));
        }
        Ok(services)
    }

    /// Conversions; those of other products are left out, and those of a variant that no dimension names.
    fn conversions(&self, of: &Of<'_>) -> Result<Vec<Fact>, String> {
        let mut conversions = Vec::new();
        for row in &self.rows {
            let (from, to) = (self.unit(row, field::FROM_UNIT)?, self.unit(row, field::TO_UNIT)?);
            let Some((from, to)) = from.zip(to) else { continue };
            let (products, variant) = match of {
                Of::Every => (None, None),
                Of::Products(products) => (Some(products), None),
                Of::Variants(products) => match self.variant(row)? {
                    None => continue,
                    variant => (Some(products), variant),
                },
            };
            let items = match products {
                None => vec![None],
                Some(products) => {
                    let product = self.text(row, field::PRODUCT)?.unwrap_or_default();
                    products.get(&product).into_iter().flatten().cloned().map(Some).collect()
                }
            };
            let factor = self.factor(row)?;
            conversions.extend(items.into_iter().map(|item| {
                let (from, to) = (from.clone(), to.clone());
                Fact::Conversion(ConversionFacts { item, variant: variant.clone(), from, to, factor })
            }));
        }
        Ok(conversions)
    }

    /// `(from + inner) × factor × numerator ÷ denominator + outer`, where that is a plain factor above zero.
    fn factor(&self, row: &Row) -> Result<Option<Fraction>, String> {
        let number = |name, unsaid| Ok::<_, String>(self.decimal(row, name)?.unwrap_or(unsaid));
        let offset = number(field::INNER_OFFSET, Decimal::ZERO)? != Decimal::ZERO
            || number(field::OUTER_OFFSET, Decimal::ZERO)? != Decimal::ZERO;
        let [factor, numerator, denominator] = [field::FACTOR, field::NUMERATOR, field::DENOMINATOR];
        let factor = Fraction::of(number(factor, Decimal::ONE)?).times(Fraction::of(number(numerator, Decimal::ONE)?));
        let denominator = Fraction::of(number(denominator, Decimal::ONE)?);
        let factor = factor.and_then(|factor| factor.over(denominator)).filter(|factor| factor.is_positive());
        Ok(factor.filter(|_| !offset))
    }
}

/// What a group means: as it is configured, else as the environment says.
fn tracking(configured: &Catalogue, groups: &HashMap<String, Tracking>, group: &str) -> Option<Tracking> {
    let mut named = configured.tracking_groups.iter().filter(|(name, _)| name.eq_ignore_ascii_case(group));
    let told = |told: bool| Told { issue: told, receipt: told };
    let as_configured = |by: &TrackedBy| Tracking { lots: told(by.lots()), serials: told(by.serials()) };
    named.next().map(|(_, by)| as_configured(by)).or_else(|| groups.get(&group.to_lowercase()).copied())
}
