//! The first messages: kcode's standing instructions, and the survey of the repository with the task.

use std::sync::Arc;

use anyhow::Context as _;

use super::chosen_tests::ChosenTests;
use super::failure::Failure;
use super::run_spec::RunSpec;
use crate::context::{self, GitFacts, Survey, SurveyFacts, UncommittedChange};
use crate::journal::{Event, Surveyed};
use crate::model::Conversation;
use crate::settings::{RepositoryFiles, SecretFiles};
use crate::tools;
use crate::workspace::{DirtyFile, GitAccess, Outline};

/// What `--reproduce` adds to the task.
pub(super) const REPRODUCE: &str = concat!("\n", include_str!("../../prompts/reproduce.md"));
/// Maximum number of paths in the outline.
pub(super) const MAX_PATHS: usize = 100_000;
/// Maximum number of dirty files that are named.
pub(super) const MAX_CHANGES: usize = 40;

/// Dirty files, and whether there are more; `None` when that is not known.
pub(super) type Changes = Option<(Vec<DirtyFile>, bool)>;

/// How a conversation begins, or goes on.
pub(super) enum Opening {
    /// With the survey, clean of secrets, of a tree with so many paths.
    Survey(Survey, u64),
    /// With what was said before. The events are what joined it.
    Restored(Box<Conversation>, Vec<Event>),
}

pub(super) struct RepositorySnapshot {
    pub outline: Arc<Outline>,
    pub changes: Changes,
}

/// Opens the conversation with the survey of a tree with so many `paths`. The events are its messages.
pub(super) fn open(model: &str, cache_key: &str, survey: Survey, paths: u64) -> (Conversation, Vec<Event>) {
    let Survey { text, notes } = survey;
    let mut conversation = Conversation::new(model, Some(cache_key), tools::schemas());
    let system = conversation.push_system(context::system_prompt());
    let user = conversation.push_user(&text);
    (conversation, vec![Event::Surveyed(Surveyed { paths, notes }), Event::Message(system), Event::Message(user)])
}

/// The survey of the repository, with the task; what it quotes may hold secrets.
pub(super) fn survey(spec: &RunSpec<'_>, seen: &RepositorySnapshot, tests: &ChosenTests) -> Result<Survey, Failure> {
    let (repository, RepositorySnapshot { outline, changes }) = (&spec.repository, seen);
    let paths: Vec<&str> = outline.paths().collect();
    let unnamed: Vec<String> = outline.unnamed().collect();
    let head = repository.head();
    let git = (repository.git() != GitAccess::None).then(|| GitFacts {
        branch: head.as_ref().and_then(|head| head.branch.as_deref()),
        commit: head.as_ref().and_then(|head| head.commit.as_deref()),
        more_changes: changes.as_ref().is_some_and(|(_, more)| *more),
        changes: changes.as_ref().map(|(files, _)| files.iter().map(change).collect()),
    });
    let platform = format!("{} {}", std::env::consts::OS, std::env::consts::ARCH);
    let root = repository.guiding_root();
    let files = RepositoryFiles::open(root).with_context(|| format!("{} can't be read", root.display()))?;
    let readable = SecretFiles::new(&spec.settings.readable_secrets.value).map_err(Failure::internal)?;
    let files = files.with_secrets(readable);
    let facts = SurveyFacts {
        files: &files,
        paths: &paths,
        more_paths: !outline.complete,
        unnamed: &unnamed,
        git,
        tests: tests.command.as_ref().map(|command| (command, tests.origin.as_str())),
        checks: tests.checks.iter().map(|chosen| (&*chosen.check.name, &chosen.check.command)).collect(),
        focus: repository.focus(),
        platform: &platform,
        task: &spec.task,
    };
    let mut survey = context::survey(&facts);
    survey.notes.extend(repository.refused_git().map(|why| format!("git is not used: {why}")));
    Ok(survey)
}

fn change(file: &DirtyFile) -> UncommittedChange<'_> {
    UncommittedChange { status: &file.status, path: &file.path }
}

#[cfg(test)]
mod tests {
    use crate::journal::Tokens;
    use crate::{context, tools};

    /// What every request begins with is paid for in every request.
    #[test]
    fn system_prompt_and_tool_schemas_stay_within_two_thousand_tokens() {
        let tokens = Tokens::estimate(context::system_prompt()) + Tokens::estimate(tools::schemas());
        assert!(tokens <= Tokens(2_000), "{tokens}");
    }
}
