//! The sandbox, driven through the built binary: what a worker's commands can do, and which processes they leave.

mod calls;
mod commands;
mod endings;
mod inside;
mod layers;
mod overlay;
mod pid_namespaces;
mod proofs;
mod small_disk;
mod world;
