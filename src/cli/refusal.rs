//! What is said of a command line that isn't understood, where the parser's own words would mislead.

use clap::error::{ContextKind, ContextValue, Error, ErrorKind};

/// Puts a tip that helps in the place of the parser's, which takes any unknown argument for a value in the wrong place.
pub fn explained(mut refusal: Error) -> Error {
    if refusal.kind() != ErrorKind::UnknownArgument {
        return refusal;
    }
    let Some(ContextValue::String(argument)) = refusal.get(ContextKind::InvalidArg) else { return refusal };
    let words: Vec<String> = std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    let tips = tip(argument, &words).into_iter().map(Into::into).collect();
    refusal.insert(ContextKind::Suggested, ContextValue::StyledStrs(tips));
    refusal
}

fn tip(argument: &str, words: &[String]) -> Option<String> {
    let is_command = |name: &str| words.iter().any(|word| word == name);
    match argument {
        "--image" | "--images" => Some("kcode sends text alone: say in the task what the picture shows".to_owned()),
        "--model" if is_command("resume") => {
            Some("a run keeps its model; for another one: kcode fix \"task\" --model NAME".to_owned())
        }
        _ if !argument.starts_with('-') && is_command("fix") => {
            Some(format!("a task of several words stands in quotes: kcode fix \"{}\"", task(argument, words)))
        }
        _ => None,
    }
}

/// The words behind `fix` up to the first flag, where `argument` is one of them.
fn task(argument: &str, words: &[String]) -> String {
    let behind = words.iter().skip_while(|word| *word != "fix").skip(1);
    let task: Vec<&str> = behind.map(String::as_str).take_while(|word| !word.starts_with('-')).collect();
    if task.contains(&argument) { task.join(" ") } else { "what to do".to_owned() }
}
