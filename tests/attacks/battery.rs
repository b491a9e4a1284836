//! Every attack of the catalogue in every setup: what is held, what is reported as not held, and that nothing else is so.

use std::fmt::Write;
use std::fs;

use crate::attacker;
use crate::broker::{Assignment, Outcome};
use crate::catalogue::{Attack, Needs, Neighbours, attacks};
use crate::setups::{Setup, Wall, play, setups_with_overlays, unguarded, users};
use crate::world::World;

/// Folders that everybody may write: what is put there must not reach the machine's.
const SHARED: [&str; 3] = ["/tmp", "/var/tmp", "/dev/shm"];

/// All attacks one after another; each that succeeds is named by its number.
fn script(world: &World, attacks: &[Attack]) -> String {
    let mut script = format!("({}) > /dev/null 2>&1 && echo control\n", attacker::line("control", ""));
    for (number, attack) in attacks.iter().enumerate() {
        let _ = writeln!(script, "if ({}) > /dev/null 2>&1; then echo open {number}; fi", attack.line);
    }
    for folder in SHARED {
        let _ = writeln!(script, "echo x > {folder}/{} 2> /dev/null", world.mark);
    }
    script + "exit 0\n"
}

struct Fought {
    outcome: Outcome,
    /// Names of the attacks that succeeded.
    open: Vec<&'static str>,
    attacks: Vec<Attack>,
    datagram: bool,
    connection: bool,
}

fn fight(setup: Setup, world: &World) -> Fought {
    let neighbours = Neighbours::of(world);
    let attacks = attacks(world, &neighbours);
    let assignment =
        Assignment { run: world.run(), script: script(world, &attacks), deadline_s: 60, ..Assignment::default() };
    let outcome = play(setup, world, assignment);
    assert!(outcome.tests.passed(), "{setup}: {}", outcome.log);
    assert!(outcome.log.starts_with("control\n"), "{setup}: the attacker can't even start: {}", outcome.log);
    let numbers = outcome.log.lines().filter_map(|line| line.strip_prefix("open ")?.parse::<usize>().ok());
    let open = numbers.map(|number| attacks[number].name).collect();
    let (datagram, connection) = (neighbours.udp.recv(&mut [0; 1]).is_ok(), neighbours.tcp.accept().is_ok());
    Fought { outcome, open, attacks, datagram, connection }
}

#[test]
fn what_the_wall_holds_and_what_it_reports_as_not_held() {
    for setup in setups_with_overlays() {
        let world = setup.world();
        let before = world.belongings();
        let fought = fight(setup, &world);
        let (outcome, wall) = (&fought.outcome, &fought.outcome.wall);
        if matches!(setup.wall, Wall::Whole | Wall::Overlay) && !outcome.holds("namespaces") {
            continue; // This machine doesn't give them; the other setups tell what then holds.
        }
        let in_namespaces = setup.wall != Wall::WithoutNamespaces;
        assert_eq!(outcome.holds("bwrap"), setup.wall == Wall::Bwrap, "{setup}: {wall:?}");
        assert_eq!(outcome.holds("overlay"), setup.wall == Wall::Overlay, "{setup}: {wall:?}");
        // What looks like the user's project is the view then; that the project stays as it was is looked at below.
        let project = world.project().display().to_string();
        let is_of_view = |attack: &Attack| {
            setup.wall == Wall::Overlay && attack.line.contains(&project) && !attack.line.contains("/.git/")
        };
        assert!(wall.process && wall.network, "{setup}: {wall:?}");
        assert_eq!((wall.tree, outcome.holds("namespaces")), (in_namespaces, in_namespaces), "{setup}: {wall:?}");
        let is_gap = |attack: &&Attack| match attack.needs {
            Needs::Nothing => false,
            Needs::Files => !wall.tree,
            Needs::Network => !wall.network,
            Needs::Namespaces => !in_namespaces,
            Needs::Cells => !outcome.holds("cells"),
            Needs::Seccomp => !outcome.holds("seccomp"),
            Needs::More => true,
        };
        let certain: Vec<&str> =
            fought.attacks.iter().filter(is_gap).filter(|it| it.works_unguarded).map(|it| it.name).collect();
        let possible: Vec<&str> = fought.attacks.iter().filter(is_gap).map(|attack| attack.name).collect();
        let of_view: Vec<&str> = fought.attacks.iter().filter(|it| is_of_view(it)).map(|it| it.name).collect();
        let broken: Vec<_> =
            fought.open.iter().filter(|name| !possible.contains(name) && !of_view.contains(name)).collect();
        assert!(broken.is_empty(), "{setup}: not held: {broken:?}\n{wall:?}");
        let held: Vec<_> = certain.iter().filter(|name| !fought.open.contains(name)).collect();
        assert!(held.is_empty(), "{setup}: held after all, say so: {held:?}");
        assert_eq!((fought.datagram, fought.connection), (!wall.network, !wall.network), "{setup}");
        before.assert_same(&world.belongings());
        if in_namespaces {
            world.assert_no_trace();
        } else {
            // Shared memory is the machine's own then.
            let _ = fs::remove_file(format!("/dev/shm/{}", world.mark));
            world.assert_no_trace();
        }
        assert_eq!(outcome.residue.survivors, 0, "{setup}");
    }
}

#[test]
fn the_attacks_are_some() {
    let setup = unguarded();
    let world = setup.world();
    let fought = fight(setup, &world);
    let harmless: Vec<_> = fought
        .attacks
        .iter()
        .filter(|attack| attack.works_unguarded && !fought.open.contains(&attack.name))
        .map(|attack| attack.name)
        .collect();
    assert!(harmless.is_empty(), "without a wall these fail as well: {harmless:?}");
    assert!(fought.datagram && fought.connection);
    for folder in SHARED {
        fs::remove_file(format!("{folder}/{}", world.mark)).unwrap();
    }
    assert!(fought.attacks.len() >= 80, "only {} attacks", fought.attacks.len());
    let mut names: Vec<_> = fought.attacks.iter().map(|attack| attack.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), fought.attacks.len());
}

#[test]
fn every_gap_is_in_the_documentation() {
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/security.md")).unwrap();
    let page = page.split_whitespace().collect::<Vec<_>>().join(" ");
    let world = World::new(users()[0]);
    let gaps = attacks(&world, &Neighbours::of(&world)).into_iter().filter(|attack| attack.needs != Needs::Nothing);
    let missing: Vec<_> = gaps.map(|attack| attack.name).filter(|name| !page.contains(name)).collect();
    assert!(missing.is_empty(), "docs/security.md doesn't list {missing:?}");
}
