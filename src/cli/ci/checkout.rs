//! What is wrong with a checkout or a machine before any of it runs.

use std::process::{Command, Stdio};

use crate::cli::arguments::Global;
use crate::cli::output;
use crate::journal::Outcome;
use crate::run::Failure;
use crate::settings::Programs;
use crate::workspace::{BaseTree, Repository};

/// Opens the repository, to be worked on as `base` says.
///
/// # Errors
/// When it can't be opened, there is no such commit, or [`check`] refuses it.
pub(super) fn open(global: &Global, base: Option<&str>) -> Result<Repository, Failure> {
    let repository = global.repository()?;
    check(&repository)?;
    let Some(base) = base else { return Ok(repository) };
    let tree = BaseTree::of(repository.root(), repository.focus(), base).map_err(|why| {
        let hint = "fetch it before: git fetch --depth=1 origin REF, or check out with fetch-depth: 0";
        Failure::new(Outcome::Config, format!("--base {base} can't be read: {why}"), hint)
    })?;
    output::say(&format!("base      {} ({base}) says how to work here", tree.commit().get(..12).unwrap_or_default()));
    Ok(repository.guided_by(tree))
}

/// Checks that nothing of a fork is checked out: the tree's commit is that of the base.
///
/// # Errors
/// When it is another one, or no base is named.
pub(super) fn is_of_the_base(repository: &Repository) -> Result<(), Failure> {
    let commit = repository.head().and_then(|head| head.commit);
    if commit.is_some() && commit.as_deref() == repository.base_commit() {
        return Ok(());
    }
    let hint = "check out the base branch, and name it with --base";
    let message = "the task is on a pull request from another repository, and the checkout is not the base's commit";
    Err(Failure::new(Outcome::Refused, message, hint))
}

/// Refuses a checkout whose tests could read a credential, and warns of a machine on which they could become root.
///
/// # Errors
/// Names the setting that holds the credential.
fn check(repository: &Repository) -> Result<(), Failure> {
    if let Some((file, name)) = repository.persisted_credential() {
        let message = format!("{} keeps a credential ({name}) that code of the repository can read", file.display());
        let hint = "check out with persist-credentials: false, or remove the setting before kcode runs";
        return Err(Failure::new(Outcome::Config, message, hint));
    }
    if sudo_needs_no_password(repository) {
        output::say(
            "warning: sudo needs no password here: a process that breaks out of the sandbox could become root; \
             run kcode as a user without sudo",
        );
    }
    Ok(())
}

/// Asks sudo to do nothing, without a password.
fn sudo_needs_no_password(repository: &Repository) -> bool {
    let programs = Programs::outside(repository.root());
    let Ok(sudo) = programs.find("sudo") else { return false };
    let mut command = Command::new(sudo);
    command.args(["-n", "true"]).env_clear().env("PATH", programs.path()).current_dir("/");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
