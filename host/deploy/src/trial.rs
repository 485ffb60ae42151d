//! The steps of the deploy path for one file alone: sight → load → validate. Nothing serves what comes of it.
//!
//! What follows on the deploy path is left out, because it is about other apps: settling, contested routes, publishing.

use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use guesthouse_app::app::App;
use guesthouse_app::blocking::blocking;
use guesthouse_component::inspect::Inspection;
use guesthouse_types::name::AppName;
use guesthouse_types::name::Revision;

use crate::findings::Findings;
use crate::load::read::LoadRequest;
use crate::load::read::Loaded;
use crate::load::read::load;
use crate::prepare::statics::StaticRoot;
use crate::prepare::validate::PrepareRequest;
use crate::prepare::validate::Validator;
use crate::reason::Failure;
use crate::reason::ReasonCode;
use crate::reconcile::publish::own;
use crate::settings::DeploySettings;
use crate::state_dir::lock::Lock;
use crate::watch::scan::FoundFile;
use crate::watch::scan::scan_one;
use crate::watch::scan::scan_siblings;
use guesthouse_manifest::asked::Manifest;

/// Takes single files through the steps, one after the other.
pub struct Trial {
    pub(super) settings: DeploySettings,
    pub(super) validator: Arc<Validator>,
    pub(super) _lock: Lock,
}

/// A file, as a scan would see it.
pub struct Sight {
    /// The app that it would be.
    pub name: AppName,
    /// What there is of it, or why that can be no app.
    pub files: Result<Files, Failure>,
}

/// A component, and the manifest beside it.
#[derive(Clone, Debug)]
pub struct Files {
    code: FoundFile,
    manifest: Option<FoundFile>,
}

impl Files {
    /// The component's length.
    pub fn bytes(&self) -> u64 {
        self.code.stamp.size
    }

    /// The manifest's path as people are shown it, if there is one.
    pub fn manifest(&self) -> Option<&str> {
        self.manifest.as_ref().map(|manifest| manifest.shown.as_str())
    }
}

impl Trial {
    /// Looks at `file`, wherever it lies.
    pub async fn scan_one(&self, file: &Path) -> Result<Sight, Failure> {
        let (at, apps, roots) = (file.to_owned(), self.settings.apps.clone(), self.settings.roots.clone());
        let sighted = file_work(move || scan_one(&at, &apps, &roots)).await?;
        let (name, sighted) = sighted.map_err(Failure::Refused)?;
        let files = sighted.files().map(|(code, manifest)| Files { code, manifest });
        Ok(Sight { name, files: files.map_err(Failure::Refused) })
    }

    /// Reads it, with what stands before it, into the store.
    pub async fn load(&self, files: &Files) -> Result<(Revision, Box<Inspection>), Failure> {
        let Files { code, manifest } = files.clone();
        let bytes_max = self.settings.component_bytes_max;
        let order = LoadRequest { code, manifest, before: Vec::new(), known: Vec::new(), bytes_max };
        let (store, apps, roots) =
            (self.validator.store.clone(), self.settings.apps.clone(), self.settings.roots.clone());
        let loaded = file_work(move || match load(&order, &store).loaded {
            // What stands before it is known once its manifest was read.
            Loaded::Before(names) => {
                let before = scan_siblings(&order.code, &names, &apps, &roots);
                load(&LoadRequest { before, ..order }, &store).loaded
            }
            other => other,
        });
        match loaded.await? {
            Loaded::Content { revision, inspection: Some(inspection) } => Ok((revision, inspection)),
            Loaded::Content { inspection: None, .. } => Err(bug()),
            Loaded::Changed | Loaded::Before(_) => {
                Err(Failure::retry(ReasonCode::Incomplete, "it is being written to at this moment"))
            }
            Loaded::Failed { failure, .. } => Err(failure),
        }
    }

    /// The manifest of a `revision` that was read: it was kept, and is asked for by its digest, as the deploy path does.
    pub fn manifest(&self, files: &Files, revision: Revision) -> Option<Manifest> {
        let bytes = self.validator.store.manifest(revision.manifest?)?;
        Manifest::parse(files.manifest()?, &bytes).ok()
    }

    /// Makes a `revision` that was read ready. Dropping the future stops it, and kills a compile child.
    pub async fn make(
        &self,
        scan_one: (AppName, &Files),
        revision: Revision,
        inspection: Box<Inspection>,
        findings: &mut Findings,
    ) -> Result<Arc<App>, Failure> {
        let (name, files) = scan_one;
        let wanted = PrepareRequest { name, revision, inspection: Some(inspection), beside: self.beside(&files.code) };
        let policy = Arc::new(self.settings.policy.clone());
        Ok(self.validator.clone().make_noting(wanted, policy, findings).await?.guest)
    }

    /// The routes that follow from an app's name.
    pub fn own_routes(&self, name: &AppName) -> Vec<String> {
        own(name, &self.settings.origins)
    }

    /// Where its static folders would be: beside the file, wherever that is. Outside of the apps folder, links may lead
    /// anywhere.
    fn beside(&self, code: &FoundFile) -> StaticRoot {
        let folder = code.entry.parent().unwrap_or(Path::new("/")).to_owned();
        let apps = std::fs::canonicalize(&self.settings.apps).ok().filter(|apps| folder.starts_with(apps));
        let roots = match apps {
            Some(apps) => std::iter::once(apps).chain(self.settings.roots.iter().cloned()).collect(),
            None => vec![PathBuf::from("/")],
        };
        StaticRoot { folder, roots }
    }
}

fn bug() -> Failure {
    Failure::retry(ReasonCode::Bug, "the check failed while it looked at it: a bug of guesthouse")
}

async fn file_work<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
    blocking(work).await.map_err(|_| bug())
}
