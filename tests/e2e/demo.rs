//! `kcode demo`: the whole road without a key, in seconds.

use crate::world::World;

#[test]
fn the_demo_mends_a_repository_and_says_what_it_was() {
    let world = World::new();
    let ran = world.run(world.kcode(&["demo"])).code(0);
    assert!(ran.stdout().starts_with("diff --git "), "{}", ran.stdout());
    ran.says(&["the model is a recording", "verified", "MOONSHOT_API_KEY", "kcode fix"]);
    assert!(world.runs().is_empty(), "the demo keeps nothing in the user's state");
}

#[test]
fn the_demo_needs_nothing_but_a_shell() {
    let world = World::new();
    let tools = world.path("tools");
    std::fs::create_dir(&tools).unwrap();
    for name in ["sh", "cat", "env"] {
        let program = ["/bin", "/usr/bin"].iter().map(|folder| std::path::Path::new(folder).join(name));
        let program = program.into_iter().find(|program| program.exists()).unwrap();
        std::os::unix::fs::symlink(program, tools.join(name)).unwrap();
    }
    let mut command = world.kcode(&["demo"]);
    command.env("PATH", &tools);
    let ran = world.run(command).code(0).says(&["verified"]);
    assert!(ran.stdout().contains("greet.sh"), "{}", ran.stdout());
}

#[test]
fn the_demo_is_not_led_astray_by_the_users_settings() {
    let world = World::new();
    world.configure("model = \"something-else\"\n[limits]\nmax_turns = 1");
    let mut command = world.kcode(&["demo"]);
    command.env("KCODE_API_KEY", "sk-real").env("KCODE_BASE_URL", "http://127.0.0.1:9");
    world.run(command).code(0).says(&["verified"]);
}
