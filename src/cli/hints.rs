//! Commands that messages name exist, with their flags: what a person is told to type has to work.

use std::fs;
use std::path::Path;

use clap::CommandFactory as _;
use regex::Regex;

use super::command_line::CommandLine;

/// What kcode does in messages that name no command.
const SENTENCES: [&str; 3] = ["has", "itself", "takes"];

/// Calls `each` with every file of kcode's own code.
fn sources(folder: &Path, each: &mut dyn FnMut(&Path, &str)) {
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            sources(&entry, each);
        } else if entry.extension().is_some_and(|end| end == "rs") {
            each(&entry, &fs::read_to_string(&entry).unwrap());
        }
    }
}

#[test]
fn every_command_that_is_named_exists_with_its_flags() {
    let mut parser = CommandLine::command();
    parser.build();
    let named = Regex::new(r#"(?:`|: |with |by |then: |\()kcode ([a-z_]+)((?: [^\s`"·;,)|]+)*)"#).unwrap();
    let (mut wrong, mut seen) = (Vec::new(), 0);
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut |path, source| {
        let code = source.lines().filter(|line| !line.trim_start().starts_with("//"));
        for line in code.take_while(|line| !line.contains("mod tests {")) {
            for found in named.captures_iter(line) {
                seen += 1;
                if SENTENCES.contains(&&found[1]) {
                    continue;
                }
                let Some(command) = parser.find_subcommand(&found[1]) else {
                    wrong.push(format!("{}: no command: {}", path.display(), &found[0]));
                    continue;
                };
                let flags = found[2].split(' ').filter_map(|word| word.strip_prefix("--"));
                let known = |flag: &&str| command.get_arguments().any(|argument| argument.get_long() == Some(flag));
                let unknown = flags.map(|flag| flag.split('=').next().unwrap_or(flag)).filter(|flag| !known(flag));
                wrong.extend(unknown.map(|flag| format!("{}: no --{flag}: {}", path.display(), &found[0])));
            }
        }
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen > 50, "only {seen} were found");
}
