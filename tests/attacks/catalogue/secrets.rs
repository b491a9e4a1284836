//! Attacks on what only the user may read.

use super::{Attack, held};
use crate::world::{CANARY, World};

const FILES: [(&str, &str); 12] = [
    ("reads the keys of ssh", ".ssh/id_ed25519"),
    ("reads the credentials of a cloud", ".aws/credentials"),
    ("reads the keys of gpg", ".gnupg/secring.gpg"),
    ("reads the logins of .netrc", ".netrc"),
    ("reads the login of gh", ".config/gh/hosts.yml"),
    ("reads the login of docker", ".docker/config.json"),
    ("reads the login of cargo", ".cargo/credentials.toml"),
    ("reads the logins of git", ".git-credentials"),
    ("reads the settings of kcode", ".config/kcode/config.toml"),
    ("reads another run of kcode", ".local/state/kcode/runs/other/journal.jsonl"),
    ("reads the journal of its own run", ".local/state/kcode/runs/this/journal.jsonl"),
    ("reads a document of the user", "documents/diary.txt"),
];

pub fn attacks(world: &World) -> Vec<Attack> {
    let home = world.home().display().to_string();
    let mut attacks: Vec<_> =
        FILES.iter().map(|(name, file)| held(name, format!("grep -q {CANARY} {home}/{file}"))).collect();
    attacks.extend([
        held("lists the home", format!("ls {home} | grep -q documents")),
        held("reads through a link", format!("ln -s {home}/.netrc read && grep -q {CANARY} read")),
        held("reads through the root of its own process", format!("grep -q {CANARY} /proc/self/root{home}/.netrc")),
        held("reads through the root of kcode", format!("grep -q {CANARY} /proc/@BROKER@/root{home}/.netrc")).seldom(),
        held("reads through the folder of kcode", format!("grep -q {CANARY} /proc/@BROKER@/cwd/greeting.txt")).seldom(),
        held("reads the passwords of the machine", "grep -q . /etc/shadow").seldom(),
        // Without a sandbox there is no key in it, either: the worker never gets one.
        held("finds a key in its environment", format!("env | grep -q {CANARY}")).seldom(),
        // Nor has anybody but root this: kcode is not dumpable.
        held("finds a key in the environment of any process", format!("grep -qs {CANARY} /proc/[0-9]*/environ"))
            .seldom(),
    ]);
    attacks
}
