//! Journals of processes that died, of other versions, and of other machines: recovered, skimmed, imported.

use std::fs;

use kcode::journal::{Applied, EVENT_SCHEMA, Event, Nudged, Record, recover, recover_chain, skim};
use kcode::replay::{ARCHIVE_SCHEMA, Archive};
use proptest::prelude::*;

use super::damage::{cases, damaged, fixtures};

fn journal(events: &[Event]) -> Vec<u8> {
    let record = |(seq, event): (usize, &Event)| Record {
        schema: EVENT_SCHEMA.to_owned(),
        seq: seq as u64,
        at: "2026-01-02T03:04:05Z".to_owned(),
        elapsed_ms: seq as u64,
        event: event.clone(),
    };
    let line = |record: Record| serde_json::to_string(&record).unwrap() + "\n";
    events.iter().enumerate().map(record).map(line).collect::<String>().into_bytes()
}

fn journals() -> Vec<Vec<u8>> {
    let applied = |files| Event::Applied(Applied { files, ..Applied::default() });
    let nudged = Event::Nudged(Nudged { turn: 1, kind: "a\u{1b}\\\"".to_owned() });
    let recorded = fixtures("replay", |name| name == "run.json");
    let of_runs = recorded.iter().map(|run| {
        let run: serde_json::Value = serde_json::from_slice(run).unwrap();
        let lines = run["journal"].as_array().unwrap().iter().map(|record| record.to_string() + "\n");
        lines.collect::<String>().into_bytes()
    });
    let mut all: Vec<Vec<u8>> = of_runs.filter(|journal| journal.len() < 60_000).collect();
    all.push(journal(&[applied(1), nudged, applied(2), applied(3)]));
    all
}

fn archives() -> Vec<Vec<u8>> {
    let mut all = fixtures("replay", |name| name == "run.json");
    all.push(
        format!(
            r#"{{"schema":"{ARCHIVE_SCHEMA}","run":"abcdefgh","start_tree":null,"redacted":0,"journal":[],
            "changes":{{"schema":"kcode.changes/1","entries":[]}},"contents":[{{"text":"a"}},{{"base64":"/w=="}}],"left_out":[]}}"#
        )
        .into_bytes(),
    );
    all
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn what_is_recovered_is_a_beginning_of_what_stands_there(bytes in damaged(journals())) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("journal.jsonl");
        fs::write(&file, &bytes).unwrap();
        if let Ok(recovered) = recover(&file) {
            prop_assert!(recovered.good_bytes <= bytes.len() as u64);
            prop_assert_eq!(recovered.torn, recovered.good_bytes < bytes.len() as u64);
            let good = &bytes[..recovered.good_bytes as usize];
            fs::write(&file, good).unwrap();
            let again = recover(&file).unwrap();
            prop_assert!(!again.torn);
            prop_assert_eq!(&again.records, &recovered.records);
            // A head whose words are written with escapes is refused: kcode writes none.
            let skimmed: Vec<_> = skim(good).map_while(Result::ok).collect();
            prop_assert!(skimmed.len() <= recovered.records.len());
            for (line, record) in skimmed.iter().zip(&recovered.records) {
                prop_assert_eq!((line.seq, line.at, line.elapsed_ms), (record.seq, &*record.at, record.elapsed_ms));
            }
        }
        // Whoever looks at thousands of runs sees no more than is there.
        let lines = bytes.split(|byte| *byte == b'\n').count() - 1;
        prop_assert!(skim(&bytes).count() <= lines);
        if let Ok(records) = recover_chain(&bytes) {
            prop_assert_eq!(records.len(), lines);
        }
    }

    #[test]
    fn an_exported_run_is_one_or_is_refused(bytes in damaged(archives())) {
        if let Err(error) = Archive::unpack(&bytes) {
            prop_assert!(!error.to_string().is_empty());
        }
    }
}
