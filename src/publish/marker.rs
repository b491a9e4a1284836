//! The hidden first line of what kcode writes on a platform: how it finds its own again, and what it pushed last.
//!
//! It counts only in texts that kcode's own account wrote. Text of models can't forge it: `<` doesn't survive there.

use crate::journal::RunId;
use crate::report::run_mark;
use crate::workspace::BranchName;

const BEGINNING: &str = "<!-- kcode:publish ";
const END: &str = " -->";

/// What is remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Marker {
    /// The issue or pull request that asked (`issue-12`), else the first run.
    pub key: String,
    /// The latest run.
    pub run: Option<RunId>,
    /// Who asked.
    pub actor: Option<String>,
    /// The branch.
    pub branch: Option<BranchName>,
    /// The commits that kcode put there: the last one, and the one that it was about to push.
    pub commits: Vec<String>,
}

impl Marker {
    pub(super) fn written(&self) -> String {
        let mut words = vec![format!("key={}", self.key)];
        words.extend(self.run.as_ref().map(|run| format!("run={run}")));
        words.extend(self.actor.as_ref().map(|actor| format!("actor={}", account(actor))));
        words.extend(self.branch.as_ref().map(|branch| format!("branch={branch}")));
        words.extend(self.commits.iter().map(|commit| format!("commit={commit}")));
        let mark = self.run.as_ref().map_or_else(String::new, |run| format!("{}\n", run_mark(run)));
        format!("{BEGINNING}{}{END}\n{mark}", words.join(" "))
    }

    /// Reads the marker at the beginning of `body`.
    pub(super) fn read(body: &str) -> Option<Self> {
        let words = body.trim_start().strip_prefix(BEGINNING)?.split_once(END)?.0;
        let pairs: Vec<(&str, &str)> = words.split(' ').filter_map(|word| word.split_once('=')).collect();
        let one = |name: &str| pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        Some(Self {
            key: one("key")?.to_owned(),
            run: one("run").and_then(|run| run.parse().ok()),
            actor: one("actor").map(str::to_owned),
            branch: one("branch").and_then(BranchName::new).filter(|branch| branch.as_str().starts_with("kcode/")),
            commits: pairs
                .iter()
                .filter(|(name, _)| *name == "commit")
                .map(|(_, commit)| (*commit).to_owned())
                .collect(),
        })
    }
}

/// An account's name as it stands in a marker.
pub(super) fn account(name: &str) -> String {
    name.chars().filter(|c| c.is_ascii_alphanumeric() || "._-[]".contains(*c)).take(100).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_comes_back_and_names_nothing_but_own_branches() {
        let marker = Marker {
            key: "issue-12".to_owned(),
            run: "abcd2345".parse().ok(),
            actor: Some("octo-cat".to_owned()),
            branch: BranchName::new("kcode/abcd2345"),
            commits: vec!["1".repeat(40), "2".repeat(40)],
        };
        assert_eq!(Marker::read(&format!("{}text", marker.written())), Some(marker.clone()));
        // A comment on the pull request finds the run by it.
        assert_eq!(crate::report::marked_run(&marker.written()), marker.run);
        let forged = marker.written().replace("branch=kcode/abcd2345", "branch=main");
        assert_eq!(Marker::read(&forged).unwrap().branch, None);
        assert_eq!(Marker::read("text <!-- kcode:publish key=issue-1 -->"), None);
    }
}
