//! The rows of [`super::causes`], the most specific first.
//!
//! A program under test may print any of these messages, so each row names the further proof that it needs.

use crate::journal::CauseKind::{self, Sandbox, Setup, Watch};

/// A known cause of a failure.
pub(super) struct CauseRow {
    pub(super) kind: CauseKind,
    /// Proof that is needed besides the message.
    pub(super) proof: CauseProof,
    /// Regular expression for the message.
    pub(super) pattern: &'static str,
    /// What the message means, as a clause; `{1}` stands for the first group.
    pub(super) what: &'static str,
    /// What the user can do.
    pub(super) hint: &'static str,
}

/// Proof that a cause needs besides its message.
#[derive(Clone, Copy)]
pub(super) enum CauseProof {
    /// None: the cause is reported with the failure and doesn't stop the run.
    Nothing,
    /// kcode stopped the run for one of these reasons.
    Stopped(&'static [&'static str]),
    /// The command, or the script or makefile that it runs, names one of these programs.
    Names(&'static [&'static str]),
    /// As `Names`, and it also names what the last group matched.
    NamesAll(&'static [&'static str]),
}

use CauseProof::{Names, NamesAll, Nothing, Stopped};

const fn row(
    kind: CauseKind,
    proof: CauseProof,
    pattern: &'static str,
    what: &'static str,
    hint: &'static str,
) -> CauseRow {
    CauseRow { kind, proof, pattern, what, hint }
}

/// Messages of programming languages for the kernel's EXDEV.
pub(super) const RENAMED_ACROSS: &str = r"(?i)cross-(?:device|domain) link|\bEXDEV\b|CrossesDevices|RenameAcrossMountPoints|will not work across volumes|first argument to copy\(\) function cannot be a directory|\b(?:os error|errno)[ =:]{1,3}-?18\b";
const NO_NETWORK: &str = "the sandbox has no network";
/// Reasons to stop a command that was silent for long, or printed the message of one that waits.
const ENDED: &[&str] = &["idle", "watch"];
const NODE: &[&str] = &["node", "npm", "npx", "pnpm", "yarn", "bun"];
const RUBY: &[&str] = &["bundle", "bundler", "rake", "rspec", "ruby", "rails"];

/// Cause for a command that watches without a known message.
pub(super) const WATCHES: &str = "the command watches for changes and never ends";
pub(super) const ONCE: &str = "name one that runs the tests once with --test, as CI does";

pub(super) const ROWS: &[CauseRow] = &[
    row(
        Watch,
        Stopped(ENDED),
        r"DEV  v\d|(?:PASS|FAIL)\s+Waiting for file changes",
        "vitest watches for changes and never ends",
        "make the script `vitest run`, or give --test with `--run`",
    ),
    row(
        Watch,
        Stopped(ENDED),
        r"(?i)Watch Usage|press .?w.? to show more|press .?a.? to run all tests",
        "jest watches for changes, or something keeps it from its end",
        "drop `--watch` from the script, or give --test with `--watchAll=false` (or `--forceExit`)",
    ),
    row(
        Watch,
        // A connection that a test leaves open also keeps jest from exiting.
        Stopped(&["watch"]),
        r"(?m)^Ran all test suites",
        "jest watches for changes, or something keeps it from its end",
        "drop `--watch` from the script, or give --test with `--watchAll=false` (or `--forceExit`)",
    ),
    row(
        Watch,
        Stopped(ENDED),
        r"\[(?:Running '.*'|Finished running)|cargo[- ]watch",
        "`cargo watch` watches for changes and never ends",
        "name the command that it runs, such as --test 'cargo test'",
    ),
    row(
        Watch,
        Stopped(ENDED),
        r"(?i)\[nodemon\]",
        "nodemon watches for changes and never ends",
        "name the command that it runs with --test",
    ),
    row(
        Watch,
        Stopped(&["watch"]),
        r"(?m)^(?:#|ℹ) duration_ms \d",
        "`node --test` watches for changes, or something keeps it from its end",
        "drop `--watch` from the script, or name the command without it with --test: Node has no option that takes it back",
    ),
    row(
        Watch,
        // Servers print this, too, and a test may wait for one.
        Stopped(&["watch"]),
        r"(?i)waiting for (?:file )?changes|watching for (?:file )?changes|watching \d+ files|watch(?:ing)? mode|press ctrl\+?-?c to (?:stop|exit)|press .?h.? to show help|will restart on change",
        WATCHES,
        ONCE,
    ),
    row(
        Setup,
        NamesAll(&["-m"]),
        r"(?m)^(?:\S+: )?(?:line )?\d*:? ?(\S*python[\d.]*): No module named '?([\w-]+)",
        "{2} isn't installed for {1}",
        "`{1} -m pip install {2}`, in the project's virtual environment where there is one (.venv is found by itself)",
    ),
    row(
        Setup,
        NamesAll(&["npm", "pnpm", "yarn", "bun"]),
        r"(?m)^.*?(?:npm (?:ERR!|error) Missing script:|ERR_PNPM_NO_SCRIPT\S*\s+Missing script:|Couldn't find a script named|error Command|Script not found) ?[^\w\s]?([\w:.-]+)",
        "package.json has no script \"{1}\"",
        "add it to \"scripts\", or name another command with --test",
    ),
    row(
        Setup,
        Names(&["bundle", "bundler", "rake", "rspec"]),
        r"(?m)^.*(?:bundler: (?:command|executable)[^:]*: |can't find executable )(\S+)",
        "{1} isn't among the installed gems",
        "`bundle install`",
    ),
    row(
        Setup,
        Names(RUBY),
        r"(?m)^.*(?:Could not find (?:gem )?.+ in (?:any of the|locally installed|rubygems|cached)|Run `bundle install` to install missing gems|Could not locate Gemfile|Bundler::GemNotFound)",
        "the gems of the Gemfile aren't installed",
        "`bundle install`",
    ),
    row(
        Setup,
        Names(&["phpunit", "vendor", "composer", "php"]),
        r"(?m)(?:Could not open input file: |Failed opening required '?|Class .PHPUnit.*not found|Uncaught Error: Failed opening |Cannot open (?:file|bootstrap script) \x22).*(vendor/(?:bin/\S+|autoload\.php))",
        "{1} isn't there",
        "`composer install`",
    ),
    row(
        Setup,
        Names(&["cargo"]),
        r"(?m)(?:failed to (?:download (?:from )?`|get `|load source for dependency|query replaced source)|unable to (?:update registry|get packages from source)|no matching package named|Unable to update (?:registry|https)|attempting to make an HTTP request, but --offline)",
        "crates aren't downloaded, and the sandbox has no network",
        "`cargo fetch`",
    ),
    row(
        Setup,
        Names(&["cargo", "rustc", "rustup"]),
        r"(?m)error: toolchain '(\S+)' is not installed|could not download file from 'https://static\.rust-lang\.org\S*(?:channel-rust-)?([\w.]*)",
        "the Rust toolchain that the project asks for isn't installed",
        "`rustup toolchain install` in the project",
    ),
    row(
        Setup,
        Names(&["cargo"]),
        r"(?m)^error: could not execute process `(\S+) \S*rustc -vV` \(never executed\)|^error: linker `(\S+)` not found",
        "{1}{2}, which the settings of Cargo name, can't be started here",
        "install it, or take it out of those settings ([build] rustc-wrapper, [target] linker)",
    ),
    row(
        Setup,
        NamesAll(&["cargo"]),
        r"error: no such command: `(\S+)`",
        "cargo {1} isn't installed",
        "`cargo install cargo-{1}`, or name another command with --test",
    ),
    row(
        Setup,
        Names(&["go"]),
        r"(?m)(?:dial tcp: lookup (?:proxy|sum)\.golang\.org|cannot find module providing package|module lookup disabled by|go: download go[\d.]+|missing go\.sum entry|could not create module cache|go: downloading \S+ \S+\n(?:.*\n)*.*dial tcp)",
        "Go modules aren't downloaded, and the sandbox has no network",
        "`go mod download`",
    ),
    row(
        Setup,
        NamesAll(NODE),
        r"Cannot find (?:module|package) '(?:[^'\n]*/node_modules/(@[\w.-]+/[\w.-]+|\w[\w.-]*)[^'\n]*|(@[\w.-]+/[\w.-]+|\w[\w.-]*))'",
        "the package {1}{2} isn't installed",
        "`npm ci`, or whatever the project's package manager calls it",
    ),
    row(
        Setup,
        NamesAll(&["make", "gmake"]),
        r"(?m)^g?make(?:\[\d+\])?: \*\*\* No rule to make target [`'](\S+?)'\.\s+Stop",
        "the makefile has no target {1}, or there is none",
        "name another command with --test",
    ),
    row(
        Setup,
        Names(&["make", "gmake"]),
        r"(?m)^g?make: \*\*\* No targets(?: specified and no makefile found)?\.\s+Stop",
        "there is no makefile with targets",
        "name another command with --test",
    ),
    row(
        Setup,
        Names(&["rake"]),
        r"(?m)^No Rakefile found \(looking for",
        "there is no Rakefile",
        "name another command with --test",
    ),
    row(
        Setup,
        NamesAll(&["rake"]),
        r"(?m)^Don't know how to build task '([\w:.-]+)'",
        "the Rakefile has no task {1}",
        "name another command with --test",
    ),
    row(
        Setup,
        NamesAll(&["just"]),
        r"(?m)^error: (?:Justfile does not contain recipe [`'](\S+?)[`']|No justfile found)",
        "there is no such recipe",
        "name another command with --test",
    ),
    row(
        Setup,
        NamesAll(&["npx"]),
        r"(?m)^npm (?:ERR!|error) (?:.*\n)*?.*registry\.npmjs\.org/(@[\w.-]+/[\w.-]+|\w[\w.-]*)",
        "{1} isn't installed, and npx would have to download it",
        "`npm ci` where package.json asks for it, else `npm install --save-dev {1}`",
    ),
    row(
        Setup,
        Names(&["mvn", "mvnw"]),
        r"(?m)(?:Could not transfer artifact|Could not resolve dependencies|Non-resolvable (?:parent POM|import POM)|could not be resolved: |Unknown host repo\.maven|Could not create local repository at |Cannot access \S+ \(https?://\S+\) in offline mode)",
        "Maven's plugins or dependencies aren't downloaded, and the sandbox has no network",
        "run the tests once outside of kcode, or `mvn dependency:go-offline`",
    ),
    row(
        Setup,
        Names(&["gradlew"]),
        r"(?m)^Downloading \S+/(gradle-[\w.-]+)\.zip",
        "{1}, which the project's wrapper asks for, isn't in ~/.gradle/wrapper, and the sandbox has no network",
        "run `./gradlew --version` once outside of kcode, which downloads it",
    ),
    row(
        Setup,
        Names(&["gradle", "gradlew"]),
        r"(?m)(?:UnknownHostException: (?:services|downloads|plugins|repo)\S*|Could not resolve all (?:files|artifacts|dependencies|task dependencies)|Could not GET 'http|Plugin \[id: .*was not found|No cached version of \S+ available for offline)",
        "what Gradle needs isn't downloaded, and the sandbox has no network",
        "run the tests once outside of kcode",
    ),
    row(
        Setup,
        Names(&["deno"]),
        r#"(?m)^error: (?:Failed caching npm package '([^'\n]+)'|Could not find npm package '([^'\n]+)'|Import '((?:https?|jsr):[^'\n]+)' failed|Failed loading \S+ for package "?([^"\s]+))"#,
        "{1}{2}{3}{4} isn't in Deno's cache, and the sandbox has no network",
        "`deno install` in the project, or run the tests once outside of kcode",
    ),
    row(
        Setup,
        Names(&["mix"]),
        r#"(?m)(?:the dependency is not available, run "mix deps\.get"|Unchecked dependencies for environment|Can't continue due to errors on dependencies|Could not find Hex)"#,
        "the dependencies of mix.exs aren't there",
        "`mix local.hex --force && mix deps.get`",
    ),
    row(
        Setup,
        Names(&["dotnet"]),
        r"(?m)(?:NU1301|Unable to load the service index|NETSDK1004|project\.assets\.json' not found)",
        "NuGet packages aren't restored, and the sandbox has no network",
        "`dotnet restore`",
    ),
    row(
        Setup,
        Names(&["nox"]),
        r"(?m)(?:nox > .*(?:Failed|failed)|Session \S+ (?:failed|aborted))(?:.*\n)*|nox > Command .* failed with exit code",
        "nox makes its environment anew in each run, and the sandbox has no network",
        "make it once with `nox --install-only`, and give --test with `nox --no-install -R`; or name the command that the session runs",
    ),
    row(
        Setup,
        Names(&["tox", "nox", "pip", "uv", "hatch", "poetry", "pipenv", "pdm"]),
        r"(?m)(?:Could not find a version that satisfies the requirement (\S+)|No matching distribution found for (\S+)|Failed to establish a new connection|error: Failed to fetch: )",
        "Python packages aren't installed, and the sandbox has no network",
        "make the environment once outside of kcode (`tox --notest`, `pip install -e .`, `uv sync`, `hatch env create`)",
    ),
    row(
        Setup,
        NamesAll(&["poetry", "uv", "pdm", "hatch", "pipenv"]),
        r"(?m)(?:Command not found: |[Ff]ailed to spawn: .|Could not find a suitable|the command )(\S+?)[`']?(?: could not be found| $|$)",
        "{1} isn't in the project's environment",
        "install it there, with the development dependencies",
    ),
    row(
        Setup,
        Names(&["pnpm", "yarn", "npm", "corepack"]),
        r"(?i)corepack is about to download|Error when performing the request to https://registry|corepack/.*fetch failed",
        "Corepack has not downloaded the package manager, and the sandbox has no network",
        "`corepack install` in the project",
    ),
    row(
        Setup,
        Names(&["cmake", "ctest"]),
        r"(?m)Error: could not load cache|CMakeCache\.txt.*(?:not exist|No such)|not a CMake build directory",
        "the build folder isn't configured",
        "`cmake -B build`",
    ),
    row(
        Sandbox,
        Nothing,
        r"(?i)ReserveShadowMemoryRange failed|Shadow memory range interleaves|unexpected memory mapping|LeakSanitizer has encountered a fatal error",
        "a sanitizer can't work in the sandbox",
        "leave it out for kcode (ASAN_OPTIONS=detect_leaks=0 where leaks are looked for), or run with --sandbox off if you trust the code",
    ),
    row(
        Sandbox,
        Nothing,
        r"(?i)ptrace[^\n]*Operation not permitted|PTRACE_\w+[^\n]*not permitted|Could not attach to process|ptrace: Operation",
        "the sandbox lets no process trace another",
        "leave tests with debuggers and tracers out, or run with --sandbox off if you trust the code",
    ),
    row(
        Sandbox,
        Nothing,
        r"(?i)(?:unshare|clone3?|bwrap|setns|mount|pivot_root|chroot)[^\n]{0,60}(?:Operation not permitted|EPERM)|No usable sandbox!|Failed to move to new namespace",
        "the sandbox lets tests make no namespaces and mounts",
        "leave such tests out (browsers: --no-sandbox), or run with --sandbox off if you trust the code",
    ),
    row(
        Sandbox,
        Nothing,
        r"(?i)fatal: not a git repository|unable to normalize alternate object path|object directory \S{1,300} does not exist; check",
        "the sandbox shows git no whole repository",
        "a copy of the tree has no .git; a folder of git's elsewhere is shown once it names this tree (`git config core.worktree`), and \
         borrowed objects are the repository's own after `git repack -a -d`",
    ),
    row(
        Sandbox,
        Nothing,
        RENAMED_ACROSS,
        "nothing can be renamed from one file system of the sandbox to another: temporary folders and the tree are such",
        "let the test make what it renames in the same folder",
    ),
    row(
        Sandbox,
        Nothing,
        r"(?i)Read-only file system|\bEROFS\b|os error 30\)",
        "the sandbox lets tests write only to the repository, their home and their temporary folder",
        "let the tests write to $TMPDIR or $HOME",
    ),
    row(
        Sandbox,
        Nothing,
        r"(?i)Cannot connect to the Docker daemon|docker\.sock|podman\.sock",
        "the sandbox has no connection to Docker",
        "leave tests with containers out, by naming the others with --test",
    ),
    row(
        Sandbox,
        Nothing,
        r"(?i)Temporary failure in name resolution|\bEAI_AGAIN\b|getaddrinfo (?:ENOTFOUND|EAI)|Name or service not known|nodename nor servname|Could not resolve host|no such host|Network is unreachable|\bENETUNREACH\b|UnknownHostException|failed to lookup address",
        NO_NETWORK,
        "leave tests that need it out, by naming the others with --test; what they download can be there before the run",
    ),
    row(
        Sandbox,
        Nothing,
        r"(?i)File size limit exceeded|\bEFBIG\b|SIGXFSZ",
        "the sandbox bounds the size of files",
        "let the test write less",
    ),
    row(
        Sandbox,
        Nothing,
        r"(?i)Too many open files|\bEMFILE\b",
        "the sandbox bounds how many files are open",
        "run fewer tests in parallel",
    ),
    row(
        Sandbox,
        Nothing,
        r"(?i)fork: (?:retry: )?Resource temporarily unavailable|can't start new thread|pthread_create[^\n]*(?:EAGAIN|failed)|failed to spawn thread[^\n]*temporarily",
        "the sandbox bounds how many processes and threads there are",
        "run fewer tests in parallel",
    ),
    row(
        Sandbox,
        Nothing,
        r"(?i)Cannot allocate memory|\bENOMEM\b|std::bad_alloc|^MemoryError|JavaScript heap out of memory|OutOfMemoryError",
        "memory ran out; the sandbox bounds it",
        "run fewer tests in parallel",
    ),
    row(
        Sandbox,
        Nothing,
        r"(?i)cannot open display|Missing X server|could not connect to display",
        "the sandbox has no display",
        "run the tests headless, or leave those that need a display out with --test",
    ),
];
