//! A review line by line: for terminals that can't be drawn on, and for users who prefer it.

use std::io::IsTerminal as _;

use super::options::ReviewExit;
use super::pager;
use super::review_context::ReviewContext;
use super::{editor, full_screen};
use crate::cli::output;
use crate::cli::question::{self, Before};
use crate::review::{Action, Effect, HOW_TO_APPLY, Review, ReviewPage, action};
use crate::run::{Failure, Signals};
use crate::text::sanitise;

/// Asks until the user leaves.
///
/// # Errors
/// When the terminal can't be read.
pub(super) async fn run(
    review: &mut Review,
    context: &ReviewContext,
    signals: &mut Signals,
) -> Result<ReviewExit, Failure> {
    review.resize(full_screen::size());
    // Without a terminal as input, no other program can read keys.
    let may_start = std::io::stdin().is_terminal();
    let mut shown = None;
    loop {
        let here = (review.page(), review.hunk().map(|(at, _)| at), review.body());
        if shown.as_ref() != Some(&here) {
            show(review);
        }
        shown = Some(here);
        if let Some(message) = review.message() {
            output::say(&sanitise(message));
        }
        let before = if review.page() == ReviewPage::Summary { Before::Quiet } else { Before::Discarded };
        let Some(line) = question::line(&prompt(review), before, signals).await? else { return Ok(ReviewExit::Stop) };
        match answer(review, line.trim()) {
            Effect::None => {}
            Effect::Edit if may_start => editor::rewrite(review, context, signals).await?,
            Effect::Page if may_start => pager::show(review, context, signals).await?,
            Effect::Edit | Effect::Page => review.say("editors and pagers need a terminal"),
            Effect::Conclude => return Ok(ReviewExit::Conclude),
            Effect::Leave => return Ok(ReviewExit::Leave),
            Effect::Stop => return Ok(ReviewExit::Stop),
        }
    }
}

fn show(review: &Review) {
    output::say("");
    // The title contains a path; the rows are sanitised already.
    output::say(&sanitise(review.title().trim()));
    for row in review.body() {
        output::say(full_screen::painted(&row).trim_end());
    }
}

fn prompt(review: &Review) -> String {
    match review.page() {
        ReviewPage::Files => format!("which hunk [1-{}], [c]onclude, [q]uit, [?] help:", review.hunks().len()),
        ReviewPage::Hunk => "accept? [y,n,s,e,w,u,a,d,t,p,/,.,c,q,?]".to_owned(),
        ReviewPage::Summary => "test and apply what is accepted? [y]es [b]ack [q]uit".to_owned(),
        ReviewPage::Why | ReviewPage::Help => "[b]ack".to_owned(),
    }
}

/// Handles a line: a number shows that hunk, a letter is a key of the full screen, an empty line goes on.
fn answer(review: &mut Review, line: &str) -> Effect {
    review.say_nothing();
    if let Ok(number) = line.parse::<usize>() {
        review.show(number.wrapping_sub(1));
        return Effect::None;
    }
    if let Some(text) = line.strip_prefix('/') {
        review.seek(text);
        return Effect::None;
    }
    let mut letters = line.chars();
    match (letters.next(), letters.next()) {
        (None, _) => match review.page() {
            ReviewPage::Files => review.show(review.hunk().map_or(0, |(at, _)| at)),
            ReviewPage::Hunk => return review.act(Action::Next),
            // An empty line never applies anything.
            ReviewPage::Summary => review.say(HOW_TO_APPLY),
            ReviewPage::Why | ReviewPage::Help => return review.act(Action::Back),
        },
        (Some(letter), None) if action(letter).is_some() => {
            return action(letter).map_or(Effect::None, |action| review.act(action));
        }
        _ => review.say(format!("{line:?} is no answer here; ? says what is")),
    }
    Effect::None
}
