//! Files whose names suggest secrets: tools don't show them, unless the user's own settings allow it.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

/// Lower-case globs of names and what such files contain; a glob without a slash matches in any folder.
const SECRET: [(&str, &str); 40] = [
    (".env*", "environment variables of a deployment or a shell"),
    ("*.env", "environment variables of a deployment"),
    ("*.pem", "a key or a certificate"),
    ("*.key", "a private key"),
    ("*.p12", "a key store"),
    ("*.pfx", "a key store"),
    ("*.jks", "a key store"),
    ("*.keystore", "a key store"),
    ("*.kdbx", "a password database"),
    ("*.ppk", "a private key"),
    ("*.gpg", "an encrypted file or a key ring"),
    ("*.age", "an encrypted file or a key"),
    ("id_rsa*", "a private key"),
    ("id_dsa*", "a private key"),
    ("id_ecdsa*", "a private key"),
    ("id_ed25519*", "a private key"),
    (".netrc", "logins"),
    ("_netrc", "logins"),
    (".npmrc", "a registry's login"),
    (".yarnrc.yml", "a registry's login"),
    (".pypirc", "a registry's login"),
    (".pgpass", "database logins"),
    (".my.cnf", "database logins"),
    (".htpasswd", "password hashes"),
    (".git-credentials", "logins"),
    (".dockercfg", "a registry's login"),
    ("**/.docker/config.json", "a registry's login"),
    ("**/.aws/credentials", "cloud credentials"),
    ("**/.kube/config", "a cluster's credentials"),
    ("**/.ssh/**", "keys"),
    ("**/.gnupg/**", "keys"),
    ("credentials", "credentials"),
    ("credentials.json", "credentials"),
    ("credentials.toml", "credentials"),
    ("credentials.y*ml", "credentials"),
    ("client_secret*.json", "credentials"),
    ("service-account*.json", "a service account's key"),
    ("secrets.{json,toml,yaml,yml}", "secrets"),
    ("*.tfstate*", "a state that holds secrets in plain text"),
    ("*.tfvars*", "values of a deployment"),
];

/// Names that match those and are meant to be read.
const HARMLESS: [&str; 10] = [
    ".env*[._-]example",
    ".env*[._-]sample",
    ".env*[._-]template",
    ".env*[._-]dist",
    ".env*.defaults",
    "example.env",
    "sample.env",
    "template.env",
    "*.example.env",
    "id_{rsa,dsa,ecdsa,ed25519}*.pub",
];

/// Suffixes that editors and people give to copies, which contain what the original does.
const COPIES: [&str; 12] =
    ["~", "#", ".bak", ".backup", ".copy", ".disabled", ".local", ".old", ".orig", ".save", ".swp", ".tmp"];

/// Matches names in lower case: most globs need no regular expression then.
static SECRETS: LazyLock<Option<GlobSet>> = LazyLock::new(|| set(SECRET.iter().map(|(glob, _)| *glob), false).ok());
static HARMLESS_SET: LazyLock<Option<GlobSet>> = LazyLock::new(|| set(HARMLESS, false).ok());

/// Parts of the globs. Nearly no name contains one of them, so the sets, which are regular expressions, are rarely
/// needed.
static PARTS: LazyLock<Option<AhoCorasick>> =
    LazyLock::new(|| AhoCorasick::builder().ascii_case_insensitive(true).build(parts()).ok());

/// Decides which files hold secrets, and which of them the user lets tools read all the same.
#[derive(Clone, Debug, Default)]
pub struct SecretFiles {
    readable: GlobSet,
}

impl SecretFiles {
    /// `readable` are the globs of the setting `secrets.readable`.
    ///
    /// # Errors
    /// Names the glob that is invalid.
    pub fn new(readable: &[String]) -> Result<Self, String> {
        Ok(Self { readable: set(readable.iter().map(String::as_str), true)? })
    }

    /// Returns true when the user lets tools read the file at `path`, whatever it is.
    #[must_use]
    pub fn is_readable(&self, path: &Path) -> bool {
        self.readable.is_match(path)
    }

    /// What the file at `path` (relative to the root) is likely to contain; `None` when tools may read it. Case doesn't
    /// matter, because some file systems don't tell `.ENV` from `.env`.
    #[must_use]
    pub fn what(&self, path: &Path) -> Option<&'static str> {
        if !PARTS.as_ref().is_none_or(|parts| parts.is_match(path.as_os_str().as_bytes())) || self.is_readable(path) {
            return None;
        }
        let path = PathBuf::from(OsString::from_vec(path.as_os_str().as_bytes().to_ascii_lowercase()));
        if HARMLESS_SET.as_ref().is_some_and(|harmless| harmless.is_match(&path)) {
            return None;
        }
        let (secrets, original) = (SECRETS.as_ref()?, original(&path));
        let mut names = [Some(&path), original.as_ref()].into_iter().flatten();
        let first = names.find_map(|name| secrets.matches(name).into_iter().next())?;
        SECRET.get(first).map(|(_, what)| *what)
    }
}

/// The path of the original when `path` is named like a copy.
fn original(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?;
    let mut rest = name;
    while let Some(shorter) = COPIES.iter().find_map(|end| strip_end(rest, end)) {
        rest = shorter;
    }
    (rest != name && !rest.is_empty()).then(|| path.with_file_name(rest.trim_start_matches('#')))
}

/// `name` without the suffix `end`, in any case.
fn strip_end<'n>(name: &'n str, end: &str) -> Option<&'n str> {
    let (rest, last) = name.split_at_checked(name.len().checked_sub(end.len())?)?;
    last.eq_ignore_ascii_case(end).then_some(rest)
}

fn set<'a>(globs: impl IntoIterator<Item = &'a str>, in_any_case: bool) -> Result<GlobSet, String> {
    let mut globs = globs.into_iter().peekable();
    if globs.peek().is_none() {
        return Ok(GlobSet::empty());
    }
    let mut set = GlobSetBuilder::new();
    for glob in globs {
        let text = glob.trim_start_matches("./").trim_start_matches('/');
        // `/.env` and `./.env` match only at the root, as in a `.gitignore`.
        let anchored = if text.contains('/') || text != glob { text.to_owned() } else { format!("**/{text}") };
        let built = GlobBuilder::new(&anchored).literal_separator(true).case_insensitive(in_any_case).build();
        set.add(built.map_err(|error| format!("{glob:?} is not a glob: {}", error.kind()))?);
    }
    super::regexes::count("names of secret files");
    set.build().map_err(|error| error.to_string())
}

/// For each glob, a literal part that every matching name contains.
fn parts() -> impl Iterator<Item = &'static str> {
    let longest = |glob: &'static str| {
        let before_choice = glob.split('{').next().unwrap_or_default();
        before_choice.split(['*', '?', '[']).max_by_key(|part| part.len())
    };
    SECRET.iter().filter_map(move |(glob, _)| Some(longest(glob)?.trim_start_matches('/')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn what(readable: &[&str], path: &str) -> Option<&'static str> {
        let readable: Vec<String> = readable.iter().map(|&glob| glob.to_owned()).collect();
        SecretFiles::new(&readable).unwrap().what(Path::new(path))
    }

    #[test]
    fn names_tell_which_files_hold_secrets() {
        for path in [
            ".env",
            "a/b/.env",
            ".env.local",
            ".env.production",
            ".ENV",
            "prod.env",
            "certs/server.pem",
            "tls.key",
            "id_rsa",
            "deploy/id_ed25519",
            "x.P12",
            ".npmrc",
            "home/.aws/credentials",
            "credentials.json",
            "infra/prod.tfstate",
            "terraform.tfstate.backup",
            "terraform.tfstate.1700000000.backup",
            "prod.auto.tfvars.json",
            ".envrc.local",
            ".env-prod",
            ".env~",
            ".env.example.local",
            "id_rsa_work",
            "id_ed25519.github",
            "id_rsa.pub.key",
            "server.key.bak",
            "a/.NPMRC.OLD~",
            ".server.pem.swp",
            "#prod.env#",
            ".ssh/config",
            "config/secrets.yml",
        ] {
            assert!(what(&[], path).is_some(), "{path}");
        }
        for path in [
            ".env.example",
            "a/.env.sample",
            ".env.production.template",
            ".envrc.example",
            ".env-sample",
            "id_rsa_work.pub",
            "notes.md.bak",
            "~",
            "src/env.rs",
            "environment.py",
            "id_rsa.pub",
            "keys.rs",
            "src/key.ts",
            "package.json",
            "secrets.rs",
            "docs/credentials.md",
            "x.pem.md",
            ".envoy/a",
        ] {
            assert_eq!(what(&[], path), None, "{path}");
        }
        for (glob, _) in SECRET {
            assert!(set([glob], false).is_ok(), "{glob}");
        }
    }

    #[test]
    fn each_glob_has_a_part_that_tells_it_from_other_names() {
        for ((glob, _), part) in SECRET.iter().zip(parts()) {
            assert!(part.len() >= 4 && glob.contains(part), "{glob}: {part}");
        }
        assert_eq!(parts().count(), SECRET.len());
    }

    proptest::proptest! {
        #[test]
        fn what_a_glob_matches_has_its_part(at in 0..SECRET.len(), filler in "[a-zA-Z0-9_-]{0,6}", upper: bool) {
            let name = SECRET[at].0.replace("**", &filler).replace('*', &filler).replace("{json,toml,yaml,yml}", "yml");
            let name = if upper { name.to_uppercase() } else { name };
            let is_secret = SECRETS.as_ref().unwrap().is_match(name.to_lowercase());
            proptest::prop_assert!(!is_secret || PARTS.as_ref().unwrap().is_match(&name), "{name}");
        }
    }

    #[test]
    fn the_user_can_open_some_of_them() {
        let readable = ["tests/**/*.pem", ".env.test"];
        assert_eq!(what(&readable, "tests/certs/a.pem"), None);
        assert_eq!(what(&readable, "deep/.env.test"), None);
        assert!(what(&readable, "certs/a.pem").is_some() && what(&readable, ".env").is_some());
        assert!(SecretFiles::new(&["[".to_owned()]).is_err());
    }

    #[test]
    fn a_path_opens_nothing_deeper_and_a_name_opens_all() {
        for (glob, open, shut) in [
            ("certs/a.pem", "certs/a.pem", "x/certs/a.pem"),
            ("certs/*.pem", "certs/a.pem", "certs/x/a.pem"),
            ("certs/*.pem", "certs/b.pem", "x/certs/b.pem"),
            ("./certs/a.pem", "certs/a.pem", "x/certs/a.pem"),
            ("/certs/a.pem", "certs/a.pem", "x/certs/a.pem"),
            ("./.env", ".env", "x/.env"),
            ("/.env", ".env", "x/.env"),
            (".env", "x/y/.env", "x/y/.env.local"),
            ("certs/**", "certs/x/a.pem", "a/certs/a.pem"),
        ] {
            assert_eq!(what(&[glob], open), None, "{glob}: {open}");
            assert!(what(&[glob], shut).is_some(), "{glob}: {shut}");
        }
    }
}
