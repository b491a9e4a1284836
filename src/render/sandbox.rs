//! The sandbox for people: one line in a run, a table in `kcode doctor`.

use std::fmt::{Display, Write};

use console::{StyledObject, style};

use crate::journal::{Guard, Layer, Proof, SandboxBuilt};
use crate::text::sanitise_line;

/// Layers that are named in the line if they are in force.
const NAMED: [&str; 5] = ["overlay", "namespaces", "cells", "landlock", "seccomp"];
/// The program that made the namespaces if kcode couldn't; named together with them.
const BWRAP: &str = "bwrap";

/// One line for standard error: which guarantees hold, and why others don't.
#[must_use]
pub(super) fn sandbox_line(sandbox: &SandboxBuilt) -> String {
    let mark = |holds: bool| mark(holds).for_stderr();
    let marks: Vec<String> =
        Guard::ALL.iter().map(|guard| format!("{} {}", guard.name(), mark(sandbox.holds(*guard)))).collect();
    let by_bwrap = sandbox.layers.iter().any(|layer| layer.name == BWRAP);
    let layers = sandbox.layers.iter().filter(|layer| !(by_bwrap && layer.name == "namespaces"));
    let layers: Vec<String> = layers.filter_map(word).collect();
    let mut line = format!("{}   ({})  {} ms", marks.join("  "), layers.join(" · "), sandbox.ms);
    for open in sandbox.proof.iter().filter(|proof| !proof.held) {
        let _ =
            write!(line, "\n          not held: {} ({})", sanitise_line(&open.attempt), sanitise_line(&open.detail));
    }
    line
}

fn word(layer: &Layer) -> Option<String> {
    let name = shown(layer);
    if !layer.holds {
        // It is missing nearly everywhere, and no guarantee depends on it.
        return (!layer.only_bounds()).then(|| format!("no {name}: {}", sanitise_line(&layer.detail)));
    }
    if name == BWRAP {
        return Some(format!("namespaces by {name} {}", sanitise_line(&layer.detail)));
    }
    let version = layer.detail.strip_prefix("ABI ").map(|abi| format!(" {abi}")).unwrap_or_default();
    NAMED.contains(&layer.name.as_str()).then(|| format!("{name}{version}"))
}

/// The name of a layer for people. Journals and reports keep the older word for PID namespaces.
fn shown(layer: &Layer) -> String {
    if layer.name == "cells" { "pid namespaces".to_owned() } else { sanitise_line(&layer.name).into_owned() }
}

/// One line per layer and attempt, with hints for missing layers; for standard output.
#[must_use]
pub(crate) fn sandbox_table(sandbox: &SandboxBuilt) -> String {
    let mut out = String::new();
    for layer in &sandbox.layers {
        row(&mut out, layer.holds, &shown(layer), &layer.detail, 14);
        if let Some(hint) = &layer.hint {
            let _ = writeln!(out, "  {:14}   hint: {}", "", sanitise_line(hint));
        }
    }
    for guard in Guard::ALL {
        let tried: Vec<&Proof> = sandbox.proof.iter().filter(|proof| proof.guards == guard).collect();
        let _ = writeln!(out, "\n{}: {} attempts to break out", guard.name(), tried.len());
        for proof in tried {
            row(&mut out, proof.held, &proof.attempt, &proof.detail, 46);
        }
    }
    out
}

fn row(out: &mut String, holds: bool, name: &str, detail: &str, width: usize) {
    // Writing to a String can't fail.
    let _ = writeln!(out, "{} {:width$} {}", mark(holds), sanitise_line(name), sanitise_line(detail));
}

fn mark(holds: bool) -> StyledObject<impl Display> {
    if holds { style("✓").green() } else { style("✗").yellow() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sandbox() -> SandboxBuilt {
        let proof = |guards, attempt: &str, held| Proof { guards, attempt: attempt.into(), held, detail: "so".into() };
        SandboxBuilt {
            tree: true,
            network: true,
            layers: vec![
                Layer::holding("landlock", "ABI 7"),
                Layer::holding("rlimits", "set"),
                Layer::missing("cells", "refused\u{1b}[2J").with_hint(Some("do this".into())),
            ],
            proof: vec![proof(Guard::Files, "write", true), proof(Guard::Processes, "signal kcode", false)],
            ms: 18,
            ..SandboxBuilt::default()
        }
    }

    #[test]
    fn the_line_names_what_matters_and_what_is_open() {
        let line = console::strip_ansi_codes(&sandbox_line(&sandbox())).into_owned();
        assert_eq!(
            line,
            "files ✓  processes ✗  network ✓   (landlock 7 · no pid namespaces: refused)  18 ms\n          \
             not held: signal kcode (so)"
        );
    }

    #[test]
    fn the_line_says_why_bwrap_stands_in() {
        let layers = vec![Layer::holding("namespaces", "all"), Layer::holding("bwrap", "0.9, as others were refused")];
        let line = sandbox_line(&SandboxBuilt { layers, ..SandboxBuilt::default() });
        assert!(line.contains("(namespaces by bwrap 0.9, as others were refused)"), "{line}");
    }

    #[test]
    fn the_table_has_a_hint_below_what_is_missing() {
        let table = console::strip_ansi_codes(&sandbox_table(&sandbox())).into_owned();
        assert!(table.contains("✗ pid namespaces refused\n                   hint: do this\n"), "{table}");
        assert!(table.contains("processes: 1 attempts"), "{table}");
    }
}
