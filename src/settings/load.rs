//! Merges the layers of settings.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::amounts::{parse_duration, parse_tokens, parse_usd};
use super::file::{FileLayer, Owner};
use super::{
    BaseUrl, Environment, KeepSettings, Origin, PolicySettings, Refused, RepositoryFiles, Sandbox, SecretFiles,
    Setting, Settings, SettingsError, TestCommand,
};
use super::{family, file, key_variables, places, readable, writes};
use crate::journal::{Bytes, RelPath, Tokens, Usd, read_regular};

const MODEL: &str = "kimi-k2.7-code";
/// Bytes of the repository's file; more is a mistake or an attack.
const MAX_FILE_BYTES: u64 = 64 * 1024;

/// Bytes of the user's file.
pub(super) const MAX_USER_BYTES: u64 = 1024 * 1024;

/// Values of the command line; `None` where a flag wasn't given.
#[derive(Clone, Debug, Default)]
pub struct FlagLayer {
    /// `--model`.
    pub model: Option<String>,
    /// `--base-url`.
    pub base_url: Option<String>,
    /// `--max-turns`.
    pub max_turns: Option<u32>,
    /// `--max-tokens`.
    pub max_tokens: Option<Tokens>,
    /// `--max-cost`.
    pub max_cost: Option<Usd>,
    /// `--max-time`.
    pub max_time: Option<Duration>,
    /// `--test`, a shell command line.
    pub test: Option<String>,
    /// `--include-generated`, globs.
    pub include_generated: Vec<String>,
    /// `--readable`, paths as typed.
    pub readable: Vec<PathBuf>,
    /// `--no-verify`.
    pub no_verify: bool,
    /// `--no-baseline`.
    pub no_baseline: bool,
    /// `--policy`.
    pub policy: bool,
    /// `--sandbox`.
    pub sandbox: Option<Sandbox>,
    /// The command's default: `auto`, or `strict` in `kcode ci`.
    pub default_sandbox: Sandbox,
    /// The command's default: no limit, or a finite one in `kcode ci`.
    pub default_max_tokens: Option<Tokens>,
}

/// Resolves every setting. `user_file` is the argument of `--config`; `.kcode.toml` is read from `repository_root`.
///
/// # Errors
/// Name the layer, what is wrong with it, and what to do.
pub fn load(
    flags: &FlagLayer,
    env: &Environment,
    user_file: Option<&Path>,
    repository_root: Option<&Path>,
) -> Result<Settings, SettingsError> {
    let (user, user_origin) = read_user_file(env, user_file)?;
    let repository = repository_root.map_or_else(|| Ok(FileLayer::default()), read_repository_file)?;
    SettingLayers { flags, env, user, user_origin, repository, root: repository_root }.resolve()
}

/// Resolves the settings without the repository's file, for commands that go on when it can't be used.
///
/// # Errors
/// As [`load`], except for that file.
pub fn without_repository_file(
    env: &Environment,
    user_file: Option<&Path>,
    root: Option<&Path>,
) -> Result<Settings, SettingsError> {
    let (user, user_origin) = read_user_file(env, user_file)?;
    let (flags, repository) = (&FlagLayer::default(), FileLayer::default());
    SettingLayers { flags, env, user, user_origin, repository, root }.resolve()
}

/// Resolves the settings without any file, for commands that go on when none can be used.
///
/// # Errors
/// As [`load`], except for the files.
pub fn without_files(env: &Environment, root: Option<&Path>) -> Result<Settings, SettingsError> {
    let (user, repository) = (FileLayer::default(), FileLayer::default());
    SettingLayers { flags: &FlagLayer::default(), env, user, user_origin: Origin::Default, repository, root }.resolve()
}

/// Limits for kept runs. The defaults bound the folder of somebody who never cleans up, and remove nothing that anybody
/// is likely to need again.
pub(super) fn kept(user: &FileLayer, origin: &Origin) -> Result<KeepSettings, SettingsError> {
    Ok(KeepSettings {
        runs: Setting::default(10_000).or(user.keep.runs, origin).usable("keep.runs")?,
        age: Setting::default(Duration::from_hours(24 * 365)).or(user.keep.age, origin).usable("keep.age")?,
        size: Setting::default(Bytes(5_000_000_000)).or(user.keep.size, origin).usable("keep.size")?,
    })
}

pub(super) fn read_user_file(env: &Environment, named: Option<&Path>) -> Result<(FileLayer, Origin), SettingsError> {
    let Some(path) = named.map(Path::to_owned).or_else(|| places::user_file(env)) else {
        return Ok((FileLayer::default(), Origin::Default));
    };
    let shown = places::shown(&path, env);
    let text = read_regular(&path, MAX_USER_BYTES);
    let text = text.and_then(|bytes| String::from_utf8(bytes).map_err(|_| io::Error::other("it is not UTF-8")));
    match text {
        Ok(text) => Ok((file::parse(&text, &shown, Owner::User)?, Origin::UserFile(shown))),
        Err(error) if error.kind() == io::ErrorKind::NotFound && named.is_none() => {
            Ok((FileLayer::default(), Origin::UserFile(shown)))
        }
        Err(source) => Err(SettingsError::Unreadable { file: shown, source }),
    }
}

fn read_repository_file(root: &Path) -> Result<FileLayer, SettingsError> {
    let name = Origin::RepositoryFile.to_string();
    let read = RepositoryFiles::open(root).map_err(Refused::Io);
    let read = read.and_then(|files| files.try_read(Path::new(&name), MAX_FILE_BYTES));
    let beginning = match read {
        Ok(beginning) => beginning,
        Err(refused) if refused.is_missing() => return Ok(FileLayer::default()),
        Err(refused) => return Err(SettingsError::Unreadable { file: name, source: refused.into() }),
    };
    if beginning.is_cut() {
        let source = io::Error::other(format!("it has {} bytes, more than {MAX_FILE_BYTES}", beginning.size));
        return Err(SettingsError::Unreadable { file: name, source });
    }
    file::parse(&beginning.text(), &name, Owner::Repository)
}

struct SettingLayers<'a> {
    flags: &'a FlagLayer,
    env: &'a Environment,
    user: FileLayer,
    user_origin: Origin,
    repository: FileLayer,
    root: Option<&'a Path>,
}

impl SettingLayers<'_> {
    fn resolve(&self) -> Result<Settings, SettingsError> {
        let Self { flags, env, user, user_origin, repository, root } = self;
        let family = family::first_with_key(env);
        let key = family.map_or(Ok(None), |family| family.api_key(env))?;
        Ok(Settings {
            model: self.model(family)?,
            base_url: self.base_url(family)?,
            key,
            max_turns: self.max_turns()?,
            max_tokens: self.max_tokens()?,
            max_cost: self.max_cost()?,
            max_time: self.max_time()?,
            max_completion_tokens: self.max_completion_tokens()?,
            max_retries: self.max_retries()?,
            max_silence: self.max_silence()?,
            test: self.test()?,
            checks: Setting::default(Vec::new())
                .or(user.checks.clone(), user_origin)
                .or(repository.checks.clone(), &Origin::RepositoryFile),
            test_deadline: Setting::default(Duration::from_mins(10))
                .or(user.test.deadline, user_origin)
                .or(repository.test.deadline, &Origin::RepositoryFile)
                .usable("test.deadline")?,
            test_idle: Setting::default(Duration::from_mins(2))
                .or(user.test.idle, user_origin)
                .or(repository.test.idle, &Origin::RepositoryFile)
                .usable("test.idle")?,
            writes: self.writes()?,
            repository_writes: self.repository_writes(),
            verify: Setting::default(true).or(flags.no_verify.then_some(false), &Origin::Flag("--no-verify")),
            baseline: Setting::default(true)
                .or(user.test.baseline, user_origin)
                .or(flags.no_baseline.then_some(false), &Origin::Flag("--no-baseline")),
            sandbox: self.sandbox()?,
            dependencies: self.dependencies(),
            readable: readable::resolve("readable", user.readable.as_deref(), user_origin, &flags.readable, env)?,
            caches: readable::resolve("caches", user.caches.as_deref(), user_origin, &[], env)?,
            child_env: self.child_env()?,
            readable_secrets: self.readable_secrets()?,
            state_dir: places::state_dir(env, user.state_dir.clone(), user_origin, *root)?,
            keep: kept(user, user_origin)?,
            policy: PolicySettings::resolve(&user.policy, user_origin, &repository.policy, flags.policy)?,
            price: Setting::default(None).or(user.price.map(Some), user_origin),
            ci: user.ci.resolve(user_origin)?,
        })
    }

    fn model(&self, family: Option<&family::Family>) -> Result<Setting<String>, SettingsError> {
        let mut model = Setting::default(MODEL.to_owned()).or(self.user.model.clone(), &self.user_origin);
        // kcode's own variable applies whichever family's key is used; a family's own variable applies only with its
        // key.
        for family in [Some(family::OWN), family].into_iter().flatten() {
            if let Some(variable) = family.model {
                model = model.or(self.env.get(variable).map(str::to_owned), &Origin::Environment(variable.to_owned()));
            }
        }
        model = model.or(self.flags.model.clone(), &Origin::Flag("--model"));
        if model.value.is_empty() || !model.value.bytes().all(|byte| byte.is_ascii_graphic()) {
            let problem = "a model's id is a word without spaces, such as kimi-k2.7-code".to_owned();
            return Err(SettingsError::BadValue { name: "model", origin: model.origin, problem });
        }
        Ok(model)
    }

    fn base_url(&self, family: Option<&'static family::Family>) -> Result<Setting<BaseUrl>, SettingsError> {
        let flag = self.flags.base_url.as_deref().map(str::parse).transpose();
        let flag = flag.map_err(|source| SettingsError::BadBaseUrl { origin: Origin::Flag("--base-url"), source })?;
        let file = Setting { value: self.user.base_url.clone(), origin: self.user_origin.clone() };
        family::base_url(family, self.env, file, flag)
    }

    fn max_turns(&self) -> Result<Setting<u32>, SettingsError> {
        const NAME: &str = "limits.max_turns";
        Setting::default(60)
            .or(self.user.limits.max_turns, &self.user_origin)
            .tighten(NAME, self.repository.limits.max_turns)?
            .or_variable(NAME, self.env, "KCODE_MAX_TURNS", parse_count)?
            .or(self.flags.max_turns, &Origin::Flag("--max-turns"))
            .usable(NAME)
    }

    fn max_tokens(&self) -> Result<Setting<Option<Tokens>>, SettingsError> {
        const NAME: &str = "limits.max_tokens";
        Setting::default(self.flags.default_max_tokens)
            .or(self.user.limits.max_tokens.map(Some), &self.user_origin)
            .tighten(NAME, self.repository.limits.max_tokens.map(Some))?
            .or_variable(NAME, self.env, "KCODE_MAX_TOKENS", |text| parse_tokens(text).map(Some))?
            .or(self.flags.max_tokens.map(Some), &Origin::Flag("--max-tokens"))
            .usable(NAME)
    }

    fn max_cost(&self) -> Result<Setting<Option<Usd>>, SettingsError> {
        const NAME: &str = "limits.max_cost_usd";
        Setting::default(Usd::from_dollars(1.0))
            .or(self.user.limits.max_cost_usd.map(Some), &self.user_origin)
            .tighten(NAME, self.repository.limits.max_cost_usd.map(Some))?
            .or_variable(NAME, self.env, "KCODE_MAX_COST_USD", |text| parse_usd(text).map(Some))?
            .or(self.flags.max_cost.map(Some), &Origin::Flag("--max-cost"))
            .usable(NAME)
    }

    fn max_time(&self) -> Result<Setting<Duration>, SettingsError> {
        const NAME: &str = "limits.max_time";
        Setting::default(Duration::from_mins(20))
            .or(self.user.limits.max_time, &self.user_origin)
            .tighten(NAME, self.repository.limits.max_time)?
            .or_variable(NAME, self.env, "KCODE_MAX_TIME", parse_duration)?
            .or(self.flags.max_time, &Origin::Flag("--max-time"))
            .usable(NAME)
    }

    fn max_completion_tokens(&self) -> Result<Setting<Tokens>, SettingsError> {
        const NAME: &str = "limits.max_completion_tokens";
        Setting::default(Tokens(32_768))
            .or(self.user.limits.max_completion_tokens, &self.user_origin)
            .tighten(NAME, self.repository.limits.max_completion_tokens)?
            .usable(NAME)
    }

    /// Zero is allowed: a user may want no retries.
    fn max_retries(&self) -> Result<Setting<u32>, SettingsError> {
        Setting::default(9)
            .or(self.user.limits.max_retries, &self.user_origin)
            .tighten("limits.max_retries", self.repository.limits.max_retries)
    }

    fn max_silence(&self) -> Result<Setting<Duration>, SettingsError> {
        const NAME: &str = "limits.max_silence";
        Setting::default(Duration::from_mins(2))
            .or(self.user.limits.max_silence, &self.user_origin)
            .tighten(NAME, self.repository.limits.max_silence)?
            .usable(NAME)
    }

    fn test(&self) -> Result<Setting<Option<TestCommand>>, SettingsError> {
        let origin = Origin::Flag("--test");
        if self.flags.test.as_deref().is_some_and(|line| line.trim().is_empty()) {
            let problem = "it is empty; give a command, or --no-verify to run no tests".to_owned();
            return Err(SettingsError::BadValue { name: "test.command", origin, problem });
        }
        Ok(Setting::default(None)
            .or(self.user.test.command().map(Some), &self.user_origin)
            .or(self.repository.test.command().map(Some), &Origin::RepositoryFile)
            .or(self.flags.test.as_deref().map(|line| Some(TestCommand::shell(line))), &origin))
    }

    /// Merges all layers: each adds globs. The repository's file may name only a few kinds of files.
    fn writes(&self) -> Result<Setting<Vec<String>>, SettingsError> {
        const FLAG: Origin = Origin::Flag("--include-generated");
        let repository = self.repository.test.writes.as_ref();
        let layers = [
            (self.user.test.writes.as_ref(), &self.user_origin, writes::check as fn(&str) -> Result<(), String>),
            (repository, &Origin::RepositoryFile, writes::check_of_repository),
            (Some(&self.flags.include_generated).filter(|globs| !globs.is_empty()), &FLAG, writes::check),
        ];
        let mut all = Setting::default(Vec::<String>::new());
        for (globs, origin, check) in layers {
            let Some(globs) = globs else { continue };
            if let Some(problem) = globs.iter().find_map(|glob| check(glob).err()) {
                return Err(SettingsError::BadValue { name: "test.writes", origin: origin.clone(), problem });
            }
            all.origin = origin.clone();
            let new: Vec<String> = globs.iter().filter(|glob| !all.value.contains(glob)).cloned().collect();
            all.value.extend(new);
        }
        Ok(all)
    }

    /// Globs that only the repository names.
    fn repository_writes(&self) -> Vec<String> {
        let own = self.user.test.writes.iter().flatten().chain(&self.flags.include_generated);
        let own: Vec<&String> = own.collect();
        let named = self.repository.test.writes.iter().flatten();
        named.filter(|glob| !own.contains(glob)).cloned().collect()
    }

    fn sandbox(&self) -> Result<Setting<Sandbox>, SettingsError> {
        let sandbox = Setting::default(self.flags.default_sandbox)
            .or(self.user.sandbox, &self.user_origin)
            .not_off()?
            .tighten("sandbox", self.repository.sandbox)?
            .or_variable("sandbox", self.env, "KCODE_SANDBOX", str::parse)?
            .not_off()?;
        Ok(sandbox.or(self.flags.sandbox, &Origin::Flag("--sandbox")))
    }

    fn dependencies(&self) -> Setting<Vec<String>> {
        let names = |paths: &Option<Vec<RelPath>>| {
            paths.as_ref().map(|paths| paths.iter().map(RelPath::to_string).collect::<Vec<_>>())
        };
        Setting::default(["node_modules", ".venv", "venv"].map(str::to_owned).to_vec())
            .or(names(&self.user.dependencies), &self.user_origin)
            .or(names(&self.repository.dependencies), &Origin::RepositoryFile)
    }

    fn readable_secrets(&self) -> Result<Setting<Vec<String>>, SettingsError> {
        let globs = Setting::default(Vec::new()).or(self.user.secrets.readable.clone(), &self.user_origin);
        match SecretFiles::new(&globs.value) {
            Err(problem) => Err(SettingsError::BadValue { name: "secrets.readable", origin: globs.origin, problem }),
            Ok(_) => Ok(globs),
        }
    }

    fn child_env(&self) -> Result<Setting<Vec<String>>, SettingsError> {
        let names = Setting::default(Vec::new()).or(self.user.child_env.clone(), &self.user_origin);
        let is_name = |name: &str| !name.is_empty() && !name.contains(['=', '\0']);
        let problem = names.value.iter().find_map(|name| match name.as_str() {
            name if key_variables().any(|key| key == name) => Some(format!("{name} holds a key; tests never see one")),
            name if !is_name(name) => Some(format!("{name:?} is not the name of a variable")),
            _ => None,
        });
        match problem {
            Some(problem) => Err(SettingsError::BadValue { name: "child_env", origin: names.origin, problem }),
            None => Ok(names),
        }
    }
}

fn parse_count(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| format!("{text:?} is not a whole number"))
}
