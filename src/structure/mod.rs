//! Tests of the source's structure; each reads the text of every file.
//!
//! | File | Rule |
//! |---|---|
//! | `floors` | a module uses only modules on lower floors of the map in `lib.rs` |
//! | `cycles` | at most four files of a module use each other in a cycle |
//! | `type_names` | no two modules define a type of the same name |

mod cycles;
mod floors;
mod type_names;
