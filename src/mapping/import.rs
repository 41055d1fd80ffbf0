//! A file of rows: what it would change, line by line, and everything that is wrong with it, at once.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::clash::clashes;
use super::csv;
use super::row::{COLUMNS, Cells, Row};

/// What a file would change.
#[derive(Clone, Debug, Default)]
pub struct Import {
    /// Every line with a row, in the file's order, and what it does.
    pub lines: Vec<(usize, Row, Change)>,
    /// Rows that go, because the file does not have them.
    pub removed: Vec<Row>,
    /// Everything that is wrong; as long as anything is, nothing is changed.
    pub problems: Vec<LineProblem>,
}

/// What a line does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Its row is new.
    Added,
    /// Its row takes the place of one that says something else.
    Changed,
    /// Its row is there already.
    Unchanged,
}

impl Change {
    /// The word for reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Changed => "changed",
            Self::Unchanged => "unchanged",
        }
    }
}

/// What is wrong in one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineProblem {
    /// Counted from 1.
    pub line: usize,
    /// In which column.
    pub column: String,
    /// What is wrong, and what is expected.
    pub problem: String,
}

impl Import {
    /// Rows that are new or take another's place.
    pub fn set(&self) -> impl Iterator<Item = &Row> {
        self.lines.iter().filter(|(_, _, change)| *change != Change::Unchanged).map(|(_, row, _)| row)
    }

    /// How many lines do this.
    #[must_use]
    pub fn count(&self, change: Change) -> usize {
        self.lines.iter().filter(|(_, _, each)| *each == change).count()
    }
}

/// Reads a file against the rows that are there. With `replace`, what it does not have goes; else it stays.
#[must_use]
pub fn import(text: &str, before: &[Row], replace: bool) -> Import {
    let mut import = Import::default();
    let records = match csv::read(text) {
        Ok(records) => records,
        Err(csv::Unreadable { line, cell, problem }) => {
            import.problems.push(LineProblem { line, column: format!("cell {cell}"), problem });
            return import;
        }
    };
    let mut records = records.into_iter();
    let Some(header) = records.next().and_then(|record| columns(&record, &mut import.problems)) else {
        if import.problems.is_empty() {
            let problem = format!("the file is empty; its first line names the columns: {}", COLUMNS.join(","));
            import.problems.push(LineProblem { line: 1, column: "kind".to_owned(), problem });
        }
        return import;
    };
    let known: HashMap<String, &Row> = before.iter().map(|row| (row.identity(), row)).collect();
    for record in records {
        read_line(&header, record, &known, &mut import);
    }
    let named: HashSet<String> = import.lines.iter().map(|(_, row, _)| row.identity()).collect();
    let (stay, go): (Vec<&Row>, Vec<&Row>) =
        before.iter().filter(|row| !named.contains(&row.identity())).partition(|_| !replace);
    import.removed = go.into_iter().cloned().collect();
    find_clashes(&stay, &mut import);
    import.problems.sort_by_key(|problem| problem.line);
    import
}

/// The columns that the file has, in its order; every one must be known and stand once.
fn columns(record: &csv::Record, problems: &mut Vec<LineProblem>) -> Option<Vec<String>> {
    let mut seen = HashSet::new();
    let header: Vec<String> = record.cells.iter().map(|cell| cell.trim().to_owned()).collect();
    for column in &header {
        let problem = if !COLUMNS.contains(&column.as_str()) {
            format!("there is no column {column:?}; there are {}", COLUMNS.join(", "))
        } else if !seen.insert(column) {
            format!("the column {column} stands twice")
        } else {
            continue;
        };
        problems.push(LineProblem { line: record.line, column: column.clone(), problem });
    }
    if !header.iter().any(|column| column == "kind") {
        let problem = format!("the first line names the columns, kind among them: {}", COLUMNS.join(","));
        problems.push(LineProblem { line: record.line, column: "kind".to_owned(), problem });
    }
    problems.is_empty().then_some(header)
}

fn read_line(header: &[String], record: csv::Record, known: &HashMap<String, &Row>, import: &mut Import) {
    let line = record.line;
    if record.cells.len() != header.len() {
        let problem = format!("the line has {} cells, and there are {} columns", record.cells.len(), header.len());
        let column = header.get(record.cells.len()).or_else(|| header.last()).cloned().unwrap_or_default();
        import.problems.push(LineProblem { line, column, problem });
        return;
    }
    let cells: Cells = header.iter().cloned().zip(record.cells).collect::<BTreeMap<_, _>>();
    match Row::read(&cells) {
        Err(problems) => {
            let problems = problems.into_iter().map(|each| (each.column, each.problem));
            import.problems.extend(problems.map(|(column, problem)| LineProblem { line, column, problem }));
        }
        Ok(row) => {
            let change = match known.get(&row.identity()) {
                None => Change::Added,
                Some(before) if **before == row => Change::Unchanged,
                Some(_) => Change::Changed,
            };
            import.lines.push((line, row, change));
        }
    }
}

/// Two rows of equal scope for the same thing, both in the file or one of them there before.
fn find_clashes(stay: &[&Row], import: &mut Import) {
    let lines = import.lines.iter().map(|(line, ..)| Some(*line));
    let lines: Vec<Option<usize>> = stay.iter().map(|_| None).chain(lines).collect();
    let rows = stay.iter().map(|row| (*row).clone()).chain(import.lines.iter().map(|(_, row, _)| row.clone()));
    let rows: Vec<Row> = rows.collect();
    for clash in clashes(&rows) {
        let (Some(Some(line)), Some(first)) = (lines.get(clash.second), lines.get(clash.first)) else { continue };
        let other = first.map_or_else(|| "a row that is there already".to_owned(), |line| format!("line {line}"));
        let said = rows.get(clash.first).map(ToString::to_string).unwrap_or_default();
        let problem = format!(
            "two rows of equal scope speak of {}: this one and {other} ({said}). Keep one, or give one a narrower scope",
            clash.about
        );
        import.problems.push(LineProblem { line: *line, column: "kind".to_owned(), problem });
    }
}
