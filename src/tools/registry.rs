//! All tools by name, and the dispatch of calls.

use similar::get_close_matches;

use crate::journal::RelPath;

use super::edit_file::EditFile;
use super::list_files::ListFiles;
use super::plain_words::quoted;
use super::read_file::ReadFile;
use super::run_tests::{self, RunTests};
use super::search::SearchTool;
use super::text::clip;
use super::write_file::WriteFile;
use super::{Access, FatalToolError, Observation, Tool, ToolContext, ToolError};

/// All tools, sorted by name.
static TOOLS: [&dyn Tool; 6] = [&EditFile, &ListFiles, &ReadFile, &RunTests, &SearchTool, &WriteFile];

/// Names under which models look for a shell.
const SHELLS: [&str; 7] = ["bash", "cmd", "exec", "execute", "run_command", "shell", "terminal"];

/// Verbs in names of file operations that no tool offers.
const MOVERS: [&str; 7] = ["delete", "remove", "rm", "unlink", "move", "mv", "rename"];

/// Returns `None` if there is no such tool.
#[must_use]
pub fn find(name: &str) -> Option<&'static dyn Tool> {
    TOOLS.iter().copied().find(|tool| tool.name() == name)
}

/// All tool names, sorted.
pub fn names() -> impl Iterator<Item = &'static str> {
    TOOLS.iter().map(|tool| tool.name())
}

/// Whether calls of `name` may run concurrently; `None` if there is no such tool.
#[must_use]
pub fn access(name: &str) -> Option<Access> {
    find(name).map(Tool::access)
}

/// Runs one call, whatever its name and arguments.
///
/// # Errors
/// Only if the run can't go on; everything that the model could do better is an [`Observation`] with `ok: false`.
pub fn call(room: &ToolContext, name: &str, arguments: &str) -> Result<Observation, FatalToolError> {
    let Some(tool) = find(name) else { return Ok(Observation::refusal(unknown(name))) };
    match tool.run(room, arguments) {
        Ok(observation) => Ok(observation),
        Err(ToolError::Tell(text)) => Ok(Observation::refusal(text)),
        Err(ToolError::Fatal(error)) => Err(error),
    }
}

/// The file that a call is about to write, according to its arguments; `None` for calls that write none.
#[must_use]
pub fn written_path(name: &str, arguments: &str) -> Option<RelPath> {
    if access(name) != Some(Access::Write) {
        return None;
    }
    let arguments: serde_json::Value = serde_json::from_str(arguments).ok()?;
    RelPath::new(arguments.get("path")?.as_str()?).ok()
}

/// Whether a call runs all tests rather than some.
#[must_use]
pub fn runs_all_tests(name: &str, arguments: &str) -> bool {
    find(name).is_some_and(|tool| tool.name() == run_tests::NAME) && run_tests::runs_all(arguments)
}

fn unknown(name: &str) -> String {
    let all: Vec<_> = names().collect();
    let shown = quoted(clip(name, 64));
    if name.split(|char: char| !char.is_ascii_alphanumeric()).any(|word| MOVERS.contains(&&*word.to_ascii_lowercase()))
    {
        return format!(
            "There is no tool {shown}. Files can't be deleted or moved by a tool; say in your summary which ones \
             should be."
        );
    }
    let next = match get_close_matches(name, &all, 1, 0.6).first() {
        Some(near) => format!("Did you mean {near}?"),
        None if SHELLS.contains(&name) => {
            "Commands can't be run; run_tests runs the tests, the other tools read and change files.".to_owned()
        }
        None => "Call one of these.".to_owned(),
    };
    format!("There is no tool {shown}. The tools are: {}. {next}", all.join(", "))
}

#[cfg(test)]
mod tests {
    use serde::de::value::Error;
    use serde::de::{Deserialize, Deserializer, Error as _, Visitor};
    use serde::forward_to_deserialize_any;

    use super::super::{edit_file, list_files, read_file, run_tests, schema, search, write_file};

    /// Collects the field names of a struct.
    struct Fields<'a>(&'a mut Vec<&'static str>);

    impl<'de> Deserializer<'de> for Fields<'_> {
        type Error = Error;

        fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
            Err(Error::custom("not a struct"))
        }

        fn deserialize_struct<V: Visitor<'de>>(
            self,
            _: &'static str,
            fields: &'static [&'static str],
            _: V,
        ) -> Result<V::Value, Error> {
            self.0.extend(fields);
            Err(Error::custom("that was all"))
        }

        forward_to_deserialize_any! {
            bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit unit_struct
            newtype_struct seq tuple tuple_struct map enum identifier ignored_any
        }
    }

    fn fields<'de, T: Deserialize<'de>>() -> Vec<&'static str> {
        let mut fields = Vec::new();
        assert!(T::deserialize(Fields(&mut fields)).is_err());
        fields
    }

    #[test]
    fn what_a_tool_accepts_is_what_its_file_declares() {
        let accepted = [
            ("edit_file", fields::<edit_file::EditFileArguments>()),
            ("list_files", fields::<list_files::ListFilesArguments>()),
            ("read_file", fields::<read_file::ReadFileArguments>()),
            ("run_tests", fields::<run_tests::RunTestsArguments>()),
            ("search", fields::<search::SearchArguments>()),
            ("write_file", fields::<write_file::WriteFileArguments>()),
        ];
        assert!(super::names().eq(accepted.iter().map(|(name, _)| *name)));
        for (name, fields) in accepted {
            let declared: Vec<_> =
                schema::of(name).map(|schema| schema.fields().map(|(name, _)| name).collect()).unwrap();
            assert_eq!(fields, declared, "{name}");
        }
    }
}
