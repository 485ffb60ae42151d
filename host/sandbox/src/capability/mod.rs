//! What a guest may be granted: a folder or a file for each capability, and the list of them.
//!
//! They all have the same life (`contract`): *link* once per engine, so that any component starts; *grant* per app (nothing
//! is granted by default); *attach* per instance. Adding one touches its folder and the list: whatever asks all of them asks
//! what the list is written out to, and names none.

mod answer;
pub(crate) mod contract;
pub mod files;
pub mod offered;
pub mod outbound;
pub mod wasi;

use guesthouse_component::inspect::Class;
use guesthouse_outbound::host::HostSettings;
use wasmtime::component::Linker;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::WasiCtx;
use wasmtime_wasi::WasiCtxBuilder;
use wasmtime_wasi::WasiCtxView;
use wasmtime_wasi::WasiView;
use wasmtime_wasi_http::WasiHttpCtxView;
use wasmtime_wasi_http::WasiHttpView;

use crate::capability::contract::Attaching;
use crate::capability::contract::Capability;
use crate::capability::contract::Has;
use crate::capability::contract::Kept;
use crate::capability::contract::Probe;
use crate::capability::contract::View;
use crate::capability::files::Files;
use crate::capability::files::settings::FileLimits;
use crate::capability::files::settings::Folders;
use crate::capability::offered::Offered;
use crate::capability::outbound::Outbound;
use crate::capability::outbound::settings::OutboundSettings;
use crate::capability::wasi::Wasi;
use crate::capability::wasi::WasiSettings;
use crate::fault::Fault;

/// Writes out what there is of each capability: a field of its own in each struct, and a line in each function.
macro_rules! capabilities {
    ($($(#[$doc:meta])* $field:ident: $capability:ty, host: $host:ty, guest: $guest:ty;)*) => {
        /// What the operator sets once for the whole host, of each capability.
        #[derive(Clone, Debug, Default)]
        pub struct CapabilityHostSettings {
            $($(#[$doc])* pub $field: $host,)*
        }

        /// What one guest is to be granted of each capability. By default nothing.
        #[derive(Clone, Debug, Default)]
        pub struct CapabilitySettings {
            $($(#[$doc])* pub $field: $guest,)*
        }

        /// What all guests share of each.
        pub(crate) struct Shared {
            $($field: <$capability as Capability>::Shared,)*
        }

        /// What one guest was granted of each.
        pub(crate) struct Grants {
            $($field: <$capability as Capability>::Grant,)*
        }

        /// What one instance has of each, and what they all use.
        pub(crate) struct Attachments {
            things: ResourceTable,
            /// Made when the guest first asks: most requests to a gateway guest never do.
            wasi_context: Option<WasiCtx>,
            $($field: <$capability as Capability>::Attached,)*
        }

        /// Links everything that this host offers to components of `class`.
        pub(crate) fn link<T>(linker: &mut Linker<T>, class: Class) -> wasmtime::Result<()>
        where
            T: WasiView + WasiHttpView $(+ Has<$capability>)*,
        {
            $(<$capability>::link(linker, class)?;)*
            Ok(())
        }

        /// All interfaces that are linked.
        pub(crate) fn offers() -> impl Iterator<Item = &'static Offered> {
            [$(<$capability>::OFFERS),*].into_iter().flatten()
        }

        impl Shared {
            pub(crate) fn new(settings: &CapabilityHostSettings) -> Shared {
                Shared { $($field: <$capability>::share(&settings.$field),)* }
            }

            /// What a guest is granted that is to have `settings`, or why it cannot be. Blocks.
            pub(crate) fn grant(&self, settings: &CapabilitySettings) -> Result<Grants, String> {
                Ok(Grants { $($field: <$capability>::grant(&self.$field, &settings.$field)?,)* })
            }
        }

        impl Clone for Grants {
            fn clone(&self) -> Grants {
                Grants { $($field: self.$field.clone(),)* }
            }
        }

        impl Grants {
            /// What outlives instances.
            pub(crate) fn kept(&self) -> impl Iterator<Item = Kept<'_>> {
                [$(<$capability>::kept(&self.$field)),*].into_iter().flatten()
            }

            pub(crate) fn for_probe(&self, probe: Probe) -> Grants {
                Grants { $($field: <$capability>::for_probe(&self.$field, probe),)* }
            }

            /// What an instance's WASI context is made of.
            fn wasi_context(&self, at: &Attaching<'_>) -> WasiCtxBuilder {
                let mut builder = WasiCtx::builder();
                $(<$capability>::configure(&self.$field, &mut builder, at);)*
                builder
            }
        }

        impl Attachments {
            pub(crate) fn new(things: ResourceTable, grants: &Grants, at: &Attaching<'_>) -> Attachments {
                Attachments { things, wasi_context: None, $($field: <$capability>::attach(&grants.$field, at),)* }
            }

            /// Makes ready what the guest is to find when it first runs.
            pub(crate) async fn open(&mut self, grants: &Grants, at: &Attaching<'_>) -> Result<(), Fault> {
                let (wasi, builder) = (&mut self.wasi_context, || grants.wasi_context(at));
                $(<$capability>::open(&grants.$field, &mut self.$field, wasi, builder, at).await?;)*
                Ok(())
            }

            /// A request is over.
            pub(crate) fn rest(&mut self) {
                $(<$capability>::rest(&mut self.$field);)*
            }

            /// Another one comes.
            pub(crate) fn renew(&mut self) {
                $(<$capability>::renew(&mut self.$field, &mut self.things);)*
            }
        }

        $(
            impl Has<$capability> for Attachments {
                fn view(&mut self) -> View<'_, $capability> {
                    View { attached: &mut self.$field, things: &mut self.things }
                }
            }
        )*
    };
}

// WASI comes first: others are linked over it, and loosen what it denies.
capabilities! {
    /// WASI with nothing behind it: clocks, randomness, the log, and the environment.
    wasi: Wasi, host: (), guest: WasiSettings;
    /// The way out.
    outbound: Outbound, host: HostSettings, guest: Option<OutboundSettings>;
    /// Folders of the host.
    files: Files, host: FileLimits, guest: Folders;
}

impl Attachments {
    /// What wasmtime's own functions of WASI work on.
    pub(crate) fn wasi<'guest>(&mut self, grants: &Grants, at: impl FnOnce() -> Attaching<'guest>) -> WasiCtxView<'_> {
        let ctx = self.wasi_context.get_or_insert_with(|| grants.wasi_context(&at()).build());
        WasiCtxView { ctx, table: &mut self.things }
    }

    /// And of HTTP, whichever way the request goes.
    pub(crate) fn http(&mut self) -> WasiHttpCtxView<'_> {
        let View { attached, things } = Has::<Outbound>::view(self);
        attached.http(things)
    }
}
