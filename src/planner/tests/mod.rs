//! The whole loop on a model that answers by a script and an environment that only notes what it is asked for.

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
