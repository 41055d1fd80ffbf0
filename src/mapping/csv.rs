//! Strict RFC 4180: commas, double quotes, CRLF or LF. It refuses what spreadsheets let pass in silence: a quote in the
//! middle of a cell, text behind a closing quote, a quote that is never closed, a line with more or fewer cells than columns.

use std::fmt::Write as _;

/// The cells of one record, and the line on which it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Counted from 1.
    pub line: usize,
    /// Its cells.
    pub cells: Vec<String>,
}

/// A place where the text is no CSV.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Counted from 1.
    pub line: usize,
    /// Which cell of its record, counted from 1.
    pub cell: usize,
    /// What is wrong.
    pub problem: String,
}

/// Reads every record. What cannot be read ends the reading: nobody knows where the next record begins.
///
/// # Errors
/// [`Unreadable`] with the place.
pub fn read(text: &str) -> Result<Vec<Record>, Unreadable> {
    // What spreadsheets put in front of UTF-8.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut records = Vec::new();
    let mut reader = Reading { letters: text.chars().peekable(), line: 1 };
    while reader.letters.peek().is_some() {
        let line = reader.line;
        let cells = reader.record()?;
        // An empty line is no record.
        if cells.len() > 1 || cells.first().is_some_and(|cell| !cell.is_empty()) {
            records.push(Record { line, cells });
        }
    }
    Ok(records)
}

struct Reading<'a> {
    letters: std::iter::Peekable<std::str::Chars<'a>>,
    line: usize,
}

impl Reading<'_> {
    fn record(&mut self) -> Result<Vec<String>, Unreadable> {
        let mut cells = Vec::new();
        loop {
            let (cell, ends) = self.cell(cells.len() + 1)?;
            cells.push(cell);
            if ends {
                return Ok(cells);
            }
        }
    }

    /// A cell, and whether its record ends with it.
    fn cell(&mut self, number: usize) -> Result<(String, bool), Unreadable> {
        let quoted = self.letters.next_if_eq(&'"').is_some();
        let mut cell = if quoted { self.quoted(number)? } else { String::new() };
        loop {
            match self.letters.next() {
                None => return Ok((cell, true)),
                Some(',') => return Ok((cell, false)),
                Some('\r') if self.letters.peek() == Some(&'\n') => {}
                Some('\n') => {
                    self.line += 1;
                    return Ok((cell, true));
                }
                Some('"') => return Err(self.wrong(number, "a quote in the middle of a cell; quote the whole cell")),
                Some('\r') => return Err(self.wrong(number, "a carriage return in the middle of a line")),
                Some(_) if quoted => return Err(self.wrong(number, "text behind the closing quote of a cell")),
                Some(letter) => cell.push(letter),
            }
        }
    }

    /// The inside of a quoted cell; two quotes are one.
    fn quoted(&mut self, number: usize) -> Result<String, Unreadable> {
        let (began, mut cell) = (self.line, String::new());
        while let Some(letter) = self.letters.next() {
            match letter {
                '"' if self.letters.next_if_eq(&'"').is_some() => cell.push('"'),
                '"' => return Ok(cell),
                _ => {
                    self.line += usize::from(letter == '\n');
                    cell.push(letter);
                }
            }
        }
        Err(Unreadable { line: began, cell: number, problem: "a quote that is never closed".to_owned() })
    }

    fn wrong(&self, cell: usize, problem: &str) -> Unreadable {
        Unreadable { line: self.line, cell, problem: problem.to_owned() }
    }
}

/// Writes one record, with its line end.
#[must_use]
pub fn write<'a>(cells: impl IntoIterator<Item = &'a str>) -> String {
    let mut text = String::new();
    for (number, cell) in cells.into_iter().enumerate() {
        let separator = if number > 0 { "," } else { "" };
        let plain = !cell.contains(['"', ',', '\n', '\r']);
        let _ = if plain {
            write!(text, "{separator}{cell}")
        } else {
            write!(text, "{separator}\"{}\"", cell.replace('"', "\"\""))
        };
    }
    text.push_str("\r\n");
    text
}
