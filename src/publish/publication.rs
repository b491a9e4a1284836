//! The steps of a publication, in an order that a killed job can repeat: what will be pushed is noted on the platform before it is
//! pushed, commits are the same each time, and whatever exists already is found by its marker.

use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use super::artifact::JobArtifact;
use super::marker::{Marker, account};
use super::platform::{ChangeRequest, NewRequest, Platform, Thread, ThreadComment, ThreadKind};
use super::{PublishError, words};
use crate::journal::{Outcome, RunId};
use crate::report::Report;
use crate::settings::Redactor;
use crate::workspace::{BranchName, PublishingClone, Remote};

/// On every pull request of kcode's, and on those that the policy wants to be reviewed.
const LABEL: &str = "kcode";
const REVIEW_LABEL: &str = "kcode-policy-review";
/// What every branch of kcode's begins with.
const PREFIX: &str = "kcode/";
/// In the message of each of kcode's commits.
const TRAILER: &str = "\nKcode-Run: ";

/// What the patch policy says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PatchVerdict {
    /// True if the patch mustn't be published.
    pub refused: bool,
    /// True if a person has to look at something.
    pub needs_review: bool,
    /// Findings, a line each.
    pub findings: Vec<String>,
}

/// How many pull requests may be opened in 24 hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Caps {
    /// In the repository.
    pub all: usize,
    /// For one actor.
    pub actor: usize,
}

/// Everything that a publication needs.
pub(crate) struct Publication<'a> {
    /// The platform's API.
    pub platform: &'a mut dyn Platform,
    /// What the agent's job left.
    pub artifact: &'a JobArtifact,
    /// What the policy says of its patch.
    pub verdict: PatchVerdict,
    /// Where the branch goes.
    pub remote: Remote,
    /// The branch that the change is for; `None` for the default branch.
    pub base: Option<BranchName>,
    /// Where the comment goes.
    pub thread: Option<Thread>,
    /// Who asked, as the workflow says.
    pub actor: Option<String>,
    /// The token's account; `None` to ask the platform.
    pub account: Option<String>,
    /// Limits.
    pub caps: Caps,
    /// Days after which untouched pull requests of kcode's are closed.
    pub close_stale: Option<u32>,
    /// Takes secrets out of everything that is written.
    pub redactor: &'a Redactor,
    /// The time.
    pub now: OffsetDateTime,
    /// Nothing is called, fetched or pushed.
    pub is_dry: bool,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Published {
    /// Decides the exit code: `verified` when a change was proposed.
    pub outcome: Outcome,
    /// What was done, for people.
    pub lines: Vec<String>,
}

/// What is already on the platform.
struct Present {
    account: String,
    /// Open pull requests of kcode's.
    open: Vec<(ChangeRequest, Marker)>,
    /// kcode's comment in the thread.
    sticky: Option<ThreadComment>,
}

/// The change that is to be proposed.
struct Proposal<'a> {
    run: &'a RunId,
    patch: &'a [u8],
    report: &'a Report,
}

impl Publication<'_> {
    /// Publishes.
    ///
    /// # Errors
    /// When the platform or the remote refuses, or can't be reached.
    pub(crate) fn publish(mut self) -> Result<Published, PublishError> {
        let existing = self.look()?;
        let published = match self.artifact.proposal() {
            None => {
                let why =
                    if self.artifact.finished { &self.artifact.reason } else { "the job was ended before its run" };
                let text = words::not_published(self.artifact, why, self.redactor);
                // A run without a patch is no success, whatever its file says.
                let outcome =
                    if self.artifact.outcome == Outcome::Verified { Outcome::Internal } else { self.artifact.outcome };
                self.tell_instead(&existing, &text, outcome, why)
            }
            Some(_) if self.verdict.refused => {
                let text = words::refused(self.artifact, &self.verdict, self.redactor);
                self.tell_instead(&existing, &text, Outcome::Refused, "the patch policy refuses the patch")
            }
            Some((run, patch, report)) => self.propose(&existing, &Proposal { run, patch, report }),
        }?;
        self.close_stale(&existing)?;
        Ok(published)
    }

    fn look(&mut self) -> Result<Present, PublishError> {
        let account = match &self.account {
            Some(account) => account.clone(),
            None => self.platform.account()?,
        };
        let open = self.platform.open_requests(&account)?.into_iter().filter_map(|request| {
            let marker = Marker::read(&request.body)?;
            let is_own = request.branch.is_some() && request.branch == marker.branch;
            is_own.then_some((request, marker))
        });
        let open = open.collect();
        let sticky = match self.thread {
            Some(thread) => {
                let mut comments = self.platform.comments(thread)?.into_iter();
                comments.find(|comment| comment.author == account && Marker::read(&comment.body).is_some())
            }
            None => None,
        };
        Ok(Present { account, open, sticky })
    }

    /// Says why there is no change.
    fn tell_instead(
        &mut self,
        existing: &Present,
        text: &str,
        outcome: Outcome,
        why: &str,
    ) -> Result<Published, PublishError> {
        // What is known of a branch stays known.
        let old = existing.sticky.as_ref().and_then(|comment| Marker::read(&comment.body));
        let marker = Marker { run: self.artifact.run.clone(), ..old.unwrap_or_else(|| self.marker(None, Vec::new())) };
        self.stick(existing.sticky.as_ref(), &marker, text)?;
        let told = if self.thread.is_some() { "; a comment says so" } else { "" };
        Ok(Published { outcome, lines: vec![format!("no change is proposed: {why}{told}")] })
    }

    fn propose(&mut self, existing: &Present, proposal: &Proposal<'_>) -> Result<Published, PublishError> {
        let key = self.key();
        let target = existing.open.iter().find(|(request, marker)| {
            let is_named = self.thread == Some(Thread { kind: ThreadKind::Request, number: request.number });
            let follows = self.artifact.follows.is_some() && marker.run == self.artifact.follows;
            is_named || follows || marker.key == key || marker.run.as_ref() == Some(proposal.run)
        });
        if target.is_none()
            && let Some(which) = self.over_cap(&existing.account)?
        {
            let text = words::not_published(self.artifact, &which, self.redactor);
            return self.tell_instead(existing, &text, Outcome::Budget, &which);
        }
        let own = format!("{PREFIX}{}", proposal.run);
        let branch = target.and_then(|(request, _)| request.branch.clone()).or_else(|| BranchName::new(&own));
        let branch = branch.ok_or_else(|| PublishError::refused("the run's id names no branch", ""))?;
        let base = self.base()?;
        let sticky = existing.sticky.as_ref().and_then(|comment| Marker::read(&comment.body));
        let sticky = sticky.filter(|marker| marker.branch.as_ref() == Some(&branch));
        let known = target.iter().map(|(_, marker)| marker).chain(&sticky).flat_map(|marker| marker.commits.clone());
        let known: Vec<String> = known.collect();
        let (commit, tip, clone) = match self.commit(&base, &branch, &known, proposal)? {
            Ok(made) => made,
            Err(why) => {
                let text = words::not_published(self.artifact, &why, self.redactor);
                return self.tell_instead(existing, &text, Outcome::Refused, &why);
            }
        };
        let commits: Vec<String> = tip.iter().filter(|tip| **tip != commit).cloned().chain([commit.clone()]).collect();
        let mut marker = self.marker(Some((proposal.run, &branch)), commits);
        if let Some((_, old)) = target {
            marker.key.clone_from(&old.key);
            marker.actor = marker.actor.or_else(|| old.actor.clone());
        }
        let asked = self.thread.filter(|thread| thread.kind == ThreadKind::Issue);
        let body = marker.written() + &words::request(proposal.report, &self.verdict, asked, self.redactor);
        // Noted before it is pushed: a job that is killed in between knows its own commit again.
        match target {
            Some((request, _)) => self.platform.rewrite(request.number, &body)?,
            None => self.stick(existing.sticky.as_ref(), &marker, &words::beginning(proposal.run))?,
        }
        push(clone.as_ref(), &commit, &branch, tip.as_deref())?;
        let request = if let Some((request, _)) = target {
            request.clone()
        } else {
            let title = words::title(proposal.report, self.redactor);
            self.platform.open(NewRequest { branch: &branch, base: &base, title: &title, body: &body })?
        };
        let labels: &[&str] = if self.verdict.needs_review { &[LABEL, REVIEW_LABEL] } else { &[LABEL] };
        self.platform.label(request.number, labels)?;
        let text = words::published(&request.url, target.is_none(), proposal.run, proposal.report.outcome);
        let sticky = if target.is_none() { self.sticky_again(existing)? } else { existing.sticky.clone() };
        self.stick(sticky.as_ref(), &marker, &text)?;
        let did = if target.is_some() { "updated" } else { "opened" };
        Ok(Published {
            outcome: Outcome::Verified,
            lines: vec![format!("{did} {} ({branch} at {})", request.url, commit.get(..12).unwrap_or(&commit))],
        })
    }

    /// The comment that was written before the push.
    fn sticky_again(&mut self, existing: &Present) -> Result<Option<ThreadComment>, PublishError> {
        if existing.sticky.is_some() || self.thread.is_none() {
            return Ok(existing.sticky.clone());
        }
        let Some(thread) = self.thread else { return Ok(None) };
        let mut comments = self.platform.comments(thread)?.into_iter();
        Ok(comments.find(|comment| comment.author == existing.account && Marker::read(&comment.body).is_some()))
    }

    /// Makes the commit, and looks whether the branch is where kcode left it. The inner error says why the change can't be
    /// proposed.
    #[expect(clippy::type_complexity, reason = "used once")]
    fn commit(
        &mut self,
        base: &BranchName,
        branch: &BranchName,
        known: &[String],
        proposal: &Proposal<'_>,
    ) -> Result<Result<(String, Option<String>, Option<PublishingClone>), String>, PublishError> {
        let message = words::commit_message(proposal.report, self.redactor);
        if self.is_dry {
            return Ok(Ok(("<commit>".to_owned(), None, None)));
        }
        let lost = |why: String| {
            let hint = "check --remote, --base and the token's permission to write contents";
            PublishError::new(Outcome::TryAgain, format!("git: {}", why.trim_start_matches("fatal: ")), hint)
        };
        let clone = PublishingClone::make(self.remote.clone()).map_err(lost)?;
        let tip = clone.tip(branch).map_err(lost)?;
        let ours = match &tip {
            Some(tip) if known.contains(tip) => {
                clone.fetch(branch).map_err(lost)?;
                clone.message(tip).map_err(lost)?.contains(TRAILER)
            }
            _ => false,
        };
        // A follow-up's patch is for the branch, everything else for the base.
        let continues = ours && tip.is_some() && tip == self.artifact.commit;
        let parent = match &tip {
            Some(tip) if continues => tip.clone(),
            _ => clone.fetch(base).map_err(lost)?,
        };
        let time = time_of(proposal.report);
        let Ok(commit) = clone.commit(&parent, proposal.patch, &message, time) else {
            return Ok(Err(format!("the patch doesn't apply to {base} as it is now")));
        };
        match &tip {
            Some(tip) if !ours && *tip != commit => {
                Ok(Err(format!("{branch} has commits that kcode didn't push; it is left as it is")))
            }
            _ => Ok(Ok((commit, tip, Some(clone)))),
        }
    }

    fn base(&mut self) -> Result<BranchName, PublishError> {
        if let Some(base) = &self.base {
            return Ok(base.clone());
        }
        let name = self.platform.default_branch()?;
        let name = if self.is_dry { "main".to_owned() } else { name };
        let hint = "name the branch with --base";
        BranchName::new(&name).ok_or_else(|| {
            PublishError::new(Outcome::Config, "the default branch has a name that kcode doesn't use", hint)
        })
    }

    /// Which limit another pull request would exceed.
    fn over_cap(&mut self, own: &str) -> Result<Option<String>, PublishError> {
        let since = rfc(self.now - Duration::days(1));
        let recent = self.platform.requests_since(own, &since)?;
        let is_own = |request: &&ChangeRequest| {
            request.branch.as_ref().is_some_and(|branch| branch.as_str().starts_with(PREFIX))
        };
        let actor = self.actor.as_deref().map(account);
        let asked = |request: &&ChangeRequest| Marker::read(&request.body).and_then(|marker| marker.actor) == actor;
        if recent.iter().filter(is_own).count() >= self.caps.all {
            return Ok(Some(format!("kcode opened {} pull requests in 24 hours, which is the limit", self.caps.all)));
        }
        if actor.is_some() && recent.iter().filter(is_own).filter(asked).count() >= self.caps.actor {
            return Ok(Some(format!("{} pull requests in 24 hours are the limit for one actor", self.caps.actor)));
        }
        Ok(None)
    }

    fn close_stale(&mut self, existing: &Present) -> Result<(), PublishError> {
        let Some(days) = self.close_stale else { return Ok(()) };
        let limit = self.now - Duration::days(i64::from(days));
        let is_stale = |request: &ChangeRequest| {
            let touched = OffsetDateTime::parse(&request.updated_at, &Rfc3339);
            request.labels.iter().any(|label| label == LABEL) && touched.is_ok_and(|touched| touched < limit)
        };
        for (request, marker) in existing.open.iter().filter(|(request, _)| is_stale(request)) {
            if marker.key == self.key() {
                continue;
            }
            let thread = Thread { kind: ThreadKind::Request, number: request.number };
            let text = format!("Nothing happened here for {days} days, so kcode closes its draft. The branch stays.\n");
            self.platform.comment(thread, &text)?;
            self.platform.close(request.number)?;
        }
        Ok(())
    }

    /// Writes kcode's one comment in the thread.
    fn stick(&mut self, sticky: Option<&ThreadComment>, marker: &Marker, text: &str) -> Result<(), PublishError> {
        let Some(thread) = self.thread else { return Ok(()) };
        let body = marker.written() + text;
        match sticky {
            Some(comment) if comment.body == body => Ok(()),
            Some(comment) => self.platform.rewrite_comment(thread, comment.id, &body),
            None => self.platform.comment(thread, &body),
        }
    }

    fn marker(&self, of: Option<(&RunId, &BranchName)>, commits: Vec<String>) -> Marker {
        Marker {
            key: self.key(),
            run: of.map(|(run, _)| run.clone()),
            actor: self.actor.as_deref().map(account),
            branch: of.map(|(_, branch)| branch.clone()),
            commits,
        }
    }

    fn key(&self) -> String {
        match self.thread {
            Some(Thread { kind: ThreadKind::Issue, number }) => format!("issue-{number}"),
            Some(Thread { kind: ThreadKind::Request, number }) => format!("request-{number}"),
            None => self.artifact.run.as_ref().map_or_else(|| "none".to_owned(), |run| format!("run-{run}")),
        }
    }
}

fn push(
    clone: Option<&PublishingClone>,
    commit: &str,
    branch: &BranchName,
    tip: Option<&str>,
) -> Result<(), PublishError> {
    let Some(clone) = clone.filter(|_| tip != Some(commit)) else { return Ok(()) };
    clone.push(commit, branch, tip).map_err(|why| {
        let hint =
            "the token needs permission to write contents; a branch that somebody moved meanwhile is left as it is";
        PublishError::new(Outcome::Refused, format!("git push {branch}: {why}"), hint)
    })
}

/// When the run began, which makes the commit the same each time.
fn time_of(report: &Report) -> i64 {
    const LATEST: i64 = 4_102_444_800; // 2100
    let started = OffsetDateTime::parse(&report.timing.started_at, &Rfc3339);
    started.map_or(0, OffsetDateTime::unix_timestamp).clamp(0, LATEST)
}

fn rfc(time: OffsetDateTime) -> String {
    let whole = time.replace_nanosecond(0).unwrap_or(time);
    whole.format(&Rfc3339).unwrap_or_default()
}
