//! Paths that are absolute and plain, as the kernel and `canonicalize` give them: no `.`, no `..`, no slash that says nothing.
//!
//! They are compared by the hundred thousand before the first request. The standard library takes a path apart to compare it, which takes
//! ten times as long as to compare its bytes.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// Whether `path` is `folder` or lies in it.
pub(super) fn lies_in(path: &Path, folder: &Path) -> bool {
    let folder = folder.as_os_str().as_bytes();
    let rest = path.as_os_str().as_bytes().strip_prefix(folder);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/") || folder.ends_with(b"/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn a_path_lies_where_the_standard_library_says(path in "(/[ab.]{1,2}[ab]){0,4}", folder in "(/[ab.]{1,2}[ab]){0,3}") {
            let [path, folder] = [path, folder].map(|path| if path.is_empty() { "/".to_owned() } else { path });
            let (path, folder) = (Path::new(&path), Path::new(&folder));
            proptest::prop_assert_eq!(lies_in(path, folder), path.starts_with(folder), "{:?} {:?}", path, folder);
        }
    }
}
