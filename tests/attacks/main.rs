//! What a hostile model and hostile test code try, and what becomes of it: as root and as an ordinary user, with
//! namespaces and without.
//!
//! `catalogue` lists the attacks of test code, a line of shell each, by what they are after; `battery` makes them all in
//! each setup. `model` holds the attacks of the model, `floods` those that use something up or don't end. Each runs in
//! a world of its own whose home is full of canaries, and every attack is harmless where it succeeds: it changes
//! nothing but that world.
//!
//! The binary of these tests plays three parts: the tests; the broker of a setup, as another user where need be
//! (`broker`); and the attacker inside the sandbox, for what a shell can't do (`attacker`).
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

#[path = "../support/mod.rs"]
mod support;

mod attacker;
mod battery;
mod broker;
mod catalogue;
mod floods;
mod hardened;
mod links;
mod memory;
mod model;
mod others;
mod raw;
mod setups;
mod shared;
mod swapped;
mod terminal;
mod visible;
mod world;
