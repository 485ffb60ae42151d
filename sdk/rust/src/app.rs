//! The macro that makes a function an app.

/// Makes a function the app of this crate.
///
/// The function takes a [`Request`](crate::Request) and returns a [`Response`](crate::Response), or a
/// `Result<Response, E>` where `E` can be displayed: an `Err` goes to the operator's log and the visitor gets a 502.
///
/// ```no_run
/// # use guesthouse::{Request, Response, ResponseExt};
/// guesthouse::app!(handle);
///
/// fn handle(request: Request) -> Result<Response, std::str::Utf8Error> {
///     let text = std::str::from_utf8(request.body())?;
///     Ok(Response::text(text))
/// }
/// ```
///
/// With a second function the app also says whether it is well. The host asks once, before a new revision takes over;
/// an `Err` keeps the old revision serving.
///
/// ```no_run
/// # use guesthouse::{Request, Response, ResponseExt};
/// guesthouse::app!(handle, health = check);
///
/// fn check() -> Result<(), &'static str> {
///     Ok(())
/// }
/// # fn handle(_request: Request) -> Response { Response::text("") }
/// ```
#[macro_export]
macro_rules! app {
    ($handle:expr $(,)?) => {
        const _: () = {
            #[allow(dead_code, reason = "only a component exports it")]
            struct App;

            impl $crate::bindings::app::exports::guesthouse::gateway::handler::Guest for App {
                fn handle(
                    request: $crate::bindings::types::Request,
                ) -> ::core::result::Result<$crate::bindings::types::Response, ::std::string::String> {
                    $crate::answer(request, $handle)
                }
            }

            // Elsewhere the author's own unit tests are built, and the names of WIT exports are none for a native
            // linker.
            #[cfg(target_family = "wasm")]
    $crate::bindings::app::export_handler!(App with_types_in $crate::bindings::app);
        };
    };

    ($handle:expr, health = $health:expr $(,)?) => {
        $crate::app!($handle);

        const _: () = {
            #[allow(dead_code, reason = "only a component exports it")]
            struct App;

            impl $crate::bindings::lifecycle::exports::guesthouse::gateway::lifecycle::Guest for App {
                fn health() -> ::core::result::Result<(), ::std::string::String> {
                    $crate::health($health)
                }
            }

            #[cfg(target_family = "wasm")]
    $crate::bindings::lifecycle::export_lifecycle!(App with_types_in $crate::bindings::lifecycle);
        };
    };
}
