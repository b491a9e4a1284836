//! Folders of toolchains that variables and `$PATH` name, without secrets.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::private::Private;
use super::{How, VisibilityRequest, VisiblePlace, lists, place};

/// All such places.
pub(super) fn named(asked: &VisibilityRequest<'_>, private: &Private<'_>) -> Vec<VisiblePlace> {
    let folder = |path: &Path| place(path).filter(|place| !private.refuses_named(&place.real));
    let variable = |name: &str| (asked.variable)(name);
    // A folder that contains the home or the tree is no toolchain, and neither are its parts.
    let parts = |whole: PathBuf, parts: &'static [&'static str]| {
        let is_mixed = |whole: &VisiblePlace| private.cargo != Some(&whole.real) && private.refuses_named(&whole.real);
        let whole = place(&whole).filter(|whole| !is_mixed(whole)).map(|whole| whole.path);
        whole.into_iter().flat_map(move |whole| parts.iter().map(move |part| whole.join(part)))
    };
    let cargo = variable("CARGO_HOME").map(PathBuf::from).into_iter().flat_map(|cargo| parts(cargo, &lists::CARGO));
    let go = variable("GOPATH").unwrap_or_default();
    let go = std::env::split_paths(&go).flat_map(|folder| parts(folder, &lists::GO)).collect::<Vec<_>>();
    let kits = lists::VARIABLES.iter().filter_map(|(name, signs)| Some((PathBuf::from(variable(name)?), signs)));
    let kits = kits.filter(|(kit, signs)| signs.is_empty() || signs.iter().any(|sign| kit.join(sign).exists()));
    let programs = variable("PATH").unwrap_or_default();
    let programs = std::env::split_paths(&programs).flat_map(|it| of_programs(&it, private)).collect::<Vec<_>>();
    let all = cargo.chain(go).chain(kits.map(|(kit, _)| kit)).chain(programs);
    all.filter_map(|path| folder(&path)).collect()
}

/// A folder of `$PATH`, and the installation around it: `…/miniconda3` for `…/miniconda3/bin`.
fn of_programs(folder: &Path, private: &Private<'_>) -> Vec<PathBuf> {
    let mut shown = vec![folder.to_owned()];
    let prefix = folder.parent().filter(|_| folder.ends_with("bin"));
    let prefix = prefix.filter(|prefix| place(prefix).is_some_and(|it| !private.refuses_named(&it.real)));
    if let Some(prefix) = prefix {
        if lists::WHOLE.iter().any(|sign| prefix.join(sign).exists()) && !prefix.join(".git").exists() {
            shown.push(prefix.to_owned());
        } else {
            shown.extend(lists::PARTS.map(|part| prefix.join(part)));
        }
    }
    shown
}

/// Entries of a folder that any user may read: what only root can read stays hidden from root's tests as well.
pub(super) fn public_entries(folder: &Path) -> Vec<VisiblePlace> {
    let is_canonical = place(folder).is_some_and(|it| it.real == folder);
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let is_left_out = |name: OsString| lists::ETC_HIDDEN.iter().chain(&lists::ETC_UNUSED).any(|known| name == *known);
    let shown = entries.filter(|entry| !is_left_out(entry.file_name()));
    let is_public = |path: &Path| fs::metadata(path).is_ok_and(|about| about.permissions().mode() & 0o004 != 0);
    let shown = shown.filter_map(|entry| {
        let path = Some(entry.path()).filter(|path| is_public(path))?;
        // Only a link has to be looked up.
        let is_itself = is_canonical && entry.file_type().is_ok_and(|kind| kind.is_dir() || kind.is_file());
        if is_itself {
            return Some(VisiblePlace { real: path.clone(), path, how: How::ReadOnly });
        }
        place(&path)
    });
    shown.collect()
}
