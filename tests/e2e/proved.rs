//! What the proof finds in the very sandbox of a run: `--sandbox strict` doesn't begin there, and `auto` says so.

use std::fs;

use crate::setups::{Kernel, setups};
use crate::world::{TASK, World, mender, together};

/// More secrets than the sandbox covers, in a place that the user's own settings open.
const SECRETS: usize = 450;

fn world() -> World {
    let world = World::new();
    for number in 0..SECRETS {
        let folder = world.path("shared").join(number.to_string());
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(".env"), "TOKEN=x\n").unwrap();
    }
    world.configure(&format!("readable = [\"{}\"]", world.path("shared").display()));
    world
}

#[test]
fn strict_begins_no_run_where_the_proof_finds_something() {
    let kernels = setups().into_iter().filter(|setup| setup.uid.is_none() && setup.kernel != Kernel::Landlock);
    together(kernels, |setup| {
        let world = world().used_by(setup);
        let kimi = mender();
        let refused = world.run(world.keyed(&kimi, &["fix", TASK, "--sandbox", "strict"])).code(7);
        refused.says(&["files", "shared/", ".env", "hint: "]);
        assert!(kimi.requests().is_empty(), "{setup}: a request was made");

        // There a run has a gap, of which its audit tells: it isn't held to the laws.
        fs::remove_dir_all(world.state()).unwrap();
        let kimi = mender();
        let ran = world.start(world.keyed(&kimi, &["fix", TASK, "--sandbox", "auto", "--no-baseline"])).wait().code(0);
        let wall = ran.kept().events("wall_built").remove(0);
        assert_eq!(wall["tree"], false, "{setup}: {wall}");
        ran.says(&["files ✗"]);
    });
}

#[test]
fn strict_begins_where_as_much_is_covered_as_there_is() {
    let world = world();
    for number in 50..SECRETS {
        fs::remove_dir_all(world.path("shared").join(number.to_string())).unwrap();
    }
    world.fix(&mender(), &["--sandbox", "strict", "--no-baseline"]).code(0);
}
