//! Files: folders of the host that a guest sees. What it writes there is paid for before it is written.

mod attached;
mod grant;
mod handles;
mod listing;
mod measure;
mod p2;
mod p3;
mod quota;
pub mod scratch;
pub mod settings;
mod stream_p2;
mod stream_p3;

use guesthouse_component::inspect::Class;
use wasmtime::component::Linker;
use wasmtime_wasi::WasiCtx;
use wasmtime_wasi::WasiCtxBuilder;
use wasmtime_wasi::WasiView;
use wasmtime_wasi_http::WasiHttpView;

use crate::capability::contract::Attaching;
use crate::capability::contract::Capability;
use crate::capability::contract::Has;
use crate::capability::contract::Kept;
use crate::capability::contract::Probe;
use crate::capability::files::attached::Attached;
use crate::capability::files::attached::FilesView;
use crate::capability::files::grant::Grant;
use crate::capability::files::grant::QuotaDirs;
use crate::capability::files::settings::FileLimits;
use crate::capability::files::settings::Folders;
use crate::capability::offered::IN_BOTH;
use crate::capability::offered::Offer;
use crate::capability::offered::Offered;
use crate::capability::offered::offered;
use crate::fault::Fault;

const FOLDERS: Offer = Offer::Empty("it sees the folders that it is given");

/// Folders of the host. The functions of WASI that make the disk fuller are linked over wasmtime's own.
pub(crate) struct Files;

impl Capability for Files {
    type HostSettings = FileLimits;
    type Shared = QuotaDirs;
    type Settings = Folders;
    type Grant = Option<Grant>;
    type Attached = Option<Box<Attached>>;

    const OFFERS: &'static [Offered] = &[
        offered("wasi:filesystem", "preopens", FOLDERS, IN_BOTH),
        offered("wasi:filesystem", "types", FOLDERS, IN_BOTH),
    ];

    fn share(limits: &FileLimits) -> QuotaDirs {
        QuotaDirs::new(limits.open_files_max)
    }

    fn link<T: Has<Files> + WasiView + WasiHttpView>(linker: &mut Linker<T>, class: Class) -> wasmtime::Result<()> {
        p2::link(linker)?;
        if class.is_concurrent() { p3::link(linker) } else { Ok(()) }
    }

    fn grant(quota_dirs: &QuotaDirs, folders: &Folders) -> Result<Option<Grant>, String> {
        quota_dirs.grant(folders).map_err(|error| format!("its folders cannot be used: {error}"))
    }

    fn kept(grant: &Option<Grant>) -> Option<Kept<'_>> {
        grant.as_ref()?.kept()
    }

    fn for_probe(grant: &Option<Grant>, probe: Probe) -> Option<Grant> {
        grant.as_ref().map(|grant| match probe {
            Probe::NothingKept => grant.with_nothing_kept(),
            Probe::ReadOnly => grant.read_only(),
        })
    }

    fn attach(_grant: &Option<Grant>, _at: &Attaching<'_>) -> Option<Box<Attached>> {
        None
    }

    async fn open(
        grant: &Option<Grant>,
        attached: &mut Option<Box<Attached>>,
        wasi: &mut Option<WasiCtx>,
        builder: impl FnOnce() -> WasiCtxBuilder + Send,
        at: &Attaching<'_>,
    ) -> Result<(), Fault> {
        let Some(grant) = grant else {
            return Ok(());
        };
        let opened = grant.attach(builder(), at.account.clone(), at.tasks).await;
        let (ctx, files) = opened.map_err(|error| Fault::Full(format!("its folders cannot be made: {error}")))?;
        (*wasi, *attached) = (Some(ctx), Some(Box::new(files)));
        Ok(())
    }

    fn rest(attached: &mut Option<Box<Attached>>) {
        if let Some(files) = attached {
            files.handles.forget_closed();
        }
    }
}

impl<T: Has<Files> + WasiView> FilesView for T {
    fn files(&mut self) -> Option<&mut Attached> {
        self.view().attached.as_deref_mut()
    }
}
