//! What a check found, for people and for scripts: the keys are part of what operators may rely on (`docs/operating.md`).

use std::collections::BTreeMap;

use guesthouse_component::inspect::Inspection;
use guesthouse_component::inspect::toolchain::Tool;
use guesthouse_deploy::findings::Findings;
use guesthouse_deploy::reason::Blame;
use guesthouse_deploy::reason::ReasonCode;
use guesthouse_manifest::asked::Manifest;
use guesthouse_manifest::asked::Value;
use guesthouse_manifest::limits::LimitTable;
use guesthouse_manifest::limits::Limits;
use guesthouse_manifest::outbound::OutboundTable;
use guesthouse_manifest::state::StateTable;
use guesthouse_manifest::statics::StaticTable;
use guesthouse_manifest::terms::Terms;
use guesthouse_sandbox::capability::offered::Offer;
use guesthouse_sandbox::offer::offer;
use guesthouse_types::destination::Destination;
use guesthouse_types::name::Revision;
use guesthouse_types::route::Declared;
use guesthouse_types::units::Size;
use serde::Serialize;

/// One file, as far as it got. What it did not get to is `null`.
#[derive(Clone, Debug, Serialize)]
pub struct Checked {
    /// As it was named.
    pub file: String,
    /// What would become of it.
    pub verdict: Verdict,
    /// Why it would not be taken, and what to do.
    pub why: Option<String>,
    /// What is in the way, for scripts.
    pub code: Option<ReasonCode>,
    /// Whose turn it is to act.
    pub blame: Option<Blame>,
    /// The app that it would be.
    pub app: Option<String>,
    /// Its content.
    pub revision: Option<Revision>,
    /// Its length.
    pub bytes: Option<u64>,
    /// What it is.
    pub component: Option<Component>,
    /// What it was compiled to.
    pub compiled: Option<Compiled>,
    /// How long its first instance took, in microseconds.
    pub first_instance_us: Option<u128>,
    /// The manifest beside it.
    pub manifest: Option<String>,
    /// What that asks for.
    pub asked: Option<Asked>,
    /// What the app would be given.
    pub given: Option<Given>,
    /// What its author may want to know, although nothing is wrong.
    pub hints: Vec<String>,
    /// How it answered the requests that the check made; only gateway apps are called.
    pub calls: Option<Vec<Called>>,
}

/// One request that a check made, and what came of it.
#[derive(Clone, Debug, Serialize)]
pub struct Called {
    /// `GET /`
    pub request: String,
    /// What it answered with, if it did.
    pub status: Option<u16>,
    /// How long that took, in microseconds.
    pub us: u128,
    /// In what it breaks the interface.
    pub violations: Vec<String>,
    /// What is put right by this host, and may not be by another.
    pub remarks: Vec<String>,
}

/// What would become of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It would serve.
    Taken,
    /// It not complete yet: it is not complete, or something that it needs is not there.
    Pending,
    /// It would not be taken.
    Refused,
}

/// What a component is, by its bytes.
#[derive(Clone, Debug, Serialize)]
pub struct Component {
    /// How it is called.
    pub lane: String,
    /// What it was made for, as far as its exports tell.
    pub world: String,
    /// In which language it is most likely written.
    pub language: Option<String>,
    /// What made a component of that.
    pub made_with: Option<String>,
    /// The class of engine.
    pub engine: String,
    /// Why that one.
    pub engine_why: String,
    /// How many are in it.
    pub core_modules: u32,
    /// Tables of functions.
    pub tables: u32,
    /// Entries of the largest of them.
    pub table_elements_max: u64,
    /// What it starts with.
    pub memory_bytes_min: u64,
    /// What it would ever ask for, where it says so.
    pub memory_bytes_max: Option<u64>,
    /// What it uses.
    pub imports: Vec<Import>,
    /// What it exports.
    pub exports: Vec<String>,
    /// Who made it.
    pub toolchain: Made,
    /// What its builder wrote into its section `guesthouse`.
    pub settings: Option<String>,
}

/// One import, and what stands behind it here.
#[derive(Clone, Debug, Serialize)]
pub struct Import {
    /// The interface.
    pub name: String,
    /// `granted`, `empty` (it links, with nothing behind it), `other_version` or `unknown`.
    pub offer: &'static str,
    /// The same in words.
    pub note: &'static str,
}

/// Who made a component, as it says itself.
#[derive(Clone, Debug, Serialize)]
pub struct Made {
    /// Its own name.
    pub name: Option<String>,
    /// Languages and their versions.
    pub languages: Vec<Version>,
    /// Tools and their versions.
    pub processed_by: Vec<Version>,
    /// Kits and their versions.
    pub sdks: Vec<Version>,
}

/// A language or a tool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Version {
    /// Which.
    pub name: String,
    /// Empty where none is said.
    pub version: String,
}

/// What a component was compiled to.
#[derive(Clone, Debug, Serialize)]
pub struct Compiled {
    /// Length of the artefact.
    pub bytes: u64,
    /// How long it took, in milliseconds.
    pub ms: u128,
}

/// What a manifest asks for.
#[derive(Clone, Debug, Serialize)]
pub struct Asked {
    /// Routes beside those that follow from the name.
    pub routes: Vec<String>,
    /// Variables; a secret by the name of its file. Values are not shown.
    pub environment: BTreeMap<String, Option<String>>,
    /// The secret that more variables are read from.
    pub env_file: Option<String>,
    /// Limits by name.
    pub limits: BTreeMap<&'static str, String>,
    /// How long instances serve, by name.
    pub instances: BTreeMap<&'static str, String>,
    /// Static folders, by where they answer below the mount.
    #[serde(rename = "static")]
    pub statics: Vec<Static>,
    /// Whether answers are to be compressed, where it says.
    pub compress: Option<bool>,
    /// The folder that stays, by the keys of `[state]`; `null` where it asks for none.
    pub state: Option<BTreeMap<&'static str, String>>,
    /// Where it goes outside.
    pub outbound: Vec<String>,
}

/// A static folder.
#[derive(Clone, Debug, Serialize)]
pub struct Static {
    /// Beside the manifest.
    pub folder: String,
    /// Below the app's mount.
    pub path: String,
}

/// What an app would be given.
#[derive(Clone, Debug, Serialize)]
pub struct Given {
    /// Where it would answer, unless another app holds a declared route.
    pub routes: Vec<String>,
    /// The names of its variables.
    pub environment: Vec<String>,
    /// The secret that more variables are read from.
    pub env_file: Option<String>,
    /// All limits by name.
    pub limits: BTreeMap<&'static str, String>,
    /// Requests that one instance answers before it is replaced.
    pub requests_per_instance: u32,
    /// Requests that it answers at the same moment.
    pub concurrent_per_instance: u32,
    /// What the component asks for by itself, above what is allowed, and is not given.
    pub lowered: Vec<String>,
    /// The folder that stays, by the keys of `[state]`; `null` where it has none.
    pub state: Option<BTreeMap<&'static str, String>>,
    /// Where it may go outside.
    pub outbound: Vec<String>,
}

impl Checked {
    /// Of `file`, of which nothing is known that would speak against it.
    pub fn new(file: String) -> Checked {
        Checked {
            file,
            verdict: Verdict::Taken,
            why: None,
            code: None,
            blame: None,
            app: None,
            revision: None,
            bytes: None,
            component: None,
            compiled: None,
            first_instance_us: None,
            manifest: None,
            asked: None,
            given: None,
            hints: Vec::new(),
            calls: None,
        }
    }
}

impl Checked {
    /// Whether it was called, and broke its interface.
    pub fn has_violations(&self) -> bool {
        self.calls.iter().flatten().any(|call| !call.violations.is_empty())
    }
}

impl Component {
    /// By what was read of it.
    pub fn of(inspection: &Inspection) -> Component {
        let toolchain = &inspection.toolchain;
        Component {
            lane: inspection.lane.to_string(),
            world: inspection.world.clone(),
            language: inspection.origin.language.map(str::to_owned),
            made_with: inspection.origin.tool.map(str::to_owned),
            engine: inspection.class.to_string(),
            engine_why: inspection.class_why.clone(),
            core_modules: inspection.core_modules,
            tables: inspection.tables,
            table_elements_max: inspection.table_elements_max,
            memory_bytes_min: inspection.memory_bytes_min,
            memory_bytes_max: inspection.memory_bytes_max,
            imports: inspection.imports.iter().map(|name| Import::of(name)).collect(),
            exports: inspection.exports.clone(),
            toolchain: Made {
                name: toolchain.name.clone(),
                languages: versions(&toolchain.languages),
                processed_by: versions(&toolchain.processed_by),
                sdks: versions(&toolchain.sdks),
            },
            settings: inspection.settings.as_deref().map(|text| String::from_utf8_lossy(text).into_owned()),
        }
    }
}

fn versions(tools: &[Tool]) -> Vec<Version> {
    tools.iter().map(|tool| Version { name: tool.name.clone(), version: tool.version.clone() }).collect()
}

impl Import {
    fn of(name: &str) -> Import {
        let (offer, note) = match offer(name) {
            Offer::Granted(note) => ("granted", note),
            Offer::Empty(note) => ("empty", note),
            Offer::OtherVersion => ("other_version", "not offered in this version"),
            Offer::Unknown => ("unknown", "not offered"),
        };
        Import { name: name.to_owned(), offer, note }
    }
}

impl Component {
    /// What stands behind its imports once it is known what it would be given.
    pub fn granted(&mut self, given: &Given) {
        let has_folders = given.state.is_some() || given.limits.contains_key("tmp");
        for import in self.imports.iter_mut().filter(|import| import.name.starts_with("wasi:filesystem/")) {
            if has_folders && import.offer == "empty" {
                (import.offer, import.note) = ("granted", "the folders of its own");
            }
        }
    }
}

impl Compiled {
    /// What was noted of it, if it was compiled.
    pub fn of(findings: &Findings) -> Option<Compiled> {
        Some(Compiled { bytes: findings.compiled_bytes?, ms: findings.compiled_in?.as_millis() })
    }
}

impl Asked {
    /// What `manifest` says.
    pub fn of(manifest: &Manifest) -> Asked {
        let variable = |(name, value): (&String, &Value)| match value {
            Value::Plain(_) => (name.clone(), None),
            Value::Secret(file) => (name.clone(), Some(file.clone())),
        };
        Asked {
            routes: manifest.routes.iter().map(Declared::to_string).collect(),
            environment: manifest.environment.iter().map(variable).collect(),
            env_file: manifest.env_file.clone(),
            limits: manifest.limits.named(),
            instances: manifest.instances.named(),
            statics: manifest.statics.iter().map(Static::of).collect(),
            compress: manifest.compress,
            state: manifest.state.as_ref().map(StateTable::named),
            outbound: manifest
                .outbound
                .iter()
                .flat_map(OutboundTable::destinations)
                .map(Destination::to_string)
                .collect(),
        }
    }
}

impl Static {
    fn of(table: &StaticTable) -> Static {
        Static { folder: table.folder.clone(), path: table.shown_path() }
    }
}

impl Given {
    /// What `terms` say, for an app that has the routes `own` by its name.
    pub fn of(terms: &Terms, own: Vec<String>) -> Given {
        Given {
            routes: own.into_iter().chain(terms.routes.iter().map(Declared::to_string)).collect(),
            environment: terms.environment.keys().cloned().collect(),
            env_file: terms.env_file.clone(),
            limits: asked_for(&terms.limits).named(),
            requests_per_instance: terms.instances.reuse,
            concurrent_per_instance: terms.instances.concurrent,
            lowered: terms.lowered.clone(),
            state: terms.state.as_ref().map(|state| StateTable::of(state).named()),
            outbound: terms.outbound.iter().flat_map(|terms| &terms.destinations).map(Destination::to_string).collect(),
        }
    }
}

/// All limits as a manifest would ask for them.
fn asked_for(limits: &Limits) -> LimitTable {
    let table = LimitTable::from(limits.clone());
    // Nothing of it is no such folder.
    LimitTable { tmp: table.tmp.filter(|size| *size > Size(0)), ..table }
}
