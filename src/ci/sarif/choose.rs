//! The findings that were asked for, as task.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::{SarifError, SarifFinding, SarifLog};
use crate::ci::result::{TaskKind, TaskSource};
use crate::ci::task::{self, CiTask};
use crate::ci::untrusted::QuotedText;
use crate::settings::CiSettings;
use crate::text::{is_invisible, sanitise_line};

/// Findings of one task; the rest of a rule's is for another run.
const MOST: usize = 50;
/// Rules that an error names.
const MOST_RULES: usize = 10;

/// The findings to mend: the one that `finding` names by its number or a fingerprint, or all of `rule`. Without either,
/// the file's only one.
///
/// # Errors
/// When there is none, or no choice.
pub(crate) fn choose<'a>(
    log: &'a SarifLog,
    finding: Option<&str>,
    rule: Option<&str>,
) -> Result<Vec<&'a SarifFinding>, SarifError> {
    let open: Vec<&SarifFinding> = log.findings.iter().filter(|found| !found.is_suppressed).collect();
    if open.is_empty() {
        return Err(SarifError::Nothing);
    }
    let of_rule = open.iter().copied().filter(|found| rule.is_none_or(|rule| found.rule == rule));
    let is_asked = |found: &&SarifFinding| {
        finding.is_none_or(|asked| {
            let by_number = asked.parse::<usize>().is_ok_and(|number| number == found.number);
            by_number || found.fingerprints.values().any(|print| print == asked)
        })
    };
    let chosen: Vec<&SarifFinding> = of_rule.filter(is_asked).collect();
    let asked = || format!("{:?}", finding.or(rule).unwrap_or_default());
    match (chosen.len(), finding, rule) {
        (0, ..) => Err(SarifError::NotThere(asked())),
        (1, ..) | (_, None, Some(_)) => usable(chosen),
        (count, ..) => {
            let rules: BTreeSet<&str> = chosen.iter().map(|found| found.rule.as_str()).collect();
            let more = if rules.len() > MOST_RULES { ", …" } else { "" };
            let rules: Vec<String> =
                rules.into_iter().take(MOST_RULES).map(|rule| sanitise_line(rule).into_owned()).collect();
            Err(SarifError::NoChoice { count, rules: rules.join(", ") + more })
        }
    }
}

fn usable(chosen: Vec<&SarifFinding>) -> Result<Vec<&SarifFinding>, SarifError> {
    let bad = chosen.iter().find_map(|found| Some((found.number, found.bad_place.clone()?)));
    match bad {
        Some((number, why)) => Err(SarifError::BadPath { number, why }),
        None => Ok(chosen.into_iter().take(MOST).collect()),
    }
}

/// Makes the task of the chosen findings.
///
/// # Errors
/// When they say nothing.
pub(crate) fn task(chosen: &[&SarifFinding], settings: &CiSettings) -> Result<CiTask, SarifError> {
    let mut opening = "An analyzer reports what is listed here. Mend the cause of each finding; comments or settings \
                       that silence the analyzer mend nothing.\n"
        .to_owned();
    for found in chosen {
        let _ = write!(opening, "\n{}. {}", found.number, name(&found.rule));
        if let Some(place) = &found.place {
            let _ = write!(opening, " in {}", place.path);
            let _ = match (place.first, place.last) {
                (Some(first), Some(last)) if last > first => write!(opening, ", lines {first}–{last}"),
                (Some(first), _) => write!(opening, ", line {first}"),
                _ => Ok(()),
            };
        }
    }
    let texts: Vec<(String, &str)> = chosen.iter().flat_map(|found| texts(found)).collect();
    let mut seen = BTreeSet::new();
    let pieces: Vec<QuotedText<'_>> = texts
        .iter()
        .filter(|(what, text)| seen.insert((what, text)))
        .map(|(what, text)| QuotedText { what, by: None, standing: None, when: None, is_markdown: false, text })
        .collect();
    let source = TaskSource::named(TaskKind::Sarif, None);
    task::assembled(&opening, &pieces, settings, source).map_err(|_| SarifError::Nothing)
}

fn texts(found: &SarifFinding) -> [(String, &str); 3] {
    let snippet = found.place.as_ref().map_or("", |place| place.snippet.as_str());
    [
        (format!("Message of finding {}", found.number), found.message.as_str()),
        (format!("Source that finding {} quotes", found.number), snippet),
        (format!("About the rule {}", name(&found.rule)), found.help.as_str()),
    ]
}

/// A rule's id in kcode's own line: nothing that could look like another line or a quotation.
fn name(rule: &str) -> String {
    let plain = |c: char| !is_invisible(c) && (c.is_alphanumeric() || "-_./:@+#()[] ".contains(c));
    let name: String = rule.chars().filter(|c| plain(*c)).take(120).collect();
    if name.is_empty() { "a rule without a name".to_owned() } else { name }
}
