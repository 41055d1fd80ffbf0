//! `mapping list | set | import | export | check`: what means what.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::Subcommand;
use serde_json::{Value, json};

use super::exceptions::who;
use super::trail::recorded;
use super::{Failed, Global, mapping_check, output, store};
use crate::mapping::{COLUMNS, Cells, Change, Import, Mapping, Row, clashes, import, write_csv};
use crate::store::{Act, MappingChange, Store};

/// What all of these commands tell.
pub(super) const HELP: &str = "Rows say what means what: the warehouse's SKU of an item, how many of its units a unit of \
    Dynamics is, where a location is, what a reason is. A row holds for one environment, company or warehouse, or for all; the \
    narrowest one that matches counts. Every change is a version with who, when and why; workers use it within a second, and a \
    replay is planned with it. docs/mapping.md explains every kind and column.\n\nExamples:\n  \
    drayline mapping set sku item=A100 warehouse=4711-A connection=north --reason \"their new catalogue\"\n  \
    drayline mapping set unit item=A100 dynamics=case warehouse=each factor=12 --reason \"12 in a case\"\n  \
    drayline mapping set unit warehouse=each connection=north --reason \"north counts in eaches\"\n  \
    drayline mapping export > mapping.csv\n  \
    drayline mapping import mapping.csv                  what would change, line by line\n  \
    drayline mapping import mapping.csv --yes --reason \"spring catalogue\"\n  \
    drayline mapping check --connection north            every item that does not map there";

const KIND_HELP: &str = "One of sku, kit, unit, location, carrier, adjustment_reason, disposition, rejection_reason";

/// How often a row is set again when somebody else changes the mapping at the same moment.
const TRIES_MAX: usize = 10;

#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// The rows that hold, or every version with who made it, when and why
    List {
        #[arg(long, help = KIND_HELP)]
        kind: Option<crate::mapping::RowKind>,
        /// As it was in this version
        #[arg(long, value_name = "VERSION")]
        at: Option<u64>,
        /// The versions instead of the rows
        #[arg(long, conflicts_with_all = ["kind", "at"])]
        history: bool,
    },
    /// Set one row, which takes the place of the one that speaks of the same thing; or end it with --remove
    #[command(after_help = HELP)]
    Set {
        #[arg(help = KIND_HELP)]
        kind: String,
        /// What the row says: column=cell, as in a file
        #[arg(value_name = "COLUMN=CELL", required = true)]
        cells: Vec<String>,
        /// End the row that speaks of this
        #[arg(long)]
        remove: bool,
        /// Why, for everybody who looks at it later
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Set the rows of a CSV file, all or none; without --yes it only tells, line by line, what would change
    #[command(after_help = HELP)]
    Import {
        /// The file; its first line names the columns
        file: PathBuf,
        /// Do it
        #[arg(long, requires = "reason")]
        yes: bool,
        /// Rows that the file does not have end
        #[arg(long)]
        replace: bool,
        /// Why, for everybody who looks at it later
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
    /// Scan what Dynamics says of its items, and tell every item, warehouse and row that does not map: one line each, with
    /// what is wrong and what to do; exit 1 if any. Nothing is sent to a warehouse
    Check {
        /// Only what is wrong at this warehouse
        #[arg(long, value_name = "NAME")]
        connection: Option<String>,
        /// With what the last scan found, without asking Dynamics
        #[arg(long)]
        last: bool,
    },
    /// Print all rows as CSV, as `import` reads it
    Export {
        /// As it was in this version
        #[arg(long, value_name = "VERSION")]
        at: Option<u64>,
    },
}

pub(super) async fn run(global: &Global, action: Action) -> Result<(), Failed> {
    match action {
        Action::List { history: true, .. } => history(global).await,
        Action::List { kind, at, history: false } => {
            let mapping = as_it_was(&store::open(global).await?, at).await?;
            let rows = mapping.rows().iter().filter(|row| kind.is_none_or(|kind| row.kind() == kind));
            list(global, mapping.version(), &rows.collect::<Vec<_>>())
        }
        Action::Set { kind, cells, remove, reason } => {
            let row = read(kind, cells)?;
            set(global, &store::made(global).await?, row, remove, &reason).await
        }
        Action::Import { file, yes, replace, reason } => {
            let text = std::fs::read_to_string(&file)
                .map_err(|error| Failed::Work(format!("{} cannot be read: {error}.", file.display())))?;
            let reason = reason.filter(|_| yes);
            from_file(global, &store::made(global).await?, (&text, replace), reason).await
        }
        Action::Check { connection, last } => mapping_check::check(global, connection.as_deref(), last).await,
        Action::Export { at } => {
            let mapping = as_it_was(&store::open(global).await?, at).await?;
            export(global, &mapping)
        }
    }
}

/// The mapping, as it is or was.
async fn as_it_was(store: &Store, version: Option<u64>) -> Result<Mapping, Failed> {
    let newest = store.mapping_version().await?;
    match version.filter(|version| *version > newest) {
        Some(version) => Err(Failed::Usage(format!("There is no version {version}; the newest is {newest}."))),
        None => Ok(store.mapping(version).await?),
    }
}

fn list(global: &Global, version: u64, rows: &[&Row]) -> Result<(), Failed> {
    if global.json {
        let rows: Vec<_> = rows.iter().map(|row| row.cells()).collect();
        return output::json(&json!({ "version": version, "rows": rows }));
    }
    let head = match rows.len() {
        0 => format!("Version {version} has no rows of that kind. `drayline mapping set --help` shows how to set one."),
        count => format!("Version {version}, {count} rows:"),
    };
    output::lines(&std::iter::once(head).chain(rows.iter().map(|row| format!("  {row}"))).collect::<Vec<_>>())
}

async fn history(global: &Global) -> Result<(), Failed> {
    let versions = store::open(global).await?.mapping_versions(1000).await?;
    if global.json {
        let versions: Vec<_> = versions
            .iter()
            .map(|each| {
                json!({ "version": each.version, "made_by": each.made_by, "reason": each.reason, "made_at": each.made_at,
                        "rows_set": each.rows_set, "rows_ended": each.rows_ended })
            })
            .collect();
        return output::json(&json!({ "versions": versions }));
    }
    if versions.is_empty() {
        return output::lines(&["Nothing was mapped yet.".to_owned()]);
    }
    output::lines(
        &versions
            .iter()
            .map(|each| {
                format!(
                    "{:>6}  {:.0}  {:<16}  {} set, {} ended  {}",
                    each.version, each.made_at, each.made_by, each.rows_set, each.rows_ended, each.reason
                )
            })
            .collect::<Vec<_>>(),
    )
}

/// A row as it stands on the command line.
fn read(kind: String, assigned: Vec<String>) -> Result<Row, Failed> {
    let mut cells = Cells::from([("kind".to_owned(), kind)]);
    for each in assigned {
        let Some((column, cell)) = each.split_once('=') else {
            let all = COLUMNS[1..].join(", ");
            return Err(Failed::Usage(format!("{each:?} is not of the form column=cell. The columns are {all}.")));
        };
        if cells.insert(column.trim().to_owned(), cell.to_owned()).is_some() {
            return Err(Failed::Usage(format!("The column {column} is named twice.")));
        }
    }
    Row::read(&cells).map_err(|problems| {
        let lines: Vec<_> = problems.iter().map(|each| format!("  {}: {}", each.column, each.problem)).collect();
        Failed::Usage(format!("This is no row:\n{}", lines.join("\n")))
    })
}

async fn set(global: &Global, store: &Store, row: Row, remove: bool, reason: &str) -> Result<(), Failed> {
    let reason = said(reason)?;
    for _ in 0..TRIES_MAX {
        let mapping = store.mapping(None).await?;
        let before = mapping.rows().iter().find(|before| before.identity() == row.identity());
        let (change, sentence) = match (before, remove) {
            (None, true) => {
                return Err(Failed::Work("No row speaks of that in this scope; nothing is changed.".to_owned()));
            }
            (Some(before), true) => ("removed", format!("Ended: {before}.")),
            (Some(before), false) if *before == row => {
                ("unchanged", "It says so already; nothing is changed.".to_owned())
            }
            (Some(before), false) => ("changed", format!("It takes the place of: {before}.")),
            (None, false) => ("added", format!("Set: {row}.")),
        };
        let told = |version: u64| {
            let sentence = format!("{sentence} This is version {version}; what waits for it goes on by itself.");
            let sentence = if change == "unchanged" {
                sentence.split(" This is").next().unwrap_or_default().to_owned()
            } else {
                sentence
            };
            let document = json!({ "set": change != "unchanged", "change": change, "version": version,
                                   "row": row.cells(), "sentence": sentence });
            if global.json { output::json(&document) } else { output::lines(&[sentence]) }
        };
        if change == "unchanged" {
            return told(mapping.version());
        }
        if !remove {
            refuse_clash(&mapping, &row)?;
        }
        let (set, removed) = if remove { (Vec::new(), vec![row.clone()]) } else { (vec![row.clone()], Vec::new()) };
        let change = MappingChange { from: mapping.version(), set, removed, by: who(), reason: reason.clone() };
        if let Some(version) = changed(store, "mapping.set", &change).await? {
            return told(version);
        }
    }
    Err(Failed::Work("Others change the mapping at the same time, again and again. Try it once more.".to_owned()))
}

/// A row that takes no other's place may still say of a SKU or an alias what another one says.
fn refuse_clash(mapping: &Mapping, row: &Row) -> Result<(), Failed> {
    let others = mapping.rows().iter().filter(|other| other.identity() != row.identity()).cloned();
    let rows: Vec<Row> = others.chain([row.clone()]).collect();
    let clash = clashes(&rows).into_iter().find(|clash| clash.second == rows.len() - 1);
    let Some(clash) = clash else { return Ok(()) };
    let other = rows.get(clash.first).map(ToString::to_string).unwrap_or_default();
    Err(Failed::Work(format!(
        "Another row of equal scope speaks of {}: {other}. End that one first, or give one of them a narrower scope.",
        clash.about
    )))
}

async fn from_file(
    global: &Global,
    store: &Store,
    (text, replace): (&str, bool),
    reason: Option<String>,
) -> Result<(), Failed> {
    let mapping = store.mapping(None).await?;
    let import = import(text, mapping.rows(), replace);
    let mut version = mapping.version();
    let mut imported = false;
    let changes = import.set().next().is_some() || !import.removed.is_empty();
    if let (Some(reason), true) = (&reason, import.problems.is_empty() && changes) {
        let set = import.set().cloned().collect();
        let change =
            MappingChange { from: version, set, removed: import.removed.clone(), by: who(), reason: said(reason)? };
        version = changed(store, "mapping.import", &change).await?.ok_or_else(|| {
            Failed::Work(
                "Somebody else changed the mapping at this moment, and nothing was imported. Look again what would \
                 change, without --yes."
                    .to_owned(),
            )
        })?;
        imported = true;
    }
    report(global, &import, (version, imported, reason.is_none()))
}

/// Makes a version; the trail has it and names the rows, up to so many.
pub(super) async fn changed(
    store: &Store,
    action: &'static str,
    change: &MappingChange,
) -> Result<Option<u64>, Failed> {
    const ROWS_NAMED_MAX: usize = 100;
    let rows = || change.set.iter().chain(&change.removed);
    let documents = rows().take(ROWS_NAMED_MAX).map(Row::identity).collect();
    let columns: BTreeSet<_> = rows().flat_map(|row| row.cells().into_keys()).collect();
    let fields = columns.into_iter().collect();
    let act = Act { action, documents, fields, ..Act::default() };
    Ok(Box::pin(recorded(store, &act, (store.change_mapping(change), Option::is_some))).await?)
}

fn report(global: &Global, import: &Import, (version, imported, dry_run): (u64, bool, bool)) -> Result<(), Failed> {
    let [added, changed, unchanged] =
        [Change::Added, Change::Changed, Change::Unchanged].map(|each| import.count(each));
    let removed = import.removed.len();
    if global.json {
        let line = |(line, row, change): &(usize, Row, Change)| json!({ "line": line, "change": change.as_str(), "row": row.cells() });
        output::json(&json!({
            "dry_run": dry_run,
            "imported": imported,
            "version": version,
            "added": added,
            "changed": changed,
            "unchanged": unchanged,
            "removed": removed,
            "lines": import.lines.iter().map(line).collect::<Vec<_>>(),
            "ended": import.removed.iter().map(Row::cells).collect::<Vec<_>>(),
            "problems": import.problems.iter().map(|each| json!({ "line": each.line, "column": each.column, "problem": each.problem })).collect::<Vec<Value>>(),
        }))?;
        return if import.problems.is_empty() { Ok(()) } else { Err(Failed::Work(String::new())) };
    }
    let mut lines: Vec<_> =
        import.lines.iter().map(|(line, row, change)| format!("line {line}: {:<9}  {row}", change.as_str())).collect();
    lines.extend(import.removed.iter().map(|row| format!("ended:             {row}")));
    lines.push(format!("{added} added, {changed} changed, {unchanged} unchanged, {removed} ended."));
    if !import.problems.is_empty() {
        output::lines(&lines)?;
        let problems = import.problems.iter();
        let problems: Vec<_> =
            problems.map(|each| format!("  line {}, {}: {}.", each.line, each.column, each.problem)).collect();
        return Err(Failed::Work(format!("Nothing was imported:\n{}", problems.join("\n"))));
    }
    lines.push(match (imported, dry_run) {
        (true, _) => format!("Imported as version {version}."),
        (false, true) => "Nothing was changed. Do it with --yes --reason TEXT.".to_owned(),
        (false, false) => format!("All of it is there already; version {version} stays."),
    });
    output::lines(&lines)
}

fn export(global: &Global, mapping: &Mapping) -> Result<(), Failed> {
    if global.json {
        return list(global, mapping.version(), &mapping.rows().iter().collect::<Vec<_>>());
    }
    let mut lines = vec![write_csv(COLUMNS)];
    for row in mapping.rows() {
        let cells = row.cells();
        lines.push(write_csv(COLUMNS.iter().map(|column| cells.get(*column).map_or("", String::as_str))));
    }
    let lines: Vec<_> = lines.iter().map(|line| line.trim_end().to_owned()).collect();
    output::lines(&lines)
}

fn said(reason: &str) -> Result<String, Failed> {
    let reason = reason.trim();
    if reason.is_empty() {
        return Err(Failed::Usage("Say why, for everybody who looks at it later: --reason TEXT".to_owned()));
    }
    Ok(reason.to_owned())
}
