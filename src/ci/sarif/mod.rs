//! Findings of an analyzer (SARIF 2.1.0) as task, and what became of them.
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
//! | `compare` | which of them the analyzer still reports |

mod choose;
mod compare;
mod error;
mod finding;
mod paths;
mod read;

pub use choose::{choose, task};
pub use compare::{SarifComparison, compare};
pub use error::SarifError;
pub use finding::{SarifFinding, SarifLog, SarifPlace};
pub use read::read;
