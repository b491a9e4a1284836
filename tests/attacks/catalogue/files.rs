//! Attacks on the user's files.

use super::{Attack, Needs, held};
use crate::world::World;

pub fn attacks(world: &World) -> Vec<Attack> {
    let (project, home) = (world.project().display().to_string(), world.home().display().to_string());
    vec![
        held("makes a file in the user's tree", format!("echo x > {project}/new")),
        held("appends to a file of the user's tree", format!("echo x >> {project}/greeting.txt")),
        held("empties a file of the user's tree", format!(": > {project}/greeting.txt")),
        held("removes a folder of the user's tree", format!("rm -r {project}/folder && test ! -e {project}/folder")),
        held("renames a file of the user's tree", format!("mv {project}/.git/HEAD {project}/.git/TAIL")),
        held("writes git's settings of the user's tree", format!("echo x >> {project}/.git/config")),
        held("plants a hook in the user's tree", format!("echo x > {project}/.git/hooks/pre-commit")),
        held("writes what a shell runs at its start", format!("echo x >> {home}/.bashrc")),
        held("lets a key log in", format!("echo x >> {home}/.ssh/authorized_keys")),
        held("replaces a program of the home", format!("echo x > {home}/bin/tool")),
        held("goes up with ..", "echo x > ../up"),
        held("writes through a link", format!("ln -s {project} link && echo x > link/through")),
        held("writes through a dangling link", format!("ln -s {home}/born dangling && echo x > dangling")),
        held("writes through the root of its own process", format!("echo x > /proc/self/root{project}/root")),
        held("writes through the folder of its own process", "echo x > /proc/self/cwd/../folder-of-process"),
        held("links a file of the home hard", format!("ln {home}/documents/diary.txt hard && echo x >> hard")),
        held(
            "moves a file of its own out",
            format!("touch inside && mv inside {project}/inside && test -e {project}/inside"),
        ),
        held(
            "moves a file of the home in",
            format!("mv {home}/documents/letter.txt moved && test ! -e {home}/documents/letter.txt"),
        ),
        held("forges a log of the run", "echo x > ../logs/forged.log"),
        held("moves the logs of the run away", "mv ../logs ../away && mv ../away ../logs"),
        held("moves its view away", "mv ../view ../gone && mv ../gone ../view"),
        held("makes a file of 17 GiB", "truncate -s 17G large && test -s large && rm large"),
        held("writes the journal of the run", "echo x >> ../journal.jsonl"),
        held("writes another run", "echo x >> ../../other/journal.jsonl"),
        held("changes the mode of a file of the user", format!("chmod 644 {home}/bin/tool")).needs(Needs::Files),
        held("changes the times of a file of the user", format!("touch -c -r {home}/bin/tool {home}/bin/tool"))
            .needs(Needs::Files),
        held("makes a device", "mknod device c 1 3 && echo x > device").seldom(),
        // It stays in the view: patches carry no such bit.
        held("sets the bit that runs a program as its owner", "cp /bin/true owner && chmod u+s owner")
            .needs(Needs::More),
    ]
}
