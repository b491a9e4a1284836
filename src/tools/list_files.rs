//! `list_files`: the outline of a folder, as deep as fits on a page.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::place::{ToolPath, shown};
use super::text::counted;
use super::tool::{Tool, ToolError, tell};
use super::walk::{NOT_ENTERED, WalkResult, walk};
use super::{Access, Observation, ToolContext, arguments};
use crate::journal::RelPath;

/// Default depth.
const DEPTH: i64 = 2;
/// Most lines of an outline; a longer one is reduced in depth.
const PAGE: usize = 200;
/// Most files named per folder.
const NAMED: usize = 60;

pub(super) struct ListFiles;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListFilesArguments {
    path: Option<String>,
    depth: Option<i64>,
}

/// A folder with its contents by name.
#[derive(Default)]
struct ListedFolder {
    files: Vec<String>,
    folders: BTreeMap<String, ListedFolder>,
    /// Files in it and below.
    count: usize,
}

impl Tool for ListFiles {
    fn name(&self) -> &'static str {
        "list_files"
    }

    fn access(&self) -> Access {
        Access::Read
    }

    fn run(&self, room: &ToolContext, arguments: &str) -> Result<Observation, ToolError> {
        let ListFilesArguments { path, depth } = arguments::parse(self.name(), arguments)?;
        let under = match path.as_deref().filter(|path| !is_root(path)) {
            None => None,
            Some(path) => Some(folder(room, path)?),
        };
        let depth = depth.unwrap_or(DEPTH).max(1) as usize;
        let walked = walk(room, under.as_ref());
        let tree = ListedFolder::of(room, &walked, under.as_ref());
        let name = under.map_or("the repository".to_owned(), |path| format!("{path}/"));
        let files = counted(tree.count, "file");
        // Reduces the depth until the outline fits; the first level is always shown, cut if necessary.
        let (depth, mut lines) = (1..=depth)
            .rev()
            .map(|depth| (depth, tree.outline(depth)))
            .find(|(depth, lines)| lines.len() <= PAGE || *depth == 1)
            .unwrap_or_default();
        if lines.len() > PAGE {
            let more = lines.len() - PAGE;
            lines.truncate(PAGE);
            lines.push(format!("… {more} more; name a folder to see less"));
        }
        lines.insert(0, format!("{name}: {files}, folders opened to depth {depth}"));
        if let [first, rest @ ..] = &walked.closed[..] {
            let more = if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
            lines.push(format!("Not listed, because {NOT_ENTERED}: {}{more}", shown(first)));
        }
        Ok(Observation::of(lines.join("\n"), format!("{name}  {files}")))
    }
}

/// Names that models use for the root.
pub(super) fn is_root(path: &str) -> bool {
    matches!(path, "" | "." | "./" | "/")
}

fn folder(room: &ToolContext, path: &str) -> Result<RelPath, ToolError> {
    let place = ToolPath::parse(room, path)?;
    match room.folder(&place)? {
        Some(folder) => Ok(folder),
        // Reports what it is if it isn't a file either.
        None => room
            .open(&place)
            .and_then(|_| tell(format!("{place} is a file; list_files takes folders, read_file takes files."))),
    }
}

impl ListedFolder {
    fn of(room: &ToolContext, walked: &WalkResult, under: Option<&RelPath>) -> Self {
        let mut tree = Self::default();
        for path in &walked.unnamed {
            let prefix = under.map_or_else(String::new, |under| format!("{under}/"));
            tree.add(
                path.strip_prefix(&prefix).unwrap_or(path),
                " (its name is not UTF-8; it can't be read or edited)",
            );
        }
        for found in walked.found.iter().filter(|found| !found.kind.is_dir()) {
            let path = under.and_then(|under| found.path.as_path().strip_prefix(under.as_path()).ok());
            let path = path.and_then(|path| path.to_str()).unwrap_or(found.path.as_str());
            let remark = match found.kind.is_symlink() {
                true => " (link)",
                false if room.gate.secrets().what(found.path.as_path()).is_some() => " (secrets; not shown)",
                false => "",
            };
            tree.add(path, remark);
        }
        tree
    }

    fn add(&mut self, path: &str, remark: &str) {
        self.count += 1;
        match path.split_once('/') {
            None => self.files.push(format!("{}{remark}", shown(path))),
            Some((folder, rest)) => self.folders.entry(folder.to_owned()).or_default().add(rest, remark),
        }
    }

    /// Lists folders first, so that a long list of files hides none.
    fn outline(&self, depth: usize) -> Vec<String> {
        let mut lines = Vec::new();
        for (name, folder) in &self.folders {
            lines.push(format!("{}/  {}", shown(name), counted(folder.count, "file")));
            if depth > 1 {
                lines.extend(folder.outline(depth - 1).into_iter().map(|line| format!("  {line}")));
            }
        }
        lines.extend(self.files.iter().take(NAMED).cloned());
        if self.files.len() > NAMED {
            lines.push(format!("… {} more files", self.files.len() - NAMED));
        }
        lines
    }
}
