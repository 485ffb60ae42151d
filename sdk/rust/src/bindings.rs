//! The gateway's WIT as Rust types, generated.
//!
//! Most authors never look in here: [`app!`](crate::app!) and the types of the `http` crate say the same in fewer
//! words. It is public for whoever wants the plain records, or has to say what `http`'s types refuse to say.

/// World `app`: a handler.
#[allow(missing_docs, reason = "generated")]
pub mod app {
    wit_bindgen::generate!({
        path: "wit",
        world: "app",
        pub_export_macro: true,
        export_macro_name: "export_handler",
        default_bindings_module: "guesthouse::bindings::app",
    });
}

/// What `app-with-lifecycle` has besides: an app exports both, and the linker adds the two worlds up.
///
/// The world is written here, without the handler, because the generator cannot make one interface's export macro
/// twice in one crate.
#[allow(missing_docs, reason = "generated")]
pub mod lifecycle {
    wit_bindgen::generate!({
        path: "wit",
        inline: "
            package guesthouse:sdk;
            world lifecycle-only {
                export guesthouse:gateway/lifecycle@0.1.0;
            }
        ",
        world: "guesthouse:sdk/lifecycle-only",
        pub_export_macro: true,
        export_macro_name: "export_lifecycle",
        default_bindings_module: "guesthouse::bindings::lifecycle",
    });
}

/// The records of a request and a response, as the WIT has them.
pub mod types {
    pub use super::app::guesthouse::gateway::types::{Header, Request, Response};
}
