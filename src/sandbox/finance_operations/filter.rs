//! `$filter`, as far as a simulation needs it: `eq`, `ne`, `gt`, `ge`, `lt`, `le`, joined by `and` and `or`, in
//! parentheses. Texts are compared without regard to case, as the real one does.

use std::cmp::Ordering;

use rust_decimal::Decimal;
use serde_json::{Map, Value};

use super::address::literal;

/// What must hold for a row.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Filter {
    Everything,
    Compare { field: String, operator: Operator, value: String },
    And(Box<Filter>, Box<Filter>),
    Or(Box<Filter>, Box<Filter>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

impl Filter {
    /// Reads the text behind `$filter=`, decoded.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Ok(Self::Everything);
        }
        let (filter, rest) = either(text)?;
        if rest.trim().is_empty() { Ok(filter) } else { Err(format!("{rest:?} is left over in the filter")) }
    }

    /// All of a key's parts.
    pub(super) fn of_keys(keys: &[(String, String)]) -> Self {
        let compare = |(field, value): &(String, String)| Self::Compare {
            field: field.clone(),
            operator: Operator::Equal,
            value: value.clone(),
        };
        keys.iter().map(compare).fold(Self::Everything, |all, one| Self::And(Box::new(all), Box::new(one)))
    }

    /// The same with other names of fields; nothing when one has none.
    pub(super) fn renamed(self, name: &impl Fn(&str) -> Option<String>) -> Option<Self> {
        Some(match self {
            Self::Everything => Self::Everything,
            Self::Compare { field, operator, value } => Self::Compare { field: name(&field)?, operator, value },
            Self::And(left, right) => Self::And(Box::new(left.renamed(name)?), Box::new(right.renamed(name)?)),
            Self::Or(left, right) => Self::Or(Box::new(left.renamed(name)?), Box::new(right.renamed(name)?)),
        })
    }

    /// The value that a field must have, where the filter says so.
    pub(super) fn demands(&self, wanted: &str) -> Option<&str> {
        match self {
            Self::Compare { field, operator: Operator::Equal, value } if field == wanted => Some(value),
            Self::And(left, right) => left.demands(wanted).or_else(|| right.demands(wanted)),
            Self::Everything | Self::Compare { .. } | Self::Or(..) => None,
        }
    }

    /// The values of which a field must have one, where the filter says so.
    pub(super) fn choices(&self, wanted: &str) -> Option<Vec<&str>> {
        match self {
            Self::Compare { field, operator: Operator::Equal, value } if field == wanted => Some(vec![value]),
            Self::And(left, right) => left.choices(wanted).or_else(|| right.choices(wanted)),
            Self::Or(left, right) => Some([left.choices(wanted)?, right.choices(wanted)?].concat()),
            Self::Everything | Self::Compare { .. } => None,
        }
    }

    /// Every field that is named.
    pub(super) fn fields(&self) -> Vec<&str> {
        match self {
            Self::Everything => Vec::new(),
            Self::Compare { field, .. } => vec![field],
            Self::And(left, right) | Self::Or(left, right) => [left.fields(), right.fields()].concat(),
        }
    }

    pub(super) fn takes(&self, row: &Map<String, Value>) -> bool {
        match self {
            Self::Everything => true,
            Self::And(left, right) => left.takes(row) && right.takes(row),
            Self::Or(left, right) => left.takes(row) || right.takes(row),
            Self::Compare { field, operator, value } => {
                let order = row.get(field).map_or(Ordering::Less, |held| compare(held, value));
                match operator {
                    Operator::Equal => order.is_eq(),
                    Operator::NotEqual => order.is_ne(),
                    Operator::Greater => order.is_gt(),
                    Operator::GreaterOrEqual => order.is_ge(),
                    Operator::Less => order.is_lt(),
                    Operator::LessOrEqual => order.is_le(),
                }
            }
        }
    }
}

fn compare(held: &Value, wanted: &str) -> Ordering {
    match held {
        Value::String(text) => text.to_lowercase().cmp(&wanted.to_lowercase()),
        other => match (other.to_string().parse::<Decimal>(), wanted.parse::<Decimal>()) {
            (Ok(held), Ok(wanted)) => held.cmp(&wanted),
            _ => other.to_string().as_str().cmp(wanted),
        },
    }
}

fn either(text: &str) -> Result<(Filter, &str), String> {
    let (mut filter, mut rest) = both(text)?;
    while let Some(after) = word(rest, "or") {
        let (right, after) = both(after)?;
        (filter, rest) = (Filter::Or(Box::new(filter), Box::new(right)), after);
    }
    Ok((filter, rest))
}

fn both(text: &str) -> Result<(Filter, &str), String> {
    let (mut filter, mut rest) = one(text)?;
    while let Some(after) = word(rest, "and") {
        let (right, after) = one(after)?;
        (filter, rest) = (Filter::And(Box::new(filter), Box::new(right)), after);
    }
    Ok((filter, rest))
}

fn one(text: &str) -> Result<(Filter, &str), String> {
    let text = text.trim_start();
    if let Some(inner) = text.strip_prefix('(') {
        let (filter, rest) = either(inner)?;
        let rest = rest.trim_start().strip_prefix(')').ok_or("a parenthesis is not closed")?;
        return Ok((filter, rest));
    }
    let strange = || format!("{text:?} is not of the form: Field eq 'value'");
    let (field, rest) = text.split_once(' ').ok_or_else(strange)?;
    let (operator, rest) = rest.trim_start().split_once(' ').ok_or_else(strange)?;
    let operator = match operator {
        "eq" => Operator::Equal,
        "ne" => Operator::NotEqual,
        "gt" => Operator::Greater,
        "ge" => Operator::GreaterOrEqual,
        "lt" => Operator::Less,
        "le" => Operator::LessOrEqual,
        other => return Err(format!("{other:?} is not supported in a filter")),
    };
    let (value, rest) = literal(rest.trim_start())?;
    Ok((Filter::Compare { field: field.to_owned(), operator, value }, rest))
}

fn word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    text.trim_start().strip_prefix(word).filter(|rest| rest.starts_with([' ', '(']))
}
