//! Reads a repository's format from its settings. Everything else in them is ignored, and git doesn't read them at all.
//!
//! Included files are not read, because a repository may name any file.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::settings_reader::{Section, SettingsReader, without_returns};

/// Settings passed on to git when their value is of this kind.
const PASSED_ON: [(&str, FactKind); 20] = [
    ("core.filemode", FactKind::Switch),
    ("core.symlinks", FactKind::Switch),
    ("core.ignorecase", FactKind::Switch),
    ("core.precomposeunicode", FactKind::Switch),
    ("core.trustctime", FactKind::Switch),
    ("core.sparsecheckout", FactKind::Switch),
    ("core.sparsecheckoutcone", FactKind::Switch),
    ("index.sparse", FactKind::Switch),
    ("core.checkstat", FactKind::Word),
    ("core.autocrlf", FactKind::Word),
    ("core.eol", FactKind::Word),
    ("core.logallrefupdates", FactKind::Word),
    ("core.sharedrepository", FactKind::Word),
    ("i18n.commitencoding", FactKind::Word),
    ("user.name", FactKind::Text),
    ("user.email", FactKind::Text),
    ("author.name", FactKind::Text),
    ("author.email", FactKind::Text),
    ("committer.name", FactKind::Text),
    ("committer.email", FactKind::Text),
];
/// Format extensions that make no difference here.
const HARMLESS: [&str; 5] = ["noop", "preciousobjects", "partialclone", "worktreeconfig", "relativeworktrees"];

#[derive(Clone, Copy)]
enum FactKind {
    Switch,
    Word,
    Text,
}

/// Settings by `section.name`, in lower case.
#[derive(Clone, Debug, Default)]
pub(super) struct GitSettings {
    plain: BTreeMap<String, String>,
    /// Those with a subsection, as `section.subsection.name`, in their order.
    named: Vec<(String, String)>,
}

impl GitSettings {
    /// Parses git's format; later settings win.
    ///
    /// # Errors
    /// When git couldn't parse them either.
    pub(super) fn parse(text: &[u8]) -> Result<Self, String> {
        let text: Vec<u8> = without_returns(text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text));
        let mut reader = SettingsReader::new(&text);
        let (mut plain, mut named) = (BTreeMap::new(), Vec::new());
        let mut section = None;
        while let Some(byte) = reader.peek() {
            match byte {
                b'#' | b';' => reader.skip_line(),
                b'[' => section = Some(reader.section()?),
                byte if byte.is_ascii_whitespace() => drop(reader.next()),
                byte if byte.is_ascii_alphabetic() => {
                    let (name, value) = reader.setting()?;
                    match &section {
                        Some(Section { name: section, subsection: None }) => {
                            plain.insert(format!("{section}.{name}"), value);
                        }
                        Some(Section { name: section, subsection: Some(sub) }) => {
                            named.push((format!("{section}.{sub}.{name}"), value));
                        }
                        None => {}
                    }
                }
                _ => return Err(reader.wrong()),
            }
        }
        Ok(Self { plain, named })
    }

    /// Merges the settings; those of `over` win.
    pub(super) fn under(mut self, over: Self) -> Self {
        self.plain.extend(over.plain);
        self.named.extend(over.named);
        self
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.plain.get(name).map(String::as_str)
    }

    /// Every setting with its full name.
    pub(super) fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        let named = self.named.iter().map(|(name, value)| (name, value));
        self.plain.iter().chain(named).map(|(name, value)| (name.as_str(), value.as_str()))
    }

    pub(super) fn is_on(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| matches!(&*value.to_ascii_lowercase(), "" | "true" | "yes" | "on" | "1"))
    }

    /// Checks that the repository's format is supported.
    ///
    /// # Errors
    /// When it isn't.
    pub(super) fn check_format(&self) -> Result<(), String> {
        let version = self.get("core.repositoryformatversion").unwrap_or("0");
        let unknown = |what: &str| Err(format!("its format is not known ({what})"));
        if version == "0" {
            return Ok(());
        }
        if version != "1" {
            return unknown("version");
        }
        let known = [("objectformat", ["sha1", "sha256"]), ("refstorage", ["files", "reftable"])];
        for (name, value) in
            self.plain.iter().filter_map(|(name, value)| Some((name.strip_prefix("extensions.")?, value)))
        {
            let choice = known.iter().find(|(known, _)| *known == name);
            if !choice.map_or(HARMLESS.contains(&name), |(_, values)| values.contains(&value.as_str())) {
                return unknown(name);
            }
        }
        Ok(())
    }

    /// An extension's value, if the format version has extensions.
    pub(super) fn extension(&self, name: &str) -> Option<&str> {
        let has_some = self.get("core.repositoryformatversion") == Some("1");
        self.get(&format!("extensions.{name}")).filter(|_| has_some)
    }

    /// The settings that are passed on to git, as lines of a config file.
    pub(super) fn passed_on(&self) -> String {
        let mut lines = String::new();
        for (name, kind) in PASSED_ON {
            if let Some(value) = self.get(name).and_then(|value| kind.valid(value)) {
                let _ = write!(lines, "{}", line(name, &value));
            }
        }
        lines
    }
}

impl FactKind {
    fn valid(self, value: &str) -> Option<String> {
        match self {
            Self::Switch => match &*value.to_ascii_lowercase() {
                "" | "true" | "yes" | "on" | "1" => Some("true".to_owned()),
                "false" | "no" | "off" | "0" => Some("false".to_owned()),
                _ => None,
            },
            Self::Word if value.is_empty() => Some("true".to_owned()),
            Self::Word => {
                let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
                (value.len() <= 32 && value.bytes().all(plain)).then(|| value.to_owned())
            }
            Self::Text => {
                let fits = !value.is_empty() && value.len() <= 256 && !value.chars().any(char::is_control);
                fits.then(|| value.to_owned())
            }
        }
    }
}

/// Formats a setting for a config file.
pub(super) fn line(name: &str, value: &str) -> String {
    let (section, name) = name.split_once('.').unwrap_or(("core", name));
    let quoted = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("[{section}]\n\t{name} = \"{quoted}\"\n")
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    use super::*;

    fn facts(text: &str) -> GitSettings {
        GitSettings::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn settings_are_read_as_git_reads_them() {
        let text = "\u{feff}; comment\r\n[Core] FileMode\n\tautocrlf = input # so\n\teol=\"l\" f\n[user \"x\"] name = no\n\
                    [user]name = \"A \\\"B\\\" \"  C\\\n D  \n[core]autocrlf=true";
        let facts = facts(text);
        assert_eq!(facts.get("core.filemode"), Some(""));
        assert_eq!(facts.get("core.autocrlf"), Some("true"));
        assert_eq!(facts.get("core.eol"), Some("l f"));
        assert_eq!(facts.get("user.name"), Some("A \"B\"   C D"));
        assert_eq!(
            facts.passed_on(),
            line("core.filemode", "true") + &line("core.autocrlf", "true") + &line("user.name", "A \"B\"   C D")
        );
    }

    #[test]
    fn what_git_cannot_read_is_refused() {
        for text in ["[core", "[a \"b]\n", "[a b]", "=", "[a]\nb c", "[a]\nb = \"", "[a]\nb = \\x", "\0"] {
            assert!(GitSettings::parse(text.as_bytes()).is_err(), "{text:?}");
        }
    }

    #[test]
    fn nothing_but_plain_values_is_passed_on() {
        let text = "[core]\nfsmonitor = /evil\nautocrlf = \"true\\n[filter]\"\nexcludesFile = /etc/passwd\n\
                    [user]\nname = \"a\\n[alias]\"\n[filter]\nclean = /evil\n[include]\npath = /evil\n";
        assert_eq!(facts(text).passed_on(), "");
    }

    #[test]
    fn formats_that_are_not_known_are_told_apart() {
        let check = |text: &str| facts(text).check_format().is_ok();
        assert!(check("") && check("[core]repositoryformatversion=0\n[extensions]else=1"));
        assert!(check("[core]repositoryformatversion=1\n[extensions]objectFormat=sha256\nworktreeConfig=true"));
        assert!(
            !check("[core]repositoryformatversion=2") && !check("[core]repositoryformatversion=1\n[extensions]else=1")
        );
        assert!(!check("[core]repositoryformatversion=1\n[extensions]refStorage=/evil"));
    }

    /// The names of the settings that git itself reads from `text`.
    fn names_that_git_reads(text: &str) -> Vec<String> {
        let mut git = Command::new("git");
        git.args(["config", "--null", "--name-only", "--list", "--file", "-"]);
        let mut git = git.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        git.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let output = git.wait_with_output().unwrap();
        assert!(output.status.success(), "git can't read {text:?}");
        let names = output.stdout.split(|byte| *byte == 0).filter(|name| !name.is_empty());
        names.map(|name| String::from_utf8_lossy(name).into_owned()).collect()
    }

    const PIECES: [&str; 24] = [
        "[core]",
        "[user]",
        "[Core \"a\"]",
        "[filter \"x=y\"]",
        "[include]",
        "autocrlf",
        "name",
        "path",
        "clean",
        "fsmonitor",
        "=",
        " ",
        "\t",
        "\n",
        "\r\n",
        "\"",
        "\\",
        "\\n",
        "#",
        ";",
        "]",
        "true",
        "/evil",
        "\u{e4}",
    ];

    proptest::proptest! {
        #![proptest_config(proptest::test_runner::Config { cases: 64, failure_persistence: None, ..Default::default() })]
        #[test]
        fn of_any_settings_git_gets_those_of_the_list_alone(
            pieces in proptest::collection::vec(proptest::sample::select(&PIECES[..]), 0..40),
        ) {
            if let Ok(facts) = GitSettings::parse(pieces.concat().as_bytes()) {
                for name in names_that_git_reads(&facts.passed_on()) {
                    proptest::prop_assert!(PASSED_ON.iter().any(|(known, _)| *known == name), "{name}");
                }
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(text in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            let _ = GitSettings::parse(&text);
        }

        #[test]
        fn what_is_passed_on_comes_back(value in "[ -~]{1,40}") {
            let written = line("user.name", &value);
            let read = facts(&written);
            proptest::prop_assert_eq!(read.get("user.name"), Some(value.as_str()));
        }
    }
}
