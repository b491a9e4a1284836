//! `kcode publish`: proposes what a run of `kcode ci` left.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use serde_json::Value;
use time::OffsetDateTime;

use super::arguments::{Global, parse_count};
use super::output;
use crate::journal::{Outcome, PolicyFinding, PolicyVerdict, read_regular};
use crate::policy::Policy;
use crate::publish::{
    Authorization, Caps, GitHub, GitLab, JobArtifact, PatchVerdict, Platform, Publication, PublishError, RestApi,
    Thread, ThreadKind,
};
use crate::run::Failure;
use crate::settings::{self, Environment, Redactor, Secret, parse_duration};
use crate::text::sanitise_line;
use crate::workspace::{BranchName, Remote};

/// Bytes of an event; GitHub sends at most 25 MB.
const MAX_EVENT: u64 = 32 << 20;

/// See [`Command::Publish`](super::command_line::Command::Publish).
#[derive(Debug, Args)]
#[command(override_usage = "kcode publish --in DIR [OPTIONS]")]
pub(super) struct PublishArguments {
    /// The folder that `kcode ci` wrote with --out
    #[arg(long = "in", value_name = "DIR")]
    pub folder: PathBuf,
    /// The platform [default: the one whose job this is, else github]
    #[arg(long, value_enum, value_name = "NAME")]
    pub platform: Option<PlatformName>,
    /// URL of the API [default: $GITHUB_API_URL or $CI_API_V4_URL, else the public one]
    #[arg(long, value_name = "URL")]
    pub api: Option<String>,
    /// The repository, as OWNER/NAME [default: $GITHUB_REPOSITORY or $CI_PROJECT_PATH]
    #[arg(long, value_name = "OWNER/NAME")]
    pub repository: Option<String>,
    /// The branch that the change is for [default: the repository's default branch]
    #[arg(long, value_name = "BRANCH")]
    pub base: Option<String>,
    /// URL to push to: https, http to this machine, or file:// for a bare repository here [default: the repository's]
    #[arg(long, value_name = "URL")]
    pub remote: Option<String>,
    /// Comment on issue N, whose runs all update one pull request [default: that of this job's event on GitHub]
    #[arg(long, value_name = "N", value_parser = parse_count::<u64>, allow_hyphen_values = true, conflicts_with = "pull_request")]
    pub issue: Option<u64>,
    /// Comment on pull request N, and update it if it is kcode's own
    #[arg(long, value_name = "N", value_parser = parse_count::<u64>, allow_hyphen_values = true)]
    pub pull_request: Option<u64>,
    /// The account that asked, for --max-per-actor [default: the one that the platform names to this job]
    #[arg(long, value_name = "NAME")]
    pub actor: Option<String>,
    /// The token's account, where the platform doesn't tell it [default: asked; in a job on GitHub that of GitHub Actions]
    #[arg(long, value_name = "NAME")]
    pub account: Option<String>,
    /// Open at most N pull requests in 24 hours
    #[arg(long, value_name = "N", value_parser = parse_count::<usize>, allow_hyphen_values = true, default_value_t = 20)]
    pub max_per_day: usize,
    /// Open at most N of them for one actor
    #[arg(long, value_name = "N", value_parser = parse_count::<usize>, allow_hyphen_values = true, default_value_t = 5)]
    pub max_per_actor: usize,
    /// Close kcode's own pull requests that nobody touched for DAYS
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=3650))]
    pub close_stale: Option<u32>,
    /// Give up after TIME, waits for rate limits included
    #[arg(long, value_name = "TIME", value_parser = parse_duration, default_value = "10m", allow_hyphen_values = true)]
    pub deadline: Duration,
    /// Print each call of a first publication, without the token, and do none
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum PlatformName {
    Github,
    Gitlab,
}

/// Where the platform keeps what.
struct PublishPlace {
    name: PlatformName,
    api: String,
    repository: String,
    remote: String,
    token: Secret,
}

pub(super) fn execute(global: &Global, arguments: &PublishArguments) -> Result<Outcome, Failure> {
    let env = Environment::from_process();
    let artifact = JobArtifact::read(&arguments.folder).map_err(failure)?;
    let verdict = artifact.patch.as_deref().map(|patch| verdict(global, &env, patch)).transpose()?.unwrap_or_default();
    let event = frozen_event(&env);
    let place = PublishPlace::of(arguments, &env)?;
    let (user, way) = match place.name {
        PlatformName::Github => ("x-access-token", Authorization::Bearer),
        PlatformName::Gitlab => ("oauth2", Authorization::PrivateToken),
    };
    let remote = Remote::new(&place.remote, Some((user.to_owned(), place.token.clone())));
    let remote = remote.map_err(|error| {
        Failure::usage(
            format!("--remote can't be used: {error}"),
            "give a URL such as https://github.com/OWNER/NAME.git",
        )
    })?;
    let deadline = Instant::now() + arguments.deadline;
    let http = RestApi::new(&place.api, place.token, way, deadline, arguments.dry_run).map_err(failure)?;
    let mut platform: Box<dyn Platform> = match place.name {
        PlatformName::Github => Box::new(GitHub::new(http, &place.repository)),
        PlatformName::Gitlab => Box::new(GitLab::new(http, &place.repository)),
    };
    let published = Publication {
        platform: platform.as_mut(),
        verdict,
        artifact: &artifact,
        remote: remote.clone(),
        base: arguments.base.as_deref().map(branch).transpose()?,
        thread: thread(arguments, &event),
        actor: actor(arguments, &event, &env),
        account: arguments.account.clone(),
        caps: Caps { all: arguments.max_per_day, actor: arguments.max_per_actor },
        close_stale: arguments.close_stale,
        redactor: &Redactor::of(&env),
        now: OffsetDateTime::now_utc(),
        is_dry: arguments.dry_run,
    }
    .publish()
    .map_err(failure)?;
    if arguments.dry_run {
        let redactor = Redactor::of(&env);
        let pushed = artifact.proposal().map(|(run, ..)| format!("git push {} kcode/{run}", remote.url()));
        for call in platform.calls().iter().cloned().chain(pushed) {
            output::data(format!("{}\n", redactor.text(&call)).as_bytes())?;
        }
        return Ok(Outcome::Verified);
    }
    published.lines.iter().for_each(|line| output::say(&sanitise_line(line)));
    Ok(published.outcome)
}

/// What the policy says of the patch: the user's settings and the defaults; nothing of the repository is read here.
fn verdict(global: &Global, env: &Environment, patch: &[u8]) -> Result<PatchVerdict, Failure> {
    let settings = settings::without_repository_file(env, global.config.as_deref(), None)?;
    let report = Policy::of(&settings).with_secrets_of(&Redactor::of(env)).check(patch, None);
    let told = |finding: &PolicyFinding| {
        let line = finding.line.map_or_else(String::new, |line| format!(":{line}"));
        let place = finding.path.as_deref().map_or_else(String::new, |it| format!("{it}{line}: "));
        format!("{place}{}", finding.why)
    };
    Ok(PatchVerdict {
        refused: report.verdict == PolicyVerdict::Refuse,
        needs_review: report.verdict == PolicyVerdict::Review,
        findings: report.findings.iter().map(told).collect(),
    })
}

/// What the platform tells this very job of its event. The artifact says the same, but a model's job wrote that.
fn frozen_event(env: &Environment) -> Value {
    let file = env.get("GITHUB_EVENT_PATH").and_then(|file| read_regular(file.as_ref(), MAX_EVENT).ok());
    file.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
}

impl PublishPlace {
    fn of(arguments: &PublishArguments, env: &Environment) -> Result<Self, Failure> {
        let own = if env.get("GITLAB_CI").is_some() { PlatformName::Gitlab } else { PlatformName::Github };
        let name = arguments.platform.unwrap_or(own);
        let of = |github: &str, gitlab: &str| {
            let variable = if name == PlatformName::Github { github } else { gitlab };
            env.get(variable).map(str::to_owned)
        };
        let public = if name == PlatformName::Github { "https://api.github.com" } else { "https://gitlab.com/api/v4" };
        let api = arguments.api.clone().or_else(|| of("GITHUB_API_URL", "CI_API_V4_URL"));
        let repository = arguments.repository.clone().or_else(|| of("GITHUB_REPOSITORY", "CI_PROJECT_PATH"));
        let repository = repository.filter(|name| is_repository(name)).ok_or_else(|| {
            Failure::usage(
                "no repository is named",
                "give --repository OWNER/NAME, with letters, digits and . _ - only",
            )
        })?;
        let server = of("GITHUB_SERVER_URL", "CI_SERVER_URL");
        let public_server = if name == PlatformName::Github { "https://github.com" } else { "https://gitlab.com" };
        let server = server.unwrap_or_else(|| public_server.to_owned());
        let remote = arguments.remote.clone();
        let remote = remote.unwrap_or_else(|| format!("{}/{repository}.git", server.trim_end_matches('/')));
        let variable = if name == PlatformName::Github { "GITHUB_TOKEN" } else { "GITLAB_TOKEN" };
        let token = match of("GITHUB_TOKEN", "GITLAB_TOKEN") {
            Some(token) => token,
            None if arguments.dry_run => "dry-run".to_owned(),
            None => {
                let hint = "give this job, and no other, a token that may write contents, pull requests and issues";
                return Err(Failure::new(Outcome::Unauthorized, format!("{variable} is not set"), hint));
            }
        };
        let api = api.unwrap_or_else(|| public.to_owned());
        Ok(Self { name, api, repository, remote, token: Secret::new(token) })
    }
}

fn is_repository(name: &str) -> bool {
    let is_part = |part: &str| {
        !part.is_empty()
            && !part.starts_with(['.', '-'])
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    };
    name.len() <= 300 && name.contains('/') && name.split('/').all(is_part)
}

fn thread(arguments: &PublishArguments, event: &Value) -> Option<Thread> {
    let issue = |number| Thread { kind: ThreadKind::Issue, number };
    let request = |number| Thread { kind: ThreadKind::Request, number };
    let named = arguments.issue.map(issue).or_else(|| arguments.pull_request.map(request));
    let of_issue = event["issue"]["number"].as_u64();
    let of_issue = of_issue.map(if event["issue"]["pull_request"].is_object() { request } else { issue });
    named.or(of_issue).or_else(|| event["pull_request"]["number"].as_u64().map(request))
}

fn actor(arguments: &PublishArguments, event: &Value, env: &Environment) -> Option<String> {
    let told =
        event["sender"]["login"].as_str().or_else(|| env.get("GITHUB_ACTOR")).or_else(|| env.get("GITLAB_USER_LOGIN"));
    arguments.actor.clone().or_else(|| told.map(str::to_owned))
}

fn branch(name: &str) -> Result<BranchName, Failure> {
    BranchName::new(name)
        .ok_or_else(|| Failure::usage("--base is no branch that kcode can use", "use letters, digits and . _ - / only"))
}

fn failure(error: PublishError) -> Failure {
    Failure::new(error.outcome, error.message, error.hint)
}
