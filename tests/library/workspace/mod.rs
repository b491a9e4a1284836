//! The private view, the patch and applying it, on real folders and against the real `git`.

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
