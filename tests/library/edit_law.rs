//! Law 8: bytes outside an edit don't move. Over arbitrary files and requests, not over cases somebody thought of.

use kcode::tools::edit::{Edit, Tier, plan};
use proptest::prelude::*;

/// A line without its ending: whatever is hard about lines is likely in it.
fn line() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => prop::sample::select(vec!["a", "b", "foo", "(", ")", "=", "\"", "'", "-", "ü", "日本"]),
        2 => prop::sample::select(vec![" ", "  ", "\t", "    "]),
        1 => prop::sample::select(vec!["“", "”", "’", "–", "\u{a0}", "\r", "e\u{301}", "\u{feff}", "\u{2028}", "\\n"]),
    ];
    prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

fn ending() -> impl Strategy<Value = &'static str> {
    prop_oneof![3 => Just("\n"), 2 => Just("\r\n")]
}

/// A file: its lines with their endings, the last one perhaps without.
fn file() -> impl Strategy<Value = Vec<(String, String)>> {
    let lines = prop::collection::vec((line(), ending().prop_map(str::to_owned)), 1..12);
    let uniform = prop::option::of(ending());
    (lines, uniform, any::<bool>(), any::<bool>()).prop_map(|(mut lines, uniform, mark, ends)| {
        if let Some(uniform) = uniform {
            for (_, ending) in &mut lines {
                uniform.clone_into(ending);
            }
        }
        if mark {
            lines[0].0.insert(0, '\u{feff}');
        }
        if !ends && let Some(last) = lines.last_mut() {
            last.1.clear();
            // Nothing after the last line break is no line.
            last.0.push('z');
        }
        lines
    })
}

fn bytes(lines: &[(String, String)]) -> Vec<u8> {
    lines.iter().flat_map(|(text, ending)| [text.as_bytes(), ending.as_bytes()]).flatten().copied().collect()
}

/// The lines as a model would send them: each in one of the ways in which models get them wrong, all in the same.
fn as_sent(lines: &[(String, String)], way: usize) -> Vec<String> {
    let ascii = |text: &str| text.replace(['“', '”'], "\"").replace('’', "'").replace('–', "-").replace('\u{a0}', " ");
    let send = |(text, _): &(String, String)| match way {
        0 => text.clone(),
        1 => text.trim_end().to_owned(),
        2 => format!("{text}  "),
        3 => format!("    {text}"),
        4 => text.replace('\t', "    "),
        _ => ascii(text),
    };
    lines.iter().map(send).collect()
}

/// The byte order mark.
const MARK: &[u8] = b"\xEF\xBB\xBF";

fn outside_is_untouched(input: &[u8], edit: &Edit) -> Result<Vec<u8>, TestCaseError> {
    let after = edit.apply(input);
    prop_assert!(edit.range.start <= edit.range.end && edit.range.end <= input.len());
    prop_assert_eq!(&after[..edit.range.start], &input[..edit.range.start]);
    let tail = input.len() - edit.range.end;
    prop_assert_eq!(&after[after.len() - tail..], &input[input.len() - tail..]);
    prop_assert!(std::str::from_utf8(&after).is_ok(), "the file is UTF-8 as before");
    // The mark stays; none appears but where the file has the character in a place that may become its start.
    let (was, is) = (input.starts_with(MARK), after.starts_with(MARK));
    prop_assert!(is || !was);
    prop_assert!(was || !is || input.windows(MARK.len()).any(|window| window == MARK));
    Ok(after)
}

/// Each line's text and ending.
fn split(bytes: &[u8]) -> Vec<(String, &'static str)> {
    let text = String::from_utf8_lossy(bytes).into_owned();
    text.split_inclusive('\n')
        .map(|line| match (line.strip_suffix("\r\n"), line.strip_suffix('\n')) {
            (Some(line), _) => (line.to_owned(), "\r\n"),
            (None, Some(line)) => (line.to_owned(), "\n"),
            (None, None) => (line.to_owned(), ""),
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Any file, any request: an edit is one range of the file, and a file in one kind of line ending stays so.
    #[test]
    fn only_the_passage_changes(
        lines in file(), from in 0_usize..12, count in 1_usize..5, way in 0_usize..6, ends in any::<bool>(), new in prop::collection::vec(line(), 0..5),
    ) {
        let input = bytes(&lines);
        let from = from % lines.len();
        let passage = &lines[from..lines.len().min(from + count)];
        let old = as_sent(passage, way).join("\n") + if ends { "\n" } else { "" };
        let new = new.join("\n") + if ends { "\n" } else { "" };
        if let Ok(edit) = plan(&input, &old, &new) {
            let after = outside_is_untouched(&input, &edit)?;
            let crlf = |lines: &[(String, &str)]| lines.iter().filter(|line| line.1 == "\r\n").count();
            let lf = |lines: &[(String, &str)]| lines.iter().filter(|line| line.1 == "\n").count();
            let (before, after) = (split(&input), split(&after));
            prop_assert!(crlf(&before) == 0 || lf(&before) > 0 || lf(&after) == 0, "CRLF file stays CRLF: {after:?}");
            // A carriage return that `old` and `new` have as a character is no line ending of the edit's making.
            let stray = old.contains('\r') || new.contains('\r') || lines.iter().any(|line| line.0.contains('\r'));
            prop_assert!(lf(&before) == 0 || crlf(&before) > 0 || crlf(&after) == 0 || stray, "LF file stays LF: {after:?}");
        }
    }

    /// One line of a passage is replaced: every other byte of the file, also within the passage, is as it was.
    #[test]
    fn lines_that_a_request_repeats_keep_their_bytes(
        lines in file(), from in 0_usize..12, count in 1_usize..6, at in 0_usize..6, way in 0_usize..6, ends in any::<bool>(),
    ) {
        let input = bytes(&lines);
        let from = from % lines.len();
        let passage = &lines[from..lines.len().min(from + count)];
        let mut sent = as_sent(passage, way);
        let old = sent.join("\n") + if ends { "\n" } else { "" };
        let at = at % sent.len();
        let indentation = sent[at].len() - sent[at].trim_start().len();
        sent[at] = sent[at][..indentation].to_owned() + "REPLACED";
        let new = sent.join("\n") + if ends { "\n" } else { "" };
        // A passage may also be found inside lines; here only whole lines are of interest.
        if let Ok(edit) = plan(&input, &old, &new) {
            let after = split(&outside_is_untouched(&input, &edit)?);
            let before = split(&input);
            if edit.tier == Tier::Exact && before.len() != after.len() {
                return Ok(());
            }
            prop_assert_eq!(before.len(), after.len());
            let changed: Vec<_> = (0..before.len()).filter(|index| before[*index].0 != after[*index].0).collect();
            prop_assert_eq!(changed.len(), 1, "{:?} became {:?}", before, after);
            prop_assert!(after[changed[0]].0.contains("REPLACED"));
            let endings = |lines: &[(String, &'static str)]| lines.iter().map(|line| line.1).collect::<Vec<_>>();
            prop_assert_eq!(endings(&before), endings(&after));
        }
    }

    /// Bytes that are no text are refused, wherever they are.
    #[test]
    fn what_is_not_text_is_refused(lines in file(), at in any::<prop::sample::Index>(), byte in prop::sample::select(vec![0_u8, 0x80, 0xC0, 0xE9, 0xFF])) {
        let mut input = bytes(&lines);
        input.push(b'\n');
        let at = at.index(input.len());
        input[at] = byte;
        if std::str::from_utf8(&input).is_err() || byte == 0 {
            prop_assert!(plan(&input, "a", "b").is_err());
        }
    }
}
