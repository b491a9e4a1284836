//! Writing the journal: append-only, durable before anybody acts.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use time::OffsetDateTime;
use time::macros::format_description;

use super::{EVENT_SCHEMA, Event, Record, Recovered};

/// The journal can't be written; the run can't go on.
#[derive(Debug, thiserror::Error)]
#[error("the journal {path} can't be written: {source}")]
pub struct JournalError {
    path: PathBuf,
    source: io::Error,
}

impl JournalError {
    /// True when another process holds the run.
    #[must_use]
    pub fn is_in_use(&self) -> bool {
        self.source.kind() == io::ErrorKind::ResourceBusy
    }
}

/// Where events go. When `append` returns, the events are kept.
pub trait Journal {
    /// Appends `events` as one write; all of them are durable on return.
    ///
    /// # Errors
    /// When they can't be kept; nothing may be acted upon then.
    fn append(&mut self, events: Vec<Event>) -> Result<(), JournalError>;
}

/// A `journal.jsonl`, and those who watch it.
pub struct FileJournal {
    path: PathBuf,
    file: File,
    next: u64,
    began: Instant,
    earlier_ms: u64,
    watchers: Vec<Watcher>,
}

/// Told of every record after it was kept.
pub type Watcher = Box<dyn FnMut(&Record) + Send>;

impl FileJournal {
    /// A new journal at `path`, which must not exist.
    ///
    /// # Errors
    /// When the file can't be made.
    pub fn create(path: &Path) -> Result<Self, JournalError> {
        let file = OpenOptions::new().append(true).create_new(true).open(path).map_err(at(path))?;
        lock(&file).map_err(at(path))?;
        Ok(Self { path: path.to_owned(), file, next: 0, began: Instant::now(), earlier_ms: 0, watchers: Vec::new() })
    }

    /// Continues the journal at `path` after what was recovered from it; a torn tail is cut off.
    ///
    /// # Errors
    /// When the file can't be opened or cut.
    pub fn reopen(path: &Path, recovered: &Recovered) -> Result<Self, JournalError> {
        let file = OpenOptions::new().append(true).open(path).map_err(at(path))?;
        lock(&file).map_err(at(path))?;
        file.set_len(recovered.good_bytes).map_err(at(path))?;
        let earlier_ms = recovered.records.last().map_or(0, |record| record.elapsed_ms);
        let next = recovered.records.len() as u64;
        Ok(Self { path: path.to_owned(), file, next, began: Instant::now(), earlier_ms, watchers: Vec::new() })
    }

    /// Adds a watcher: the renderer, the JSONL printer, the report.
    pub fn watch(&mut self, watcher: Watcher) {
        self.watchers.push(watcher);
    }

    /// Appends `events` without waiting for the disk: they outlive this process at once, a failing machine with the
    /// next [`Journal::append`]. For what nothing outside has acted upon yet.
    ///
    /// # Errors
    /// When they can't be written.
    pub fn note(&mut self, events: Vec<Event>) -> Result<(), JournalError> {
        let records = self.write(events)?;
        self.tell(&records);
        Ok(())
    }

    /// One write: a crash tears at most the last line, and recovery drops a torn line.
    fn write(&mut self, events: Vec<Event>) -> Result<Vec<Record>, JournalError> {
        let at_time = now();
        let elapsed_ms = self.earlier_ms + self.began.elapsed().as_millis() as u64;
        let mut lines = Vec::new();
        let mut records = Vec::with_capacity(events.len());
        for event in events {
            let record =
                Record { schema: EVENT_SCHEMA.to_owned(), seq: self.next, at: at_time.clone(), elapsed_ms, event };
            serde_json::to_writer(&mut lines, &record).map_err(|error| at(&self.path)(error.into()))?;
            lines.push(b'\n');
            records.push(record);
            self.next += 1;
        }
        self.file.write_all(&lines).map_err(at(&self.path))?;
        Ok(records)
    }

    fn tell(&mut self, records: &[Record]) {
        for record in records {
            self.watchers.iter_mut().for_each(|watcher| watcher(record));
        }
    }
}

impl Journal for FileJournal {
    fn append(&mut self, events: Vec<Event>) -> Result<(), JournalError> {
        if events.is_empty() {
            return Ok(());
        }
        let records = self.write(events)?;
        self.file.sync_data().map_err(at(&self.path))?;
        self.tell(&records);
        Ok(())
    }
}

/// A run belongs to the process that writes its journal; the lock goes when that process does.
fn lock(file: &File) -> io::Result<()> {
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => {
            Err(io::Error::new(io::ErrorKind::ResourceBusy, "another kcode process is working on this run"))
        }
        // Some network file systems have no locks; a run there is as it was before locks.
        Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => Ok(()),
        Err(TryLockError::Error(error)) => Err(error),
        Ok(()) => Ok(()),
    }
}

/// Whether no process works on the run whose journal is at `path`.
#[must_use]
pub fn is_abandoned(path: &Path) -> bool {
    File::open(path).is_ok_and(|file| file.try_lock().is_ok())
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> JournalError + '_ {
    |source| JournalError { path: path.to_owned(), source }
}

/// Now, in UTC, as RFC 3339 with milliseconds.
fn now() -> String {
    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
    OffsetDateTime::now_utc().format(&format).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::journal::{Applied, recover};

    #[test]
    fn what_is_noted_and_what_is_appended_is_one_sequence() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        let mut journal = FileJournal::create(&path).unwrap();
        let told = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&told);
        journal.watch(Box::new(move |record| heard.lock().unwrap().push(record.seq)));
        let event = |files| Event::Applied(Applied { files });
        journal.note(vec![event(1), event(2)]).unwrap();
        assert_eq!(recover(&path).unwrap().records.len(), 2, "it is in the file at once");
        journal.append(vec![event(3)]).unwrap();
        let kept: Vec<u64> = recover(&path).unwrap().records.iter().map(|record| record.seq).collect();
        assert_eq!((kept, told.lock().unwrap().clone()), (vec![0, 1, 2], vec![0, 1, 2]));
    }
}
