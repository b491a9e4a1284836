//! The private view, the patch and applying it, on real folders and against the real `git`.
#![expect(clippy::unwrap_used, reason = "a test that can't set up its world should stop there")]

mod applying;
mod laws;
mod overlaid;
mod overlays;
mod patch_files;
mod patches;
mod places;
mod trees;
mod undoing;
mod views;
mod world;
