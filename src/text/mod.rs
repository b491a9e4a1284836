//! Text that people read: without what drives a terminal, counted, wrapped, in tables. Knows of nothing else here.

mod count;
mod hidden;
mod sanitise;
mod table;
mod wrap;

pub use count::counted;
pub use hidden::is_hidden;
pub use sanitise::{sanitise, sanitise_json, sanitise_line};
pub use table::table;
pub use wrap::{break_line, hang, wrap};
