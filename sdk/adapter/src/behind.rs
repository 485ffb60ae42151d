//! The app that stands behind, generated from the gateway's WIT.

#![allow(missing_docs, reason = "generated")]

wit_bindgen::generate!({
    path: "wit",
    inline: "
        package guesthouse:adapter;
        world behind {
            import guesthouse:gateway/handler@0.1.0;
        }
    ",
    world: "guesthouse:adapter/behind",
    generate_all,
});
