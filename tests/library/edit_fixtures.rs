//! The edit engine against `fixtures/edits`: a folder a case, `input`, `request.json`, and `expected` or `error`.
//!
//! What the files mean stands in `fixtures/edits/README.md`.

use std::fs;
use std::path::Path;

use kcode::tools::edit::{EditError, MAX_BYTES, Tier, plan};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    old_text: String,
    new_text: String,
    /// The tier that finds it; only where there is `expected`.
    found: Option<String>,
}

#[test]
fn every_case_comes_out_as_it_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/edits");
    let mut cases: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect();
    cases.sort();
    assert!(cases.len() >= 60, "only {} cases", cases.len());
    let failures: Vec<_> = cases.iter().filter_map(|case| check(case).err().map(|why| (case, why))).collect();
    let told: Vec<_> = failures.iter().map(|(case, why)| format!("{}: {why}", case.display())).collect();
    assert!(told.is_empty(), "{} of {} cases fail:\n\n{}", told.len(), cases.len(), told.join("\n\n"));
}

fn check(case: &Path) -> Result<(), String> {
    let input = fs::read(case.join("input")).unwrap();
    let request: Request = serde_json::from_slice(&fs::read(case.join("request.json")).unwrap()).unwrap();
    let planned = plan(&input, &request.old_text, &request.new_text);
    let (expected, error) = (fs::read(case.join("expected")), fs::read_to_string(case.join("error")));
    match (planned, expected, error) {
        (Ok(edit), Ok(expected), Err(_)) => {
            let (after, tier) = (edit.apply(&input), name(edit.tier));
            if after != expected {
                return Err(format!("became\n{:?}\nnot\n{:?}", show(&after), show(&expected)));
            }
            let found = request.found.as_deref();
            if found == Some(tier) { Ok(()) } else { Err(format!("was found as {tier}, not as {found:?}")) }
        }
        (Err(told), Err(_), Ok(error)) => {
            let told = format!("{told}\n");
            let missing: Vec<_> = error.lines().filter(|line| !told.contains(line)).collect();
            if missing.is_empty() { Ok(()) } else { Err(format!("{missing:?} is not said in\n{told}")) }
        }
        (planned, Ok(_), Err(_)) => Err(format!("should have been edited: {planned:?}")),
        (planned, Err(_), Ok(_)) => Err(format!("should have been refused: {planned:?}")),
        _ => Err("has neither or both of `expected` and `error`".to_owned()),
    }
}

fn name(tier: Tier) -> &'static str {
    match tier {
        Tier::Exact => "exact",
        Tier::TrailingWhitespace => "trailing_whitespace",
        Tier::Indentation => "indentation",
        Tier::LookAlikes => "look_alikes",
    }
}

fn show(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Too large to be kept as a fixture.
#[test]
fn a_huge_file_is_refused_and_one_at_the_limit_is_edited() {
    let mut input = b"first\n".to_vec();
    input.resize(MAX_BYTES, b'x');
    let edit = plan(&input, "first", "second").unwrap();
    assert_eq!(edit.apply(&input).len(), MAX_BYTES + 1);
    input.push(b'x');
    assert_eq!(plan(&input, "first", "second"), Err(EditError::TooLarge { size: MAX_BYTES + 1 }));
}

/// The answer to a miss stays short however long the file and its lines are.
#[test]
fn a_miss_in_a_long_file_is_answered_shortly() {
    let input = (0..30_000)
        .map(|n| format!("let value_{n} = compute({n}); {}\n", "x".repeat(n % 50)))
        .collect::<Vec<_>>()
        .concat();
    let error = plan(input.as_bytes(), "let value_19950 = compute(1_9950);\n", "").unwrap_err().to_string();
    assert!(error.contains("nearest is line 19951:"), "{error}");
    let long = format!("{}\n", "long ".repeat(100_000));
    let error = plan(long.as_bytes(), &format!("{} end", "long ".repeat(1_000)), "").unwrap_err().to_string();
    assert!(error.len() < 4_000, "{} bytes", error.len());
}
