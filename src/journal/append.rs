//! Writing the journal: append-only, durable before anybody acts.
//!
//! A disk may fill up at any moment. Some of it is set aside behind the journal's end, so that a run can always note how
//! it ended; what can't be kept whole is not kept at all.

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

/// What a run may need to note its end: why it stopped, what was left of it, what it came to.
const RESERVE: u64 = 16 * 1024;
/// Disk is set aside in pieces of this size: a multiple of any page, so that a piece that can't be had leaves the one
/// before untouched.
const PIECE: u64 = 64 * 1024;
/// How often, and how long in between, a lock is waited for that a killed process may have held.
const LOCK_TRIES: u32 = 20;
/// The same where that process is known to be gone.
const LOCK_TRIES_BEHIND_DEAD: u32 = 200;
const LOCK_PAUSE: Duration = Duration::from_millis(50);

/// Where events go. When `append` returns, the events are kept.
pub trait Journal {
    /// Appends `events` as one write; all of them are durable on return.
    ///
    /// # Errors
    /// When they can't be kept; nothing may be acted upon then.
    fn append(&mut self, events: Vec<Event>) -> Result<(), JournalError>;

    /// As [`Journal::append`], for what ends the run: uses what was set aside for that.
    ///
    /// # Errors
    /// When even that isn't enough.
    fn conclude(&mut self, events: Vec<Event>) -> Result<(), JournalError>;

    /// As [`Journal::append`], without waiting for the disk: the events outlive this process at once, a failing machine with the next
    /// append. For what nothing outside has acted upon yet.
    ///
    /// # Errors
    /// When they can't be written.
    fn note(&mut self, events: Vec<Event>) -> Result<(), JournalError> {
        self.append(events)
    }
}

/// A `journal.jsonl`, and those who watch it.
pub struct FileJournal {
    path: PathBuf,
    file: File,
    next: u64,
    /// Bytes of whole records.
    end: u64,
    /// Up to where the disk is set aside; `None` where a file system can't do that.
    set_aside: Option<u64>,
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

    /// Continues the journal at `path` after what was recovered from it; a torn tail is cut off.
    ///
    /// # Errors
    /// When the file can't be opened or cut, was written to since, or its disk is full.
    pub fn reopen(path: &Path, recovered: &Recovered) -> Result<Self, JournalError> {
        // What stands in its place is met without waiting for it.
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

    /// With what its end may need set aside.
    fn ready(mut self) -> Result<Self, JournalError> {
        self.set_aside(RESERVE).map_err(at(&self.path))?;
        Ok(self)
    }

    /// Adds a watcher: the renderer, the JSONL printer, the report.
    pub fn watch(&mut self, watcher: Watcher) {
        self.watchers.push(watcher);
    }

    /// One write: a crash tears at most the last line, and recovery drops a torn line. `reserve` bytes stay set aside
    /// behind it.
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

    /// The events of a write are part of the journal, and everybody is told.
    fn keep(&mut self, written: &AppendedRecords) {
        crash::kept();
        self.end += written.bytes;
        self.next += written.records.len() as u64;
        for record in &written.records {
            self.watchers.iter_mut().for_each(|watcher| watcher(record));
        }
    }

    /// After a write that failed the journal ends where it did before.
    fn or_cut(&self, written: io::Result<()>) -> Result<(), JournalError> {
        written.map_err(|error| {
            // Making a file shorter takes no space. What can't be cut off is a torn line, which recovery drops.
            let _ = self.file.set_len(self.end);
            at(&self.path)(error)
        })
    }

    /// Sets disk aside for `bytes` more, without making the file longer.
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

/// Records that are in the file, and not yet part of the journal.
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
    /// What was set aside is given back.
    fn drop(&mut self) {
        let _ = self.file.set_len(self.end);
    }
}

/// A run belongs to the process that writes its journal; the lock goes when that process does. What it was just about to start
/// may hold it a moment longer.
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
        // Some network file systems have no locks; a run there is as it was before locks.
        Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => Ok(()),
        Err(TryLockError::Error(error)) => Err(at(path)(error)),
        Ok(()) => Ok(()),
    }
}

/// Whether the process that took the lock is gone: what it had just begun to start goes as well, once it gets the processor.
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

/// A moment as the journal tells it: UTC, RFC 3339 with milliseconds, so that an earlier one is a smaller text.
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
