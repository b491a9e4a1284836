//! Compares what is really mounted and accessible with what should be.
//!
//! The other attempts target canaries; these examine this very sandbox. They check every mount in
//! `/proc/self/mountinfo`; every path that should be covered; the folders of secrets in the home; and in each place the
//! same first entries that were searched when it was chosen (`visible/masks.rs`), or that its folders are unchanged
//! since (`visible/read_folders.rs`). The system's own trees (`/usr`, …) aren't searched.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{FileType, OFlags};

use super::targets::Meant;
use crate::journal::{Digest, Guard, Proof};
use crate::sandbox::confine::{mount_line, mount_table};
use crate::sandbox::plain_paths::lies_in;
use crate::sandbox::visible::{
    How, SearchDepth, Searched, Visible, VisiblePlace, WalkEntry, all_processors, beside_each_other, holds_secret,
    is_systems, walk,
};
use crate::settings::SecretFiles;

/// Name of the search for secrets.
pub(super) const FIND_SECRETS: &str = "find a secret in a place that is shown";
pub(super) const FIND_DOORS: &str = "find a socket or a pipe in a place that is shown";
/// The mounts of this namespace.
pub(super) const MOUNTS: &str = "/proc/self/mountinfo";
/// Harmless devices.
const DEVICES: [&str; 9] = ["null", "zero", "full", "random", "urandom", "tty", "ptmx", "console", "pts"];
/// Devices that reach the kernel or the machine's disks.
const DOORS: [&str; 7] = ["kvm", "fuse", "net/tun", "kmsg", "mem", "loop-control", "vhost-vsock"];
/// Most findings of a kind that are named.
const NAMED: usize = 3;
/// Most findings of a kind that are searched for.
const MOST: usize = 100;

/// Makes all checks except the search, which may run meanwhile.
pub(super) fn look(meant: &Meant) -> Vec<Proof> {
    let mut proofs = vec![
        proof(Guard::Files, "find a device of the machine", Ok(devices())),
        proof(Guard::Files, "open a folder of secrets", Ok(open(&meant.hidden))),
        proof(Guard::Files, "open what is to be covered", Ok(covered(meant))),
    ];
    let table = fs::read(MOUNTS);
    match &meant.searched {
        None => proofs.extend(search(meant, &Searched::default(), all_processors())),
        // A search is valid only for the mounts in which it was made.
        Some(searched) => {
            let found = table.as_ref().map(|table| {
                let is_same = fingerprint(&meant.visible, table) == *searched;
                if is_same { Vec::new() } else { vec![MOUNTS.into()] }
            });
            let found = found.map_err(|error| io::Error::from(error.kind()));
            proofs.push(proof(Guard::Files, "find a mount that was not searched", found));
        }
    }
    if meant.has_root {
        let odd = table.map(|table| mounts(&meant.visible, &table));
        proofs.push(proof(Guard::Files, "find a mount that was not meant", odd));
    }
    proofs
}

/// Searches the shown places for secrets, sockets and pipes, on `threads` threads. Folders that were read `before` the
/// mounts were made and are unchanged aren't read again.
pub(super) fn search(meant: &Meant, before: &Searched, threads: usize) -> Vec<Proof> {
    let (secrets, doors) = secrets_and_doors(meant, before, threads);
    let mut proofs = vec![proof(Guard::Files, FIND_SECRETS, secrets)];
    if meant.has_root {
        // Without a root of its own, sockets are visible; other attempts show that none can be used.
        proofs.push(proof(Guard::Network, FIND_DOORS, Ok(doors)));
    }
    proofs
}

/// A digest of the mounts: what is mounted where, with which options. A command has its own kernel files, and its logs
/// may be mounted again; neither is searched.
pub(super) fn fingerprint(visible: &Visible, table: &[u8]) -> Digest {
    let own = visible.places.iter().filter(|place| place.how == How::Writable).map(|place| place.real.as_path());
    let own: Vec<&Path> = own.chain(["/dev", "/proc"].map(Path::new)).collect();
    let is_other = |line: &&[u8]| mount_line(line).is_some_and(|(at, _)| !own.iter().any(|own| lies_in(&at, own)));
    // Mount numbers and their order differ between namespaces (proc_pid_mountinfo(5)).
    let facts = |line: &[u8]| line.split(|byte| *byte == b' ').skip(2).take(4).collect::<Vec<_>>().join(&b' ');
    let mut mounts: Vec<_> = table.split(|byte| *byte == b'\n').filter(is_other).map(facts).collect();
    mounts.sort_unstable();
    Digest::of(mounts.join(&b'\n'))
}

/// The result of a search; finding nothing is the hoped-for refusal.
fn proof(guards: Guard, attempt: &str, found: io::Result<Vec<PathBuf>>) -> Proof {
    let (held, detail) = match found {
        Ok(found) if found.is_empty() => (true, "nothing was found".to_owned()),
        Ok(found) => {
            let named: Vec<_> = found.iter().take(NAMED).map(|path| path.display().to_string()).collect();
            (false, format!("{}, {} in all", named.join(", "), found.len()))
        }
        Err(error) => (false, format!("not looked at: {error}")),
    };
    Proof { guards, attempt: attempt.to_owned(), held, detail }
}

/// Unexpected mounts, mounts that are writable or allow devices but mustn't, and missing places.
fn mounts(visible: &Visible, table: &[u8]) -> Vec<PathBuf> {
    let mounts: Vec<(PathBuf, String)> = mount_table(table).collect();
    let is_kernels = |path: &Path| ["/dev", "/proc"].iter().any(|top| lies_in(path, Path::new(top)));
    let is_temporary = |path: &Path| ["/tmp", "/var/tmp"].iter().any(|top| path.as_os_str() == OsStr::new(top));
    // A mount that contains a place was made to put it there.
    let is_near = |path: &Path, place: &Path| lies_in(path, place) || lies_in(place, path);
    let is_meant = |path: &Path| visible.places.iter().any(|place| is_near(path, &place.real));
    let is_open = |path: &Path| {
        let mut open = visible.places.iter().filter(|place| place.how != How::ReadOnly);
        let is_at = |place: &VisiblePlace| place.real.as_os_str() == path.as_os_str();
        let is_cache = open.clone().any(is_at);
        let is_guarded = !is_cache && visible.read_only().any(is_at);
        is_temporary(path) || (!is_guarded && open.any(|place| lies_in(path, &place.real)))
    };
    let has = |options: &str, name: &str| options.split(',').any(|option| option == name);
    let is_safe = |options: &str| has(options, "ro") && has(options, "nodev");
    // Of mounts at one path the last one is visible, and hides what the earlier ones contained. The table lists them in
    // order.
    // As bytes, because each is compared with all others.
    let is_over = |path: &Path, at: usize| {
        let is_root = path.as_os_str() == OsStr::new("/");
        mounts[at].0.as_os_str() == path.as_os_str() || (!is_root && lies_in(&mounts[at].0, path))
    };
    let is_seen = |at: usize| !mounts.iter().skip(at + 1).any(|(path, _)| is_over(path, at));
    let seen = mounts.iter().enumerate().filter(|(at, _)| is_seen(*at)).map(|(_, mount)| mount);
    let seen = seen.filter(|(path, _)| !is_kernels(path));
    let odd =
        seen.filter(|(path, options)| !(is_meant(path) || is_temporary(path)) || !(is_open(path) || is_safe(options)));
    let is_there = |path: &Path| mounts.iter().any(|(it, _)| it.as_os_str() != OsStr::new("/") && lies_in(path, it));
    let missing = visible.read_only().map(|place| &place.real).filter(|place| !is_kernels(place) && !is_there(place));
    odd.map(|(path, _)| path).chain(missing).cloned().collect()
}

/// Entries of `/dev` that open and are harmful.
fn devices() -> Vec<PathBuf> {
    let machine = |name: &str| Path::new("/dev").join(name);
    let known = DOORS.map(machine).into_iter();
    let listed = fs::read_dir("/dev").into_iter().flatten().flatten();
    let listed = listed.filter(|entry| {
        let is_device = entry.file_type().is_ok_and(|kind| kind.is_char_device() || kind.is_block_device());
        is_device && !DEVICES.iter().any(|harmless| entry.file_name() == *harmless)
    });
    let all = known.chain(listed.map(|entry| entry.path()));
    all.filter(|path| opens(path).is_ok()).take(MOST).collect()
}

fn open(hidden: &[PathBuf]) -> Vec<PathBuf> {
    let opens = |path: &&PathBuf| if path.is_dir() { fs::read_dir(path).is_ok() } else { opens(path).is_ok() };
    hidden.iter().filter(opens).cloned().collect()
}

/// Covered paths that can be opened. Entries of a covered folder are ignored if they are shown on purpose.
fn covered(meant: &Meant) -> Vec<PathBuf> {
    let is_shown = |path: &Path| meant.visible.places.iter().any(|place| place.real.starts_with(path));
    let is_open = |path: &Path| match fs::symlink_metadata(path) {
        Ok(about) if about.is_dir() => {
            // With Landlock alone, names may be listed.
            let is_open = |entry: &fs::DirEntry| meant.has_root || opens(&entry.path()).is_ok_and(|it| is_file(&it));
            let mut entries = fs::read_dir(path).into_iter().flatten().flatten();
            entries.any(|entry| is_open(&entry) && !is_shown(&entry.path()))
        }
        Ok(about) if about.is_file() => opens(path).is_ok_and(|file| file.metadata().is_ok_and(|it| it.len() > 0)),
        // Without a root of its own a socket is visible but can't be used: no sockets can be made.
        Ok(_) => meant.has_root || opens(path).is_ok(),
        Err(_) => false,
    };
    // bwrap covers files with a device that can't be opened.
    let is_device = |path: &Path| fs::symlink_metadata(path).is_ok_and(|about| about.file_type().is_char_device());
    let masks = meant.visible.masks.iter().map(|mask| &mask.path);
    let open = masks.filter(|path| if is_device(path) { opens(path).is_ok() } else { is_open(path) });
    open.cloned().collect()
}

fn searched(meant: &Meant) -> impl Iterator<Item = &Path> {
    // A place may be shown under several names and be a cache as well.
    let all: BTreeSet<_> = meant.visible.beside().map(|place| place.real.as_path()).collect();
    all.into_iter().filter(|place| !is_systems(place) && place.is_dir())
}

/// Whether a folder belongs to the tree, which isn't searched for secrets.
fn is_of_tree(meant: &Meant, place: &Path) -> bool {
    meant.of_tree.iter().any(|of_tree| place == of_tree)
}

/// Secrets, and sockets and pipes, found in one walk.
fn secrets_and_doors(meant: &Meant, before: &Searched, threads: usize) -> (io::Result<Vec<PathBuf>>, Vec<PathBuf>) {
    let readable = SecretFiles::new(&meant.readable_secrets).map_err(io::Error::other);
    let has_content = |path: &Path| opens(path).is_ok_and(|file| file.metadata().is_ok_and(|it| it.len() > 0));
    let is_door = |entry: &WalkEntry<'_>| matches!(entry.kind, FileType::Socket | FileType::Fifo);
    let look = |place: &&Path| {
        let of_tree = is_of_tree(meant, place);
        let holds_secret =
            |entry: &WalkEntry<'_>| readable.as_ref().is_ok_and(|readable| holds_secret(readable, entry));
        let is_secret =
            |entry: &WalkEntry<'_>| !of_tree && entry.kind.is_file() && holds_secret(entry) && has_content(entry.path);
        let search = match meant.named.iter().any(|named| named == place) {
            _ if of_tree => SearchDepth::Doors,
            true => SearchDepth::Work,
            false => SearchDepth::All,
        };
        let earlier = before.get(&((*place).to_owned(), search)).and_then(|earlier| earlier.still_found(place));
        earlier.map_or_else(
            || walk(place, search.bound(), |entry| is_door(entry) || is_secret(entry)),
            |found| found.iter().map(|mask| (mask.path.clone(), mask.is_folder)).collect(),
        )
    };
    let is_covered = |path: &Path| meant.visible.masks.iter().any(|mask| mask.path == path);
    let (mut secrets, mut doors) = (Vec::new(), Vec::new());
    let places: Vec<&Path> = searched(meant).collect();
    for (path, _) in beside_each_other(&places, threads, look).into_iter().flatten() {
        // The folder's list shows the type of what is covered, not of the cover.
        let Ok(about) = fs::symlink_metadata(&path) else { continue };
        let kind = about.file_type();
        let found = if kind.is_socket() || kind.is_fifo() {
            &mut doors
        } else if (about.is_file() && has_content(&path)) || (about.is_dir() && !is_covered(&path)) {
            &mut secrets
        } else {
            continue;
        };
        if found.len() < MOST {
            found.push(path);
        }
    }
    (readable.map(|_| secrets), doors)
}

fn is_file(file: &File) -> bool {
    file.metadata().is_ok_and(|about| about.is_file())
}

/// Opens a file without blocking on a peer and without acquiring a terminal.
fn opens(path: &Path) -> io::Result<File> {
    let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed();
    OpenOptions::new().read(true).custom_flags(flags).open(path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;
    use crate::sandbox::visible::{FolderSearch, Mask};

    /// What a sandbox without mounts of its own shows: the whole machine, although only `place` is expected.
    fn meant(place: &Path, masks: &[&str], hidden: &[&str]) -> Meant {
        let place = place.canonicalize().unwrap();
        let masks = masks.iter().map(|name| Mask { path: place.join(name), is_folder: place.join(name).is_dir() });
        let hidden = hidden.iter().map(|name| place.join(name)).collect();
        let visible = Visible {
            masks: masks.collect(),
            places: vec![VisiblePlace { path: place.clone(), real: place, how: How::ReadOnly }],
        };
        Meant { visible, has_root: true, hidden, ..Meant::default() }
    }

    fn found(meant: &Meant) -> Vec<String> {
        let found = look(meant).into_iter().filter(|proof| !proof.held);
        found.map(|proof| proof.attempt).filter(|attempt| !attempt.contains("device")).collect()
    }

    #[test]
    fn the_look_finds_what_was_left_uncovered() {
        let place = tempfile::tempdir().unwrap();
        let write = |name: &str| {
            fs::create_dir_all(place.path().join(name).parent().unwrap()).unwrap();
            fs::write(place.path().join(name), "hunter2").unwrap();
        };
        let unmeant = "find a mount that was not meant";
        // A place that no mount shows, among unexpected mounts.
        assert_eq!(found(&meant(place.path(), &[], &[])), [unmeant]);
        write("a/b/c/.env");
        assert_eq!(found(&meant(place.path(), &[], &[])), ["find a secret in a place that is shown", unmeant]);
        fs::write(place.path().join("a/b/c/.env"), "").unwrap();
        assert_eq!(found(&meant(place.path(), &["a/b/c/.env"], &[])), [unmeant], "what is empty is covered");
        write("kept/journal");
        let open = "open what is to be covered";
        assert_eq!(found(&meant(place.path(), &["kept"], &[])), [open, unmeant]);
        assert_eq!(found(&meant(place.path(), &["kept/journal"], &[])), [open, unmeant]);
        assert_eq!(found(&meant(place.path(), &[], &["kept"])), ["open a folder of secrets", unmeant]);
        let _socket = UnixListener::bind(place.path().join("kept/socket")).unwrap();
        let door = "find a socket or a pipe in a place that is shown";
        assert_eq!(found(&meant(place.path(), &["kept/socket"], &[])), [open, door, unmeant]);
    }

    #[test]
    fn what_an_earlier_search_found_is_found_until_it_is_covered_or_its_folders_change() {
        let world = tempfile::tempdir().unwrap();
        let place = world.path().canonicalize().unwrap();
        fs::write(place.join("key"), "hunter2").unwrap();
        fs::create_dir(place.join("folder")).unwrap();
        let masks = [("key", false), ("folder", true), ("gone", false)];
        let masks = masks.map(|(name, is_folder)| Mask { path: place.join(name), is_folder });
        let search_of = |found: &[Mask]| FolderSearch::long_ago(&place, found.to_vec());
        let before = |found| Searched::from([((place.clone(), SearchDepth::All), search_of(found))]);
        let secrets =
            |masks: &[&str], before: &Searched| search(&meant(&place, masks, &[]), before, 1)[0].detail.clone();
        let named = |name: &str| format!("{}, 1 in all", place.join(name).display());
        // The name of `key` doesn't reveal that it holds a secret: it was found before.
        assert_eq!(secrets(&[], &Searched::default()), "nothing was found");
        assert_eq!(secrets(&["folder"], &before(&masks)), named("key"));
        assert_eq!(secrets(&[], &before(&masks[1..])), named("folder"), "it was found, and is not covered");
        fs::write(place.join("key"), "").unwrap();
        assert_eq!(secrets(&["folder"], &before(&masks)), "nothing was found", "what is empty is covered");
        let earlier = before(&[]);
        fs::write(place.join(".env"), "hunter2").unwrap();
        // Within one tick of the kernel's clock the folder's times may not have changed.
        while earlier[&(place.clone(), SearchDepth::All)].still_found(&place).is_some() {
            fs::write(place.join("moves"), "").unwrap();
            fs::remove_file(place.join("moves")).unwrap();
        }
        assert_eq!(secrets(&[], &earlier), named(".env"), "another folder than was read");
    }

    #[test]
    fn a_search_counts_for_the_mounts_that_it_was_made_in_alone() {
        let place = tempfile::tempdir().unwrap();
        fs::write(place.path().join(".env"), "hunter2").unwrap();
        let meant = meant(place.path(), &[], &[]);
        let searched = fingerprint(&meant.visible, &fs::read(MOUNTS).unwrap());
        let (unmeant, unsearched) = ("find a mount that was not meant", "find a mount that was not searched");
        assert_eq!(found(&Meant { searched: Some(searched), ..meant.clone() }), [unmeant]);
        assert_eq!(found(&Meant { searched: Some(Digest::of("")), ..meant.clone() }), [unsearched, unmeant]);
        assert_eq!(
            search(&meant, &Searched::default(), 1).iter().filter(|proof| !proof.held).count(),
            1,
            "whoever searched tells of it"
        );
    }

    #[test]
    fn mounts_are_the_same_whatever_their_numbers_and_order() {
        let places = vec![VisiblePlace { path: "/run/logs".into(), real: "/run/logs".into(), how: How::Writable }];
        let visible = Visible { places, masks: Vec::new() };
        let of = |lines: &[&str]| fingerprint(&visible, lines.join("\n").as_bytes());
        let (usr, opt) = ("36 35 98:0 / /usr ro,nodev - ext4 a rw", "37 35 98:0 /opt /opt ro - ext4 a rw");
        let same = of(&[usr, opt]);
        let (later, own) = ("9 7 98:0 / /usr ro,nodev - ext4 a rw", "10 7 0:5 / /proc/sys ro - proc a ro");
        assert_eq!(of(&[opt, own, later, "11 7 98:0 /logs /run/logs ro - ext4 a rw"]), same);
        for other in [
            "36 35 98:1 / /usr ro,nodev - ext4 a rw",
            "36 35 98:0 /x /usr ro,nodev - ext4 a rw",
            "36 35 98:0 / /usr/lib ro,nodev - ext4 a rw",
            "36 35 98:0 / /usr rw,nodev - ext4 a rw",
        ] {
            assert_ne!(of(&[other, opt]), same, "{other}");
            assert_ne!(of(&[usr, opt, other]), same, "{other}");
        }
    }

    #[test]
    fn mounts_are_held_against_what_was_meant() {
        let place = |path: &str, how| VisiblePlace { path: path.into(), real: path.into(), how };
        let places = vec![place("/usr", How::ReadOnly), place("/home/me/view", How::Writable)];
        let visible = Visible { places, masks: Vec::new() };
        let odd = |lines: &[&str]| {
            let line = |line: &&str| format!("36 35 98:0 / {line} - ext4 /dev/sda1 rw");
            let own = ["/usr ro,nosuid,nodev", "/home/me/view rw,nosuid"];
            mounts(&visible, own.iter().chain(lines).map(line).collect::<Vec<_>>().join("\n").as_bytes())
        };
        assert_eq!(odd(&["/tmp rw,nodev", "/usr/share/x ro,nodev", "/dev/null rw", "/proc rw"]), Vec::<PathBuf>::new());
        for line in ["/home/u/.ssh ro,nodev", "/usr/lib rw,nodev", "/usr/lib ro", "/ rw,nodev", "/home/other rw,nodev"]
        {
            let path = line.split(' ').next().unwrap();
            assert_eq!(odd(&[line]), [PathBuf::from(path)], "{line}");
        }
        let covered =
            odd(&["/home/me/view/x ro", "/home/other/x rw", "/home/other ro,nodev", "/usr/x rw", "/usr ro,nodev"]);
        assert_eq!(covered, [PathBuf::from("/home/other")]);
        assert_eq!(
            mounts(&visible, b"36 35 98:0 / /home/me/view rw - ext4 x rw"),
            [PathBuf::from("/usr")],
            "it is missing"
        );
    }
}
