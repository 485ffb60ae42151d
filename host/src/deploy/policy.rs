//! What the operator allows: the ceilings under which a manifest may ask freely.

use std::collections::BTreeMap;
use std::time::Duration;

use guesthouse_sandbox::settings::Instances;
use serde::Deserialize;

use crate::deploy::limits::Bounds;
use crate::deploy::limits::LimitTable;
use crate::deploy::manifest::Manifest;
use crate::deploy::manifest::Value;
use crate::name::AppName;
use crate::routes::Declared;
use crate::units::Size;
use crate::units::Span;

/// The `[policy]` part of the operator's configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// Hosts that manifests may declare, with `*` for any text: `shop.example`, `*.example.org`. None by default.
    pub hosts: Option<Vec<String>>,
    /// Whether manifests may set environment variables. They may by default.
    pub environment: Option<bool>,
    /// Secrets that manifests may ask for by name, with `*` for any text. None by default.
    pub secrets: Option<Vec<String>>,
    /// Ceilings for what manifests ask; those not named stay at the built-in ones.
    pub limits: LimitTable,
    /// What an app has that asks for nothing; those not named stay at the built-in ones.
    pub defaults: LimitTable,
    /// The same keys for some apps only, by name with `*` for any text: `shop`, `api/*`.
    pub apps: BTreeMap<String, AppPolicy>,
}

/// What differs for some apps.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AppPolicy {
    /// Instead of the policy's `hosts`.
    pub hosts: Option<Vec<String>>,
    /// Instead of the policy's `environment`.
    pub environment: Option<bool>,
    /// Instead of the policy's `secrets`.
    pub secrets: Option<Vec<String>>,
    /// Over the policy's `limits`.
    pub limits: LimitTable,
    /// Over the policy's `defaults`.
    pub defaults: LimitTable,
}

/// What one revision is really given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Its limits.
    pub bounds: Bounds,
    /// How long its instances serve.
    pub instances: Instances,
    /// Its environment, secrets still by name.
    pub environment: BTreeMap<String, Value>,
    /// Its routes beside those that follow from its name.
    pub routes: Vec<Declared>,
}

impl Policy {
    /// Everything that is asked is allowed (`guesthouse dev`).
    pub fn permissive() -> Policy {
        let everything = || Some(vec!["*".to_owned()]);
        Policy { hosts: everything(), secrets: everything(), limits: no_ceilings(), ..Policy::default() }
    }

    /// The largest memory that any app can be given under this policy, in bytes: what the sandbox must be ready for.
    pub fn memory_bytes_max(&self) -> u64 {
        let overlaid = |limits: &LimitTable| ceilings().overlaid(&self.limits).overlaid(limits).memory;
        let all = self.apps.values().map(|app| overlaid(&app.limits)).chain([overlaid(&LimitTable::default())]);
        all.flatten().max().map_or(u64::MAX, |size| size.0)
    }

    /// What `name` is given when it asks for `manifest`, or the refusal that says what is not allowed and what would be.
    pub fn terms(&self, name: &AppName, manifest: &Manifest) -> Result<Terms, String> {
        let rules = self.for_app(name);
        for route in &manifest.routes {
            check_host(&rules, &route.host)?;
        }
        if !manifest.environment.is_empty() && rules.environment == Some(false) {
            return Err("asks for environment variables, which the operator's policy does not allow \
                        (`environment = false`)"
                .to_owned());
        }
        for (variable, value) in &manifest.environment {
            if let Value::Secret(secret) = value {
                check_secret(&rules, variable, secret)?;
            }
        }
        let above = manifest.limits.above(&rules.limits);
        if !above.is_empty() {
            return Err(format!("asks for more than the operator's policy allows: {}", above.join(", ")));
        }
        let mut bounds = Bounds::default();
        rules.defaults.set(&mut bounds);
        rules.limits.cap(&mut bounds);
        manifest.limits.set(&mut bounds);
        Ok(Terms {
            bounds,
            instances: Instances::default(),
            environment: manifest.environment.clone(),
            routes: manifest.routes.clone(),
        })
    }

    /// The rules for one app: general ones first, then every pattern that fits, the most telling one last.
    fn for_app(&self, name: &AppName) -> AppPolicy {
        let mut rules = AppPolicy {
            hosts: self.hosts.clone(),
            environment: self.environment,
            secrets: self.secrets.clone(),
            limits: ceilings().overlaid(&self.limits),
            defaults: self.defaults.clone(),
        };
        let mut fitting: Vec<_> = self.apps.iter().filter(|(pattern, _)| fits(pattern, name.as_str())).collect();
        fitting.sort_by_key(|(pattern, _)| (!pattern.contains('*'), pattern.len()));
        for (_, over) in fitting {
            rules.hosts = over.hosts.clone().or(rules.hosts);
            rules.environment = over.environment.or(rules.environment);
            rules.secrets = over.secrets.clone().or(rules.secrets);
            rules.limits = rules.limits.overlaid(&over.limits);
            rules.defaults = rules.defaults.overlaid(&over.defaults);
        }
        rules
    }
}

/// The built-in ceilings: room for an ordinary app to ask, none for one app to take the host.
fn ceilings() -> LimitTable {
    let seconds = |seconds| Some(Span(Duration::from_secs(seconds)));
    LimitTable {
        memory: Some(Size(512 << 20)),
        cpu: seconds(60),
        head: seconds(120),
        body_idle: seconds(600),
        request_body: Some(Size(64 << 20)),
        response_body: Some(Size(64 << 20)),
        concurrency: Some(256),
        queue: Some(1024),
        queue_wait: seconds(10),
        drain: seconds(300),
        log_lines_per_second: Some(1000),
    }
}

fn no_ceilings() -> LimitTable {
    let ever = Some(Span(Duration::from_secs(365 * 86_400)));
    LimitTable {
        // What a 32-bit guest can address.
        memory: Some(Size(4 << 30)),
        cpu: ever,
        head: ever,
        body_idle: ever,
        request_body: Some(Size(u64::MAX)),
        response_body: Some(Size(u64::MAX)),
        concurrency: Some(u32::MAX),
        queue: Some(u32::MAX),
        queue_wait: ever,
        drain: ever,
        log_lines_per_second: Some(u32::MAX),
    }
}

fn check_host(rules: &AppPolicy, host: &str) -> Result<(), String> {
    let allowed = rules.hosts.as_deref().unwrap_or_default();
    if allowed.iter().any(|pattern| fits(&pattern.to_ascii_lowercase(), host)) {
        return Ok(());
    }
    Err(format!("asks for the host `{host}`; the operator's policy allows {}", listed("hosts", allowed)))
}

fn check_secret(rules: &AppPolicy, variable: &str, secret: &str) -> Result<(), String> {
    let allowed = rules.secrets.as_deref().unwrap_or_default();
    if allowed.iter().any(|pattern| fits(pattern, secret)) {
        return Ok(());
    }
    Err(format!(
        "asks for the secret `{secret}` as `{variable}`; the operator's policy allows {}",
        listed("secrets", allowed)
    ))
}

fn listed(key: &str, allowed: &[String]) -> String {
    if allowed.is_empty() {
        return format!("none (`{key}` in `[policy]`)");
    }
    format!("`{key} = {allowed:?}`")
}

/// Whether `text` is what `pattern` says, where `*` stands for any text.
fn fits(pattern: &str, text: &str) -> bool {
    let Some((head, mut rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(mut text) = text.strip_prefix(head) else {
        return false;
    };
    while let Some((middle, after)) = rest.split_once('*') {
        match text.find(middle) {
            Some(at) => text = &text[at + middle.len()..],
            None => return false,
        }
        rest = after;
    }
    text.ends_with(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(policy: &str, app: &str, manifest: &str) -> Result<Terms, String> {
        let policy: Policy = toml::from_str(policy).unwrap();
        let manifest = Manifest::parse("shop.toml", manifest.as_bytes()).unwrap();
        policy.terms(&AppName::parse(app).unwrap(), &manifest)
    }

    #[test]
    fn patterns() {
        for (pattern, text, expected) in [
            ("shop", "shop", true),
            ("shop", "shops", false),
            ("*", "", true),
            ("api/*", "api/users", true),
            ("api/*", "api", false),
            ("*.example.org", "a.b.example.org", true),
            ("*.example.org", "example.org", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*a", "a", false),
        ] {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn below_the_ceiling_is_free_and_above_it_names_both() {
        let asked = "[limits]\nmemory = \"256MiB\"\ncpu = \"2m\"";
        assert_eq!(
            terms("", "shop", asked).unwrap_err(),
            "asks for more than the operator's policy allows: `cpu = 2m` (at most 1m)"
        );
        let bounds = terms("limits.cpu = \"5m\"", "shop", asked).unwrap().bounds;
        assert_eq!(bounds.guest.memory_bytes_max, 256 << 20);
        assert_eq!(bounds.guest.cpu, Duration::from_secs(120));
        assert_eq!(bounds.guest.head, Bounds::default().guest.head);
    }

    #[test]
    fn a_default_is_never_above_its_ceiling() {
        let bounds = terms("limits.memory = \"32MiB\"\ndefaults.cpu = \"1s\"", "shop", "").unwrap().bounds;
        assert_eq!(bounds.guest.memory_bytes_max, 32 << 20);
        assert_eq!(bounds.guest.cpu, Duration::from_secs(1));
    }

    #[test]
    fn hosts_and_secrets_are_for_the_operator_to_allow() {
        let route = "routes = [\"shop.example\"]";
        assert_eq!(
            terms("", "shop", route).unwrap_err(),
            "asks for the host `shop.example`; the operator's policy allows none (`hosts` in `[policy]`)"
        );
        let policy = "hosts = [\"*.org\"]\n[apps.\"shop*\"]\nhosts = [\"shop.example\"]";
        assert_eq!(terms(policy, "shop", route).unwrap().routes.len(), 1);
        assert_eq!(
            terms(policy, "other", route).unwrap_err(),
            "asks for the host `shop.example`; the operator's policy allows `hosts = [\"*.org\"]`"
        );
        let secret = "environment.TOKEN = { file = \"token\" }";
        assert_eq!(
            terms("", "shop", secret).unwrap_err(),
            "asks for the secret `token` as `TOKEN`; the operator's policy allows none (`secrets` in `[policy]`)"
        );
        assert!(terms("secrets = [\"*\"]", "shop", secret).is_ok());
        assert!(terms("environment = false", "shop", "environment.A = \"b\"").is_err());
    }

    #[test]
    fn the_most_telling_pattern_wins() {
        let policy = "[apps.\"*\"]\nlimits.cpu = \"1s\"\n[apps.\"api/*\"]\nlimits.cpu = \"2s\"\n\
                      [apps.\"api/a\"]\nlimits.cpu = \"3s\"";
        for (app, seconds) in [("shop", 1), ("api/b", 2), ("api/a", 3)] {
            assert_eq!(terms(policy, app, "").unwrap().bounds.guest.cpu, Duration::from_secs(seconds), "{app}");
        }
    }

    #[test]
    fn the_permissive_policy_allows_everything() {
        let asked =
            "routes = [\"a.b\"]\nenvironment.A = { file = \"x\" }\nlimits.memory = \"1GiB\"\nlimits.cpu = \"9h\"";
        let manifest = Manifest::parse("shop.toml", asked.as_bytes()).unwrap();
        assert!(Policy::permissive().terms(&AppName::parse("shop").unwrap(), &manifest).is_ok());
        assert_eq!(Policy::permissive().memory_bytes_max(), 4 << 30);
        assert_eq!(Policy::default().memory_bytes_max(), 512 << 20);
    }
}
