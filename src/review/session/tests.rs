//! Drives a review by keys, without a terminal.

use super::*;
use crate::journal::{RelPath, TamperFlag, TamperKind};
use crate::review::material::{LineWords, ShownFile};
use crate::review::origin::ModelEdit;
use crate::workspace::{differing, lines};

fn file(path: &str, before: &str, after: &str) -> ShownFile {
    let split = |text: &str| text.split_inclusive('\n').map(str::to_owned).collect::<Vec<_>>();
    ShownFile {
        path: RelPath::new(path).expect("a path"),
        change: "changed".to_owned(),
        flags: Vec::new(),
        before: split(before),
        after: split(after),
        places: differing(before.as_bytes(), after.as_bytes()),
        words: LineWords::default(),
        content: Some(after.as_bytes().to_vec()),
    }
}

/// Two files: one with a hunk of two nearby changes and a distant one, one with a single hunk.
fn review() -> Review {
    let numbers: Vec<String> = (1..=30).map(|number| format!("line {number}\n")).collect();
    let mut changed = numbers.clone();
    for (line, text) in [(1, "line TWO\n"), (4, "line FIVE\n"), (24, "line Twenty-five\n")] {
        text.clone_into(&mut changed[line]);
    }
    let (first, mut second) =
        (file("a.txt", &numbers.concat(), &changed.concat()), file("b.txt", "x = 1\n", "x = 2\n"));
    second.flags.push(TamperFlag {
        path: second.path.clone(),
        line: 1,
        kind: TamperKind::ExpectationChanged,
        weakens: true,
        reason: "the expected value is another".to_owned(),
        tests: Vec::new(),
    });
    let files = vec![first, second];
    let edit = ModelEdit {
        turn: 2,
        tool: "edit_file".to_owned(),
        path: "a.txt".to_owned(),
        old: "line 2".to_owned(),
        new: "line TWO".to_owned(),
        said: "Two is a word.".to_owned(),
        thought: String::new(),
        earlier: false,
    };
    let mut hunks = ReviewedHunk::grouped(0, 0, &files[0].places);
    hunks.extend(ReviewedHunk::grouped(1, 3, &files[1].places));
    let material = Material {
        run: "7f3k".to_owned(),
        task: "count in words".to_owned(),
        outcome: "verified",
        evidence: vec!["before 1 passed, 1 failed   after 2 passed, 0 failed".to_owned()],
        files,
        edits: vec![edit],
    };
    Review::new(material, hunks, Size { rows: 24, columns: 80 })
}

/// Presses keys; `>` is Enter, `<` is Escape.
fn press(review: &mut Review, keys: &str) -> Effect {
    let mut effect = Effect::None;
    for key in keys.chars() {
        effect = review.press(match key {
            '>' => KeyPress::Enter,
            '<' => KeyPress::Escape,
            key => KeyPress::Char(key),
        });
    }
    effect
}

fn signs(review: &Review) -> String {
    review.hunks.iter().map(|hunk| hunk.decision.sign()).collect()
}

fn text(review: &Review) -> String {
    let row = |row: &crate::review::DiffRow| row.iter().map(|span| span.text.as_str()).collect::<String>();
    review.screen().rows.iter().map(|each| row(each).trim_end().to_owned() + "\n").collect()
}

#[test]
fn decisions_lead_on_to_what_is_undecided_and_then_to_the_end() {
    let mut review = review();
    assert_eq!((review.page(), signs(&review)), (ReviewPage::Files, "···".to_owned()));
    press(&mut review, ">y");
    assert_eq!((review.page(), review.at, signs(&review)), (ReviewPage::Hunk, 1, "✓··".to_owned()));
    press(&mut review, "ny");
    assert_eq!((review.page(), signs(&review)), (ReviewPage::Summary, "✓✗✓".to_owned()));
    assert_eq!(press(&mut review, ">c"), Effect::None, "neither Enter nor the key that led here applies anything");
    assert_eq!(review.message(), Some(HOW_TO_APPLY));
    assert_eq!(press(&mut review, "y"), Effect::Conclude);
    press(&mut review, ">f");
    press(&mut review, ">u");
    assert_eq!(signs(&review), "✓✗·", "a decision is taken back");
}

#[test]
fn a_hunk_is_split_and_its_pieces_are_decided_one_by_one() {
    let mut review = review();
    press(&mut review, ">s");
    assert_eq!(review.hunks.len(), 4);
    press(&mut review, "ny");
    assert_eq!(signs(&review), "✗✓··");
    press(&mut review, "s");
    assert!(review.message().is_some_and(|message| message.contains("one change")));
}

#[test]
fn whole_files_are_decided_where_something_is_undecided() {
    let mut review = review();
    press(&mut review, ">n,");
    press(&mut review, "a");
    assert_eq!((signs(&review).as_str(), review.at), ("✗✓·", 2));
    press(&mut review, "fd");
    assert_eq!(signs(&review), "✗✓✗");
}

#[test]
fn nothing_is_decided_where_no_hunk_is_shown() {
    let mut review = review();
    press(&mut review, "y");
    assert_eq!(signs(&review), "···");
    press(&mut review, "?y");
    assert_eq!(signs(&review), "···");
}

#[test]
fn a_rewritten_hunk_goes_in_as_it_was_rewritten() {
    let mut review = review();
    assert_eq!(press(&mut review, ">.e"), Effect::Edit);
    let was = review.material.text_of(&review.hunks[1]).expect("it is text");
    assert_eq!(was, b"line Twenty-five\n");
    review.edited(was);
    assert_eq!(signs(&review), "···", "nothing was rewritten");
    review.edited(b"line XXV\n".to_vec());
    assert_eq!(signs(&review), "·✎·");
    assert!(text(&review).contains("+line XXV"), "{}", text(&review));
    assert!(!review.takes_all());
}

#[test]
fn the_text_of_a_hunk_holds_what_is_between_its_changes() {
    let review = review();
    let text = review.material.text_of(&review.hunks[0]).expect("it is text");
    assert_eq!(lines(&text).len(), 4);
    assert!(text.starts_with(b"line TWO\n") && text.ends_with(b"line FIVE\n"));
}

#[test]
fn search_goes_round_and_finds_any_case() {
    let mut review = review();
    press(&mut review, "/twenty-five>");
    assert_eq!((review.page(), review.at), (ReviewPage::Hunk, 1));
    press(&mut review, "/>");
    assert_eq!(review.at, 1, "it is the only one");
    press(&mut review, "/b.txt>");
    assert_eq!(review.at, 2);
    press(&mut review, "/Nowhere>");
    assert!(review.message().is_some_and(|message| message.contains("nowhere")));
    press(&mut review, "/five<y");
    assert_eq!(signs(&review), "··✓", "what was typed behind a search is no command");
}

#[test]
fn why_and_help_lead_back() {
    let mut review = review();
    press(&mut review, ">w");
    assert!(text(&review).contains("Two is a word."), "{}", text(&review));
    press(&mut review, "?b");
    assert_eq!(review.page(), ReviewPage::Hunk);
    press(&mut review, ".w");
    press(&mut review, "<");
    assert_eq!((review.page(), review.at), (ReviewPage::Hunk, 1));
}

#[test]
fn a_small_screen_scrolls_and_says_what_is_below() {
    let mut review = review();
    review.resize(Size { rows: 8, columns: 40 });
    press(&mut review, ">");
    assert!(text(&review).contains("more below"));
    for _ in 0..9 {
        press(&mut review, " ");
    }
    assert!(!text(&review).contains("more below"), "{}", text(&review));
    assert_eq!(text(&review).lines().count(), 8);
    review.resize(Size { rows: 40, columns: 40 });
    assert_eq!(review.scroll, 0);
}

#[test]
fn every_screen_has_its_size() {
    let mut review = review();
    for keys in ["", ">", "t", "w", "?", "c"] {
        press(&mut review, keys);
        let rows = review.screen().rows;
        assert_eq!(rows.len(), 24);
        assert!(rows.iter().all(|row| crate::review::row::columns(row) <= 80), "{keys}");
    }
}

#[test]
fn ctrl_c_leaves_wherever_it_is() {
    let mut review = review();
    press(&mut review, "/abc");
    assert_eq!(review.press(KeyPress::Interrupt), Effect::Stop);
}
