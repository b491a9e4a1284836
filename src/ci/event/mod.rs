//! Events as a platform froze them in a file: which one, who acted, and what people wrote.
//!
//! All of it is hostile but for what only the platform itself writes (accounts, associations, numbers, times), and a
//! platform says that in its own places alone. Nothing is looked up elsewhere later, so that a text that is changed
//! after the event can't enter a task.
//!
//! | File | What it is about |
//! |---|---|
//! | `read`, `error` | which platform an event is of; why a file is none |
//! | `shape` | the parts of an event, the same for each platform |
//! | `github`, `gitlab` | the platforms' payloads |

mod error;
mod github;
mod gitlab;
mod read;
mod shape;

pub(crate) use error::EventError;
pub(crate) use read::read;
pub(crate) use shape::{
    Account, Association, CiEvent, CiPlatform, EventSubject, ReviewPlace, SubjectKind, WrittenComment,
};
