//! The members of an event, wherever they stand: flat, or inside a Dataverse execution context.

use serde_json::{Map, Value};

/// "No GUID".
const ZERO_GUID: &str = "00000000-0000-0000-0000-000000000000";

/// Members by their folded names; an earlier one goes before a later one of the same name.
pub(super) struct Members<'a> {
    pairs: Vec<(String, &'a Value)>,
    /// Entity and message of a Dataverse execution context.
    context: Option<(String, String)>,
}

impl<'a> Members<'a> {
    /// Nothing when it is not an object.
    pub fn of(value: &'a Value) -> Option<Self> {
        let object = value.as_object()?;
        let mut pairs = Vec::new();
        let context = object.get("InputParameters").and_then(Value::as_array).map(|parameters| {
            relayed(parameters, &mut pairs);
            let word = |name| object.get(name).and_then(Value::as_str).unwrap_or_default().trim().to_owned();
            (word("PrimaryEntityName"), word("MessageName"))
        });
        pairs.extend(object.iter().map(|(name, value)| (fold(name), value)));
        Some(Self { pairs, context })
    }

    /// The first of the names that says something, as text. Empty text and the empty GUID say nothing.
    pub fn text(&self, names: &[&str]) -> Option<String> {
        names.iter().find_map(|name| {
            let name = fold(name);
            self.pairs.iter().filter(|(each, _)| *each == name).find_map(|(_, value)| word(value))
        })
    }

    /// What the event is called: its own name, else entity and message of the context.
    pub fn event_name(&self) -> Option<String> {
        let own = self.text(&["BusinessEventId"]);
        own.or_else(|| match self.context.as_ref()? {
            (entity, message) if entity.is_empty() => Some(message.clone()).filter(|message| !message.is_empty()),
            (entity, message) => Some(format!("{entity}.{message}")),
        })
    }

    /// Entity and message of a Dataverse execution context.
    pub fn context(&self) -> Option<(&str, &str)> {
        self.context.as_ref().map(|(entity, message)| (entity.as_str(), message.as_str()))
    }
}

/// The row of a data event, or the members of a relayed business event. The row as it was before says nothing.
fn relayed<'a>(parameters: &'a [Value], pairs: &mut Vec<(String, &'a Value)>) {
    for (name, value) in parameters.iter().filter_map(pair) {
        let attributes = value.get("Attributes").and_then(Value::as_array);
        match (name, attributes) {
            ("PreImage", _) => {}
            (_, Some(attributes)) => pairs.extend(attributes.iter().filter_map(pair).map(|(key, v)| (fold(key), v))),
            (_, None) => pairs.push((fold(name), value)),
        }
    }
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
