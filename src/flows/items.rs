//! What a message is about, for people who look for everything of one item. Pure; it decides nothing.

use super::Look;
use super::orders::OrderLook;
use crate::mapping::awaited_word;
use crate::message::Envelope;

/// A name that is longer is none that anybody would type, and could not stand in an index.
const LENGTH_MAX: usize = 200;

/// Of more items nobody looks for one.
const ITEMS_MAX: usize = 100;

/// Item numbers and SKUs: the one that is `missing`, where that is an item, else those of the message's lines and of the lines of the document
/// that was looked at.
#[must_use]
pub fn items(message: &Envelope, look: Option<&Look>, missing: Option<&str>) -> Vec<String> {
    let mut items = Vec::new();
    let mut add = |name: &str| {
        let known = items.len() >= ITEMS_MAX || items.iter().any(|item| item == name);
        if !name.is_empty() && name.len() <= LENGTH_MAX && !known {
            items.push(name.to_owned());
        }
    };
    if let Some(named) = missing.and_then(awaited_word) {
        add(named);
        return items;
    }
    for item in message.body.items() {
        add(item.sku.as_str());
        add(item.item_number.as_deref().unwrap_or_default());
    }
    if let Some(Look::Order(OrderLook { released: Some(released), .. })) = look {
        for line in &released.lines {
            add(&line.item_number);
            add(line.sku.as_str());
        }
    }
    items
}
