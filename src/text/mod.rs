//! Text for people: sanitised for a terminal, counted, wrapped, in tables. Uses no other module of the crate.

mod count;
mod hidden;
mod invisible;
mod sanitise;
mod table;
mod wrap;

pub use count::counted;
pub use hidden::is_hidden;
pub use invisible::is_invisible;
pub use sanitise::{sanitise, sanitise_json, sanitise_line};
pub use table::table;
pub use wrap::{break_line, hang, wrap};
