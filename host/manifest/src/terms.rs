//! What one revision is given: what its author asks for, held against what the operator allows.

use std::collections::BTreeMap;
use std::time::Duration;

use guesthouse_types::name::AppName;
use guesthouse_types::pattern::fits;
use guesthouse_types::route::Declared;
use guesthouse_types::units::Span;

use crate::asked::Manifest;
use crate::asked::Value;
use crate::instances::Instances;
use crate::internal::InternalTable;
use crate::limits::LimitTable;
use crate::limits::Limits;
use crate::outbound::OutboundTable;
use crate::outbound::OutboundTerms;
use crate::policy::Policy;
use crate::policy::Rules;
use crate::section::Section;
use crate::state::StateTable;
use crate::state::StateTerms;
use crate::statics::StaticTable;
use crate::table::Overlaid as _;

/// What one revision is really given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Its limits.
    pub limits: Limits,
    /// How long its instances serve.
    pub instances: Instances,
    /// What the component itself asked for above the ceilings, and is not given, as `reuse = 1000 (at most 1)`.
    pub lowered: Vec<String>,
    /// Its environment, secrets still by name.
    pub environment: BTreeMap<String, Value>,
    /// The file in the secrets directory with more of it. What `environment` says counts more.
    pub env_file: Option<String>,
    /// Its routes beside those that follow from its name.
    pub routes: Vec<Declared>,
    /// Whether what it answers is to be compressed, if it says so.
    pub compress: Option<bool>,
    /// Folders beside its manifest whose files are served: whoever may write there may serve it.
    pub statics: Vec<StaticTable>,
    /// Its folder that stays, if it has one.
    pub state: Option<StateTerms>,
    /// What it has of the outside, if anything.
    pub outbound: Option<OutboundTerms>,
    /// Which apps may call it.
    pub internal: InternalTable,
    /// Whether bodies of requests are taken in whole before it is called, if that is said.
    pub buffer: Option<bool>,
}

impl Policy {
    /// What `name` is given when it asks for `manifest` and its component for `section`, or the refusal that says what is
    /// not allowed and what would be.
    pub fn terms(&self, name: &AppName, manifest: &Manifest, section: &Section) -> Result<Terms, String> {
        let rules = self.for_app(name);
        for route in &manifest.routes {
            check_host(&rules, &route.host)?;
        }
        let asks_for_variables = !manifest.environment.is_empty() || manifest.env_file.is_some();
        if asks_for_variables && rules.environment == Some(false) {
            return Err("asks for environment variables, which the operator's policy does not allow \
                        (`environment = false`)"
                .to_owned());
        }
        for (variable, value) in &manifest.environment {
            if let Value::Secret(secret) = value {
                check_secret(&rules, variable, secret)?;
            }
        }
        if let Some(file) = &manifest.env_file {
            check_secret(&rules, "env_file", file)?;
        }
        let asked_state = StateTable::overlaid(section.state.as_ref(), manifest.state.as_ref());
        let state = asked_state.as_ref().map(StateTable::terms);
        if state.is_some() && rules.state != Some(true) {
            return Err(format!(
                "asks for a folder that stays (`[state]`), which the operator's policy does not allow (`state = false`): \
                 the operator would write `state = true` under `[policy]`, or under `[policy.apps.\"{name}\"]`"
            ));
        }
        let outbound = match rules.outbound_everywhere {
            Some(true) => Some(OutboundTerms::everything()),
            _ => manifest.outbound.as_ref().map(|table| outbound(&rules, table)).transpose()?,
        };
        let asked = section.limits.overlaid(&manifest.limits);
        let mut above = asked.above(&rules.limits);
        above.extend(manifest.instances.above(&rules.instances));
        above.extend(state.as_ref().and_then(|state| state.above(rules.state_size)));
        if !above.is_empty() {
            return Err(format!("asks for more than the operator's policy allows: {}", above.join(", ")));
        }
        let one_at_a_time = state.as_ref().is_some_and(|state| !state.is_shared);
        let mut built_in = Limits::default();
        if one_at_a_time {
            built_in.queue_wait = ONE_AT_A_TIME_WAIT;
        }
        let not_asked = LimitTable::from(built_in).overlaid(&rules.defaults).lowered(&rules.limits);
        let mut limits = Limits::from(not_asked.overlaid(&asked));
        if one_at_a_time {
            limits.concurrency = 1;
        }
        // A component that was made elsewhere has to run where reuse is forbidden too: it never relies on it.
        let lowered = section.instances.overlaid(&manifest.instances).above(&rules.instances);
        let instances = section.instances.lowered(&rules.instances).overlaid(&manifest.instances);
        if manifest.instances.concurrent.is_some() {
            instances.check()?;
        }
        let instances = instances.given(&rules.instances);
        if one_at_a_time && instances.concurrent > 1 {
            return Err(format!(
                "asks for `concurrent = {}` in `[instances]`, and for a folder on which one request at a time works: write \
                 `share = true` under `[state]`, or leave `concurrent` out",
                instances.concurrent
            ));
        }
        Ok(Terms {
            limits,
            instances,
            lowered,
            environment: manifest.environment.clone(),
            env_file: manifest.env_file.clone(),
            routes: manifest.routes.clone(),
            compress: manifest.compress,
            statics: manifest.statics.clone(),
            state,
            outbound,
            internal: match rules.outbound_everywhere {
                Some(true) => InternalTable::everybody(),
                _ => manifest.internal.clone(),
            },
            buffer: section.request.overlaid(&manifest.request).buffer,
        })
    }
}

/// How long a request waits where only one at a time runs: those before it are ordinary ones.
const ONE_AT_A_TIME_WAIT: Span = Span(Duration::from_secs(10));

fn check_host(rules: &Rules, host: &str) -> Result<(), String> {
    let allowed = rules.hosts.as_deref().unwrap_or_default();
    if allowed.iter().any(|pattern| fits(&pattern.to_ascii_lowercase(), host)) {
        return Ok(());
    }
    Err(format!("asks for the host `{host}`; the operator's policy allows {}", listed("hosts", allowed)))
}

fn outbound(rules: &Rules, table: &OutboundTable) -> Result<OutboundTerms, String> {
    let (allowed, networks) = (rules.outbound.as_deref(), rules.private_networks.as_deref());
    table.terms(allowed.unwrap_or_default(), networks.unwrap_or_default(), &rules.outbound_limits)
}

fn check_secret(rules: &Rules, variable: &str, secret: &str) -> Result<(), String> {
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

#[cfg(test)]
mod tests {
    use guesthouse_types::units::Size;

    use super::*;

    fn terms(policy: &str, app: &str, manifest: &str) -> Result<Terms, String> {
        let policy: Policy = toml::from_str(policy).unwrap();
        let manifest = Manifest::parse("shop.toml", manifest.as_bytes()).unwrap();
        policy.terms(&AppName::parse(app).unwrap(), &manifest, &Section::default())
    }

    fn terms_with(policy: &str, manifest: &str, section: &str) -> Result<Terms, String> {
        let policy: Policy = toml::from_str(policy).unwrap();
        let manifest = Manifest::parse("shop.toml", manifest.as_bytes()).unwrap();
        policy.terms(
            &AppName::parse("shop").unwrap(),
            &manifest,
            &Section::parse("its section", section.as_bytes()).unwrap(),
        )
    }

    #[test]
    fn below_the_ceiling_is_free_and_above_it_names_both() {
        let asked = "[limits]\nmemory = \"256MiB\"\ncpu = \"2m\"";
        assert_eq!(
            terms("", "shop", asked).unwrap_err(),
            "asks for more than the operator's policy allows: `cpu = 2m` (at most 1m)"
        );
        let limits = terms("limits.cpu = \"5m\"", "shop", asked).unwrap().limits;
        assert_eq!(limits.memory, Size(256 << 20));
        assert_eq!(limits.cpu.0, Duration::from_secs(120));
        assert_eq!(limits.head, Limits::default().head);
    }

    #[test]
    fn a_default_is_never_above_its_ceiling() {
        let limits = terms("limits.memory = \"32MiB\"\ndefaults.cpu = \"1s\"", "shop", "").unwrap().limits;
        assert_eq!(limits.memory, Size(32 << 20));
        assert_eq!(limits.cpu.0, Duration::from_secs(1));
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
        assert!(terms("environment = false\nsecrets = [\"*\"]", "shop", "env_file = \"shop.env\"").is_err());
        let refused = terms("", "shop", "env_file = \"shop.env\"").unwrap_err();
        assert!(refused.contains("asks for the secret `shop.env` as `env_file`"), "{refused}");
        let asked = "outbound.http = [\"https://api.example.com\"]";
        assert!(terms("", "shop", asked).is_err());
        assert!(terms("outbound = [\"https://*\"]", "shop", asked).unwrap().outbound.is_some());
        assert!(toml::from_str::<Policy>("outbound_everywhere = true").is_err());
        let dev =
            Policy::permissive().terms(&AppName::parse("shop").unwrap(), &Manifest::default(), &Section::default());
        assert_eq!(dev.unwrap().outbound, Some(OutboundTerms::everything()));
        let given = terms("secrets = [\"shop.*\"]", "shop", "env_file = \"shop.env\"").unwrap();
        assert_eq!(given.env_file.as_deref(), Some("shop.env"));
    }

    #[test]
    fn the_most_telling_pattern_wins() {
        let policy = "[apps.\"*\"]\nlimits.cpu = \"1s\"\n[apps.\"api/*\"]\nlimits.cpu = \"2s\"\n\
                      [apps.\"api/a\"]\nlimits.cpu = \"3s\"";
        for (app, seconds) in [("shop", 1), ("api/b", 2), ("api/a", 3)] {
            assert_eq!(terms(policy, app, "").unwrap().limits.cpu.0, Duration::from_secs(seconds), "{app}");
        }
    }

    #[test]
    fn nothing_is_reused_unless_it_is_asked_for_and_allowed() {
        let reuse = |policy: &str, app: &str, asked: &str| Ok(terms(policy, app, asked)?.instances.reuse);
        let asked = "instances.reuse = 1000";
        assert_eq!(reuse("", "shop", ""), Ok(1));
        assert_eq!(reuse("", "shop", asked), Ok(1000));
        let forbidden = "asks for more than the operator's policy allows: `reuse = 1000` (at most 1)".to_owned();
        assert_eq!(reuse("instances.reuse = 1", "shop", asked), Err(forbidden.clone()));
        let one = "instances.reuse = 1\n[apps.\"api/*\".instances]\nreuse = 5000";
        assert_eq!(reuse(one, "shop", asked), Err(forbidden));
        assert_eq!(reuse(one, "api/users", asked), Ok(1000));
        assert_eq!(
            terms("", "shop", "instances.idle = \"11m\"\nlimits.cpu = \"2m\"").unwrap_err(),
            "asks for more than the operator's policy allows: `cpu = 2m` (at most 1m), `idle = 11m` (at most 10m)"
        );
        let error = toml::from_str::<Policy>("instances.reuse = 0").unwrap_err();
        assert_eq!(error.message(), "zero: write 1, which is one request for each instance, or more");
    }

    #[test]
    fn the_manifest_wins_over_the_component_key_by_key() {
        let section = "[instances]\nreuse = 1000\nconcurrent = 16\n[limits]\nmemory = \"256MiB\"";
        let given = |manifest: &str| {
            let Terms { limits, instances, .. } = terms_with("", manifest, section).unwrap();
            (instances.reuse, instances.concurrent, limits.memory.0 >> 20)
        };
        assert_eq!(given(""), (1000, 16, 256));
        assert_eq!(given("instances.reuse = 10\nlimits.memory = \"64MiB\""), (10, 10, 64));
        assert_eq!(given("instances.concurrent = 2"), (1000, 2, 256));
        // Whoever takes the reuse away need not know what the component says beside it.
        assert_eq!(given("instances.reuse = 1"), (1, 1, 256));
        assert!(terms_with("", "instances.concurrent = 2", "").unwrap_err().contains("raise `reuse`"));
    }

    #[test]
    fn what_a_component_asks_above_the_ceilings_is_lowered_but_for_memory() {
        let section = "[instances]\nreuse = 1000\nconcurrent = 16\nidle = \"1h\"";
        let terms = terms_with("instances.reuse = 1", "instances.idle = \"1s\"", section).unwrap();
        assert_eq!(terms.instances, Instances { idle: Span(Duration::from_secs(1)), ..Instances::default() });
        assert_eq!(terms.lowered, ["`reuse = 1000` (at most 1)"]);
        assert_eq!(
            terms_with("", "", "limits.memory = \"1GiB\"").unwrap_err(),
            "asks for more than the operator's policy allows: `memory = 1GiB` (at most 512MiB)"
        );
    }

    #[test]
    fn a_folder_that_stays_is_for_the_operator_to_allow() {
        let refused = "asks for a folder that stays (`[state]`), which the operator's policy does not allow (`state = \
                       false`): the operator would write `state = true` under `[policy]`, or under `[policy.apps.\"shop\"]`";
        assert_eq!(terms("", "shop", "[state]").unwrap_err(), refused);
        assert_eq!(terms("state = true\napps.shop.state = false", "shop", "[state]").unwrap_err(), refused);
        let terms = |asked: &str| terms("apps.\"s*\".state = true", "shop", asked);
        let given = terms("[state]").unwrap();
        assert_eq!((given.limits.concurrency, given.limits.queue_wait.0.as_secs()), (1, 10));
        assert_eq!(given.state, Some(StateTerms { bytes_max: 64 << 20, mounts: Vec::new(), is_shared: false }));
        let given = terms("limits.queue_wait = \"2s\"\n[state]\nshare = true\nsize = \"1GiB\"").unwrap();
        assert_eq!((given.limits.concurrency, given.limits.queue_wait.0.as_secs()), (64, 2));
        assert_eq!(
            terms("[state]\nsize = \"2GiB\"").unwrap_err(),
            "asks for more than the operator's policy allows: `size = 2GiB` in `[state]` (at most 1GiB, `state_size` in \
             `[policy]`)"
        );
        assert!(terms("[state]\n[instances]\nreuse = 9\nconcurrent = 2").unwrap_err().contains("`share = true`"));
        let section = "[limits]\ntmp = \"64MiB\"\n[state]\nsize = \"8MiB\"\nmounts = [\"/0\"]";
        let given = terms_with("state = true", "state.size = \"9MiB\"\nlimits.tmp = 0", section).unwrap();
        let state = StateTerms { bytes_max: 9 << 20, mounts: vec!["/0".to_owned()], is_shared: false };
        assert_eq!((given.state, given.limits.tmp), (Some(state), Size(0)));
        assert_eq!(terms_with("state = true", "", section).unwrap().limits.tmp, Size(64 << 20));
        assert_eq!(
            terms_with("", "limits.tmp = \"65MiB\"", "").unwrap_err(),
            "asks for more than the operator's policy allows: `tmp = 65MiB` (at most 64MiB)"
        );
    }

    #[test]
    fn the_permissive_policy_allows_everything() {
        let asked = "routes = [\"a.b\"]\nenvironment.A = { file = \"x\" }\nlimits.memory = \"1GiB\"\nlimits.cpu = \"9h\"\n\
             limits.tmp = \"1GiB\"\nstate.size = \"1TiB\"\nstate.share = true\n[instances]\nreuse = 4000000000\nconcurrent = 4000000\nidle = \"1d\"\ngrowth = \"4GiB\"";
        let manifest = Manifest::parse("shop.toml", asked.as_bytes()).unwrap();
        let name = AppName::parse("shop").unwrap();
        assert!(Policy::permissive().terms(&name, &manifest, &Section::default()).is_ok());
        assert_eq!(Policy::permissive().memory_bytes_max(), 4 << 30);
        assert_eq!(Policy::default().memory_bytes_max(), 512 << 20);
    }
}
