//! The table `[policy]`: what a patch may touch. The repository's file may only tighten it.

use std::collections::BTreeMap;

use globset::GlobBuilder;
use serde::Deserialize;

use super::amounts::Amount;
use super::{Origin, Setting, SettingsError};
use crate::journal::{Bytes, PolicyClass, PolicyVerdict};

/// The table as it is in a file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, expecting = "a table")]
pub(super) struct PolicyTable {
    enabled: Option<bool>,
    ci_files: Option<PolicyVerdict>,
    hooks: Option<PolicyVerdict>,
    dependencies: Option<PolicyVerdict>,
    agent_files: Option<PolicyVerdict>,
    codeowners: Option<PolicyVerdict>,
    submodules: Option<PolicyVerdict>,
    git_attributes: Option<PolicyVerdict>,
    install_scripts: Option<PolicyVerdict>,
    symlinks: Option<PolicyVerdict>,
    executables: Option<PolicyVerdict>,
    binaries: Option<PolicyVerdict>,
    secrets: Option<PolicyVerdict>,
    hidden_characters: Option<PolicyVerdict>,
    max_files: Option<u32>,
    #[serde(deserialize_with = "super::written::bytes")]
    max_bytes: Option<Bytes>,
    paths: Option<BTreeMap<String, PolicyVerdict>>,
}

/// A class that settings decide about.
struct ClassSetting {
    class: PolicyClass,
    key: &'static str,
    default: PolicyVerdict,
    of: fn(&PolicyTable) -> Option<PolicyVerdict>,
}

const fn class(
    class: PolicyClass,
    key: &'static str,
    default: PolicyVerdict,
    of: fn(&PolicyTable) -> Option<PolicyVerdict>,
) -> ClassSetting {
    ClassSetting { class, key, default, of }
}

/// What people add by the way, such as a dependency or a picture, is looked at; what runs elsewhere with rights, or
/// hides from a reader, is refused.
static CLASSES: [ClassSetting; 13] = {
    use PolicyVerdict::{Refuse, Review};
    [
        class(PolicyClass::CiFiles, "policy.ci_files", Refuse, |table| table.ci_files),
        class(PolicyClass::Hooks, "policy.hooks", Refuse, |table| table.hooks),
        class(PolicyClass::Dependencies, "policy.dependencies", Review, |table| table.dependencies),
        class(PolicyClass::AgentFiles, "policy.agent_files", Refuse, |table| table.agent_files),
        class(PolicyClass::Codeowners, "policy.codeowners", Refuse, |table| table.codeowners),
        class(PolicyClass::Submodules, "policy.submodules", Refuse, |table| table.submodules),
        class(PolicyClass::GitAttributes, "policy.git_attributes", Refuse, |table| table.git_attributes),
        class(PolicyClass::InstallScripts, "policy.install_scripts", Refuse, |table| table.install_scripts),
        class(PolicyClass::Symlinks, "policy.symlinks", Refuse, |table| table.symlinks),
        class(PolicyClass::Executables, "policy.executables", Review, |table| table.executables),
        class(PolicyClass::Binaries, "policy.binaries", Review, |table| table.binaries),
        class(PolicyClass::Secrets, "policy.secrets", Refuse, |table| table.secrets),
        class(PolicyClass::HiddenCharacters, "policy.hidden_characters", Refuse, |table| table.hidden_characters),
    ]
};

/// Verdicts for globs of paths, in the order of their text.
pub type PathVerdicts = BTreeMap<String, PolicyVerdict>;

/// The patch policy's settings.
#[derive(Clone, Debug)]
pub struct PolicySettings {
    /// True when runs of `kcode fix` are checked.
    pub enabled: Setting<bool>,
    /// Key and verdict of each class.
    classes: Vec<(PolicyClass, &'static str, Setting<PolicyVerdict>)>,
    /// Maximum number of files of a patch.
    pub max_files: Setting<u32>,
    /// Maximum size of a patch.
    pub max_bytes: Setting<Bytes>,
    /// The user's globs. They come before the classes of a path; of several that match, the strictest counts.
    pub paths: Setting<PathVerdicts>,
    /// The repository's globs; they only make verdicts stricter.
    pub repository_paths: PathVerdicts,
}

impl PolicySettings {
    pub(super) fn resolve(
        user: &PolicyTable,
        origin: &Origin,
        repository: &PolicyTable,
        flag: bool,
    ) -> Result<Self, SettingsError> {
        let verdict = |setting: &ClassSetting| {
            let value = Setting::default(setting.default).or((setting.of)(user), origin);
            Ok((setting.class, setting.key, value.tighten(setting.key, (setting.of)(repository))?))
        };
        let checked = |table: &PolicyTable, origin: &Origin, may_allow: bool| {
            let paths = table.paths.clone().unwrap_or_default();
            let problem = paths.iter().find_map(|(glob, verdict)| problem(glob, *verdict, may_allow));
            problem.map_or(Ok(paths), |problem| {
                Err(SettingsError::BadValue { name: "policy.paths", origin: origin.clone(), problem })
            })
        };
        let paths = checked(user, origin, true)?;
        Ok(Self {
            enabled: Setting::default(false)
                .or(user.enabled, origin)
                .or(repository.enabled.filter(|is_on| *is_on), &Origin::RepositoryFile)
                .or(flag.then_some(true), &Origin::Flag("--policy")),
            classes: CLASSES.iter().map(verdict).collect::<Result<_, SettingsError>>()?,
            max_files: Setting::default(100)
                .or(user.max_files, origin)
                .tighten("policy.max_files", repository.max_files)?
                .usable("policy.max_files")?,
            max_bytes: Setting::default(Bytes(1_000_000))
                .or(user.max_bytes, origin)
                .tighten("policy.max_bytes", repository.max_bytes)?
                .usable("policy.max_bytes")?,
            paths: Setting::default(PathVerdicts::new()).or((!paths.is_empty()).then_some(paths), origin),
            repository_paths: checked(repository, &Origin::RepositoryFile, false)?,
        })
    }

    /// The verdict for a class; `refuse` for one that no setting decides about.
    #[must_use]
    pub fn of(&self, class: PolicyClass) -> PolicyVerdict {
        let setting = self.classes.iter().find(|(known, ..)| *known == class);
        setting.map_or(PolicyVerdict::Refuse, |(_, _, setting)| setting.value)
    }

    /// Key and verdict of each class, in the order of the documentation.
    pub(super) fn classes(&self) -> impl Iterator<Item = (&'static str, &Setting<PolicyVerdict>)> {
        self.classes.iter().map(|(_, key, setting)| (*key, setting))
    }
}

fn problem(glob: &str, verdict: PolicyVerdict, may_allow: bool) -> Option<String> {
    if verdict == PolicyVerdict::Allow && !may_allow {
        return Some(format!(
            "a repository can't allow {glob:?}; it can only make the policy stricter, with review or refuse"
        ));
    }
    if glob.trim().is_empty() || glob.starts_with('!') || glob.split('/').any(|part| part == "..") {
        return Some(format!("{glob:?} is no glob of paths in the repository; write \"docs/**\" or \"*.sql\""));
    }
    let built = GlobBuilder::new(glob).literal_separator(true).backslash_escape(false).build();
    built.err().map(|error| format!("{glob:?} is no glob: {}", error.kind()))
}

impl Amount for PolicyVerdict {
    fn shown(&self) -> String {
        self.to_string()
    }
    fn is_looser_than(&self, other: &Self) -> bool {
        self < other
    }
}

impl Amount for PathVerdicts {
    fn shown(&self) -> String {
        if self.is_empty() {
            return "none".to_owned();
        }
        self.iter().map(|(glob, verdict)| format!("{glob} = {verdict}")).collect::<Vec<_>>().join(", ")
    }
}
