//! The manifest, `shop.toml` beside `shop.wasm`: what an author asks for.

use std::collections::BTreeMap;
use std::fmt;

use guesthouse_types::name::Digest;
use guesthouse_types::route::Declared;
use guesthouse_types::toml_error::explain;
use serde::Deserialize;
use serde::Deserializer;
use serde::de;

use crate::instances::InstanceTable;
use crate::internal::InternalTable;
use crate::limits::LimitTable;
use crate::outbound::OutboundTable;
use crate::request::RequestTable;
use crate::state::StateTable;
use crate::statics::STATICS_MAX;
use crate::statics::StaticTable;

/// Each costs memory and a little time for every request.
const BEFORE_MAX: usize = 8;

/// What an author asks for. Nothing of it is granted by being written down.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    /// The code that this manifest belongs to: with any other it waits.
    pub code: Option<Digest>,
    /// Routes beside those that follow from the app's name.
    pub routes: Vec<Declared>,
    /// Environment variables.
    pub environment: BTreeMap<String, Value>,
    /// The name of a file in the operator's secrets directory with more of them.
    pub env_file: Option<String>,
    /// Limits other than the defaults.
    pub limits: LimitTable,
    /// How long instances serve, other than for one request.
    pub instances: InstanceTable,
    /// Names of files beside this one: middleware, the outermost first.
    pub before: Vec<String>,
    /// Whether what it answers is to be compressed, if it says so.
    pub compress: Option<bool>,
    /// Folders whose files are served, in the order in which they are asked.
    pub statics: Vec<StaticTable>,
    /// What it asks for of the outside.
    pub outbound: Option<OutboundTable>,
    /// Which apps may call it.
    pub internal: InternalTable,
    /// A folder of its own that stays.
    pub state: Option<StateTable>,
    /// How requests reach it.
    pub request: RequestTable,
}

/// The value of an environment variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Written in the manifest.
    Plain(String),
    /// The name of a file in the operator's secrets directory.
    Secret(String),
}

/// The manifest as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    manifest_version: Option<u32>,
    sha256: Option<String>,
    #[serde(default)]
    routes: Vec<String>,
    #[serde(default)]
    environment: BTreeMap<String, Value>,
    env_file: Option<String>,
    #[serde(default)]
    limits: LimitTable,
    #[serde(default)]
    instances: InstanceTable,
    #[serde(default)]
    before: Vec<String>,
    compress: Option<bool>,
    #[serde(default, rename = "static")]
    statics: Vec<StaticTable>,
    outbound: Option<OutboundTable>,
    #[serde(default)]
    internal: InternalTable,
    state: Option<StateTable>,
    #[serde(default)]
    request: RequestTable,
}

impl Manifest {
    /// Reads a manifest. The error names `file`, the line, what is wrong and what was meant.
    pub fn parse(file: &str, bytes: &[u8]) -> Result<Manifest, String> {
        let text = std::str::from_utf8(bytes).map_err(|_| format!("{file}: not UTF-8 text"))?;
        let written: Written = toml::from_str(text).map_err(|error| explain(file, text, &error))?;
        written.check().map_err(|what| format!("{file}: {what}"))
    }
}

impl Written {
    fn check(self) -> Result<Manifest, String> {
        if let Some(version) = self.manifest_version
            && version != 1
        {
            return Err(format!("`manifest_version = {version}` is newer than this host, which reads version 1"));
        }
        let code = match &self.sha256 {
            Some(text) => Some(Digest::parse(text).ok_or_else(|| format!("`sha256`: `{text}` is not 64 hex digits"))?),
            None => None,
        };
        let mut routes = Vec::new();
        for text in &self.routes {
            let route = Declared::parse(text).map_err(|why| format!("`routes`: `{text}`: {why}"))?;
            if !routes.contains(&route) {
                routes.push(route);
            }
        }
        for (name, value) in &self.environment {
            check_variable(name, value).map_err(|why| format!("`environment`: `{name}`: {why}"))?;
        }
        if self.env_file.as_deref().is_some_and(|file| !is_secrets_name(file)) {
            return Err(format!("`env_file`: {NOT_A_SECRETS_NAME}"));
        }
        self.limits.check()?;
        for name in &self.before {
            check_before(name).map_err(|why| format!("`before`: `{name}`: {why}"))?;
        }
        if self.before.len() > BEFORE_MAX {
            return Err(format!("`before`: {} names; at most {BEFORE_MAX} are taken", self.before.len()));
        }
        for table in &self.statics {
            let checked = table.check().and_then(|()| table.check_before(&self.before));
            checked.map_err(|why| format!("`[[static]]`: {why}"))?;
        }
        if self.statics.len() > STATICS_MAX {
            return Err(format!("`[[static]]`: {} folders; at most {STATICS_MAX} are taken", self.statics.len()));
        }
        self.outbound.as_ref().map_or(Ok(()), OutboundTable::check)?;
        self.internal.check()?;
        self.state.as_ref().map_or(Ok(()), StateTable::check)?;
        // What it leaves out, the component itself may say.
        if self.instances.reuse.is_some() {
            self.instances.check()?;
        }
        Ok(Manifest {
            code,
            routes,
            environment: self.environment,
            env_file: self.env_file,
            limits: self.limits,
            instances: self.instances,
            before: self.before,
            compress: self.compress,
            statics: self.statics,
            outbound: self.outbound,
            internal: self.internal,
            state: self.state,
            request: self.request,
        })
    }
}

fn check_before(name: &str) -> Result<(), &'static str> {
    if name.contains('/') {
        return Err("the name of a file beside the manifest, not a path");
    }
    if name.starts_with('.') || !name.ends_with(".wasm") {
        return Err("the name of a component, as in `_auth.wasm`");
    }
    Ok(())
}

const NOT_A_SECRETS_NAME: &str = "a name in the operator's secrets directory, not a path";

fn is_secrets_name(file: &str) -> bool {
    !file.is_empty() && !file.starts_with('.') && !file.contains(['/', '\0'])
}

fn check_variable(name: &str, value: &Value) -> Result<(), String> {
    if name.is_empty() || name.contains(['=', '\0']) {
        return Err("not a variable's name".to_owned());
    }
    match value {
        Value::Plain(text) if text.contains('\0') => Err("a value holds no NUL".to_owned()),
        Value::Secret(file) if !is_secrets_name(file) => Err(format!("`file` is {NOT_A_SECRETS_NAME}")),
        _ => Ok(()),
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Reference {
            file: String,
        }

        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Value;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a text in quotes, or { file = \"name\" } for a secret")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Value, E> {
                Ok(Value::Plain(text.to_owned()))
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Value, A::Error> {
                let reference = Reference::deserialize(de::value::MapAccessDeserializer::new(map))?;
                Ok(Value::Secret(reference.file))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str, expected: &str) {
        assert_eq!(Manifest::parse("apps/shop.toml", text.as_bytes()).unwrap_err(), expected);
    }

    #[test]
    fn a_manifest_is_read() {
        let text = r#"
            manifest_version = 1
            sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
            routes = ["Shop.Example", "example.org/buy/"]
            before = ["_auth.wasm", "log.wasm"]
            compress = false
            [environment]
            GREETING = "hello"
            TOKEN = { file = "shop-token" }
            [limits]
            memory = "64MiB"
            cpu = "10s"
            [instances]
            reuse = 1000
            concurrent = 16
            idle = "60s"
            growth = "32MiB"
            [[static]]
            folder = "_shop"
            path = "/static"
            public = true
        "#;

        let manifest = Manifest::parse("shop.toml", text.as_bytes()).unwrap();
        assert_eq!(manifest.code, Some(Digest::of(b"abc")));
        let route = |host: &str, prefix: &str| Declared { host: host.to_owned(), prefix: prefix.to_owned() };
        assert_eq!(manifest.routes, vec![route("shop.example", ""), route("example.org", "/buy")]);
        assert_eq!(manifest.environment["GREETING"], Value::Plain("hello".to_owned()));
        assert_eq!(manifest.environment["TOKEN"], Value::Secret("shop-token".to_owned()));
        assert_eq!(manifest.limits.memory.unwrap().0, 64 << 20);
        assert_eq!(manifest.before, ["_auth.wasm", "log.wasm"]);
        assert_eq!((manifest.compress, manifest.statics[0].shown_path().as_str()), (Some(false), "/static/"));
        let InstanceTable { reuse, concurrent, idle, growth } = manifest.instances;
        assert_eq!((reuse, concurrent), (Some(1000), Some(16)));
        assert_eq!((idle.unwrap().0.as_secs(), growth.unwrap().0), (60, 32 << 20));
        assert_eq!(Manifest::parse("shop.toml", b""), Ok(Manifest::default()));
    }

    #[test]
    fn instances_that_make_no_sense_are_told_what_would() {
        let zero = "apps/shop.toml:2: zero: write 1, which is one request for each instance, or more";
        refused("[instances]\nreuse = 0", zero);
        refused("[instances]\nconcurrent = 0", zero);
        refused(
            "[instances]\nidle = \"0s\"",
            "apps/shop.toml:2: zero: an instance that waits for nothing has no second request (write `reuse = 1`)",
        );
        refused(
            "[instances]\nreuse = 1\nconcurrent = 16",
            "apps/shop.toml: `instances`: `concurrent = 16` with `reuse = 1`: an instance that answers one request \
             never has two at once (raise `reuse`, say to 1000, or leave `concurrent` out)",
        );
        // Every growth may be too much, and what is left out here may stand in the component.
        assert!(Manifest::parse("shop.toml", b"[instances]\ngrowth = 0\nconcurrent = 16").is_ok());
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        refused("[limits]\nmemry = 3\n", "apps/shop.toml:2: unknown key `memry` in [limits] (did you mean `memory`?)");
        refused("\nenvironmnt = {}", "apps/shop.toml:2: unknown key `environmnt` (did you mean `environment`?)");
        refused(
            "volumes = 1",
            "apps/shop.toml:1: unknown key `volumes` (known here: manifest_version, sha256, routes, environment, env_file, limits, \
             instances, before, compress, static, outbound, internal, state, request)",
        );
        refused(
            "[limits]\ncpu = 10",
            "apps/shop.toml:2: invalid type: integer `10`, expected a time with its unit, such as \"30s\"",
        );
        refused(
            "[limits]\n\nmemory = \"64M\"",
            "apps/shop.toml:3: `64M` is not a size: write it as `65536`, `64KiB`, `10MB` or `1GiB`",
        );
        refused("[limits]\ncpu = \"0s\"", "apps/shop.toml: `limits`: `cpu` is zero: the app could never answer");
        refused(
            "[environment]\nA = 3",
            "apps/shop.toml:2: invalid type: integer `3`, expected a text in quotes, or { file = \"name\" } for a secret",
        );
        refused(
            "[environment]\nA = { file = \"../x\" }",
            "apps/shop.toml: `environment`: `A`: `file` is a name in the operator's secrets directory, not a path",
        );
        refused(
            "manifest_version = 2",
            "apps/shop.toml: `manifest_version = 2` is newer than this host, which reads version 1",
        );
        refused(
            "before = [\"../auth.wasm\"]",
            "apps/shop.toml: `before`: `../auth.wasm`: the name of a file beside the manifest, not a path",
        );
        refused("before = [\"auth\"]", "apps/shop.toml: `before`: `auth`: the name of a component, as in `_auth.wasm`");
        refused(&format!("before = {:?}", ["_a.wasm"; 9]), "apps/shop.toml: `before`: 9 names; at most 8 are taken");
        refused(
            "[[static]]\nfolder = \"shop\"",
            "apps/shop.toml: `[[static]]`: `folder = \"shop\"`: every folder whose name does not begin with `_` is looked \
             through for apps (rename it to `_shop`)",
        );
        refused(
            "[[static]]\nfolder = \"_shop\"\nfalback = \"x\"",
            "apps/shop.toml:3: unknown key `falback` in [static] (did you mean `fallback`?)",
        );
        refused("[[static]]\npath = \"/\"", "apps/shop.toml:1: missing field `folder`");
        let many = "[[static]]\nfolder = \"_a\"\n".repeat(9);
        refused(&many, "apps/shop.toml: `[[static]]`: 9 folders; at most 8 are taken");
        refused("sha256 = \"12\"", "apps/shop.toml: `sha256`: `12` is not 64 hex digits");
        refused(
            "routes = [\"http://a\"]",
            "apps/shop.toml: `routes`: `http://a`: leave out the scheme: write `shop.example/api`",
        );
        refused(
            "routes = [\"127.0.0.1/a\"]",
            "apps/shop.toml: `routes`: `127.0.0.1/a`: an address is shared by all apps: declare a host name",
        );
    }
}
