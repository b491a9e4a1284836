//! Families of environment variables, and where a family's key may be sent.
//!
//! The first family with a key wins. Its key goes to its own servers: the URL in the family's variable, or the hosts
//! that issue such keys. A URL from elsewhere (`--base-url`, a file, `KCODE_BASE_URL`) is used with it only when it
//! names one of those servers; `KCODE_API_KEY` is kcode's own, and goes wherever its user says.

use super::{ApiKey, BaseUrl, Environment, Origin, Secret, Setting, SettingsError};

/// Variables that belong together.
pub(super) struct Family {
    pub name: &'static str,
    pub key: &'static str,
    pub base_url: &'static str,
    pub model: Option<&'static str>,
    /// Servers that issue these keys; the first is the default. Empty when the variable must name one.
    servers: &'static [&'static str],
}

/// The default server.
const MOONSHOT: &str = "https://api.moonshot.ai/v1";

/// In order of precedence. Sources: the Kimi platform's and Kimi Code's documentation. Gateways share a variable's
/// name, so that only `AI_GATEWAY_BASE_URL` can tell whose key it is.
static FAMILIES: [Family; 4] = [
    Family {
        name: "KCODE",
        key: "KCODE_API_KEY",
        base_url: "KCODE_BASE_URL",
        model: Some("KCODE_MODEL"),
        servers: &[MOONSHOT],
    },
    Family {
        name: "AI_GATEWAY",
        key: "AI_GATEWAY_API_KEY",
        base_url: "AI_GATEWAY_BASE_URL",
        model: Some("KIMI_CODING_MODEL"),
        servers: &[],
    },
    Family {
        name: "MOONSHOT",
        key: "MOONSHOT_API_KEY",
        base_url: "MOONSHOT_BASE_URL",
        model: None,
        servers: &[MOONSHOT, "https://api.moonshot.cn/v1"],
    },
    Family {
        name: "KIMI",
        key: "KIMI_API_KEY",
        base_url: "KIMI_BASE_URL",
        model: Some("KIMI_MODEL_NAME"),
        servers: &[MOONSHOT, "https://api.moonshot.cn/v1", "https://api.kimi.com/coding/v1"],
    },
];

/// kcode's own family: its URL and model variables apply whichever family's key is used.
pub(super) static OWN: &Family = &FAMILIES[0];

/// Names of variables that hold keys. The worker and its children must not inherit them, and `child_env` can't name
/// them.
pub fn key_variables() -> impl Iterator<Item = &'static str> {
    FAMILIES.iter().map(|family| family.key)
}

pub(super) fn first_with_key(env: &Environment) -> Option<&'static Family> {
    FAMILIES.iter().find(|family| env.get(family.key).is_some())
}

impl Family {
    /// This family's key, if it is set.
    pub(super) fn api_key(&self, env: &Environment) -> Result<Option<ApiKey>, SettingsError> {
        let Some(key) = env.get(self.key) else { return Ok(None) };
        let problem = match key {
            _ if key.contains(char::is_whitespace) => "a space or a line break",
            _ if key.contains(char::is_control) => "a control character",
            _ if !key.is_ascii() => "a character that is not ASCII",
            _ => {
                let secret = Secret::new(key.to_owned());
                return Ok(Some(ApiKey { secret, variable: self.key.into(), family: self.name.into() }));
            }
        };
        Err(SettingsError::BadKey { variable: self.key, problem })
    }
}

/// Resolves the base URL. `file` is the user's file, `flag` the command line.
pub(super) fn base_url(
    family: Option<&'static Family>,
    env: &Environment,
    file: Setting<Option<BaseUrl>>,
    flag: Option<BaseUrl>,
) -> Result<Setting<BaseUrl>, SettingsError> {
    let family = family.unwrap_or(OWN);
    let own = from_variable(family.base_url, env)?;
    let mut servers: Vec<BaseUrl> = family.servers.iter().filter_map(|server| server.parse().ok()).collect();
    let kcodes = from_variable(OWN.base_url, env)?;

    let chosen = Setting::default(servers.first().cloned())
        .or(file.value.map(Some), &file.origin)
        .or(kcodes.map(Some), &variable(OWN))
        .or(own.clone().map(Some), &variable(family))
        .or(flag.map(Some), &Origin::Flag("--base-url"));
    let Some(value) = chosen.value else {
        return Err(SettingsError::NoUrlForKey { variable: family.key, url_variable: family.base_url });
    };
    servers.extend(own);
    let belongs = std::ptr::eq(family, OWN) || servers.iter().any(|server| server.same_server(&value));
    if !belongs {
        let hosts: Vec<String> = servers.iter().map(BaseUrl::host).collect();
        let own = if hosts.is_empty() { format!("what {} names", family.base_url) } else { hosts.join(", ") };
        return Err(SettingsError::KeyForAnotherServer {
            variable: family.key,
            url_variable: family.base_url,
            host: value.host(),
            origin: chosen.origin,
            own,
        });
    }
    Ok(Setting { value, origin: chosen.origin })
}

fn variable(family: &Family) -> Origin {
    Origin::Environment(family.base_url.to_owned())
}

fn from_variable(name: &str, env: &Environment) -> Result<Option<BaseUrl>, SettingsError> {
    let parsed = env.get(name).map(str::parse).transpose();
    parsed.map_err(|source| SettingsError::BadBaseUrl { origin: Origin::Environment(name.to_owned()), source })
}
