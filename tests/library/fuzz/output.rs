//! What leaves kcode: nothing that drives a terminal or a runner, and no secret.

use kcode::settings::{Environment, RedactedStream, Redactor};
use kcode::text::{sanitise, sanitise_json};
use proptest::collection::vec;
use proptest::prelude::*;

use super::damage::{cases, damaged, damaged_text, fixtures, pieces};

/// No word of any shape that kcode knows, so that only its value gives it away.
const KEY: &str = "Zq7vT2mXw9LpR4nKc8Jd3HsB";

fn texts() -> Vec<Vec<u8>> {
    let own: [&str; 6] = [
        "\u{1b}[31mred\u{1b}[0m \u{1b}]8;;http://x\u{1b}\\link\u{1b}]8;;\u{7} \u{9b}2J \u{90}q\u{9c}\n",
        "  ::set-env name=A::b\n##[error]x ####[[ ::::\n\u{a0}::warning::\n\u{2028}::add-mask::x\n",
        "a\u{202e}b\u{2066}c\u{200f}d\u{e0041}e\u{ad}f\u{feff}g\r\u{8}\u{0}\u{7f}",
        "KCODE_API_KEY=Zq7vT2mXw9LpR4nKc8Jd3HsB and Zq7vT2mXw9LpR4nKc8Jd3HsBZq7vT2mXw9LpR4nKc8Jd3HsB",
        "{\"key\":\"Zq7vT2mXw9LpR4nKc8Jd3HsB\",\"cut\":\"Zq7vT2mXw9LpR4nKc8[…\"}",
        "[redacted:api-key]Zq7vT2mXw9LpR4nKc8Jd3HsB[redacted:",
    ];
    let secrets = fixtures("redaction", |name| name == "secrets.txt").into_iter().map(|text| {
        let text = String::from_utf8(text).unwrap();
        text.replace(['·', '⟦', '⟧'], "").into_bytes()
    });
    own.iter()
        .map(|text| text.as_bytes().to_vec())
        .chain(secrets)
        .chain(fixtures("redaction/stays", |_| true))
        .collect()
}

fn redactor() -> Redactor {
    let variables = [("KCODE_API_KEY".to_owned(), KEY.to_owned())];
    Redactor::of(&variables.into_iter().collect::<Environment>())
}

/// Characters that drive a terminal, or turn around what is read.
fn drives(char: char) -> bool {
    matches!(char, '\u{0}'..='\u{8}' | '\u{b}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{202a}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}')
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn text_for_people_drives_nothing(text in damaged_text(texts())) {
        let clean = sanitise(&text);
        prop_assert!(!clean.chars().any(drives), "{clean:?}");
        for line in clean.lines() {
            prop_assert!(!line.trim_start().starts_with("::") && !line.contains("##["), "{line:?}");
        }
        prop_assert_eq!(sanitise(&clean), clean.as_ref(), "what is clean stays");
        prop_assert!(clean.len() <= 2 * text.len());
        let json = serde_json::to_string(&text).unwrap();
        let safe = sanitise_json(&json);
        prop_assert!(!safe.chars().any(drives));
        prop_assert_eq!(serde_json::from_str::<String>(&safe).unwrap(), text);
    }

    #[test]
    fn no_secret_is_left(text in damaged(texts()), sizes in vec(1..200_usize, 1..6)) {
        let redactor = redactor();
        let clean = redactor.bytes(&text);
        prop_assert!(!clean.windows(KEY.len()).any(|window| window == KEY.as_bytes()));
        prop_assert_eq!(redactor.bytes(&clean), clean.as_ref(), "what is clean stays");
        let lines = |bytes: &[u8]| bytes.split(|byte| *byte == b'\n').count() - 1;
        prop_assert_eq!(lines(&clean), lines(&text));
        let mut stream = RedactedStream::new(redactor);
        let mut streamed: Vec<u8> = pieces(&text, &sizes).into_iter().flat_map(|piece| stream.push(piece)).collect();
        streamed.extend(stream.finish());
        prop_assert!(!streamed.windows(KEY.len()).any(|window| window == KEY.as_bytes()));
    }
}
