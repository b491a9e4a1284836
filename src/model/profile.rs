//! What Kimi's own models and hosts need beyond the common API.

/// Kimi's own domains; their subdomains count too.
const HOSTS: [&str; 4] = ["moonshot.ai", "moonshot.cn", "kimi.com", "kimi.ai"];

/// Whether assistant messages of `model` must be sent back with `reasoning_content` even if the reply had none: Kimi's
/// models always reason, and their hosts refuse a tool call without the field. `""` means "reasoned, but empty"
/// (platform.kimi.ai/docs/guide/use-thinking-models).
pub(super) fn asks_for_reasoning(model: &str) -> bool {
    let name = model.rsplit('/').next().unwrap_or(model).to_ascii_lowercase();
    // The subscription's models are called `k3`, `k3.1-pro`.
    let is_short = name.strip_prefix('k').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    name.contains("kimi") || is_short
}

pub(super) fn is_kimis(base_url: &str) -> bool {
    let host = url::Url::parse(base_url).ok().and_then(|url| url.host_str().map(str::to_ascii_lowercase));
    host.is_some_and(|host| HOSTS.iter().any(|own| host == *own || host.ends_with(&format!(".{own}"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kimis_families_are_known_by_their_names() {
        for name in ["kimi-k2.7-code", "moonshotai/Kimi-K2.7-Code:Moonshot", "kimi-for-coding", "k3", "k3.1-pro"] {
            assert!(asks_for_reasoning(name), "{name}");
        }
        for name in ["gpt-5", "deepseek-chat", "kodex", "kimi/other"] {
            assert!(!asks_for_reasoning(name), "{name}");
        }
    }

    #[test]
    fn kimis_hosts_are_known_whole() {
        for url in ["https://api.moonshot.ai/v1", "https://api.kimi.com/coding/v1", "https://API.MOONSHOT.CN/v1"] {
            assert!(is_kimis(url), "{url}");
        }
        for url in ["https://moonshot.ai.example.org/v1", "https://notkimi.com", "http://127.0.0.1:9/v1", "kimi.com"] {
            assert!(!is_kimis(url), "{url}");
        }
    }
}
