//! Findings of an analyzer (SARIF 2.1.0) as task.
//!
//! <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>. The analyzer may be trusted, but it quotes the
//! repository: every path is checked, every text quoted.
//!
//! | File | What it is about |
//! |---|---|
//! | `finding`, `error` | a finding; why a file can't be used |
//! | `read` | the findings of a file |
//! | `paths` | addresses of files as paths in the repository |
//! | `choose` | the findings that were asked for, as task |

mod choose;
mod error;
mod finding;
mod paths;
mod read;
#[cfg(test)]
mod tests;

pub(crate) use choose::{choose, task};
pub(crate) use error::SarifError;
pub(crate) use finding::{SarifFinding, SarifLog, SarifPlace};
pub(crate) use read::read;
