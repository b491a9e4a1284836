//! Checks a patch against a policy.

use globset::GlobSet;

use super::findings::{Findings, refused};
use super::fold::folded;
use super::patch::{self, PatchSection, SectionChange};
use super::places::{self, Links};
use super::{FileKind, PatchBase, content, rules};
use crate::journal::{PolicyClass, PolicyFinding, PolicyReport, PolicyVerdict};
use crate::settings::{PathVerdicts, PolicySettings, Redactor, Settings};

/// What a patch may touch, ready to check patches.
#[derive(Clone, Debug)]
pub(crate) struct Policy {
    settings: PolicySettings,
    /// What the user's settings say of paths.
    user: Vec<(GlobSet, PolicyVerdict)>,
    /// What the repository's say; they only make a verdict stricter.
    repository: Vec<(GlobSet, PolicyVerdict)>,
    redactor: Redactor,
}

impl Policy {
    /// The policy of these settings.
    #[must_use]
    pub(crate) fn of(settings: &Settings) -> Self {
        let settings = settings.policy.clone();
        let (user, repository) = (globs(&settings.paths.value), globs(&settings.repository_paths));
        Self { settings, user, repository, redactor: Redactor::shapes() }
    }

    /// Also finds secret values that the redactor knows, in whatever form.
    #[must_use]
    pub(crate) fn with_secrets_of(self, redactor: &Redactor) -> Self {
        Self { redactor: redactor.clone(), ..self }
    }

    /// Checks a patch in git's format. With a tree, its paths and links are also judged against that.
    #[must_use]
    pub(crate) fn check(&self, patch: &[u8], base: Option<&dyn PatchBase>) -> PolicyReport {
        let mut findings = Findings::new();
        // Nothing is read of a patch that is far too large.
        if patch.len() as u64 > self.settings.max_bytes.value.0 {
            let why = format!("the patch has {} bytes, more than {}", patch.len(), self.settings.max_bytes.value.0);
            findings.add(of_the_whole(PolicyClass::MaxBytes, None, why));
            return findings.report(0, patch.len());
        }
        let sections = match patch::parse(patch) {
            Ok(sections) => sections,
            Err(unreadable) => {
                findings.add(of_the_whole(PolicyClass::Unreadable, Some(unreadable.line), unreadable.problem));
                return findings.report(0, patch.len());
            }
        };
        if sections.len() > self.settings.max_files.value as usize {
            let why =
                format!("the patch touches {} files, more than {}", sections.len(), self.settings.max_files.value);
            findings.add(of_the_whole(PolicyClass::MaxFiles, None, why));
        }
        for (path, why) in places::twice(&sections) {
            findings.add(refused(PolicyClass::Path, path, why));
        }
        let links = Links::of(&sections, base);
        for section in &sections {
            SectionCheck { policy: self, section, base, links: &links, findings: &mut findings }.run();
        }
        findings.report(sections.len(), patch.len())
    }

    /// The verdict for a path in this class, with what `policy.paths` says of the path.
    fn of_path(&self, class: PolicyClass, path: &str) -> PolicyVerdict {
        named(&self.user, path).unwrap_or_else(|| self.settings.of(class))
    }
}

/// Globs were checked when settings were read; one that is none matches nothing.
fn globs(paths: &PathVerdicts) -> Vec<(GlobSet, PolicyVerdict)> {
    let compiled = |(glob, verdict): (&String, &PolicyVerdict)| {
        Some((rules::patterns(std::slice::from_ref(glob), |_| true).ok()?, *verdict))
    };
    paths.iter().filter_map(compiled).collect()
}

/// The strictest verdict of the globs that name `path`, in its folded form.
fn named(globs: &[(GlobSet, PolicyVerdict)], path: &str) -> Option<PolicyVerdict> {
    globs.iter().filter(|(glob, _)| glob.is_match(path)).map(|(_, verdict)| *verdict).max()
}

fn of_the_whole(class: PolicyClass, line: Option<usize>, why: String) -> PolicyFinding {
    PolicyFinding { verdict: PolicyVerdict::Refuse, class, path: None, line: line.map(|line| line as u64), why }
}

struct SectionCheck<'a> {
    policy: &'a Policy,
    section: &'a PatchSection,
    base: Option<&'a dyn PatchBase>,
    links: &'a Links,
    findings: &'a mut Findings,
}

impl SectionCheck<'_> {
    fn run(&mut self) {
        let section = self.section;
        // What a copy is made of stays as it is.
        let ends = match section.change {
            SectionChange::Renamed => vec![section.old.as_str(), section.new.as_str()],
            _ => vec![section.new.as_str()],
        };
        for path in ends {
            self.path(path);
        }
        if section.change == SectionChange::Copied && places::wrong_path(&section.old).is_some() {
            self.findings.add(refused(PolicyClass::Path, &section.old, "the source of a copy leads out of the tree"));
        }
        self.kind();
        self.lines();
    }

    /// Where the path leads, and the classes that it is in.
    fn path(&mut self, path: &str) {
        if let Some(why) = places::wrong_path(path) {
            self.findings.add(refused(PolicyClass::Path, path, why));
            return;
        }
        if let Some(link) = self.links.on_the_way(path) {
            let why = format!("it leads through {}, a link or a submodule", link.escape_debug());
            self.findings.add(refused(PolicyClass::Path, path, why));
        }
        if let Some(why) = content::hides(path) {
            self.add(PolicyClass::HiddenCharacters, path, None, &why);
        }
        let folded = folded(path);
        for (class, why) in rules::classes(&folded) {
            let verdict = self.policy.of_path(class, &folded);
            self.findings.add(finding(verdict, class, path, None, why));
        }
        let named = named(&self.policy.user, &folded).max(named(&self.policy.repository, &folded));
        if let Some(verdict) = named {
            self.findings.add(finding(verdict, PolicyClass::Paths, path, None, "settings name it under policy.paths"));
        }
    }

    /// What the file becomes: a link, a submodule, an executable, something binary.
    fn kind(&mut self) {
        let section = self.section;
        let in_base = self.base.and_then(|base| base.kind(&section.old));
        let old = section.old_kind.or(in_base);
        let new = section.new_kind.or(old);
        if section.change == SectionChange::Deleted {
            if old == Some(FileKind::Gitlink) {
                self.add(PolicyClass::Submodules, &section.old, None, "it removes a submodule");
            }
            return;
        }
        match new {
            Some(FileKind::Symlink) => self.symlink(),
            Some(FileKind::Gitlink) => {
                self.add(PolicyClass::Submodules, &section.new, None, "it is the commit of a submodule");
            }
            Some(FileKind::Executable) => {
                let why =
                    if old == new { "it is executable, and its content changes" } else { "it becomes executable" };
                self.of_file(PolicyClass::Executables, why);
            }
            // Git takes the type from the tree then; a link would be written as one.
            None if section.has_content => {
                let why = "the patch doesn't say what kind of file it changes, and there is no tree to look";
                self.findings.add(refused(PolicyClass::Path, &section.new, why));
            }
            Some(FileKind::Regular) | None => {}
        }
        let is_binary = section.is_binary || section.added.iter().any(|line| line.text.contains(&0));
        if is_binary {
            self.of_file(PolicyClass::Binaries, "its content is binary, which a review can't show");
        }
    }

    /// Adds a finding of a class that the file's path may allow.
    fn of_file(&mut self, class: PolicyClass, why: &str) {
        let path = self.section.new.as_str();
        let verdict = self.policy.of_path(class, &folded(path));
        self.findings.add(finding(verdict, class, path, None, why));
    }

    fn symlink(&mut self) {
        let section = self.section;
        let path = section.new.as_str();
        let Some(target) = self.target() else {
            self.findings.add(refused(PolicyClass::Symlinks, path, "where the link leads can't be told"));
            return;
        };
        if let Some(why) = places::wrong_target(path, &target) {
            self.findings.add(refused(PolicyClass::Symlinks, path, why));
            return;
        }
        let place = places::resolved(path, &target);
        if self.links.has(&place) || self.links.on_the_way(&place).is_some() {
            self.findings.add(refused(
                PolicyClass::Symlinks,
                path,
                "the link leads through another link or a submodule",
            ));
            return;
        }
        self.add(PolicyClass::Symlinks, path, None, "it is a symbolic link");
    }

    /// Where the link leads after the patch.
    fn target(&self) -> Option<String> {
        let section = self.section;
        if section.is_binary {
            return None;
        }
        let bytes = match (section.has_content, section.added.as_slice()) {
            (true, [line]) if section.is_unterminated => line.text.clone(),
            (true, _) => return None,
            (false, _) => self.base?.content(&section.old)?,
        };
        String::from_utf8(bytes).ok()
    }

    /// What the added lines hold.
    fn lines(&mut self) {
        let section = self.section;
        let path = section.new.as_str();
        if section.new_kind == Some(FileKind::Gitlink) {
            return;
        }
        for line in content::secrets(&section.added, &self.policy.redactor) {
            self.add(PolicyClass::Secrets, path, Some(line), "the line looks like a secret");
        }
        for (line, why) in content::hidden(&section.added) {
            self.add(PolicyClass::HiddenCharacters, path, Some(line), &why);
        }
        let folded = folded(path);
        for (line, why) in content::running(&folded, &section.added) {
            let verdict = self.policy.of_path(PolicyClass::InstallScripts, &folded);
            self.findings.add(finding(verdict, PolicyClass::InstallScripts, path, Some(line), why));
        }
    }

    /// Adds a finding of a class that no path's own setting changes.
    fn add(&mut self, class: PolicyClass, path: &str, line: Option<u64>, why: &str) {
        self.findings.add(finding(self.policy.settings.of(class), class, path, line, why));
    }
}

fn finding(verdict: PolicyVerdict, class: PolicyClass, path: &str, line: Option<u64>, why: &str) -> PolicyFinding {
    PolicyFinding { verdict, class, path: Some(path.to_owned()), line, why: why.to_owned() }
}
