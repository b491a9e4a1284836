//! Writes the journal: append-only, and durable before anybody acts on an event.
//!
//! The disk may fill up at any moment, so space is preallocated behind the journal's end: a run can always record how
//! it ended. A write that fails halfway is cut off again.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{FallocateFlags, fallocate};
use time::macros::format_description;
use time::{OffsetDateTime, UtcOffset};

use rustix::fs::OFlags;

use super::bounded::open_own;
use super::holder::holder;
use super::{EVENT_SCHEMA, Event, JournalError, Record, Recovered, crash, is_disk_failure};

/// Bytes preallocated for the events that end a run.
const RESERVE: u64 = 16 * 1024;
/// Space is preallocated in chunks of this size. It is a multiple of any page size, so a failed allocation leaves the
/// chunk before it untouched.
const PIECE: u64 = 64 * 1024;
/// Number of attempts at a lock that a killed process may still hold.
const LOCK_TRIES: u32 = 20;
/// The same when that process is known to be gone.
const LOCK_TRIES_BEHIND_DEAD: u32 = 200;
const LOCK_PAUSE: Duration = Duration::from_millis(50);

/// Where events are appended. They are durable when `append` returns.
pub trait Journal {
    /// Appends `events` as one write; all of them are durable on return.
    ///
    /// # Errors
    /// When they can't be kept; nothing may be acted upon then.
    fn append(&mut self, events: Vec<Event>) -> Result<(), JournalError>;

    /// As [`Journal::append`], for the events that end the run: uses the space preallocated for them.
    ///
    /// # Errors
    /// When even that space isn't enough.
    fn conclude(&mut self, events: Vec<Event>) -> Result<(), JournalError>;

    /// As [`Journal::append`], without waiting for the disk: the events survive the end of this process at once, and a
    /// crash of the machine after the next append. For events that nobody outside has acted upon yet.
    ///
    /// # Errors
    /// When they can't be written.
    fn note(&mut self, events: Vec<Event>) -> Result<(), JournalError> {
        self.append(events)
    }
}

/// A `journal.jsonl` opened for appending, and the watchers of its records.
pub struct FileJournal {
    path: PathBuf,
    file: File,
    next: u64,
    /// Offset behind the last whole record, in bytes.
    end: u64,
    /// Offset up to which space is preallocated; `None` if the file system can't preallocate.
    set_aside: Option<u64>,
    began: Instant,
    earlier_ms: u64,
    watchers: Vec<Watcher>,
}

/// Called with each record after it was kept.
pub(super) type Watcher = Box<dyn FnMut(&Record) + Send>;

impl FileJournal {
    /// Creates a new journal at `path`, which must not exist.
    ///
    /// # Errors
    /// When the file can't be made, or its disk is full.
    pub fn create(path: &Path) -> Result<Self, JournalError> {
        let file = OpenOptions::new().append(true).create_new(true).mode(0o600).open(path).map_err(at(path))?;
        lock(&file, path)?;
        let journal = Self {
            path: path.to_owned(),
            file,
            next: 0,
            end: 0,
            set_aside: Some(0),
            began: Instant::now(),
            earlier_ms: 0,
            watchers: Vec::new(),
        };
        journal.ready()
    }

    /// Continues the journal at `path` behind the recovered records and cuts off a torn tail.
    ///
    /// # Errors
    /// When the file can't be opened or cut, was written to since, or its disk is full.
    pub fn reopen(path: &Path, recovered: &Recovered) -> Result<Self, JournalError> {
        // Fails, without blocking, if something other than a regular file is in the journal's place.
        drop(open_own(path).map_err(at(path))?);
        let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
        let file = OpenOptions::new().append(true).custom_flags(flags).open(path).map_err(at(path))?;
        lock(&file, path)?;
        if file.metadata().map_err(at(path))?.len() != recovered.read {
            return Err(JournalError::went_on(path));
        }
        file.set_len(recovered.good_bytes).map_err(at(path))?;
        let earlier_ms = recovered.records.last().map_or(0, |record| record.elapsed_ms);
        let next = recovered.records.len() as u64;
        let journal = Self {
            path: path.to_owned(),
            file,
            next,
            end: recovered.good_bytes,
            set_aside: Some(recovered.good_bytes),
            began: Instant::now(),
            earlier_ms,
            watchers: Vec::new(),
        };
        journal.ready()
    }

    /// Preallocates what the end of the run needs.
    fn ready(mut self) -> Result<Self, JournalError> {
        self.set_aside(RESERVE).map_err(at(&self.path))?;
        Ok(self)
    }

    /// Adds a watcher, such as the renderer, the JSONL printer or the report.
    pub fn watch(&mut self, watcher: Watcher) {
        self.watchers.push(watcher);
    }

    /// Writes all events in one call: a crash tears at most the last line, which recovery drops. `reserve` bytes stay
    /// preallocated behind them.
    fn write(&mut self, events: Vec<Event>, reserve: u64) -> Result<AppendedRecords, JournalError> {
        let at_time = timestamp(OffsetDateTime::now_utc());
        let elapsed_ms = self.earlier_ms + self.began.elapsed().as_millis() as u64;
        let mut lines = Vec::new();
        let mut records = Vec::with_capacity(events.len());
        for (seq, event) in (self.next..).zip(events) {
            let record = Record { schema: EVENT_SCHEMA.to_owned(), seq, at: at_time.clone(), elapsed_ms, event };
            let start = lines.len();
            serde_json::to_writer(&mut lines, &record).map_err(|error| at(&self.path)(error.into()))?;
            lines.push(b'\n');
            crash::writing(&mut self.file, &lines[..start], &lines[start..]);
            records.push(record);
        }
        let bytes = lines.len() as u64;
        if reserve > 0 {
            self.set_aside(bytes + reserve).map_err(at(&self.path))?;
        }
        let written = self.file.write_all(&lines);
        self.or_cut(written)?;
        Ok(AppendedRecords { records, bytes })
    }

    /// Counts the written events as part of the journal and calls the watchers.
    fn keep(&mut self, written: &AppendedRecords) {
        crash::kept();
        self.end += written.bytes;
        self.next += written.records.len() as u64;
        for record in &written.records {
            self.watchers.iter_mut().for_each(|watcher| watcher(record));
        }
    }

    /// Cuts the journal back to its former end if the write failed.
    fn or_cut(&self, written: io::Result<()>) -> Result<(), JournalError> {
        written.map_err(|error| {
            // Making a file shorter takes no space. What can't be cut off is a torn line, which recovery drops.
            let _ = self.file.set_len(self.end);
            at(&self.path)(error)
        })
    }

    /// Preallocates space for `bytes` more, without changing the file's length.
    fn set_aside(&mut self, bytes: u64) -> io::Result<()> {
        let Some(until) = self.set_aside else { return Ok(()) };
        let wanted = (self.end + bytes).next_multiple_of(PIECE);
        if wanted <= until {
            return Ok(());
        }
        match fallocate(&self.file, FallocateFlags::KEEP_SIZE, until, wanted - until).map_err(io::Error::from) {
            Ok(()) => self.set_aside = Some(wanted),
            Err(error) if is_disk_failure(&error) => return Err(error),
            Err(_) => self.set_aside = None,
        }
        Ok(())
    }

    fn append_with(&mut self, events: Vec<Event>, reserve: u64) -> Result<(), JournalError> {
        if events.is_empty() {
            return Ok(());
        }
        let written = self.write(events, reserve)?;
        let synced = self.file.sync_data();
        self.or_cut(synced)?;
        self.keep(&written);
        Ok(())
    }
}

/// Records that were written to the file but aren't part of the journal yet.
struct AppendedRecords {
    records: Vec<Record>,
    bytes: u64,
}

impl Journal for FileJournal {
    fn append(&mut self, events: Vec<Event>) -> Result<(), JournalError> {
        self.append_with(events, RESERVE)
    }

    fn conclude(&mut self, events: Vec<Event>) -> Result<(), JournalError> {
        self.append_with(events, 0)
    }

    fn note(&mut self, events: Vec<Event>) -> Result<(), JournalError> {
        let written = self.write(events, RESERVE)?;
        self.keep(&written);
        Ok(())
    }
}

impl Drop for FileJournal {
    /// Gives preallocated space back.
    fn drop(&mut self) {
        let _ = self.file.set_len(self.end);
    }
}

/// Locks the journal for this process; the kernel releases the lock when the process ends. A child that it was just
/// about to start may hold the lock a moment longer, so a held lock is tried again.
fn lock(file: &File, path: &Path) -> Result<(), JournalError> {
    let mut locked = file.try_lock();
    for tried in 0..LOCK_TRIES_BEHIND_DEAD {
        let is_held = matches!(locked, Err(TryLockError::WouldBlock));
        if !is_held || (tried >= LOCK_TRIES && !is_of_dead(path)) {
            break;
        }
        thread::sleep(LOCK_PAUSE);
        locked = file.try_lock();
    }
    match locked {
        Err(TryLockError::WouldBlock) => Err(JournalError::in_use(path)),
        // Some network file systems have no locks; runs there are not protected.
        Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => Ok(()),
        Err(TryLockError::Error(error)) => Err(at(path)(error)),
        Ok(()) => Ok(()),
    }
}

/// Whether the process that took the lock is gone. A child that it was about to start ends as well, as soon as it is
/// scheduled.
fn is_of_dead(path: &Path) -> bool {
    holder(path).is_some_and(|pid| !Path::new("/proc").join(pid.to_string()).exists())
}

/// Whether no process works on the run whose journal is at `path`.
#[must_use]
pub fn is_abandoned(path: &Path) -> bool {
    open_own(path).is_ok_and(|file| file.try_lock().is_ok())
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> JournalError + '_ {
    |source| JournalError::Unwritable { path: path.to_owned(), source }
}

/// Formats a moment for the journal: UTC, RFC 3339 with milliseconds, so that texts sort by time.
#[must_use]
pub fn timestamp(moment: OffsetDateTime) -> String {
    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
    moment.to_offset(UtcOffset::UTC).format(&format).unwrap_or_default()
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
        let event = |files| Event::Applied(Applied { files, ..Applied::default() });
        journal.note(vec![event(1), event(2)]).unwrap();
        assert_eq!(recover(&path).unwrap().records.len(), 2, "it is in the file at once");
        journal.append(vec![event(3)]).unwrap();
        let kept: Vec<u64> = recover(&path).unwrap().records.iter().map(|record| record.seq).collect();
        assert_eq!((kept, told.lock().unwrap().clone()), (vec![0, 1, 2], vec![0, 1, 2]));
    }
}
