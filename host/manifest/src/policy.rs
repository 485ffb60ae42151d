//! What the operator allows: the ceilings under which a manifest may ask freely.

use std::collections::BTreeMap;

use guesthouse_types::destination::Destination;
use guesthouse_types::name::AppName;
use guesthouse_types::pattern::fits;
use guesthouse_types::units::Size;
use ipnet::IpNet;
use serde::Deserialize;

use crate::instances::InstanceTable;
use crate::limits::LimitTable;
use crate::outbound::OutboundLimitTable;
use crate::table::Overlaid;

/// The `[policy]` part of the operator's configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "Written")]
pub struct Policy {
    /// The rules for every app.
    pub rules: Rules,
    /// What differs for some apps, by name with `*` for any text: `shop`, `api/*`.
    pub apps: BTreeMap<String, Rules>,
}

/// Defines the rules, and the table in which those for all apps stand beside those for some. One struct within the other
/// would do but for serde, which takes unknown keys where there is a `flatten`.
macro_rules! rules {
    ($($(#[doc = $doc:literal])+ $(#[serde($serde:meta)])? $key:ident: $type:ty,)+) => {
        /// What manifests may ask for, by the written names. What is not named is left as it is.
        #[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct Rules {
            $(
                $(#[doc = $doc])+
                $(#[serde($serde)])?
                pub $key: $type,
            )+
        }

        impl Overlaid for Rules {
            fn overlaid(&self, over: &Rules) -> Rules {
                Rules { $($key: self.$key.overlaid(&over.$key)),+ }
            }
        }

        #[derive(Default, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        struct Written {
            $($(#[serde($serde)])? $key: $type,)+
            apps: BTreeMap<String, Rules>,
        }

        impl From<Written> for Policy {
            fn from(written: Written) -> Policy {
                Policy { rules: Rules { $($key: written.$key),+ }, apps: written.apps }
            }
        }
    };
}

rules! {
    /// Hosts that manifests may declare, with `*` for any text: `shop.example`, `*.example.org`. None by default.
    hosts: Option<Vec<String>>,
    /// Whether manifests may set environment variables. They may by default.
    environment: Option<bool>,
    /// Secrets that manifests may ask for by name, with `*` for any text. None by default.
    secrets: Option<Vec<String>>,
    /// Whether an app may have a folder of its own that stays. It may not by default.
    state: Option<bool>,
    /// What such a folder may hold at most.
    state_size: Option<Size>,
    /// Where manifests may ask to go outside: `https://*`, `tcp://*.example.org:5432`. Nowhere by default.
    outbound: Option<Vec<Destination>>,
    /// Networks outside of the public internet that apps may reach there, as `10.1.0.0/16`. None by default.
    private_networks: Option<Vec<IpNet>>,
    /// Ceilings for the bounds of that; those not named stay at the built-in ones.
    outbound_limits: OutboundLimitTable,
    /// Whether every app may go anywhere, whatever its manifest asks for. Only `dev` says so.
    #[serde(skip)]
    outbound_everywhere: Option<bool>,
    /// Ceilings for what manifests ask; those not named stay at the built-in ones.
    limits: LimitTable,
    /// What an app has that asks for nothing; those not named stay at the built-in ones.
    defaults: LimitTable,
    /// Ceilings for how long instances serve; those not named stay at the built-in ones. `reuse = 1` forbids reuse.
    instances: InstanceTable,
}

impl Policy {
    /// Everything that is asked is allowed (`guesthouse dev`).
    pub fn permissive() -> Policy {
        let everything = || Some(vec!["*".to_owned()]);
        let rules = Rules {
            hosts: everything(),
            secrets: everything(),
            state: Some(true),
            state_size: Some(Size(u64::MAX)),
            outbound: Some(Destination::everything().to_vec()),
            outbound_limits: OutboundLimitTable::no_ceilings(),
            outbound_everywhere: Some(true),
            limits: LimitTable::no_ceilings(),
            instances: InstanceTable::no_ceilings(),
            ..Rules::default()
        };
        Policy { rules, apps: BTreeMap::new() }
    }

    /// The largest memory that any app can be given under this policy, in bytes: what the sandbox must be ready for.
    pub fn memory_bytes_max(&self) -> u64 {
        let general = LimitTable::ceilings().overlaid(&self.rules.limits);
        let all = self.apps.values().map(|rules| general.overlaid(&rules.limits).memory).chain([general.memory]);
        all.flatten().max().map_or(u64::MAX, |size| size.0)
    }

    /// The rules for one app: general ones first, then every pattern that fits, the most telling one last.
    pub fn for_app(&self, name: &AppName) -> Rules {
        let mut fitting: Vec<_> = self.apps.iter().filter(|(pattern, _)| fits(pattern, name.as_str())).collect();
        fitting.sort_by_key(|(pattern, _)| (!pattern.contains('*'), pattern.len()));
        let general = Rules::built_in().overlaid(&self.rules);
        fitting.into_iter().fold(general, |rules, (_, over)| rules.overlaid(over))
    }
}

impl Rules {
    /// The rules that hold where an operator says nothing: room for an ordinary app to ask, none for one app to take the host.
    pub fn built_in() -> Rules {
        Rules {
            state_size: Some(STATE_SIZE),
            limits: LimitTable::ceilings(),
            instances: InstanceTable::ceilings(),
            ..Rules::default()
        }
    }
}

/// The built-in ceiling for a folder that stays: a database, not an archive.
const STATE_SIZE: Size = Size(1 << 30);
