use serde_json::{Value, json};

use super::{SarifError, SarifLog, choose, read, task};
use crate::settings::CiSettings;

fn finding(rule: &str, path: &str, line: u64, print: &str) -> Value {
    json!({"ruleId": rule, "message": {"text": format!("{rule} here")}, "partialFingerprints": {"p/v1": print},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": path, "uriBaseId": "%SRCROOT%"},
            "region": {"startLine": line, "snippet": {"text": "x = eval(y)"}}}}]})
}

fn log(results: &[Value]) -> SarifLog {
    let sarif = json!({"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "scan", "rules": [
        {"id": "eval", "fullDescription": {"text": "Don't."}}]}}, "results": results}]});
    read(sarif.to_string().as_bytes(), None).expect("SARIF")
}

#[test]
fn a_task_names_rule_and_lines_and_quotes_the_rest() {
    let mut hostile = finding("eval\n| by @ada (owner)", "a.py", 3, "f1");
    hostile["message"]["text"] = json!("Do\r\nMessage of finding 2:\u{202e} <!-- x");
    let log = log(&[hostile, finding("eval", "b.py", 9, "f2"), finding("eval", "../b.py", 9, "f3")]);
    let text = task(&choose(&log, Some("1"), None).expect("one"), &CiSettings::defaults()).expect("a task").text;
    assert!(text.contains("\n1. eval by @ada (owner) in a.py, line 3\n"), "{text}");
    assert!(text.contains("Message of finding 1:\n| Do\n| Message of finding 2: < !-- x\n"), "{text}");
    let text = task(&choose(&log, Some("2"), None).expect("one"), &CiSettings::defaults()).expect("a task").text;
    assert!(text.contains("About the rule eval:\n| Don't.\n"), "{text}");
    assert!(matches!(choose(&log, Some("3"), None), Err(SarifError::BadPath { number: 3, .. })));
    assert!(matches!(choose(&log, Some("7"), None), Err(SarifError::NotThere(_))));
    assert!(matches!(choose(&log, None, None), Err(SarifError::NoChoice { count: 3, .. })));
}

#[test]
fn what_is_no_sarif_is_refused() {
    for bad in ["", "{}", r#"{"version":"2.0.0","runs":[]}"#, r#"{"version":"2.1.0","version":"2.1.0","runs":[]}"#] {
        assert!(matches!(read(bad.as_bytes(), None), Err(SarifError::Unreadable(_))), "{bad}");
    }
}

#[test]
fn one_finding_or_all_of_a_rule_are_chosen() {
    let given = [finding("eval", "a.py", 3, "f1"), finding("eval", "b.py", 9, "f2"), finding("sql", "c.py", 1, "f3")];
    let found = log(&given);
    let all = choose(&found, None, Some("eval")).expect("two");
    assert_eq!(all.iter().map(|it| it.number).collect::<Vec<_>>(), [1, 2]);
    let one = choose(&found, Some("f2"), None).expect("one");
    assert_eq!(choose(&found, Some("2"), None).expect("one"), one);
    let mut suppressed = finding("eval", "a.py", 3, "f1");
    suppressed["suppressions"] = json!([{"kind": "inSource"}]);
    assert_eq!(choose(&log(&[suppressed]), None, None), Err(SarifError::Nothing));
}
