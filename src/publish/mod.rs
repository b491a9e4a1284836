//! `kcode publish`: what a run of `kcode ci` left becomes a branch, a draft pull request and a comment. Everything that it reads
//! is hostile: the job that wrote it ran a model on a stranger's text. It runs nothing of the repository, and prints nothing.
//!
//! | File | What it does |
//! |---|---|
//! | `artifact` | reads the folder, and believes nothing that its parts don't say alike |
//! | `defuse` | text of models and strangers, without what a platform would act on |
//! | `words` | title, body, comment and commit message |
//! | `marker` | the hidden line by which kcode finds its own again |
//! | `http` | one client for both platforms: limits, pages, errors with hints |
//! | `github`, `gitlab` | their REST APIs, as far as they are needed |
//! | `publication` | the steps, in an order that a killed job can repeat |

mod artifact;
mod defuse;
mod error;
mod github;
mod gitlab;
mod http;
mod marker;
mod platform;
mod publication;
mod words;

pub(crate) use artifact::JobArtifact;
pub(crate) use error::PublishError;
pub(crate) use github::GitHub;
pub(crate) use gitlab::GitLab;
pub(crate) use http::{Authorization, RestApi};
pub(crate) use platform::{Platform, Thread, ThreadKind};
pub(crate) use publication::{Caps, PatchVerdict, Publication};
