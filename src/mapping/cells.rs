//! Reading a row's cells: every cell is asked for once, everything that is wrong is told at once, and a cell that nobody
//! asked for belongs to another kind of row.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use super::row::{COLUMNS, CellProblem, Cells, Item};

/// Longer names than any system has; what tells rows apart must fit into an index.
const CELL_LENGTH_MAX: usize = 100;

/// Between the members of a list in one cell.
const SEPARATOR: char = '|';

/// The cells of one row, and what was found out about them.
pub(super) struct Reader<'a> {
    cells: &'a Cells,
    asked: BTreeSet<&'static str>,
    problems: Vec<CellProblem>,
}

impl<'a> Reader<'a> {
    pub fn new(cells: &'a Cells) -> Self {
        Self { cells, asked: BTreeSet::new(), problems: Vec::new() }
    }

    /// The text of a cell, if it is filled.
    pub fn text(&mut self, column: &'static str) -> Option<&'a str> {
        self.asked.insert(column);
        self.cells.get(column).map(|cell| cell.trim()).filter(|cell| !cell.is_empty())
    }

    /// A cell that may be empty.
    pub fn optional<T: FromStr<Err: fmt::Display>>(&mut self, column: &'static str) -> Option<T> {
        let text = self.text(column)?;
        if text.chars().count() > CELL_LENGTH_MAX || text.chars().any(char::is_control) {
            self.lacks(column, &format!("is longer than {CELL_LENGTH_MAX} characters or holds a control character"));
            return None;
        }
        text.parse().map_err(|wrong: T::Err| self.lacks(column, &wrong.to_string())).ok()
    }

    /// A cell that must be filled.
    pub fn needed<T: FromStr<Err: fmt::Display>>(&mut self, column: &'static str) -> Option<T> {
        if self.text(column).is_none() {
            self.lacks(column, "is required");
        }
        self.optional(column)
    }

    /// The item of a row, with its variant.
    pub fn item(&mut self, needed: bool) -> Option<Item> {
        let number = if needed { self.needed::<String>("item") } else { self.optional::<String>("item") };
        let variant = self.optional("variant");
        if number.is_none() && variant.is_some() && !needed {
            self.lacks("item", "name the item that the variant is of");
        }
        number.map(|number| Item { number, variant })
    }

    /// A cell with several members.
    pub fn list<T, E: fmt::Display>(&mut self, column: &'static str, read: impl Fn(&str) -> Result<T, E>) -> Vec<T> {
        let mut members = Vec::new();
        for text in self.text(column).into_iter().flat_map(|cell| cell.split(SEPARATOR)).map(str::trim) {
            match read(text) {
                Ok(member) => members.push(member),
                Err(wrong) => self.lacks(column, &wrong.to_string()),
            }
        }
        members
    }

    /// Something is wrong with a cell.
    pub fn lacks(&mut self, column: &str, problem: &str) {
        self.problems.push(CellProblem { column: column.to_owned(), problem: problem.to_owned() });
    }

    /// What was read, unless anything was wrong.
    pub fn finish<T>(mut self, read: Option<T>) -> Result<T, Vec<CellProblem>> {
        let kind = self.cells.get("kind").cloned().unwrap_or_default();
        for (column, cell) in self.cells.iter().filter(|(_, cell)| !cell.trim().is_empty()) {
            if !COLUMNS.contains(&column.as_str()) {
                let problem = format!("there is no such column; there are {}", COLUMNS.join(", "));
                self.problems.push(CellProblem { column: column.clone(), problem });
            } else if read.is_some() && !self.asked.contains(column.as_str()) {
                let problem = format!("a row of kind {kind} has no {column}; leave it empty (it is {cell:?})");
                self.problems.push(CellProblem { column: column.clone(), problem });
            }
        }
        match read {
            Some(read) if self.problems.is_empty() => Ok(read),
            _ => Err(self.problems),
        }
    }
}
