//! `documents list`: what is between two states, what is outstanding, and what became of a day's documents.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::{Map, Value, json};

use super::age;
use super::outstanding::{self, Wanted};
use crate::cli::{Failed, Global, output, store};
use crate::exceptions::duration;
use crate::store::{Outstanding, OutstandingFilter, ProgressFilter, ProgressView, State, StateCount};

/// The states, and what to ask with them.
pub(super) const HELP: &str = "\
States, along the road:
  released        Dynamics released it, and no warehouse has it
  sent            a warehouse has it (an inbound order: it is announced) and has not taken it on yet
  accepted        the warehouse took it on
  part_shipped    something of it has left         part_received  something of it has come
  shipped         all of it left, or no more will  received       all of it came, or no more will; not all is posted
  posted          all that moved is posted in Dynamics
beside it:
  rejected        the warehouse will not do it     cancelled      it was cancelled, and nothing newer is wanted
  before_go_live  it was released before go-live: it is not sent, until it is adopted or Dynamics releases it again

Outstanding, with how long already, what the document is worth, and the exception that holds it:
  released_not_accepted  an order that no warehouse took on, or that was given back
  shipped_not_posted     something left, and Dynamics has not posted it
  received_not_credited  something came back that is not credited, and is not known to need no credit
A document is in one of these three at the most, so that they add up. What is cancelled is in none of them.

Without options: what is outstanding, added up by state and currency, and everything that is open, that is, neither posted,
cancelled nor from before go-live.

  drayline documents list --state received-not-credited            which returns have no credit note
  drayline documents list --state shipped-not-posted --older-than 1d
  drayline documents list --legal-entity usmf                      all three of one company
  drayline documents list --from shipped --before posted           shipped or received, and not posted
  drayline documents list --before shipped --older-than 2d         released two days ago, and still not gone
  drayline documents list --state rejected --warehouse north
  drayline documents list --state before_go_live                   to be decided: who brings these to their end?
  drayline documents list --day 2026-11-27 --zone Europe/Paris     the day's totals, and what is missing of it

A day's totals count the documents that were released on that day: how many of them a warehouse accepted, rejected, shipped
or received since, and how many are posted. Each is in exactly one state, so that the states add up to what was released.
Value and currency are Dynamics': name their members under dynamics.NAME.outbound, .inbound and .returns (value_field,
currency_field). Nothing is computed: what is not named there is of unknown value.";

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Options {
    /// Only in this state; several times for several
    #[arg(long = "state", value_name = "STATE", conflicts_with_all = ["from", "before"])]
    states: Vec<Wanted>,
    /// Only what has come to this state of the road, or further
    #[arg(long, value_name = "STATE")]
    from: Option<State>,
    /// Only what has not come to this state of the road yet
    #[arg(long, value_name = "STATE")]
    before: Option<State>,
    /// Only what was released, or is outstanding, for so long: 90m, 4h, 2d
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    older_than: Option<Duration>,
    /// Only of this warehouse
    #[arg(long, value_name = "CONNECTION")]
    warehouse: Option<String>,
    /// Only of this company, of what is outstanding
    #[arg(long, value_name = "COMPANY", conflicts_with_all = ["from", "before", "day"])]
    legal_entity: Option<String>,
    /// Only what was released on this day, with the day's totals: 2026-11-27
    #[arg(long, value_name = "DATE")]
    day: Option<Date>,
    /// Whose day it is (IANA name)
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    zone: String,
    /// At most this many
    #[arg(long, default_value_t = 100)]
    limit: u32,
    /// Go on behind what was listed before: what `next` said
    #[arg(long, value_name = "CURSOR", value_parser = cursor)]
    after: Option<(Timestamp, String)>,
}

pub(super) async fn run(global: &Global, options: Options) -> Result<(), Failed> {
    let open: Vec<Outstanding> = options.states.iter().filter_map(|state| state.outstanding()).collect();
    let company = options.legal_entity.is_some();
    if company || !open.is_empty() {
        if open.len() < options.states.len() || options.day.is_some() {
            return Err(Failed::Usage(
                "How far documents are, and what of them is outstanding (the only list by --legal-entity), are two lists. \
                 Ask for one of them."
                    .to_owned(),
            ));
        }
        let states = if open.is_empty() { Outstanding::ALL.to_vec() } else { open };
        return outstanding::run(global, options.of_the_outstanding(&states)).await;
    }
    let plain =
        options.states.is_empty() && options.from.is_none() && options.before.is_none() && options.day.is_none();
    let sums = plain.then(|| options.of_the_outstanding(&Outstanding::ALL));
    let states = states(&options)?;
    let released = options.day.map(|day| span(day, &options.zone)).transpose()?;
    let asked = asked(&states, options.warehouse.as_deref());
    let (warehouse, older_than, after, limit) = (options.warehouse, options.older_than, options.after, options.limit);
    let store = store::open(global).await?;
    let (matching, documents) =
        store.progress(&ProgressFilter { states, warehouse, older_than, released, after, limit }).await?;
    let day = match released {
        Some((from, before)) => Some(store.became(from, before).await?),
        None => None,
    };
    let sums = match sums {
        Some(filter) => Some(store.outstanding_totals(&OutstandingFilter { after: None, ..filter }).await?),
        None => None,
    };
    let more = matching.saturating_sub(u64::try_from(documents.len()).unwrap_or(u64::MAX));
    let next = documents.last().filter(|_| more > 0).map(|last| format!("{}|{}", last.released_at, last.document));
    if global.json {
        let mut document = json!({ "documents": documents, "more": more, "next": next });
        if let (Some(members), Some(day)) = (document.as_object_mut(), &day) {
            members.insert("day".to_owned(), totals(day));
        }
        if let (Some(members), Some(sums)) = (document.as_object_mut(), &sums) {
            members.insert("totals".to_owned(), json!(sums));
        }
        return output::json(&document);
    }
    let mut lines = day.as_deref().map(told).unwrap_or_default();
    lines.extend(sums.iter().flat_map(|sums| outstanding::added_up(&Outstanding::ALL, sums)));
    lines.extend(table(&documents, &asked));
    lines.extend(next.map(|next| format!("{more} more. Go on with: --after '{next}'")));
    output::lines(&lines)
}

impl Options {
    fn of_the_outstanding(&self, states: &[Outstanding]) -> OutstandingFilter {
        OutstandingFilter {
            warehouse: self.warehouse.clone(),
            legal_entity: self.legal_entity.clone(),
            older_than: self.older_than,
            after: self.after.clone(),
            limit: self.limit,
            ..OutstandingFilter::of(states)
        }
    }
}

/// The states that are asked for.
fn states(options: &Options) -> Result<Vec<State>, Failed> {
    if !options.states.is_empty() {
        return Ok(options.states.iter().filter_map(|state| state.far()).collect());
    }
    if options.from.is_none() && options.before.is_none() {
        return Ok(State::ALL.into_iter().filter(|state| state.is_open()).collect());
    }
    let milestone = |state: Option<State>, otherwise: u8| match state {
        None => Ok(otherwise),
        Some(state) => state.milestone().ok_or_else(|| {
            Failed::Usage(format!(
                "{} lies beside the road, so that nothing comes after or before it. Ask with --state {0}.",
                state.as_str()
            ))
        }),
    };
    let (from, before) = (milestone(options.from, 0)?, milestone(options.before, u8::MAX)?);
    let between = |state: &State| state.milestone().is_some_and(|at| at >= from && at < before);
    let states: Vec<_> = State::ALL.into_iter().filter(between).collect();
    if states.is_empty() {
        return Err(Failed::Usage("No state lies between these two. --from names the earlier one.".to_owned()));
    }
    Ok(states)
}

/// A day's first instant, and the next day's.
fn span(day: Date, zone: &str) -> Result<(Timestamp, Timestamp), Failed> {
    let strange = |error: jiff::Error| {
        Failed::Usage(format!(
            "The day {day} in the time zone {zone:?} cannot be told: {error}. Name it as Europe/Paris."
        ))
    };
    let next = day.tomorrow().map_err(strange)?;
    let first = |day: Date| day.in_tz(zone).map(|zoned| zoned.timestamp()).map_err(strange);
    Ok((first(day)?, first(next)?))
}

fn cursor(text: &str) -> Result<(Timestamp, String), String> {
    let strange = || format!("{text:?} is no place in a list; give what `next` said");
    let (at, document) = text.split_once('|').ok_or_else(strange)?;
    Ok((at.parse().map_err(|_| strange())?, document.to_owned()))
}

/// What became of a day's documents, by kind.
fn totals(day: &[StateCount]) -> Value {
    let kinds = [
        ("orders", "order", "shipped"),
        ("inbound_orders", "inbound_order", "received"),
        ("returns", "return_order", "received"),
    ];
    let of = |(name, kind, moved): (&str, &str, &str)| {
        let rows = || day.iter().filter(move |row| row.kind == kind);
        let states: Map<String, Value> = rows().map(|row| (row.state.clone(), row.documents.into())).collect();
        let counted = |wanted: &[&str]| -> i64 {
            rows().filter(|row| wanted.contains(&row.state.as_str())).map(|row| row.documents).sum()
        };
        let sum = |of: fn(&StateCount) -> i64| rows().map(of).sum::<i64>();
        let released = sum(|row| row.documents);
        let mut members = Map::from_iter([
            ("released".to_owned(), released.into()),
            ("accepted".to_owned(), sum(|row| row.accepted).into()),
            ("rejected".to_owned(), sum(|row| row.rejected).into()),
            (moved.to_owned(), counted(&[moved, "posted"]).into()),
            ("posted".to_owned(), counted(&["posted"]).into()),
            ("missing".to_owned(), (released - counted(&["posted", "cancelled", "before_go_live"])).into()),
            ("states".to_owned(), states.into()),
        ]);
        if kind != "order" {
            // Warehouses do not answer an announcement.
            members.remove("accepted");
        }
        (name.to_owned(), Value::Object(members))
    };
    Value::Object(kinds.into_iter().map(of).collect())
}

/// The same for people.
fn told(day: &[StateCount]) -> Vec<String> {
    let Value::Object(kinds) = totals(day) else { return Vec::new() };
    let line = |(name, members): (&String, &Value)| {
        let number = |key: &str| members.get(key).and_then(Value::as_i64);
        let keys = ["released", "accepted", "rejected", "shipped", "received", "posted", "missing"];
        let counts: Vec<_> = keys.iter().filter_map(|key| number(key).map(|count| format!("{count} {key}"))).collect();
        let states = members.get("states").and_then(Value::as_object).into_iter().flatten();
        let states: Vec<_> = states.map(|(state, count)| format!("{count} {state}")).collect();
        let states = if states.is_empty() { "none".to_owned() } else { states.join(" + ") };
        format!("{}: {}. Now: {states}.", name.replace('_', " "), counts.join(", "))
    };
    kinds.iter().map(line).collect()
}

/// What was asked for, as people read it.
fn asked(states: &[State], warehouse: Option<&str>) -> String {
    let names: Vec<_> = states.iter().map(|state| state.as_str()).collect();
    let states = match names.as_slice() {
        [one] => format!("the state {one}"),
        _ => format!("the states {}", names.join(", ")),
    };
    warehouse.map_or_else(|| states.clone(), |warehouse| format!("{states} at the warehouse {warehouse}"))
}

fn table(documents: &[ProgressView], asked: &str) -> Vec<String> {
    if documents.is_empty() {
        return vec![format!("No document that fits is in {asked}.")];
    }
    documents.iter().map(row).collect()
}

fn row(each: &ProgressView) -> String {
    let number = each.number.as_deref().unwrap_or(&each.document);
    let promised = each.promised_at.map_or_else(|| "no promise".to_owned(), |at| format!("promised {at:.0}"));
    let value = outstanding::worth(each.value.as_deref(), each.currency.as_deref());
    let value = value.map(|value| format!("  {value}")).unwrap_or_default();
    let warehouse = each.warehouse.as_deref().unwrap_or("no warehouse");
    format!("{:<13}  {:>6}  {number}  {warehouse}  {promised}{value}  {}", each.state, age(each.age_s), each.document)
}
