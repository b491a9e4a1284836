//! One meaning a name, held: no two rooms define a type of the same name. What only tests define may be called anything.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::LazyLock;

use regex::Regex;

use super::cycles::without_tests;
use super::floors::files;
use crate::settings::regex;

/// A type of a file; one that belongs to a trait is indented.
static TYPE: LazyLock<Regex> =
    LazyLock::new(|| regex(r"(?m)^(?:pub(?:\([^)]*\))? )?(?:struct|enum|union|trait|type) (\w+)").expect("it is one"));

/// Names of types that several rooms define, with those rooms.
fn shared(files: &BTreeMap<PathBuf, String>) -> Vec<String> {
    let mut rooms: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (module, text) in without_tests(files) {
        let Some(room) = module.first() else { continue };
        for it in TYPE.captures_iter(&text) {
            rooms.entry(it[1].to_owned()).or_default().insert(room.clone());
        }
    }
    let shared = rooms.into_iter().filter(|(_, rooms)| rooms.len() > 1);
    shared.map(|(name, rooms)| format!("{name}: {}", rooms.into_iter().collect::<Vec<_>>().join(", "))).collect()
}

#[test]
fn no_two_rooms_define_a_type_of_the_same_name() {
    assert_eq!(shared(&files()), [""; 0]);
}

#[test]
fn a_shared_name_is_found_and_those_of_traits_and_tests_are_not() {
    let of = |first: &str, second: &str| {
        shared(&[("a/x.rs", first), ("b/y.rs", second)].map(|(path, text)| (path.into(), text.into())).into())
    };
    assert_eq!(of("pub(super) struct One;", "enum One {}"), ["One: a, b"]);
    let others = "impl A for B {\n    type Error = One;\n}\n#[cfg(test)]\nmod tests {\n    struct One;\n}\n";
    assert_eq!(of("struct One;\ntype Error = u8;", others), [""; 0]);
}
