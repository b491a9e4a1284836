//! The built binary against the strict mock Kimi: what a person or a script gets, and what nobody may ever get.
//!
//! One file a concern. [`world`] owns a temporary project, home and state folder; every run in it is held to the laws
//! that hold for any run whatsoever ([`laws`]): the tree untouched, nothing left behind, the key nowhere, a valid
//! history, documented shapes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "tests may fail loudly"
)]

#[path = "../support/mod.rs"]
mod support;

mod changes;
mod conversant;
mod counted_runs;
mod fake_runner;
mod home_tools;
mod latest;
mod laws;
mod pipelines;
mod processes;
mod pty;
mod ran;
mod recordings;
mod refused_history;
mod renamed_folders;
mod replay;
mod replayed;
mod results;
mod resume;
mod review;
mod review_ends;
mod review_screens;
mod runners;
mod running;
mod sanitizers;
mod setups;
mod tree;
mod world;

mod apply;
mod apply_places;
mod applying;
mod audit;
mod awaited;
mod beside;
mod budget;
mod causes;
mod certificate;
mod checks;
mod ci;
mod cleaning;
mod commands;
mod consent;
mod crash;
mod crash_anywhere;
mod cut_short;
mod dead_ends;
mod demo;
mod discretion;
mod doctor;
mod encoded_keys;
mod endless;
mod everywhere;
mod evidence;
mod export;
mod faults;
mod file_systems;
mod fix;
mod folders;
mod follow_up;
mod full_disk;
mod gate;
mod generated;
mod generated_by_runners;
mod git_elsewhere;
mod guards;
mod help;
mod history;
mod hostile;
mod hostile_files;
mod hostile_git;
mod hostile_links;
mod hostile_names;
mod hostile_programs;
mod hostile_settings;
mod hostile_waits;
mod interrupt;
mod kept_search;
mod linked;
mod live;
mod minimize;
mod odd_repositories;
mod older_journals;
mod opening;
mod output;
mod own_terminal;
mod parsed_tests;
mod places;
mod planted;
mod policy;
mod proved;
mod provider_words;
mod proxies;
mod publish;
mod questions;
mod reading;
mod recorded;
mod reproduce;
mod schemes;
mod secrets;
mod setup;
mod start_state;
mod statistics;
mod taken_along;
mod task;
mod terminal;
mod tls;
mod toolchains;
mod undo;
mod verification;
mod verify;
mod wire;
mod worker_killed;
mod workflows;
