//! Parts counted back: only whole kits count, what is left over is a failure that names it.

use rust_decimal::Decimal;

use super::row::Component;
use super::unmapped::Unmapped;
use crate::failure::Code;
use crate::message::Sku;

/// How many whole kits these parts are, and nothing left over.
///
/// # Errors
/// [`Unmapped`] with what is left over or missing.
pub fn whole_kits(sku: &Sku, components: &[Component], parts: &[(Sku, Decimal)]) -> Result<Decimal, Unmapped> {
    let there = |component: &Component| {
        let mut of_it = parts.iter().filter(|(sku, _)| *sku == component.sku).map(|(_, quantity)| *quantity);
        // A sum that is too large to be told is no whole number of kits either.
        of_it.try_fold(Decimal::ZERO, Decimal::checked_add).unwrap_or(Decimal::MAX)
    };
    // Whole kits by the scarcest part; a quotient that cannot be told is no whole kit.
    let whole = components
        .iter()
        .map(|component| there(component).checked_div(component.quantity).map_or(Decimal::ZERO, |kits| kits.floor()));
    let whole = whole.min().unwrap_or_default().max(Decimal::ZERO);
    let left = components.iter().map(|component| {
        let used = whole.checked_mul(component.quantity).unwrap_or_default();
        (component, there(component) - used)
    });
    let left: Vec<_> = left.filter(|(_, left)| !left.is_zero()).collect();
    if left.is_empty() && !whole.is_zero() {
        return Ok(whole);
    }
    let words = |(component, quantity): &(&Component, Decimal)| format!("{} {}", quantity.normalize(), component.sku);
    let each: Vec<_> = components.iter().map(|component| words(&(component, component.quantity))).collect();
    let left: Vec<_> = left.iter().map(words).collect();
    let what = format!(
        "the parts of {sku} ({} each) make {} whole, and {} are left over. Ask the warehouse what became of the rest; \
         correct the shipment, or the kit with `drayline mapping set kit`, then replay.",
        each.join(" and "),
        whole.normalize(),
        if left.is_empty() { "none".to_owned() } else { left.join(" and ") },
    );
    Err(Unmapped::new(Code::MappingKitIncomplete, what))
}
