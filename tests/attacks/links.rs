//! Attacks by links that are named like folders of dependencies, with a broker that asks for whatever they lead to: even
//! then nothing of it is shown. `e2e/hostile_links.rs` makes them on the built binary.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

use crate::attacker;
use crate::broker::{Assignment, Outcome};
use crate::setups::{Setup, play, setups_with_overlays, together, unguarded};
use crate::world::World;

/// Name, and where it leads: below the world, or an absolute path.
const LINKS: [(&str, &str); 7] = [
    ("node_modules", "home/.ssh"),
    (".venv", "home"),
    ("venv", "home/.local/state/kcode"),
    ("vendor", "home/.config/gh"),
    ("devices", "/dev"),
    ("machine", "/"),
    ("sockets", "outside"),
];

/// Each line with OPEN is a success. The pattern is written so that it doesn't find this script.
const SCRIPT: &str = r#"
for file in node_modules/* .venv/.netrc .venv/.aws/* .venv/documents/* venv/runs/other/* vendor/* "machine@HOME@/.ssh"/*; do
    grep -qs 'canary-d41d8[c]' "$file" && echo "OPEN read $file"
done
ln -s '@HOME@/.gnupg' made && grep -qs 'canary-d41d8[c]' made/* && echo "OPEN read a link that tests made"
for file in devices/kvm devices/fuse devices/net/tun devices/kmsg devices/mem devices/loop-control; do
    (: < $file) 2> /dev/null && echo "OPEN device $file"
done
if @CONNECT@ > /dev/null 2>&1; then echo "OPEN socket"; fi
if @CONNECT_OWN@ > /dev/null 2>&1; then echo "OPEN socket by its own path"; fi
echo done
"#;

fn attack(setup: Setup, world: &World) -> Outcome {
    let at = |place: &str| world.folder().join(place);
    for root in [world.view(), world.project()] {
        for (name, target) in LINKS {
            symlink(at(target), root.join(name)).unwrap();
        }
    }
    let socket = world.outside().join("agent");
    let _agent = UnixListener::bind(&socket).unwrap();
    world.hand_over();
    let script = SCRIPT
        .replace("@HOME@", &world.home().display().to_string())
        .replace("@CONNECT@", &attacker::line("unix", "sockets/agent"))
        .replace("@CONNECT_OWN@", &attacker::line("unix", &socket.display().to_string()));
    let targets = LINKS.map(|(_, target)| at(target));
    let readable: Vec<PathBuf> =
        targets.into_iter().chain([socket, at("home/.local/state/kcode/runs/other")]).collect();
    let private = vec![world.home().join(".local/state/kcode"), world.project()];
    let assignment =
        Assignment { run: world.run(), script, deadline_s: 60, readable, private, ..Assignment::default() };
    play(setup, world, assignment)
}

fn open(outcome: &Outcome) -> Vec<&str> {
    outcome.log.lines().filter(|line| line.starts_with("OPEN")).collect()
}

#[test]
fn links_to_secrets_sockets_and_devices_open_nothing() {
    together(setups_with_overlays(), |setup| {
        let world = setup.world();
        let outcome = attack(setup, &world);
        assert!(outcome.log.ends_with("done\n"), "{setup}: {}", outcome.log);
        assert_eq!(open(&outcome), Vec::<&str>::new(), "{setup}");
        assert!(outcome.wall.network, "{setup}: {:?}", outcome.wall);
        assert_eq!(outcome.wall.tree, outcome.holds("namespaces"), "{setup}: {:?}", outcome.wall);
    });
}

#[test]
fn without_a_sandbox_they_do() {
    let setup = unguarded();
    let world = setup.world();
    let outcome = attack(setup, &world);
    for wanted in
        ["read node_modules/", "read .venv/.aws", "read venv/", "read vendor/", "a link that tests made", "socket"]
    {
        assert!(open(&outcome).iter().any(|line| line.contains(wanted)), "{wanted}: {}", outcome.log);
    }
}

#[test]
fn more_secrets_than_can_be_covered_are_found_by_the_proof() {
    together(setups_with_overlays(), |setup| {
        let world = setup.world();
        for number in 0..500 {
            let folder = world.home().join(format!(".nvm/versions/{number}"));
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join(".env"), crate::world::CANARY).unwrap();
        }
        world.hand_over();
        let assignment =
            Assignment { run: world.run(), script: "true".into(), deadline_s: 60, ..Assignment::default() };
        let outcome = play(setup, &world, assignment);
        let found = outcome.wall.proof.iter().find(|proof| proof.attempt == "find a secret in a place that is shown");
        let found = found.unwrap_or_else(|| panic!("{setup}: nobody looked"));
        assert!(!found.held && found.detail.contains(".nvm/versions/"), "{setup}: {found:?}");
        assert!(!outcome.wall.tree, "{setup}: it counts as held");
    });
}
