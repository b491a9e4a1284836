//! Files that a run's commands wrote, in words.

use super::GeneratedReport;
use crate::journal::GeneratedFile;

/// Most names per line; a run of coverage tools writes hundreds of files.
const NAMES: usize = 5;
/// The same for files that the user named.
const NAMED: usize = 20;

impl GeneratedReport {
    /// One line each for files in the patch, files not in it, and globs without a match. Names aren't sanitised.
    #[must_use]
    pub fn told(&self) -> Vec<String> {
        let (included, beside): (Vec<_>, Vec<_>) = self.files.iter().partition(|file| file.included);
        let (refused, beside): (Vec<_>, Vec<_>) = beside.into_iter().partition(|file| file.not_taken.is_some());
        let beside = line("not in the patch, written by commands", &beside, NAMES, self.more)
            .map(|line| format!("{line}; --include-generated GLOB adds the files it matches"));
        let refused = line("named, and not taken into the patch", &refused, NAMED, 0);
        let all = if included.len() > NAMED { "; report.json and the patch name them all" } else { "" };
        let included = line("in the patch because it is named, written by commands", &included, NAMED, 0);
        let included = included.map(|line| format!("{line}{all}"));
        let idle = self.named_nothing.iter();
        let idle = idle.map(|glob| format!("--include-generated {glob:?} names nothing that commands wrote"));
        beside.into_iter().chain(refused).chain(included).chain(idle).collect()
    }
}

fn line(what: &str, files: &[&GeneratedFile], most: usize, more: u64) -> Option<String> {
    let told = |file: &&GeneratedFile| {
        let why = file.not_taken.map_or_else(String::new, |why| format!("; {}", why.told()));
        format!("{} ({}{why})", file.path, file.change.told())
    };
    let names: Vec<_> = files.iter().take(most).map(told).collect();
    let more = (files.len() - names.len()) as u64 + more;
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    (!names.is_empty()).then(|| format!("{what}: {}{rest}", names.join(", ")))
}
