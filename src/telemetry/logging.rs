//! Log lines: JSON for machines, plain for a terminal, always to stderr.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One JSON object per line.
    Json,
    /// For a person at a terminal.
    Plain,
    /// JSON unless stderr is a terminal.
    Automatic,
}

/// Starts logging for the whole process; a second call changes nothing. `RUST_LOG` goes before `default_filter`.
pub fn start_logging(format: Format, default_filter: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default_filter));
    // A log that nobody can write, because its reader is gone or its disk is full, must not end the process.
    let builder =
        tracing_subscriber::fmt().with_writer(std::io::stderr).with_env_filter(filter).log_internal_errors(false);
    let plain = match format {
        Format::Json => false,
        Format::Plain => true,
        Format::Automatic => std::io::stderr().is_terminal(),
    };
    // Only the first call in a process can succeed, and that one is the wanted one.
    let _ = if plain {
        builder.with_target(false).compact().try_init()
    } else {
        builder.json().flatten_event(true).with_current_span(false).with_span_list(false).try_init()
    };
}
