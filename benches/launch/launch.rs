//! One run of the built binary.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::memory::{self, Peak};
use super::provider::{Answer, Provider};

/// The binary under test.
pub const KCODE: &str = env!("CARGO_BIN_EXE_kcode");
/// How long a run may take; it takes seconds.
const PATIENCE: Duration = Duration::from_mins(1);

/// Requests that a run makes at most where the model says nothing but words.
const MOST_REQUESTS: usize = 4;
/// The exit code of a run without a change.
const NO_CHANGE: i32 = 3;

/// A run that is about to begin, with a provider and a state folder of its own.
pub struct Launch {
    provider: Provider,
    command: Command,
    _state: tempfile::TempDir,
}

impl Launch {
    pub fn new(repository: &Path) -> Self {
        let provider = Provider::start();
        let state = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
        let mut command = Command::new(KCODE);
        command.args(["fix", "say what this is", "--dry-run", "--no-verify", "--quiet", "-C"]).arg(repository);
        command.env_clear().envs(["PATH", "HOME"].iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
        command.env("KCODE_API_KEY", "sk-bench").env("KCODE_BASE_URL", &provider.base_url);
        command.env("KCODE_HOME", state.path());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Self { provider, command, _state: state }
    }

    /// From launch to the first byte of the first request. The run is then refused, and waited for.
    pub fn until_first_request(mut self) -> Duration {
        let launched = Instant::now();
        let mut child = self.command.spawn().expect("kcode starts");
        let arrived = self.provider.requests.recv_timeout(PATIENCE).expect("a request");
        self.provider.answers.send(Answer::Refusal).expect("the provider listens");
        child.wait().expect("kcode ends");
        arrived - launched
    }

    /// From launch to its end, when the model answers with nothing but words.
    pub fn whole(mut self) -> Duration {
        let launched = Instant::now();
        let mut child = self.command.spawn().expect("kcode starts");
        // One answer waits for each request; the server ends with the bench.
        let _ = (0..MOST_REQUESTS).try_for_each(|_| self.provider.answers.send(Answer::Text));
        let status = child.wait().expect("kcode ends");
        let took = launched.elapsed();
        assert_eq!(status.code(), Some(NO_CHANGE), "another end than was asked for");
        took
    }

    /// The most memory that broker and worker took in a run that waits for its private view and uses a tool.
    pub fn peak_memory(mut self) -> Peak {
        let mut child = self.command.spawn().expect("kcode starts");
        self.answer(Answer::Call);
        // The second request comes when the view is made and the tool has answered.
        let mut peak = Peak::default();
        self.provider.requests.recv_timeout(PATIENCE).expect("a second request");
        peak.look(child.id());
        self.provider.answers.send(Answer::Text).expect("the provider listens");
        while !has_ended(&mut child) {
            peak.look(child.id());
            if self.provider.requests.recv_timeout(memory::LOOK_EVERY).is_ok() {
                self.provider.answers.send(Answer::Text).expect("the provider listens");
            }
        }
        peak
    }

    fn answer(&self, answer: Answer) {
        self.provider.requests.recv_timeout(PATIENCE).expect("a request");
        self.provider.answers.send(answer).expect("the provider listens");
    }
}

fn has_ended(child: &mut Child) -> bool {
    child.try_wait().expect("a child can be waited for").is_some()
}
