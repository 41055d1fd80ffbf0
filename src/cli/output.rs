//! What goes to stdout: tables for people, one JSON document for tools.

use std::io::{IsTerminal as _, Write as _};

use serde::Serialize;

use super::Failed;

/// Prints one JSON document: on one line unless stdout is a terminal.
pub(super) fn json(document: &impl Serialize) -> Result<(), Failed> {
    let mut out = std::io::stdout().lock();
    if out.is_terminal() {
        serde_json::to_writer_pretty(&mut out, document)?;
    } else {
        serde_json::to_writer(&mut out, document)?;
    }
    writeln!(out)?;
    Ok(())
}

/// Tells a person something on stderr. Where nobody can hear it, nothing is lost: data goes to stdout.
pub(super) fn note(sentence: &str) {
    let _ = writeln!(std::io::stderr(), "{sentence}");
}

/// Prints lines of text.
pub(super) fn lines(lines: &[String]) -> Result<(), Failed> {
    let mut out = std::io::stdout().lock();
    for line in lines {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// Prints a text as it is.
pub(super) fn raw(text: &[u8]) -> Result<(), Failed> {
    Ok(std::io::stdout().lock().write_all(text)?)
}
