//! The repositories that kcode is launched in. They are made once and kept below `target/tmp`: the huge one takes minutes.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Tracked files of the large repository, and in one of its folders.
const LARGE: (usize, usize) = (50_000, 125);
/// The same of the huge one.
const HUGE: (usize, usize) = (500_000, 500);

/// A git repository with everything committed.
pub struct Fixture {
    pub name: &'static str,
    pub root: PathBuf,
}

impl Fixture {
    /// A dozen files, as `kcode demo` has.
    pub fn small() -> Self {
        Self::made("small", (10, 10))
    }

    /// 50,000 files in 400 folders.
    pub fn large() -> Self {
        Self::made("50,000 files", LARGE)
    }

    /// 500,000 files in 1,000 folders.
    pub fn huge() -> Self {
        Self::made("500,000 files", HUGE)
    }

    /// What kcode is compared with.
    pub fn git_status(&self) -> Command {
        let mut git = Command::new("git");
        git.arg("--no-optional-locks").arg("-C").arg(&self.root).args(["status", "--porcelain=v2", "-z"]);
        git
    }

    fn made(name: &'static str, (files, in_a_folder): (usize, usize)) -> Self {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("bench-{files}"));
        // The mark is made last, so that what was left half made is made again.
        let mark = root.join(".git/bench-is-whole");
        if !mark.exists() {
            let _ = fs::remove_dir_all(&root);
            fs::create_dir_all(&root).expect("a folder");
            git(&root, &["init", "--quiet", "--initial-branch=main"], b"");
            git(&root, &["fast-import", "--quiet"], history(files, in_a_folder).as_bytes());
            git(&root, &["reset", "--quiet", "--hard", "main"], b"");
            fs::write(mark, "").expect("a file");
        }
        Self { name, root }
    }
}

/// One commit, in the language of git-fast-import(1).
fn history(files: usize, in_a_folder: usize) -> String {
    let mut stream =
        "commit refs/heads/main\ncommitter Bench <bench@example.org> 1700000000 +0000\ndata 0\n".to_owned();
    let mut add = |path: &str, text: &str| {
        let _ = write!(stream, "M 100644 inline {path}\ndata {}\n{text}\n", text.len());
    };
    add("README.md", "# Bench\n");
    add("pyproject.toml", "[project]\nname = \"bench\"\n");
    for n in 0..files {
        let (group, folder) = (n / in_a_folder / 20, n / in_a_folder);
        let text = format!("def f{n}(x):\n    \"\"\"Adds {n}.\"\"\"\n    return x + {n}\n").repeat(1 + n % 7);
        add(&format!("services/s{group:02}/part_{folder:03}/module_{n:05}.py"), &text);
    }
    stream
}

fn git(root: &Path, arguments: &[&str], input: &[u8]) {
    let mut child = Command::new("git")
        .args(["-c", "core.autocrlf=false", "-c", "gc.auto=0", "-C"])
        .arg(root)
        .args(arguments)
        .stdin(Stdio::piped())
        .spawn()
        .expect("git is installed");
    child.stdin.take().expect("a pipe").write_all(input).expect("git reads");
    assert!(child.wait().expect("git ends").success(), "git {arguments:?} failed");
}
