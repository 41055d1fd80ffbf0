//! `documents list` of what is outstanding: what finance asks at the end of a month.

use std::str::FromStr;

use serde_json::json;

use super::age;
use crate::cli::{Failed, Global, output, store};
use crate::store::{Outstanding, OutstandingFilter, OutstandingTotal, OutstandingView, State};

/// A state that is asked for: how far a document is, or what of it is outstanding.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wanted {
    Far(State),
    Outstanding(Outstanding),
}

impl Wanted {
    pub(super) fn far(self) -> Option<State> {
        match self {
            Self::Far(state) => Some(state),
            Self::Outstanding(_) => None,
        }
    }

    pub(super) fn outstanding(self) -> Option<Outstanding> {
        match self {
            Self::Far(_) => None,
            Self::Outstanding(state) => Some(state),
        }
    }
}

impl FromStr for Wanted {
    type Err = String;

    /// As the API names it, or as it is written in a sentence: `shipped-not-posted`.
    fn from_str(text: &str) -> Result<Self, String> {
        let name = text.replace('-', "_");
        if let Some(state) = Outstanding::named(&name) {
            return Ok(Self::Outstanding(state));
        }
        let names = || Outstanding::ALL.map(Outstanding::as_str).join(", ");
        name.parse().map(Self::Far).map_err(|why: String| format!("{why}; {}", names()))
    }
}

pub(super) async fn run(global: &Global, filter: OutstandingFilter) -> Result<(), Failed> {
    let store = store::open(global).await?;
    let totals = store.outstanding_totals(&OutstandingFilter { after: None, ..filter.clone() }).await?;
    let from_here = match filter.after {
        Some(_) => store.outstanding_totals(&filter).await?,
        None => totals.clone(),
    };
    let documents = store.outstanding(&filter).await?;
    let matching: i64 = from_here.iter().map(|total| total.documents).sum();
    let more = matching.saturating_sub(i64::try_from(documents.len()).unwrap_or(i64::MAX)).max(0);
    let next = documents.last().filter(|_| more > 0).map(|last| format!("{}|{}", last.since, last.document));
    if global.json {
        return output::json(&json!({ "documents": documents, "more": more, "next": next, "totals": totals }));
    }
    let mut lines = added_up(&filter.states, &totals);
    lines.extend(table(&documents));
    lines.extend(next.map(|next| format!("{more} more. Go on with: --after '{next}'")));
    output::lines(&lines)
}

/// How many there are of each state, and what they are worth: by currency, for nobody adds up two of them.
pub(super) fn added_up(states: &[Outstanding], totals: &[OutstandingTotal]) -> Vec<String> {
    let line = |state: &Outstanding| {
        let mine: Vec<_> = totals.iter().filter(|total| total.state == state.as_str()).collect();
        let documents: i64 = mine.iter().map(|total| total.documents).sum();
        let known = mine.iter().filter_map(|total| worth(total.value.as_deref(), total.currency.as_deref()));
        let unknown = mine.iter().filter(|total| total.value.is_none()).map(|total| total.documents);
        let worth: Vec<_> = known.chain(unknown.map(|documents| format!("{documents} of unknown value"))).collect();
        let worth = if worth.is_empty() { String::new() } else { format!("  {}", worth.join(" + ")) };
        format!("{:<21}  {documents:>5}{worth}", state.as_str())
    };
    states.iter().map(line).collect()
}

/// What something is worth, where that is known.
pub(super) fn worth(value: Option<&str>, currency: Option<&str>) -> Option<String> {
    let value = value?;
    Some(currency.map_or_else(|| value.to_owned(), |currency| format!("{value} {currency}")))
}

/// A line for each document, as wide as what stands in it.
fn table(documents: &[OutstandingView]) -> Vec<String> {
    let rows: Vec<[String; 7]> = documents.iter().map(row).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..7).map(width).collect();
    let line = |row: &[String; 7]| {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, width))| match column {
            // Numbers stand under numbers.
            0 | 2 => format!("{cell:>width$}"),
            _ => format!("{cell:<width$}"),
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

fn row(each: &OutstandingView) -> [String; 7] {
    let or = |text: &Option<String>, otherwise: &str| text.clone().unwrap_or_else(|| otherwise.to_owned());
    let value = worth(each.value.as_deref(), each.currency.as_deref());
    let held = each.exception.as_ref().map(|exception| exception.code.clone());
    [
        age(each.age_s),
        each.state.clone(),
        value.unwrap_or_else(|| "unknown".to_owned()),
        or(&each.legal_entity, "-"),
        or(&each.warehouse, "-"),
        each.number.clone().unwrap_or_else(|| each.document.clone()),
        or(&held, "no exception"),
    ]
}
