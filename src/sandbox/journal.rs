//! The file of a sandbox: one line of JSON per transaction, on disk before anybody is answered.
//!
//! A thread of its own writes whatever has gathered, calls the disk once, and then tells all who wait. It refuses to go
//! on after a write that failed: then nobody is answered any more. A line that was cut by a crash was never answered,
//! so it is cut off when the file is opened again.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread::JoinHandle;

use tokio::sync::oneshot;

/// Transactions that share one call of the disk, at most.
const GATHERED_MAX: usize = 4096;

/// The journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The disk says no.
    #[error("cannot use {path}")]
    Disk {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Another sandbox has it.
    #[error("{0} is used by another sandbox that is running")]
    InUse(PathBuf),
    /// A whole line cannot be read.
    #[error("{path}, line {line}: cannot be read: {problem}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// Why.
        problem: String,
    },
}

/// An open journal. Dropping it writes what it was given and closes the file.
pub(super) struct Journal {
    inbox: Option<mpsc::Sender<Job>>,
    writer: Option<JoinHandle<()>>,
}

struct Job {
    line: Vec<u8>,
    done: oneshot::Sender<()>,
}

/// Becomes ready when a transaction, and all before it, are on disk.
pub(super) struct Ticket(oneshot::Receiver<()>);

impl Ticket {
    /// Whether it is on disk; false when that will never be.
    pub(super) async fn durable(self) -> bool {
        self.0.await.is_ok()
    }
}

impl Journal {
    /// Opens or makes the file, and reads every whole line of it.
    pub(super) fn open(path: &Path, read: impl FnMut(&str) -> Result<(), String>) -> Result<Self, JournalError> {
        let disk = |source| JournalError::Disk { path: path.to_owned(), source };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(disk)?;
        }
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).map_err(disk)?;
        file.try_lock().map_err(|_| JournalError::InUse(path.to_owned()))?;
        let whole = replay(path, &file, read)?;
        file.set_len(whole).and_then(|()| file.seek(SeekFrom::Start(whole))).map_err(disk)?;
        let (inbox, jobs) = mpsc::channel();
        let writer = std::thread::Builder::new().name("sandbox-journal".to_owned());
        let writer = writer.spawn(move || write_all(file, &jobs)).map_err(disk)?;
        Ok(Self { inbox: Some(inbox), writer: Some(writer) })
    }

    /// Hands a transaction over, in the order of the calls. An empty line only waits for those before it.
    pub(super) fn append(&self, mut line: Vec<u8>) -> Ticket {
        if !line.is_empty() {
            line.push(b'\n');
        }
        let (done, ticket) = oneshot::channel();
        if let Some(inbox) = &self.inbox {
            // A writer that has stopped drops the job, and with it the promise of an answer.
            let _ = inbox.send(Job { line, done });
        }
        Ticket(ticket)
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.inbox = None;
        if let Some(writer) = self.writer.take() {
            // Whoever opens the file next must not meet a writer of the past.
            let _ = writer.join();
        }
    }
}

/// Reads the whole lines and returns where they end.
fn replay(path: &Path, file: &File, mut read: impl FnMut(&str) -> Result<(), String>) -> Result<u64, JournalError> {
    let disk = |source| JournalError::Disk { path: path.to_owned(), source };
    let mut reader = BufReader::new(file);
    let mut whole = 0;
    let mut number = 0;
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        let length = reader.read_until(b'\n', &mut bytes).map_err(disk)?;
        if length == 0 || bytes.last() != Some(&b'\n') {
            return Ok(whole);
        }
        number += 1;
        let unreadable = |problem| JournalError::Unreadable { path: path.to_owned(), line: number, problem };
        let text = std::str::from_utf8(&bytes).map_err(|error| unreadable(error.to_string()))?;
        read(text.trim_end()).map_err(unreadable)?;
        whole += length as u64;
    }
}

fn write_all(mut file: File, jobs: &mpsc::Receiver<Job>) {
    let mut bytes = Vec::new();
    let mut waiting = Vec::new();
    while let Ok(first) = jobs.recv() {
        bytes.clear();
        let gathered = std::iter::once(first).chain(std::iter::from_fn(|| jobs.try_recv().ok()));
        for job in gathered.take(GATHERED_MAX) {
            bytes.extend_from_slice(&job.line);
            waiting.push(job.done);
        }
        if let Err(error) = file.write_all(&bytes).and_then(|()| file.sync_data()) {
            tracing::error!(%error, "the sandbox cannot write its journal and answers nobody any more");
            return;
        }
        for done in waiting.drain(..) {
            let _ = done.send(());
        }
    }
}
