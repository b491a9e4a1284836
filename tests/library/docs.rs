//! What docs/ says is what the program does: generated pages are compared with the code that makes them.

use std::path::Path;

use kcode::cli::reference;

/// Compares a page with what the code makes, or renews it when `KCODE_UPDATE_DOCS` is set.
fn holds(page: &str, made: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(page);
    if std::env::var_os("KCODE_UPDATE_DOCS").is_some() {
        std::fs::write(&path, made).expect("the page can be written");
    }
    let stands = std::fs::read_to_string(&path).unwrap_or_default();
    compare(&stands, made, page);
}

fn compare(stands: &str, made: &str, page: &str) {
    let diff =
        similar::TextDiff::from_lines(stands, made).unified_diff().header(page, "made from the code").to_string();
    assert!(
        stands == made,
        "docs/{page} is out of date; renew it with KCODE_UPDATE_DOCS=1 cargo test --test library docs::\n{diff}"
    );
}

#[test]
fn the_command_line_is_documented() {
    holds("cli.md", &reference::markdown());
}

#[test]
fn the_event_schema_is_documented() {
    holds("event.schema.json", &(serde_json::to_string_pretty(&reference::event_schema()).unwrap() + "\n"));
}

#[test]
fn the_report_schema_is_documented() {
    holds("report.schema.json", &(serde_json::to_string_pretty(&reference::report_schema()).unwrap() + "\n"));
}

#[test]
fn the_schemas_of_listings_are_documented() {
    for (name, schema) in reference::listing_schemas() {
        holds(&format!("{name}.schema.json"), &(serde_json::to_string_pretty(&schema).unwrap() + "\n"));
    }
}

#[test]
fn every_exit_code_is_in_the_readme_or_the_reference() {
    for outcome in kcode::journal::Outcome::ALL {
        assert!(reference::markdown().contains(&format!("| {} | `{}` |", outcome.exit_code(), outcome.name())));
    }
}
