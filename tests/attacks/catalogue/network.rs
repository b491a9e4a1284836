//! Attacks over sockets.

use super::{Attack, Needs, Neighbours, held};
use crate::attacker::line;
use crate::world::World;

pub fn attacks(world: &World, neighbours: &Neighbours) -> Vec<Attack> {
    let (tcp, udp) = (neighbours.tcp.local_addr().unwrap(), neighbours.udp.local_addr().unwrap());
    let socket = world.outside().join("socket").display().to_string();
    vec![
        held("connects to a server of the machine", line("tcp", &tcp.to_string())).needs(Needs::Network),
        // A datagram to its own loopback gets lost: whether it arrived shows at the other end.
        held("connects to the agent of ssh", line("unix", &socket)).needs(Needs::Network),
        held("connects to an abstract socket", line("abstract", &world.mark)),
        // An address that is nobody's (RFC 5737); nothing answers there.
        held("connects to the internet", line("tcp", "192.0.2.1:9")).needs(Needs::Network).seldom(),
        held("makes a socket to the hypervisor", line("vsock", "any")).needs(Needs::Seccomp).seldom(),
        held("listens to the kernel's events", line("events", "any")).needs(Needs::Seccomp),
        held("makes a socket for whole packets", line("packet", "any")).seldom(),
        held("makes a raw socket", line("raw-ip", "any")).seldom(),
    ]
    .into_iter()
    .chain([held("sends a datagram", format!("{} && false", line("udp", &udp.to_string()))).seldom()])
    .collect()
}
