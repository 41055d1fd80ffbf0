//! The members of an event, wherever they stand: flat, or inside a Dataverse execution context.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// "No GUID".
const ZERO_GUID: &str = "00000000-0000-0000-0000-000000000000";

/// What Dataverse says of its own request, where a business event may say its document's id.
const OF_DATAVERSE: &str = "RequestId";

/// What Dataverse writes for "no entity".
const NO_ENTITY: &str = "none";

/// Members by their folded names.
type Pairs<'a> = Vec<(String, &'a Value)>;

/// The members of an event; an earlier one goes before a later one of the same name.
pub(super) struct Members<'a> {
    pairs: Pairs<'a>,
    /// The words of a data event's numbered values.
    labels: Pairs<'a>,
    /// The row of a data event as it was before: it says which document it is, and nothing of how it is now.
    before: Pairs<'a>,
    /// Entity and message of a Dataverse execution context.
    context: Option<(String, String)>,
    /// Our name of a member = the customer's.
    renamed: &'a BTreeMap<String, String>,
}

impl<'a> Members<'a> {
    /// Nothing when it is not an object. `renamed`: our name of a member = the customer's, which then goes first.
    pub fn of(value: &'a Value, renamed: &'a BTreeMap<String, String>) -> Option<Self> {
        let object = value.as_object()?;
        let mut members = Self { pairs: Vec::new(), labels: Vec::new(), before: Vec::new(), context: None, renamed };
        let parameters = object.get("InputParameters").and_then(Value::as_array);
        if let Some(parameters) = parameters {
            members.relayed(object, parameters);
        }
        let frame = object.iter().filter(|(name, _)| parameters.is_none() || name.as_str() != OF_DATAVERSE);
        members.pairs.extend(frame.map(|(name, value)| (fold(name), value)));
        Some(members)
    }

    /// The first of the names that says something, as text. Empty text and the empty GUID say nothing.
    pub fn text(&self, names: &[&str]) -> Option<String> {
        self.among(&[&self.pairs], names)
    }

    /// The same for what names a document: where the row says only what changed, or is gone, it is as before.
    pub fn name(&self, names: &[&str]) -> Option<String> {
        self.among(&[&self.pairs, &self.before], names)
    }

    /// The same for a state: its word goes before its number.
    pub fn state(&self, names: &[&str]) -> Option<String> {
        self.among(&[&self.labels, &self.pairs], names)
    }

    fn among(&self, places: &[&Pairs<'_>], names: &[&str]) -> Option<String> {
        let own =
            |name: &&str| self.renamed.iter().find(|(each, _)| fold(each) == fold(name)).map(|(_, own)| fold(own));
        let names: Vec<_> = names.iter().filter_map(own).chain(names.iter().map(|name| fold(name))).collect();
        places.iter().find_map(|pairs| {
            names
                .iter()
                .find_map(|name| pairs.iter().filter(|(each, _)| each == name).find_map(|(_, value)| word(value)))
        })
    }

    /// What the event is called: its own name, else entity and message of the context.
    pub fn event_name(&self) -> Option<String> {
        let own = self.text(&["BusinessEventId"]);
        own.or_else(|| match self.context.as_ref()? {
            (entity, message) if entity.is_empty() || entity == NO_ENTITY => {
                Some(message.clone()).filter(|message| !message.is_empty())
            }
            (entity, message) => Some(format!("{entity}.{message}")),
        })
    }

    /// The row of a data event, or the members of a relayed business event.
    fn relayed(&mut self, object: &'a Map<String, Value>, parameters: &'a [Value]) {
        let said = |name| object.get(name).and_then(Value::as_str).unwrap_or_default().trim().to_owned();
        let (mut entity, message) = (said("PrimaryEntityName"), said("MessageName"));
        for (name, value) in parameters.iter().filter_map(pair) {
            match name {
                "PreImage" => self.before.extend(attributes(value)),
                _ if value.get("Attributes").or_else(|| value.get("LogicalName")).is_some() => {
                    self.pairs.extend(attributes(value));
                    self.labels.extend(pairs(value, "FormattedValues"));
                    let logical = value.get("LogicalName").and_then(Value::as_str).unwrap_or_default();
                    if entity.is_empty() || entity == NO_ENTITY {
                        logical.trim().clone_into(&mut entity);
                    }
                }
                _ => self.pairs.push((fold(name), value)),
            }
        }
        let images = object.get("PreEntityImages").and_then(Value::as_array);
        for (_, image) in images.into_iter().flatten().filter_map(pair) {
            self.before.extend(attributes(image));
        }
        self.context = Some((entity, message));
    }

    /// Entity and message of a Dataverse execution context.
    pub fn context(&self) -> Option<(&str, &str)> {
        self.context.as_ref().map(|(entity, message)| (entity.as_str(), message.as_str()))
    }
}

/// The attributes of a row; of one that is gone, its key.
fn attributes(row: &Value) -> impl Iterator<Item = (String, &Value)> {
    ["Attributes", "KeyAttributes"].into_iter().flat_map(|list| pairs(row, list))
}

fn pairs<'a>(row: &'a Value, list: &str) -> impl Iterator<Item = (String, &'a Value)> {
    let elements = row.get(list).and_then(Value::as_array);
    elements.into_iter().flatten().filter_map(pair).map(|(key, value)| (fold(key), value))
}

fn pair(element: &Value) -> Option<(&str, &Value)> {
    let members: &Map<String, Value> = element.as_object()?;
    Some((members.get("key")?.as_str()?, members.get("value")?))
}

/// A text, a number, or what a typed value holds.
fn word(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => {
            let text = text.trim();
            let says_nothing = text.is_empty() || same_guid(text) == ZERO_GUID;
            (!says_nothing).then(|| text.to_owned())
        }
        Value::Number(number) => Some(number.to_string()),
        Value::Object(typed) => {
            typed.get("Value").or_else(|| typed.get("Id")).filter(|v| !v.is_object()).and_then(word)
        }
        Value::Null | Value::Bool(_) | Value::Array(_) => None,
    }
}

/// Names are compared without blanks, without regard to case and without Dataverse's prefix: customers' contracts hold
/// names like `Business Event Id`, Dataverse writes `mserp_businesseventid`.
pub(super) fn fold(name: &str) -> String {
    let folded: String = name.chars().filter(|each| !each.is_whitespace()).collect::<String>().to_lowercase();
    folded.strip_prefix("mserp_").map(str::to_owned).unwrap_or(folded)
}

/// A GUID without braces, in small letters; other text as it is.
pub(super) fn same_guid(text: &str) -> String {
    let bare = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or(text);
    uuid::Uuid::try_parse(bare).map_or_else(|_| text.to_owned(), |guid| guid.to_string())
}
