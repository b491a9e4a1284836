//! Tests of the whole loop with a scripted model and a fake environment.

mod budgets;
mod calls;
mod environment;
mod interruption;
mod journal;
mod loop_run;
mod model;
mod nudges;
mod repeats;
mod requests;
mod verification;
