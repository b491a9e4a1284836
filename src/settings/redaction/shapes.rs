//! Shapes of well-known tokens, each with words that every match contains.

use std::ops::Range;
use std::sync::{LazyLock, OnceLock};

use aho_corasick::AhoCorasick;
use regex::bytes::{Captures, Regex};

use super::plausible;
use crate::settings::bytes_regex;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SecretShape {
    pub place: Range<usize>,
    pub kind: &'static str,
    /// Among overlapping secrets, the one with the lowest rank gives its kind.
    pub rank: usize,
}

struct Shape {
    kind: &'static str,
    /// Every match contains one of these, in any case: cheap to search.
    anchors: &'static [&'static str],
    /// The secret is the first group, or the whole match without one.
    pattern: &'static str,
    check: ShapeCheck,
}

/// What a match has to pass besides the pattern.
#[derive(Clone, Copy)]
enum ShapeCheck {
    Random,
    KeyBlock,
    Password,
    Assigned,
}

const fn token(kind: &'static str, anchors: &'static [&'static str], pattern: &'static str) -> Shape {
    Shape { kind, anchors, pattern, check: ShapeCheck::Random }
}

/// Sources: the issuers' documentation of their token formats, and the rules of the gitleaks project.
static SHAPES: [Shape; 36] = [
    Shape {
        kind: "private-key",
        anchors: &["PRIVATE KEY"],
        // Up to its end line; without one, as far as key material goes on. `\n` may be escaped, as in JSON.
        pattern: r#"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?:[A-Za-z0-9+/=\s\\"',.:()-]*?-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|(?:(?:\s|\\+[nrt]|["',])*[A-Za-z0-9+/=]{32,})+)"#,
        check: ShapeCheck::KeyBlock,
    },
    token("jwt", &["eyJ"], r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"),
    token(
        "api-key",
        &["sk-"],
        r"\bsk-(?:[A-Za-z0-9]{32,}|(?:ant|proj|svcacct|admin|or|lf|kimi|None)-[A-Za-z0-9_-]{20,})",
    ),
    token("github-token", &["ghp_", "gho_", "ghu_", "ghs_", "ghr_"], r"\bgh[oprsu]_[A-Za-z0-9]{36,255}\b"),
    token("github-token", &["github_pat_"], r"\bgithub_pat_[A-Za-z0-9_]{40,255}\b"),
    token(
        "gitlab-token",
        &["glpat-", "gldt-", "glrt-", "glptt-", "glcbt-", "glft-", "glsoat-"],
        r"\bgl(?:pat|dt|rt|ptt|cbt|ft|soat)-[A-Za-z0-9_-]{20,}",
    ),
    token("slack-token", &["xox", "xapp-"], r"\bx(?:ox[abeoprs]|app)-[A-Za-z0-9-]{10,}"),
    token(
        "webhook",
        &["hooks.slack.com"],
        r"https://hooks\.slack\.com/(?:services|workflows|triggers)/([A-Za-z0-9/_-]{20,})",
    ),
    token(
        "webhook",
        &["/api/webhooks/"],
        r"https://(?:\w+\.)?discord(?:app)?\.com/api/webhooks/(\d{10,}/[A-Za-z0-9_-]{40,})",
    ),
    token("aws-access-key", &["AKIA", "ASIA", "ABIA", "ACCA"], r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b"),
    token("google-key", &["AIza"], r"\bAIza[A-Za-z0-9_-]{35}"),
    token("google-token", &["ya29."], r"\bya29\.[A-Za-z0-9_-]{20,}"),
    token("google-secret", &["GOCSPX-"], r"\bGOCSPX-[A-Za-z0-9_-]{28}"),
    token("npm-token", &["npm_"], r"\bnpm_[A-Za-z0-9]{36}\b"),
    token("pypi-token", &["pypi-"], r"\bpypi-[A-Za-z0-9_-]{50,}"),
    token("huggingface-token", &["hf_", "api_org_"], r"\b(?:hf|api_org)_[A-Za-z0-9]{30,}\b"),
    token("sendgrid-key", &["SG."], r"\bSG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{16,64}"),
    token(
        "stripe-key",
        &["sk_live", "rk_live", "sk_test", "rk_test", "whsec_"],
        r"\b(?:[rs]k_(?:live|test)|whsec)_[A-Za-z0-9]{16,}",
    ),
    token("digitalocean-token", &["dop_v1_", "doo_v1_", "dor_v1_"], r"\bdo[opr]_v1_[a-f0-9]{64}\b"),
    token("docker-token", &["dckr_pat_", "dckr_oat_"], r"\bdckr_[op]at_[A-Za-z0-9_-]{20,}"),
    token("rubygems-key", &["rubygems_"], r"\brubygems_[a-f0-9]{48}\b"),
    token("cargo-token", &["cio"], r"\bcio[A-Za-z0-9]{32}\b"),
    token("shopify-token", &["shpat_", "shpca_", "shppa_", "shpss_"], r"\bshp(?:at|ca|pa|ss)_[A-Fa-f0-9]{32}\b"),
    token(
        "square-token",
        &["sq0atp-", "sq0csp-", "EAAA"],
        r"\b(?:sq0(?:atp|csp)-[A-Za-z0-9_-]{22,}|EAAA[A-Za-z0-9_-]{60}\b)",
    ),
    token("mailgun-key", &["key-"], r"\bkey-[a-f0-9]{32}\b"),
    token("twilio-key", &["SK"], r"\bSK[a-f0-9]{32}\b"),
    token("atlassian-token", &["ATATT3", "ATCTT3"], r"\bAT[AC]TT3[A-Za-z0-9_=-]{60,}"),
    token("vault-token", &["hvs.", "hvb."], r"\bhv[bs]\.[A-Za-z0-9_-]{24,}"),
    token("telegram-token", &[":AA"], r"\b\d{8,10}:AA[A-Za-z0-9_-]{33}\b"),
    token("azure-key", &["AccountKey", "SharedAccessKey"], r"(?:Account|SharedAccess)Key=([A-Za-z0-9+/]{40,}={0,2})"),
    token("age-key", &["AGE-SECRET-KEY-1"], r"\bAGE-SECRET-KEY-1[0-9A-Z]{58}\b"),
    token(
        "model-key",
        &["gsk_", "xai-", "nvapi-", "r8_", "dapi"],
        r"\b(?:gsk_[A-Za-z0-9]{40,}|xai-[A-Za-z0-9]{60,}|nvapi-[A-Za-z0-9_-]{60,}|r8_[A-Za-z0-9]{37}|dapi[a-f0-9]{32})\b",
    ),
    token(
        "service-token",
        &["lin_api_", "ntn_", "figd_", "sntrys_", "glsa_"],
        r"\b(?:lin_api_[A-Za-z0-9]{32,}|ntn_[A-Za-z0-9]{40,}|figd_[A-Za-z0-9_-]{40,}|sntrys_[A-Za-z0-9+/=_]{40,}|glsa_[A-Za-z0-9]{32}_[a-f0-9]{8})",
    ),
    // The general ones come last: where they overlap with others, those name the secret better.
    token(
        "authorization",
        &["authorization"],
        r#"(?i)\bauthorization\\*["']?[ \t]*[:=][ \t]*\\*["']?(?:bearer|basic|token)[ \t]+([A-Z0-9._~+/=-]{16,})"#,
    ),
    Shape {
        kind: "url-password",
        anchors: &["://"],
        pattern: r#"\b[A-Za-z][A-Za-z0-9+.-]{1,30}://[^\s/@:"'`\\<>\[\]]*:(?P<secret>[^\s/@"'`\\<>\[\]]{6,})@(?P<host>[A-Za-z0-9.-]+|\[)"#,
        check: ShapeCheck::Password,
    },
    Shape {
        kind: "assigned-secret",
        anchors: &[
            "passw",
            "passphrase",
            "secret",
            "token",
            "credential",
            "_key",
            "-key",
            "apikey",
            "accesskey",
            "authkey",
            "privatekey",
            "clientkey",
            "encryptionkey",
            "signingkey",
            "accountkey",
            "sharedkey",
        ],
        pattern: r#"(?i)(?:passwo?r?d|passphrase|secret|token|credential|(?:api|access|auth|private|client|encryption|signing|account|shared)[_-]?key)(?:[_-][A-Z0-9_-]{0,24}|s)?\\*["'`]?[ \t]{0,4}(?:=>|:=|[:=])[ \t]{0,4}(?P<quote>\\*["'`])?(?P<secret>[A-Z0-9+/_.~=!@#%^&*-]{16,512})(?P<next>.?)"#,
        check: ShapeCheck::Assigned,
    },
];

/// A pattern is compiled when one of its anchors is first seen: most processes never see most of them.
static PATTERNS: [OnceLock<Option<Regex>>; SHAPES.len()] = [const { OnceLock::new() }; SHAPES.len()];

/// Every anchor, with the index of its shape.
struct Anchors {
    search: AhoCorasick,
    shapes: Vec<usize>,
}

static ANCHORS: LazyLock<Option<Anchors>> = LazyLock::new(|| {
    let all = SHAPES.iter().enumerate().flat_map(|(index, shape)| shape.anchors.iter().map(move |word| (index, *word)));
    let (shapes, words): (Vec<usize>, Vec<&str>) = all.unzip();
    let search = AhoCorasick::builder().ascii_case_insensitive(true).build(words).ok()?;
    Some(Anchors { search, shapes })
});

/// The secrets in `text`, unsorted; they may overlap.
pub(super) fn find(text: &[u8]) -> Vec<SecretShape> {
    let Some(anchors) = ANCHORS.as_ref() else { return Vec::new() };
    let mut seen = [false; SHAPES.len()];
    for found in anchors.search.find_overlapping_iter(text) {
        seen[anchors.shapes[found.pattern().as_usize()]] = true;
    }
    let seen = (0..SHAPES.len()).filter(|index| seen[*index]);
    seen.flat_map(|index| SHAPES[index].find(index, text)).collect()
}

impl Shape {
    fn find(&self, index: usize, text: &[u8]) -> Vec<SecretShape> {
        // A test makes sure that every pattern compiles.
        let pattern = PATTERNS[index].get_or_init(|| bytes_regex(self.pattern));
        let matches = pattern.iter().flat_map(|pattern| pattern.captures_iter(text));
        let places = matches.filter_map(|found| self.secret(&found));
        places.map(|place| SecretShape { place, kind: self.kind, rank: index + 1 }).collect()
    }

    /// Place of the secret in a match, if it passes the check.
    fn secret(&self, found: &Captures<'_>) -> Option<Range<usize>> {
        let secret = found.name("secret").or_else(|| found.get(1)).or_else(|| found.get(0))?;
        let bytes = secret.as_bytes();
        let is_secret = match self.check {
            ShapeCheck::Random => plausible::is_random(bytes),
            ShapeCheck::KeyBlock => plausible::is_key_block(bytes),
            ShapeCheck::Password => {
                let host = found.name("host").map(|host| host.as_bytes()).unwrap_or_default();
                plausible::is_real_password(bytes, host)
            }
            ShapeCheck::Assigned => {
                let next = found.name("next").and_then(|next| next.as_bytes().first().copied());
                plausible::is_assigned_secret(bytes, found.name("quote").is_some(), next)
            }
        };
        is_secret.then(|| secret.range())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles_and_every_anchor_is_looked_for() {
        for shape in &SHAPES {
            assert!(Regex::new(shape.pattern).is_ok(), "{}", shape.pattern);
            assert!(shape.kind.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{}", shape.kind);
        }
        assert!(ANCHORS.is_some());
    }
}
