//! The rows of [`super::causes`], most telling first.

use crate::journal::CauseKind::{self, Sandbox, Setup, Watch};

/// A cause.
pub(super) struct Row {
    pub(super) kind: CauseKind,
    /// What the output says.
    pub(super) pattern: &'static str,
    /// What that means, a clause; `{1}` stands for the first group.
    pub(super) what: &'static str,
    /// What a person can do.
    pub(super) hint: &'static str,
}

const fn row(kind: CauseKind, pattern: &'static str, what: &'static str, hint: &'static str) -> Row {
    Row { kind, pattern, what, hint }
}

/// What languages make of the kernel's EXDEV.
pub(super) const RENAMED_ACROSS: &str = r"(?i)cross-(?:device|domain) link|\bEXDEV\b|CrossesDevices|RenameAcrossMountPoints|will not work across volumes|first argument to copy\(\) function cannot be a directory|\b(?:os error|errno)[ =:]{1,3}-?18\b";
const NO_NETWORK: &str = "the sandbox has no network";
const OTHER: &str = "install it, or name another command with --test";

/// All of them.
pub(super) const ROWS: &[Row] = &[
    row(
        Watch,
        r"(?i)vitest|DEV  v\d|PASS\s+Waiting for file changes",
        "vitest watches for changes and never ends",
        "make the script `vitest run`, or give --test with `--run`",
    ),
    row(
        Watch,
        r"(?i)Watch Usage|Ran all test suites|press .?w to show more|press a to run all tests",
        "jest watches for changes, or something keeps it from its end",
        "drop `--watch` from the script, or give --test with `--watchAll=false` (or `--forceExit`)",
    ),
    row(
        Watch,
        r"\[(?:Running '.*'|Finished running)|cargo[- ]watch",
        "`cargo watch` watches for changes and never ends",
        "name the command that it runs, such as --test 'cargo test'",
    ),
    row(
        Watch,
        r"(?i)\[nodemon\]",
        "nodemon watches for changes and never ends",
        "name the command that it runs with --test",
    ),
    row(
        Watch,
        r"(?i)waiting for (?:file )?changes|watching for (?:file )?changes|watching \d+ files|watch(?:ing)? mode|press ctrl\+?-?c to (?:stop|exit)|press .?h.? to show help|will restart on change",
        "the command watches for changes and never ends",
        "name one that runs the tests once with --test, as CI does",
    ),
    row(
        Setup,
        r"(?m)^kcode: (\S+) could not be started: permission denied",
        "{1} isn't executable",
        "make it so with `chmod +x`, or name another command with --test",
    ),
    row(
        Setup,
        r"(?m)^(?:kcode: |(?:\S+: )?(?:line )?\d*:? ?)(\S*python[\d.]*)(?: could not be started|: (?:command )?not found)",
        "{1} isn't there",
        "install Python or make the virtual environment, or name another command with --test",
    ),
    row(
        Setup,
        r"(?m)^(?:kcode: |(?:\S+: )?(?:line )?\d*:? ?)(\S*node_modules/\.bin/\S+|npm|npx|node)(?: could not be started|: (?:command )?not found)",
        "{1} isn't there",
        "install Node.js and run `npm ci`, or name another command with --test",
    ),
    row(
        Setup,
        r"(?m)^(?:kcode: |(?:\S+: )?(?:line )?\d*:? ?)(vendor/bin/\S+)(?: could not be started|: (?:command )?not found)",
        "{1} isn't there",
        "run `composer install`, or name another command with --test",
    ),
    row(
        Setup,
        r"(?m)^(?:kcode: |(?:\S+: )?(?:line )?\d*:? ?)(bundle|rspec|rake)(?: could not be started|: (?:command )?not found)",
        "{1} isn't there",
        "install Ruby and `gem install bundler`, then run `bundle install`; or name another command with --test",
    ),
    row(
        Setup,
        r"(?m)^(?:kcode: |(?:\S+: )?(?:line )?\d*:? ?)(tox|nox|pytest|hatch|poetry|pipenv|pdm|uv|pre-commit|coverage)(?: could not be started|: (?:command )?not found)",
        "{1} isn't installed",
        "`pipx install {1}`, or `python3 -m pip install {1}` in the project's virtual environment; or name another command with --test",
    ),
    row(
        Setup,
        r"(?m)^(?:kcode: |(?:\S+: )?(?:line )?\d*:? ?)(mocha|jest|vitest|ava|pnpm|yarn|bun|tap|karma|tsc|eslint)(?: could not be started|: (?:command )?not found)",
        "{1} isn't installed",
        "`npm ci` where package.json asks for it, else `npm install --save-dev {1}`",
    ),
    row(
        Setup,
        r"(?m)^(?:kcode: |(?:\S+: )?(?:line )?\d*:? ?)(just|cargo-nextest)(?: could not be started|: (?:command )?not found)",
        "{1} isn't installed",
        "`cargo install {1}`, or name another command with --test",
    ),
    row(Setup, r"(?m)^kcode: (\S+) could not be started", "{1} isn't there", OTHER),
    row(
        Setup,
        r"(?m)^(?:\S+: )?(?:line )?\d*:? ?(\S*python[\d.]*): No module named '?([\w-]+)",
        "{2} isn't installed for {1}",
        "`{1} -m pip install {2}`, in the project's virtual environment where there is one (.venv is found by itself)",
    ),
    row(
        Setup,
        r"(?m)^.*?(?:npm (?:ERR!|error) Missing script:|ERR_PNPM_NO_SCRIPT\S*\s+Missing script:|Couldn't find a script named|error Command|Script not found) ?[^\w\s]?([\w:.-]+)",
        "package.json has no script \"{1}\"",
        "add it to \"scripts\", or name another command with --test",
    ),
    row(
        Setup,
        r"(?m)^.*(?:bundler: (?:command|executable)[^:]*: |can't find executable )(\S+)",
        "{1} isn't among the installed gems",
        "`bundle install`",
    ),
    row(
        Setup,
        r"(?m)^.*(?:Could not find (?:gem )?.+ in (?:any of the|locally installed|rubygems|cached)|Run `bundle install` to install missing gems|Could not locate Gemfile|Bundler::GemNotFound)",
        "the gems of the Gemfile aren't installed",
        "`bundle install`",
    ),
    row(
        Setup,
        r"(?m)(?:Could not open input file: |Failed opening required '?|Class .PHPUnit.*not found|Uncaught Error: Failed opening ).*(vendor/(?:bin/\S+|autoload\.php))",
        "{1} isn't there",
        "`composer install`",
    ),
    row(
        Setup,
        r"(?m)(?:failed to (?:download|get|load source for dependency|query replaced source)|unable to (?:update registry|get packages from source)|no matching package named|Unable to update (?:registry|https)|attempting to make an HTTP request, but --offline)",
        "crates aren't downloaded, and the sandbox has no network",
        "`cargo fetch`",
    ),
    row(
        Setup,
        r"(?m)error: toolchain '(\S+)' is not installed|could not download file from 'https://static\.rust-lang\.org\S*(?:channel-rust-)?([\w.]*)",
        "the Rust toolchain that the project asks for isn't installed",
        "`rustup toolchain install` in the project",
    ),
    row(
        Setup,
        r"error: no such command: `(\S+)`",
        "cargo {1} isn't installed",
        "`cargo install cargo-{1}`, or name another command with --test",
    ),
    row(
        Setup,
        r"(?m)(?:dial tcp: lookup (?:proxy|sum)\.golang\.org|cannot find module providing package|module lookup disabled by|go: download go[\d.]+|missing go\.sum entry|go: downloading \S+ \S+\n(?:.*\n)*.*dial tcp)",
        "Go modules aren't downloaded, and the sandbox has no network",
        "`go mod download`",
    ),
    row(
        Setup,
        r"Cannot find (?:module|package) '(?:[^'\n]*/node_modules/(@[\w.-]+/[\w.-]+|\w[\w.-]*)[^'\n]*|(@[\w.-]+/[\w.-]+|\w[\w.-]*))'",
        "the package {1}{2} isn't installed",
        "`npm ci`, or whatever the project's package manager calls it",
    ),
    row(
        Setup,
        r"(?m)^(?:sh|bash|/bin/sh|\S+\.sh)?:? ?(?:line )?\d*:? ?([\w./+-]*(?:jest|vitest|mocha|ava|tap|karma|tsc|eslint|react-scripts|ng|vite|webpack|nyc|c8|turbo|nx|lerna|cross-env|ts-node|tsx|playwright|cypress)): (?:command )?not found",
        "{1} isn't installed",
        "`npm ci`, or whatever the project's package manager calls it",
    ),
    row(Setup, r"(?m)^(?:\S+: )?(?:line )?\d*:? ?([\w./+-]+): (?:command )?not found\s*$", "{1} isn't there", OTHER),
    row(Setup, r"(?m)^env: .?([\w./+-]+?).?: No such file or directory", "{1} isn't there", OTHER),
    row(Setup, r"(?m)^make(?:\[\d+\])?: ([\w./+-]+): No such file or directory", "{1} isn't there", OTHER),
    row(
        Setup,
        r"(?m)^make(?:\[\d+\])?: \*\*\* No rule to make target '(\S+?)'\.\s+Stop",
        "the makefile has no target {1}",
        "name another command with --test",
    ),
    row(
        Setup,
        r"(?m)(?:Could not transfer artifact|Could not resolve dependencies|Non-resolvable (?:parent POM|import POM)|could not be resolved: |Unknown host repo\.maven|Could not create local repository at |Cannot access \S+ \(https?://\S+\) in offline mode)",
        "Maven's plugins or dependencies aren't downloaded, and the sandbox has no network",
        "run the tests once outside of kcode, or `mvn dependency:go-offline`",
    ),
    row(
        Setup,
        r"(?m)(?:UnknownHostException: (?:services|downloads|plugins|repo)\S*|Could not resolve all (?:files|artifacts|dependencies|task dependencies)|Could not GET 'http|Plugin \[id: .*was not found|No cached version of \S+ available for offline)",
        "what Gradle needs isn't downloaded, and the sandbox has no network",
        "run the tests once outside of kcode",
    ),
    row(
        Setup,
        r#"(?m)(?:the dependency is not available, run "mix deps\.get"|Unchecked dependencies for environment|Can't continue due to errors on dependencies|Could not find Hex)"#,
        "the dependencies of mix.exs aren't there",
        "`mix local.hex --force && mix deps.get`",
    ),
    row(
        Setup,
        r"(?m)(?:NU1301|Unable to load the service index|NETSDK1004|project\.assets\.json' not found)",
        "NuGet packages aren't restored, and the sandbox has no network",
        "`dotnet restore`",
    ),
    row(
        Setup,
        r"(?m)(?:nox > .*(?:Failed|failed)|Session \S+ (?:failed|aborted))(?:.*\n)*|nox > Command .* failed with exit code",
        "nox makes its environment anew in each run, and the sandbox has no network",
        "make it once with `nox --install-only`, and give --test with `nox --no-install -R`; or name the command that the session runs",
    ),
    row(
        Setup,
        r"(?m)(?:Could not find a version that satisfies the requirement (\S+)|No matching distribution found for (\S+)|Failed to establish a new connection|error: Failed to fetch: )",
        "Python packages aren't installed, and the sandbox has no network",
        "make the environment once outside of kcode (`tox --notest`, `pip install -e .`, `uv sync`, `hatch env create`)",
    ),
    row(
        Setup,
        r"(?m)(?:Command not found: |[Ff]ailed to spawn: .|Could not find a suitable|the command )(\S+?)[`']?(?: could not be found| $|$)",
        "{1} isn't in the project's environment",
        "install it there, with the development dependencies",
    ),
    row(
        Setup,
        r"(?i)corepack is about to download|Error when performing the request to https://registry|corepack/.*fetch failed",
        "Corepack has not downloaded the package manager, and the sandbox has no network",
        "`corepack install` in the project",
    ),
    row(
        Setup,
        r"(?m)Error: could not load cache|CMakeCache\.txt.*(?:not exist|No such)|not a CMake build directory",
        "the build folder isn't configured",
        "`cmake -B build`",
    ),
    row(
        Sandbox,
        r"(?i)ReserveShadowMemoryRange failed|Shadow memory range interleaves|unexpected memory mapping|LeakSanitizer has encountered a fatal error",
        "a sanitizer can't work in the sandbox",
        "leave it out for kcode (ASAN_OPTIONS=detect_leaks=0 where leaks are looked for), or run with --sandbox off if you trust the code",
    ),
    row(
        Sandbox,
        r"(?i)ptrace[^\n]*Operation not permitted|PTRACE_\w+[^\n]*not permitted|Could not attach to process|ptrace: Operation",
        "the sandbox lets no process trace another",
        "leave tests with debuggers and tracers out, or run with --sandbox off if you trust the code",
    ),
    row(
        Sandbox,
        r"(?i)(?:unshare|clone3?|bwrap|setns|mount|pivot_root|chroot)[^\n]{0,60}(?:Operation not permitted|EPERM)|No usable sandbox!|Failed to move to new namespace",
        "the sandbox lets tests make no namespaces and mounts",
        "leave such tests out (browsers: --no-sandbox), or run with --sandbox off if you trust the code",
    ),
    row(
        Sandbox,
        r"(?i)fatal: not a git repository|unable to normalize alternate object path|object directory \S{1,300} does not exist; check",
        "the sandbox shows git no whole repository",
        "a copy of the tree has no .git; a folder of git's elsewhere is shown once it names this tree (`git config core.worktree`), and \
         borrowed objects are the repository's own after `git repack -a -d`",
    ),
    row(
        Sandbox,
        RENAMED_ACROSS,
        "nothing can be renamed from one file system of the sandbox to another: temporary folders and the tree are such",
        "let the test make what it renames in the same folder",
    ),
    row(
        Sandbox,
        r"Read-only file system|\bEROFS\b|os error 30\)",
        "the sandbox lets tests write only to the repository, their home and their temporary folder",
        "let the tests write to $TMPDIR or $HOME",
    ),
    row(
        Sandbox,
        r"(?i)Cannot connect to the Docker daemon|docker\.sock|podman\.sock",
        "the sandbox has no connection to Docker",
        "leave tests with containers out, by naming the others with --test",
    ),
    row(
        Sandbox,
        r"(?i)Temporary failure in name resolution|\bEAI_AGAIN\b|getaddrinfo (?:ENOTFOUND|EAI)|Name or service not known|nodename nor servname|Could not resolve host|no such host|Network is unreachable|\bENETUNREACH\b|UnknownHostException|failed to lookup address",
        NO_NETWORK,
        "leave tests that need it out, by naming the others with --test; what they download can be there before the run",
    ),
    row(
        Sandbox,
        r"(?i)File size limit exceeded|\bEFBIG\b|SIGXFSZ",
        "the sandbox bounds the size of files",
        "let the test write less",
    ),
    row(
        Sandbox,
        r"(?i)Too many open files|\bEMFILE\b",
        "the sandbox bounds how many files are open",
        "let the tests run less beside each other",
    ),
    row(
        Sandbox,
        r"(?i)fork: (?:retry: )?Resource temporarily unavailable|can't start new thread|pthread_create[^\n]*(?:EAGAIN|failed)|failed to spawn thread[^\n]*temporarily",
        "the sandbox bounds how many processes and threads there are",
        "let the tests run less beside each other",
    ),
    row(
        Sandbox,
        r"(?i)Cannot allocate memory|\bENOMEM\b|std::bad_alloc|^MemoryError|JavaScript heap out of memory|OutOfMemoryError",
        "memory ran out; the sandbox bounds it",
        "let the tests run less beside each other",
    ),
    row(
        Sandbox,
        r"(?i)cannot open display|Missing X server|could not connect to display",
        "the sandbox has no display",
        "run the tests headless, or leave those that need a display out with --test",
    ),
];
