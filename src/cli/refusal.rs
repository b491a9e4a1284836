//! Messages for a command line that can't be parsed. clap's own tips only compare letters (`--yes` becomes `--test`),
//! so they are replaced by what is known of the word.

use clap::CommandFactory as _;
use clap::error::{ContextKind, ContextValue, Error, ErrorKind};

use super::command_line::CommandLine;
use super::synonyms;

/// Where clap stores its tips.
const GUESSES: [ContextKind; 4] =
    [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand, ContextKind::SuggestedValue, ContextKind::Suggested];

/// Replaces clap's tip by a better one.
pub(super) fn explained(refusal: Error) -> Error {
    let words = std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    explained_for(refusal, &TypedLine::of(words))
}

fn explained_for(mut refusal: Error, line: &TypedLine) -> Error {
    let (kind, tip) = match refusal.kind() {
        ErrorKind::UnknownArgument => {
            (ContextKind::InvalidArg, TypedLine::tip_for_argument as fn(&TypedLine, &str) -> _)
        }
        ErrorKind::InvalidSubcommand => {
            (ContextKind::InvalidSubcommand, TypedLine::tip_for_command as fn(&TypedLine, &str) -> _)
        }
        _ => return refusal,
    };
    let Some(ContextValue::String(unknown)) = refusal.get(kind) else { return refusal };
    let tip: Option<String> = tip(line, &whole(line, unknown));
    for guess in GUESSES {
        refusal.remove(guess);
    }
    if let Some(tip) = tip {
        refusal.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    }
    refusal
}

/// The whole word: of `-5m` clap only reports the first letter.
fn whole(line: &TypedLine, unknown: &str) -> String {
    let is_letter = unknown.len() == 2 && unknown.starts_with('-') && unknown != "--";
    let is_in = |word: &&String| is_letter && !word.starts_with("--") && word.starts_with(unknown);
    line.words.iter().find(is_in).map_or_else(|| unknown.to_owned(), Clone::clone)
}

struct TypedLine {
    words: Vec<String>,
    parser: clap::Command,
}

impl TypedLine {
    fn of(words: Vec<String>) -> Self {
        let mut parser = CommandLine::command();
        parser.build();
        Self { words, parser }
    }

    /// The command that was named, if it exists.
    fn command(&self) -> Option<&clap::Command> {
        self.words.iter().find_map(|word| self.parser.find_subcommand(word))
    }

    fn name(&self) -> &str {
        self.command().map_or("", clap::Command::get_name)
    }

    fn tip_for_argument(&self, argument: &str) -> Option<String> {
        let name = self.name();
        let flag = argument.split('=').next().unwrap_or(argument);
        if !argument.starts_with('-') || argument == "-" {
            return self.tip_for_word(argument);
        }
        let known = synonyms::flag(name, flag);
        let known = known.or_else(|| self.value_before(argument)).or_else(|| self.elsewhere(flag));
        known.or_else(|| Some(format!("a similar one exists: {}", self.near_flag(flag)?)))
    }

    /// Tip for an extra word.
    fn tip_for_word(&self, word: &str) -> Option<String> {
        match self.name() {
            "" => None,
            "fix" => Some(format!("put a task of several words in quotes: kcode fix \"{}\"", self.task(word))),
            name if self.takes_a_name() => Some(format!("kcode {name} takes one of them at a time")),
            name => Some(format!("kcode {name} takes no name; what is known of one run: kcode show {word}")),
        }
    }

    fn takes_a_name(&self) -> bool {
        self.command().is_some_and(|command| command.get_positionals().next().is_some())
    }

    /// The words after `fix` up to the first flag, if `argument` is one of them.
    fn task(&self, argument: &str) -> String {
        let behind = self.words.iter().skip_while(|word| *word != "fix").skip(1);
        let task: Vec<&str> = behind.map(String::as_str).take_while(|word| !word.starts_with('-')).collect();
        if task.contains(&argument) { task.join(" ") } else { "what to do".to_owned() }
    }

    /// Tip for a value that looks like a flag.
    fn value_before(&self, argument: &str) -> Option<String> {
        let before = self.words.iter().position(|word| word == argument)?.checked_sub(1)?;
        let before = &self.words[before];
        let takes = flags(self.command()?).find(|arg| names(arg).contains(before))?.get_action().takes_values();
        takes.then(|| format!("a value that begins with a dash goes after an equals sign: {before}={argument}"))
    }

    /// Tip for a flag of other commands.
    fn elsewhere(&self, flag: &str) -> Option<String> {
        let knows = |command: &&clap::Command| flags(command).any(|arg| names(arg).iter().any(|name| name == flag));
        let others: Vec<String> = self
            .parser
            .get_subcommands()
            .filter(knows)
            .map(|command| format!("kcode {}", command.get_name()))
            .collect();
        (!others.is_empty()).then(|| format!("only these commands take {flag}: {}", others.join(", ")))
    }

    fn near_flag(&self, flag: &str) -> Option<String> {
        let command = self.command().unwrap_or(&self.parser);
        nearest(flag, flags(command).flat_map(names).filter(|name| name.starts_with("--")))
    }

    fn tip_for_command(&self, word: &str) -> Option<String> {
        if word.contains(char::is_whitespace) {
            return Some(format!("to have that done: kcode fix \"{word}\""));
        }
        let names = self.parser.get_subcommands().map(|command| command.get_name().to_owned());
        let near = || Some(format!("a similar one exists: kcode {}", nearest(word, names)?));
        synonyms::command(word).or_else(near)
    }
}

fn flags(command: &clap::Command) -> impl Iterator<Item = &clap::Arg> {
    command.get_opts().chain(command.get_arguments().filter(|arg| !arg.get_action().takes_values()))
}

fn names(arg: &clap::Arg) -> Vec<String> {
    let long = arg.get_long_and_visible_aliases().unwrap_or_default();
    let short = arg.get_short_and_visible_aliases().unwrap_or_default();
    long.into_iter().map(|name| format!("--{name}")).chain(short.into_iter().map(|name| format!("-{name}"))).collect()
}

/// The one of `names` that `word` is probably a typo of.
fn nearest(word: &str, names: impl Iterator<Item = String>) -> Option<String> {
    let slips = |name: &String| strsim::damerau_levenshtein(word, name);
    let most = word.trim_start_matches('-').chars().count().div_ceil(4).min(3);
    names.map(|name| (slips(&name), name)).filter(|(slips, _)| *slips <= most).min().map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(words: &[&str]) -> String {
        let refusal = CommandLine::command().try_get_matches_from([&["kcode"], words].concat()).unwrap_err();
        let line = TypedLine::of(words.iter().map(|word| (*word).to_owned()).collect());
        explained_for(refusal, &line).render().to_string()
    }

    #[test]
    fn tips_lead_somewhere_or_there_is_none() {
        for (words, tip) in [
            (&["fix", "t", "--yes"][..], "nothing is asked with --apply: it writes a patch that is verified"),
            (&["fix", "t", "-y"], "nothing is asked with --apply: it writes a patch that is verified"),
            (&["apply", "--yes"], "kcode apply asks nothing"),
            (&["fix", "t", "--no-tests"], "--no-verify"),
            (&["fix", "t", "--aply"], "a similar one exists: --apply\n"),
            (&["fix", "t", "--max-trns=5"], "a similar one exists: --max-turns\n"),
            (
                &["apply", "--dry-run"],
                "only these commands take --dry-run: kcode fix, kcode publish, kcode resume, kcode gc\n",
            ),
            (
                &["--max-cost", "1", "fix", "t"],
                "only these commands take --max-cost: kcode fix, kcode ci, kcode resume\n",
            ),
            (&["fix", "t", "--branch", "x"], "only these commands take --branch: kcode apply\n"),
            (&["fix", "t", "--sandbox", "-1"], "goes after an equals sign: --sandbox=-1\n"),
            (&["fix", "t", "--test", "-x"], "goes after an equals sign: --test=-x\n"),
            (&["show", "a", "b"], "kcode show takes one of them at a time\n"),
            (&["runs", "abc"], "kcode runs takes no name; what is known of one run: kcode show abc\n"),
            (&["add subtracts"], "kcode fix \"add subtracts\"\n"),
            (&["run"], "kcode fix \"task\""),
            (&["aply"], "a similar one exists: kcode apply\n"),
        ] {
            let told = told(words);
            assert!(told.contains(tip), "{words:?}: {told}");
        }
        for words in [&["fix", "t", "--bogus"][..], &["bogus"], &["apply", "--zzz"]] {
            let told = told(words);
            assert!(
                !told.contains("tip:") && !told.contains("similar") && !told.contains("\n\n\n"),
                "{words:?}: {told}"
            );
        }
    }

    #[test]
    fn a_value_that_counts_or_measures_is_refused_as_one() {
        let mut parser = CommandLine::command();
        parser.build();
        let mut tried = 0;
        for command in parser.get_subcommands() {
            for option in command.get_opts() {
                let named = option.get_value_names().is_some_and(|names| {
                    names.iter().any(|name| ["N", "TIME", "USD", "SIZE", "WHEN"].contains(&name.as_str()))
                });
                let (Some(long), true, []) = (option.get_long(), named, &option.get_possible_values()[..]) else {
                    continue;
                };
                for value in ["-1", "-5m", "-1h30m", "-0.5", "-x", "--", "x", ""] {
                    let mut words = vec![command.get_name().to_owned(), format!("--{long}"), value.to_owned()];
                    if command.get_name() == "fix" {
                        words.push("task".to_owned());
                    }
                    let words: Vec<&str> = words.iter().map(String::as_str).collect();
                    let told = told(&words);
                    let what = format!("invalid value '{value}' for '--{long} ");
                    assert!(told.contains(&what) && told.contains(&format!(": {value:?} is n")), "{words:?}: {told}");
                    assert!(told.contains("; write "), "{words:?}: {told}");
                    tried += 1;
                }
            }
        }
        assert!(tried >= 8 * 12, "{tried}");
    }
}
