//! Parses the kernel's list of mounts.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;

/// Mount points and their options in `/proc/self/mountinfo`. Paths need not be UTF-8.
pub(in crate::sandbox) fn mount_table(table: &[u8]) -> impl Iterator<Item = (PathBuf, String)> {
    table.split(|byte| *byte == b'\n').filter_map(mount_line)
}

/// Mount point and options of a line of `/proc/self/mountinfo` (proc_pid_mountinfo(5)).
pub(in crate::sandbox) fn mount_line(line: &[u8]) -> Option<(PathBuf, String)> {
    let mut fields = line.split(|byte| *byte == b' ').skip(4);
    let mut rest = fields.next()?;
    // Nearly none has any.
    let plain = memchr::memchr(b'\\', rest).unwrap_or(rest.len());
    let mut place = rest[..plain].to_vec();
    rest = &rest[plain..];
    while let Some((byte, behind)) = rest.split_first() {
        let escaped = [(b"\\040", b' '), (b"\\011", b'\t'), (b"\\012", b'\n'), (b"\\134", b'\\')];
        let escaped = escaped.into_iter().find(|(code, _)| rest.starts_with(*code));
        place.push(escaped.map_or(*byte, |(_, meant)| meant));
        rest = escaped.map_or(behind, |(code, _)| &rest[code.len()..]);
    }
    Some((OsString::from_vec(place).into(), String::from_utf8_lossy(fields.next()?).into_owned()))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;

    use super::*;

    #[test]
    fn mount_points_are_read_with_their_blanks() {
        let line = br"36 35 98:0 /a /new/with\040blank rw,nosuid,relatime master:1 - ext3 /dev/root rw,errors=continue";
        assert_eq!(mount_line(line), Some((PathBuf::from("/new/with blank"), "rw,nosuid,relatime".to_owned())));
        assert_eq!(mount_line(b"36 35"), None);
        let odd = mount_line(b"36 35 98:0 / /new/\xff\\134040 ro - tmpfs tmpfs ro");
        assert_eq!(odd, Some((PathBuf::from(OsStr::from_bytes(b"/new/\xff\\040")), "ro".to_owned())));
    }

    proptest::proptest! {
        #[test]
        fn a_mount_point_comes_back_as_it_is_called(place in "/[a-c \t\n\\\\0134#]{0,20}", odd in "\\PC{0,60}") {
            // Escaped as the kernel does.
            let escaped: String = place
                .chars()
                .map(|char| if " \t\n\\".contains(char) { format!("\\{:03o}", char as u32) } else { char.to_string() })
                .collect();
            let line = format!("36 35 98:0 / {escaped} rw,relatime - ext3 /dev/root rw");
            proptest::prop_assert_eq!(mount_line(line.as_bytes()), Some((PathBuf::from(place), "rw,relatime".to_owned())));
            let _ = mount_line(odd.as_bytes());
        }
    }
}
