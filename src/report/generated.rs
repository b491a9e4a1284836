//! What commands of a run wrote, in words.

use super::GeneratedReport;
use crate::journal::GeneratedFile;

/// Names in a line; a run of coverage tools writes hundreds.
const NAMES: usize = 5;

impl GeneratedReport {
    /// A line each for what is part of the patch and what isn't. Names come as they are.
    #[must_use]
    pub fn told(&self) -> Vec<String> {
        let (included, beside): (Vec<_>, Vec<_>) = self.files.iter().partition(|file| file.included);
        let beside = line("not in the patch, written by commands", &beside, self.more)
            .map(|line| format!("{line}; --include-generated GLOB takes what it names along"));
        let included = line("in the patch because it is named, written by commands", &included, 0);
        beside.into_iter().chain(included).collect()
    }
}

fn line(what: &str, files: &[&GeneratedFile], more: u64) -> Option<String> {
    let names: Vec<_> =
        files.iter().take(NAMES).map(|file| format!("{} ({})", file.path, file.change.told())).collect();
    let more = (files.len() - names.len()) as u64 + more;
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    (!names.is_empty()).then(|| format!("{what}: {}{rest}", names.join(", ")))
}
