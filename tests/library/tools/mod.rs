//! The tools as the worker calls them: on real files, with the arguments that models write.

mod answers;
mod calls;
mod encodings;
mod files;
mod find;
mod rules;
mod secrets;
mod world;
