//! The pages of endings as they are written: each cell with what it says, and which fault strikes it on the road.

use drayline::sandbox::Fault;

pub const FAULTS: [Fault; 6] =
    [Fault::Latency, Fault::Refuse429, Fault::Fail5xx, Fault::LoseAnswer, Fault::Duplicate, Fault::Reorder];

/// A page of tables.
pub struct Page {
    pub path: &'static str,
    /// What each table has a column for, behind the state; calls come first.
    pub columns: &'static [&'static str],
}

/// What is so when nothing moves any more: the words of each column, in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Ending(pub Vec<Vec<String>>);

impl Ending {
    /// What was found of a document, in the words of the page, which speaks of it by another name.
    pub fn found<const COLUMNS: usize>(columns: [Vec<String>; COLUMNS], names: &[(&str, &str)]) -> Self {
        let renamed = |mut word: String| {
            for (ours, theirs) in names {
                word = word.replace(ours, theirs);
            }
            word
        };
        let column = |words: Vec<String>| {
            let mut words: Vec<_> = words.into_iter().map(renamed).collect();
            words.sort_unstable();
            words
        };
        Self(columns.into_iter().map(column).collect())
    }

    /// What is called again after a fault is one thing that is done.
    pub fn each_call_once(mut self) -> Self {
        self.0.first_mut().unwrap().dedup();
        self
    }

    /// Whether anything is called.
    pub fn calls(&self) -> bool {
        !self.0[0].is_empty()
    }
}

/// One row of one table.
#[derive(Debug)]
pub struct Cell {
    pub event: String,
    pub state: String,
    pub ending: Ending,
}

/// All cells of a page.
pub fn cells(page: &Page) -> Vec<Cell> {
    let text = std::fs::read_to_string(page.path).unwrap();
    let (mut event, mut cells) = (String::new(), Vec::new());
    let mut of_the_page = false;
    for line in text.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            heading.clone_into(&mut event);
        }
        let columns: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
        match columns.as_slice() {
            ["when it is", said @ ..] if said == page.columns => of_the_page = true,
            [state, said @ ..] if of_the_page && said.len() == page.columns.len() && !state.starts_with('-') => {
                let ending = Ending(said.iter().map(|column| words(column)).collect());
                cells.push(Cell { event: event.clone(), state: (*state).to_owned(), ending });
            }
            [_, said @ ..] if !said.is_empty() => {}
            _ => of_the_page = false,
        }
    }
    cells
}

/// What a column lists. Of the key of a tracking it is said which package it is of, and of that of a receipt, which receipt: the
/// rest of them are facts.
fn words(column: &str) -> Vec<String> {
    let word = |text: &str| {
        let word = text.split('`').nth(1).unwrap_or(text);
        let parts = match word.split('/').next() {
            Some("write_tracking") => 4,
            Some("post_receipt") => 5,
            _ => usize::MAX,
        };
        word.split('/').take(parts).collect::<Vec<_>>().join("/")
    };
    let mut words: Vec<_> = column.split("<br>").filter(|text| *text != "–").map(word).collect();
    words.sort_unstable();
    words
}

/// The faults of which each strikes a cell by itself. Where a page has as many states and events as there are faults, it is one,
/// another in the next row and in the next table: so each strikes every state, and every event. Else it is all of them.
pub fn struck_by(cell: &Cell, cells: &[Cell]) -> Vec<Fault> {
    let rows: Vec<_> = cells.iter().filter(|each| each.event == cell.event).map(|each| &each.state).collect();
    let tables: Vec<_> = cells.iter().filter(|each| each.state == cell.state).map(|each| &each.event).collect();
    if rows.len().min(tables.len()) < FAULTS.len() {
        return FAULTS.to_vec();
    }
    let place = |words: &[&String], word: &String| words.iter().position(|each| *each == word).unwrap();
    vec![FAULTS[(place(&rows, &cell.state) + place(&tables, &cell.event)) % FAULTS.len()]]
}

/// Every pair of an event and a fault, and of a state and a fault, is somewhere on the page.
pub fn every_pair_occurs(page: &Page) {
    let cells = cells(page);
    let struck: Vec<_> = cells.iter().map(|cell| (cell, struck_by(cell, &cells))).collect();
    for cell in &cells {
        for fault in FAULTS {
            let strikes = |of: &dyn Fn(&Cell) -> bool| struck.iter().any(|(each, by)| of(each) && by.contains(&fault));
            assert!(strikes(&|each| each.event == cell.event), "{}: never {fault:?}", cell.event);
            assert!(strikes(&|each| each.state == cell.state), "when it is {}: never {fault:?}", cell.state);
        }
    }
}
