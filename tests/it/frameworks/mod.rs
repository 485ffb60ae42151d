//! Frameworks that know nothing of this host: the samples under `guest-apps/python`, built by the real program and asked
//! as their visitors would ask them. `docs/guest-languages.md` names a test for each thing that works.

mod bottle;
mod django;
mod fastapi;
mod fastapi2;
mod flask;
pub mod hall;
mod starlette;
pub mod visit;
mod webpy;
mod wsgi;
