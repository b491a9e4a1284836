//! Edits that a model asks for, on files that a repository holds.

use kcode::tools::edit::plan;
use proptest::prelude::*;
use proptest::sample::Index;

use super::damage::{cases, damaged, damaged_text, fixtures};

fn files() -> Vec<Vec<u8>> {
    fixtures("edits", |name| name == "input")
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn bytes_outside_an_edit_stay(
        file in damaged(files()),
        old in damaged_text(files()),
        new in damaged_text(files()),
        place in any::<(Index, Index)>(),
        from_file in any::<bool>(),
    ) {
        // Mostly a passage of the file, as a model would quote it.
        let (one, other) = (place.0.index(file.len() + 1), place.1.index(file.len() + 1));
        let passage = String::from_utf8_lossy(&file[one.min(other)..one.max(other)]).into_owned();
        let old = if from_file { passage } else { old };
        match plan(&file, &old, &new) {
            Ok(edit) => {
                let edited = edit.apply(&file);
                let same = |mut pairs: Box<dyn Iterator<Item = (&u8, &u8)>>| pairs.by_ref().take_while(|(a, b)| a == b).count();
                let before = same(Box::new(file.iter().zip(&edited)));
                let after = same(Box::new(file.iter().rev().zip(edited.iter().rev())));
                prop_assert!(before + after + old.len() * 2 + 4096 >= file.len(), "most of the file stays");
            }
            // It is told to the model, which pays for each byte.
            Err(error) => prop_assert!(error.to_string().len() < 32 * 1024),
        }
    }
}
