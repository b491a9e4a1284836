//! Attacks on processes: kcode's two, and everybody else's.

use super::{Attack, Needs, held};
use crate::attacker::line;
use crate::world::World;

pub fn attacks(_: &World) -> Vec<Attack> {
    vec![
        held("signals kcode", "kill -0 @BROKER@"),
        held("signals the worker", "kill -0 @HOST@"),
        held("signals the worker's supervisor", "kill -0 @SUPERVISOR@"),
        held("traces kcode", line("ptrace", "@BROKER@")).seldom(),
        held("traces the worker", line("ptrace", "@HOST@")),
        held("reads the memory of kcode", line("read-memory", "@BROKER@")).seldom(),
        held("reads the memory of the worker", line("read-memory", "@HOST@")),
        held("takes a descriptor of the worker", line("pidfd", "@HOST@")),
        held("reads the environment of the worker", "cat /proc/@HOST@/environ"),
        held("opens the memory of the worker", ": < /proc/@HOST@/mem"),
        held("lists the descriptors of the worker", "ls /proc/@HOST@/fd | grep -q .").needs(Needs::Cells),
        held("lists the descriptors of kcode", "ls /proc/@BROKER@/fd | grep -q .").needs(Needs::Namespaces).seldom(),
        held("reads the memory map of kcode", "grep -q . /proc/@BROKER@/maps").seldom(),
        held("sees kcode", "test -e /proc/@BROKER@/stat").needs(Needs::Namespaces),
        held("changes the priority of the worker", "renice -n 19 -p @HOST@"),
        held("changes the priority of kcode", line("priority", "@BROKER@")),
        held("changes the limits of kcode", line("limits", "@BROKER@")),
        held("changes the limits of the worker", line("limits", "@HOST@")),
        held("changes the limits of the worker's supervisor", line("limits", "@SUPERVISOR@")),
        held("changes the priority of what kcode writes", line("disk-priority", "@BROKER@")),
        held("changes how kcode is scheduled", line("scheduler", "@BROKER@")),
        held("changes how the worker is scheduled", line("scheduler", "@HOST@")),
        held("changes the processors of kcode", line("processors", "@BROKER@")),
        held("changes the processors of the worker", line("processors", "@HOST@")),
        held(
            "changes who is ended first without memory",
            "test -e /proc/@HOST@/stat && echo 500 > /proc/@HOST@/oom_score_adj",
        ),
        held("speaks to kcode in the worker's name", line("descriptors", "all")).seldom(),
        held("reserves memory without end", line("reserve", "a tebibyte")).needs(Needs::More),
        held("leaves a core dump", "test \"$(ulimit -Hc)\" != 0").seldom(),
        held("raises a limit of its own", "ulimit -Hn $(($(ulimit -Hn) + 1))").seldom(),
    ]
}
