//! What a person can do about a missing layer: one line, for this machine.

use crate::journal::Layer;

/// AppArmor: how to allow what the distribution's policy refuses.
const APPARMOR: &str = "AppArmor keeps user namespaces from kcode: install bubblewrap and load its profile \
                        (/usr/share/apparmor/extra-profiles/bwrap-userns-restrict, copied to /etc/apparmor.d), or give \
                        kcode's binary a profile with `userns,`, or \
                        `sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0`";
const CONTAINER: &str = "the container's runtime refuses namespaces: start it with `--security-opt seccomp=unconfined \
                         --security-opt apparmor=unconfined --security-opt systempaths=unconfined`";

/// Name of the layer that replaces kcode's own namespaces.
const BWRAP: &str = "bwrap";

/// Adds to each missing layer how to get it, and to bwrap how to do without it. `read` returns a file's text if it
/// exists.
pub(super) fn add(layers: &mut [Layer], read: impl Fn(&str) -> Option<String>) {
    let by_bwrap = layers.iter().any(|layer| layer.name == BWRAP);
    for layer in layers.iter_mut().filter(|layer| !layer.holds || layer.name == BWRAP) {
        layer.hint = hint(layer, by_bwrap, &read);
    }
}

fn hint(layer: &Layer, by_bwrap: bool, read: &impl Fn(&str) -> Option<String>) -> Option<String> {
    let hint = match layer.name.as_str() {
        "namespaces" | BWRAP => namespaces(read),
        // With namespaces of kcode's own this layer exists too.
        "cells" if by_bwrap => return None,
        "cells" => {
            "/proc is covered in this container, so commands can't have their own: start it with \
                    `--security-opt systempaths=unconfined` (Kubernetes: `procMount: Unmasked`)"
        }
        "landlock" => landlock(read),
        "overlay" => {
            "a run copies the tree instead, without what git ignores; where the disk of kcode's state is the reason, \
             KCODE_HOME on an ext4, XFS or Btrfs disk helps"
        }
        "cgroup" => cgroup(read)?,
        "seccomp" => "this kernel was built without CONFIG_SECCOMP_FILTER; take one that has it",
        _ => return None,
    };
    Some(hint.to_owned())
}

fn namespaces(read: &impl Fn(&str) -> Option<String>) -> &'static str {
    let setting = |path: &str| read(path).and_then(|text| text.trim().parse::<u64>().ok());
    if setting("/proc/sys/user/max_user_namespaces") == Some(0) {
        "user namespaces are switched off: `sudo sysctl user.max_user_namespaces=15000`"
    } else if setting("/proc/sys/kernel/unprivileged_userns_clone") == Some(0) {
        "user namespaces are root's only: `sudo sysctl kernel.unprivileged_userns_clone=1`"
    } else if is_container(read) {
        CONTAINER
    } else if setting("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == Some(1) {
        APPARMOR
    } else if read("/proc/self/ns/user").is_none() && read("/proc/self/uid_map").is_none() {
        "this kernel was built without CONFIG_USER_NS; take one that has it"
    } else {
        "kcode seems to run inside another sandbox that refuses them: start it outside, or allow it there"
    }
}

fn is_container(read: &impl Fn(&str) -> Option<String>) -> bool {
    let names = ["docker", "containerd", "kubepods", "libpod", "lxc"];
    let marks = ["/.dockerenv", "/run/.containerenv"];
    marks.iter().any(|mark| read(mark).is_some())
        || read("/proc/1/cgroup").is_some_and(|groups| names.iter().any(|name| groups.contains(name)))
}

/// Advice if the machine has cgroups version 2 and systemd delegates them.
fn cgroup(read: &impl Fn(&str) -> Option<String>) -> Option<&'static str> {
    let is_systemds =
        read("/proc/self/cgroup").is_some_and(|groups| groups.starts_with("0::") && groups.contains(".s"));
    is_systemds.then_some(
        "to bound all commands together: `systemd-run --user --scope -p Delegate=yes kcode …`; files, processes and \
         network are guarded without",
    )
}

fn landlock(read: &impl Fn(&str) -> Option<String>) -> &'static str {
    match read("/sys/kernel/security/lsm") {
        Some(modules) if !modules.contains("landlock") => {
            "Landlock is not among the kernel's active modules: add it to the `lsm=` list of the kernel's command line"
        }
        _ => "Landlock needs Linux 5.13, and 6.12 for all that kcode asks of it",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hinted(name: &str, files: &[(&str, &str)]) -> String {
        let mut layers = [Layer::missing(name, "refused"), Layer::holding("namespaces", "user")];
        let read = |path: &str| files.iter().find(|(known, _)| *known == path).map(|(_, text)| (*text).to_owned());
        add(&mut layers, read);
        assert_eq!(layers[1].hint, None);
        layers[0].hint.clone().unwrap_or_default()
    }

    #[test]
    fn the_setting_that_stands_in_the_way_is_named() {
        let user = ("/proc/self/uid_map", "0 0 1");
        let cases = [
            (("/proc/sys/user/max_user_namespaces", "0\n"), "user.max_user_namespaces"),
            (("/proc/sys/kernel/unprivileged_userns_clone", "0\n"), "kernel.unprivileged_userns_clone=1"),
            (("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1\n"), "AppArmor"),
            (("/.dockerenv", ""), "--security-opt seccomp=unconfined"),
            (("/proc/1/cgroup", "0::/kubepods/pod1"), "--security-opt"),
            (("/proc/sys/user/max_user_namespaces", "15000\n"), "another sandbox"),
        ];
        for (file, word) in cases {
            let hint = hinted("namespaces", &[file, user]);
            assert!(hint.contains(word), "{file:?}: {hint}");
        }
        assert!(hinted("namespaces", &[]).contains("CONFIG_USER_NS"));
    }

    #[test]
    fn what_bwrap_stands_in_for_is_told_once() {
        let mut layers = [Layer::holding("bwrap", "0.9"), Layer::missing("cells", "refused")];
        add(&mut layers, |path| (path == "/proc/sys/user/max_user_namespaces").then(|| "0\n".into()));
        assert!(layers[0].hint.as_deref().is_some_and(|hint| hint.contains("user.max_user_namespaces")));
        assert_eq!(layers[1].hint, None);
    }

    #[test]
    fn other_layers_have_their_own_word() {
        assert!(hinted("landlock", &[("/sys/kernel/security/lsm", "capability,apparmor")]).contains("lsm="));
        assert!(hinted("landlock", &[]).contains("6.12"));
        assert!(hinted("cells", &[]).contains("systempaths"));
        assert_eq!(hinted("subreaper", &[]), "");
        let group = "0::/user.slice/user-1000.slice/session-2.scope\n";
        assert!(hinted("cgroup", &[("/proc/self/cgroup", group)]).contains("systemd-run --user"));
        assert_eq!(hinted("cgroup", &[("/proc/self/cgroup", "9:memory:/\n0::/\n")]), "");
    }
}
