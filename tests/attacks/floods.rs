//! Attacks that use something up or don't end. They are bounded, so that a sandbox that fails costs a few hundred processes at most.

use crate::broker::{Assignment, Outcome};
use crate::setups::{Setup, play, setups, together};
use crate::world::World;

/// Runs a script in a setup; whatever it does, user and machine are as before. `MARK` marks a process.
fn bear(setup: Setup, script: &str, deadline_s: u64) -> Outcome {
    let world = setup.world();
    let before = world.belongings();
    let outcome = play(setup, &world, assignment(&world, script, deadline_s));
    before.assert_same(&world.belongings());
    world.assert_no_trace();
    assert_eq!(outcome.residue.survivors, 0, "{setup}");
    let answers = &outcome.observations;
    assert!(answers.iter().all(|it| it.ok) && answers[1].text.contains("of life"), "{setup}: {answers:?}");
    outcome
}

fn assignment(world: &World, script: &str, deadline_s: u64) -> Assignment {
    Assignment {
        run: world.run(),
        script: script.replace("MARK", &world.mark),
        deadline_s,
        calls: vec![
            ("write_file".into(), r#"{"path": "sign", "content": "of life\n"}"#.into()),
            ("read_file".into(), r#"{"path": "sign"}"#.into()),
        ],
        ..Assignment::default()
    }
}

#[test]
fn daemons_end_with_the_command_however_they_get_away() {
    let daemon = "trap '' TERM INT HUP; echo up >> up; sleep 1000; : MARK";
    let script = "setsid sh daemon.sh MARK &
        (setsid sh daemon.sh MARK > /dev/null 2>&1 &)
        (setsid sh -c '(setsid sh daemon.sh MARK &) & exit' &)
        nohup sh daemon.sh MARK < /dev/null > /dev/null 2>&1 &
        while [ \"$(grep -c up up 2> /dev/null)\" != 4 ]; do sleep 0.01; done
        echo all up";
    let script = format!("echo \"{daemon}\" > daemon.sh\n{script}");
    for setup in setups() {
        let outcome = bear(setup, &script, 30);
        assert_eq!((outcome.tests.exit_code, outcome.log.as_str()), (Some(0), "all up\n"), "{setup}: {outcome:?}");
    }
}

#[test]
fn what_ignores_every_request_to_end_is_ended_at_the_deadline() {
    let scripts = [
        "trap '' TERM INT HUP QUIT; while :; do sleep 1; done; : MARK",
        "exec > /dev/null 2>&1 < /dev/null; trap '' TERM; sh -c 'sleep 1000; : MARK'",
        "sh -c 'sleep 1000; : MARK' & kill -STOP $$",
        "yes MARK",
    ];
    together(setups(), |setup| {
        for script in scripts {
            let outcome = bear(setup, script, 1);
            assert_eq!(outcome.tests.stopped.as_deref(), Some("deadline"), "{setup}: {script}: {}", outcome.log);
        }
    });
}

#[test]
fn hundreds_of_processes_are_gone_at_the_deadline() {
    let script = "n=0; while [ $n -lt 300 ]; do sh -c 'sleep 1000; : MARK' & n=$((n + 1)); done; wait";
    for setup in setups() {
        assert_eq!(bear(setup, script, 2).tests.stopped.as_deref(), Some("deadline"), "{setup}");
    }
}

/// Sent only where kcode is out of reach, which is tried first. Without namespaces only the tests' own user sends it, to
/// whom nothing else on the machine belongs.
#[test]
fn a_signal_to_everybody_reaches_nobody_outside() {
    let script = "if kill -0 @BROKER@ 2> /dev/null || kill -0 @HOST@ 2> /dev/null; then echo in reach; exit 1; fi
        sh -c 'sleep 1000; : MARK' & kill -KILL -1; echo alive still; kill -KILL $$";
    for setup in setups() {
        if !setup.may_signal_everybody() {
            continue;
        }
        let outcome = bear(setup, script, 30);
        assert!(outcome.tests.signal.is_some() || outcome.tests.exit_code == Some(137), "{setup}: {outcome:?}");
        assert!(!outcome.log.contains("in reach"), "{setup}");
    }
}

#[test]
fn a_command_that_removes_everything_has_removed_its_view() {
    let script = "rm -rf -- \"$PWD\"/* \"$PWD\"/.[!.]* ../* ../../* \"$HOME\"/* 2> /dev/null; ls -A | wc -l";
    for setup in setups() {
        let outcome = bear(setup, script, 30);
        assert_eq!(outcome.log.trim(), "0", "{setup}: it could remove what it may: {}", outcome.log);
    }
}
