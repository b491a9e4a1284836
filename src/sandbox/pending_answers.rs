//! Passes the worker's answers to the calls that wait for them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::AsyncReadExt as _;
use tokio::net::unix::OwnedReadHalf;
use tokio::sync::oneshot;

use super::progress::ProgressListener;
use super::protocol::{Decoder, FrameError, FromWorker};

/// The id for messages that answer no call.
pub(super) const CONTROL: u64 = 0;

/// Callers that wait for an answer, by id.
#[derive(Debug, Default)]
pub(super) struct PendingAnswers {
    pub(super) waiting: HashMap<u64, oneshot::Sender<FromWorker>>,
    /// Receives the progress of commands.
    pub(super) listener: ProgressListener,
    /// Set once no more answers will come.
    pub(super) over: bool,
    /// Why, unless the connection was simply closed.
    pub(super) garbled: Option<FrameError>,
}

/// Passes answers to their callers until the connection ends.
pub(super) async fn receive(mut connection: OwnedReadHalf, calls: Arc<Mutex<PendingAnswers>>) {
    let mut decoder = Decoder::default();
    let mut chunk = vec![0; 64 * 1024];
    let mut garbled = None;
    while let Ok(read @ 1..) = connection.read(&mut chunk).await {
        decoder.push(&chunk[..read]);
        if let Err(error) = hand_out(&mut decoder, &calls) {
            garbled = Some(error);
            break;
        }
    }
    let mut calls = lock(&calls);
    calls.over = true;
    calls.garbled = garbled;
    calls.waiting.clear();
}

fn hand_out(decoder: &mut Decoder, calls: &Mutex<PendingAnswers>) -> Result<(), FrameError> {
    while let Some(message) = decoder.next_message::<FromWorker>()? {
        let id = match &message {
            FromWorker::Observed { id, .. } | FromWorker::TestsRan { id, .. } | FromWorker::Failed { id, .. } => *id,
            FromWorker::Ready { .. } | FromWorker::Unfit { .. } | FromWorker::Stopped(_) => CONTROL,
            FromWorker::Progress(progress) => {
                let listener = lock(calls).listener.clone();
                listener.hears(progress);
                continue;
            }
        };
        if let Some(caller) = lock(calls).waiting.remove(&id) {
            // The caller may have given up.
            let _ = caller.send(message);
        }
    }
    Ok(())
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic can't leave the map inconsistent.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
