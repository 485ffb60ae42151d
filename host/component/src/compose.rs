//! Two components in one: a middleware, and what it passes requests on to; our adapter, and the gateway app behind it.
//!
//! Both keep their own memory and see nothing of each other but the requests and responses that they hand over; what either
//! imports from the host, the whole imports.

use wac_graph::CompositionGraph;
use wac_graph::EncodeOptions;
use wac_graph::PackageId;
use wac_graph::types::Package;

use crate::inspect::SETTINGS_SECTION;
use crate::inspect::inspect;

/// The interface that joins them, up to its patch version: a later one of the same line fits an earlier one.
const HANDLER: &str = "wasi:http/handler@0.3.";
/// The same of a gateway app, and the door of an adapter before it.
const GATEWAY: &str = "guesthouse:gateway/handler@0.1.";
const INCOMING: &str = "wasi:http/incoming-handler@0.2.";

/// Why two components cannot be one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ComposeError {
    /// What is to stand in front does not pass anything on.
    #[error("it is no middleware: it does not import `wasi:http/handler@0.3`, through which it would pass requests on")]
    NotMiddleware,
    /// What is to stand in front cannot be called, or what is to stand behind it cannot.
    #[error("it does not export `wasi:http/handler@0.3`")]
    NotCalled,
    /// Their types do not fit, or they are not valid.
    #[error("{0}")]
    Unfit(String),
}

/// What says whether a component is well.
const LIFECYCLE: &str = "guesthouse:gateway/lifecycle@";

/// Whether a component with these imports passes requests on to another one.
pub fn is_middleware(imports: &[String]) -> bool {
    imports.iter().any(|name| name.starts_with(HANDLER))
}

/// Puts `front` before `back`. The same two always make the same bytes, which have the settings of `back`.
pub fn compose(front: &[u8], back: &[u8]) -> Result<Vec<u8>, ComposeError> {
    let mut graph = CompositionGraph::new();
    let (front, behind) = (register(&mut graph, "front", front)?, register(&mut graph, "back", back)?);
    let hole = named(&graph, front, Side::Imports, HANDLER).ok_or(ComposeError::NotMiddleware)?;
    let plug = named(&graph, behind, Side::Exports, HANDLER).ok_or(ComposeError::NotCalled)?;
    let door = named(&graph, front, Side::Exports, HANDLER).ok_or(ComposeError::NotCalled)?;
    join(graph, (front, &hole, &door), (behind, &plug), back)
}

/// Puts `adapter`, which calls a gateway app and is called through `wasi:http` 0.2, before the gateway app `app`.
pub fn portable(adapter: &[u8], app: &[u8]) -> Result<Vec<u8>, ComposeError> {
    let mut graph = CompositionGraph::new();
    let (front, behind) = (register(&mut graph, "adapter", adapter)?, register(&mut graph, "app", app)?);
    let missing = |what: &str| ComposeError::Unfit(format!("there is no `{what}`"));
    let hole = named(&graph, front, Side::Imports, GATEWAY).ok_or_else(|| missing(GATEWAY))?;
    let plug = named(&graph, behind, Side::Exports, GATEWAY).ok_or_else(|| missing(GATEWAY))?;
    let door = named(&graph, front, Side::Exports, INCOMING).ok_or_else(|| missing(INCOMING))?;
    join(graph, (front, &hole, &door), (behind, &plug), app)
}

/// Instantiates both, gives the export `plug` of what is behind to the import `hole` of what is in front, and exports the
/// latter's `door`. `back` has the settings of the whole.
fn join(
    mut graph: CompositionGraph,
    (front, hole, door): (PackageId, &str, &str),
    (behind, plug): (PackageId, &str),
    back: &[u8],
) -> Result<Vec<u8>, ComposeError> {
    let lifecycle = named(&graph, behind, Side::Exports, LIFECYCLE);
    let (front, behind) = (graph.instantiate(front), graph.instantiate(behind));
    let plug = graph.alias_instance_export(behind, plug).map_err(unfit)?;
    graph.set_instantiation_argument(front, hole, plug).map_err(unfit)?;
    let opened = graph.alias_instance_export(front, door).map_err(unfit)?;
    graph.export(opened, door).map_err(unfit)?;
    // What is behind is still asked whether it is well.
    if let Some(lifecycle) = lifecycle {
        let told = graph.alias_instance_export(behind, &lifecycle).map_err(unfit)?;
        graph.export(told, &lifecycle).map_err(unfit)?;
    }
    let options = EncodeOptions { define_components: true, validate: true, processor: None };
    let mut bytes = graph.encode(options).map_err(unfit)?;

    let inspection = inspect(back).map_err(unfit)?;
    if let Some(settings) = inspection.settings {
        // Inside they would be about a part, and nobody looks there.
        append_custom_section(&mut bytes, SETTINGS_SECTION, &settings);
    }
    Ok(bytes)
}

fn register(graph: &mut CompositionGraph, name: &str, bytes: &[u8]) -> Result<PackageId, ComposeError> {
    let package = Package::from_bytes(name, None, bytes, graph.types_mut()).map_err(unfit)?;
    graph.register_package(package).map_err(unfit)
}

#[derive(Clone, Copy)]
enum Side {
    Imports,
    Exports,
}

/// The full name under which a component imports or exports the interface.
fn named(graph: &CompositionGraph, package: PackageId, side: Side, interface: &str) -> Option<String> {
    let world = &graph.types()[graph[package].ty()];
    let names = match side {
        Side::Imports => &world.imports,
        Side::Exports => &world.exports,
    };
    names.keys().find(|name| name.starts_with(interface)).cloned()
}

/// A component may end in custom sections (component model, `Binary.md`).
fn append_custom_section(bytes: &mut Vec<u8>, name: &str, content: &[u8]) {
    let mut section = Vec::new();
    append_length(&mut section, name.len());
    section.extend_from_slice(name.as_bytes());
    section.extend_from_slice(content);
    bytes.push(0);
    append_length(bytes, section.len());
    bytes.extend_from_slice(&section);
}

/// LEB128: seven bits a byte, the lowest first.
fn append_length(bytes: &mut Vec<u8>, mut length: usize) {
    while length >= 0x80 {
        bytes.push(length as u8 | 0x80);
        length >>= 7;
    }
    bytes.push(length as u8);
}

/// With all its causes: what does not fit stands in the last one.
fn unfit(error: impl Into<Box<dyn std::error::Error>>) -> ComposeError {
    let error = error.into();
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    ComposeError::Unfit(text)
}

#[cfg(test)]
mod tests {
    use guesthouse_test_guests as guest;

    use super::*;
    use crate::inspect::Lane;

    #[test]
    fn two_components_are_one_and_always_the_same_one() {
        let (front, back) = (guest::bytes(guest::AUTH_HTTP03), guest::bytes(guest::ECHO_HTTP03));
        let whole = compose(&front, &back).unwrap();
        let inspection = inspect(&whole).unwrap();
        assert_eq!(inspection.lane, Lane::Http03);
        assert!(is_middleware(&inspect(&front).unwrap().imports));
        assert!(!is_middleware(&inspection.imports), "{:?}", inspection.imports);
        for _ in 0..5 {
            assert_eq!(compose(&front, &back).unwrap(), whole);
        }
        // The same once more before it: a chain.
        assert_eq!(inspect(&compose(&front, &whole).unwrap()).unwrap().lane, Lane::Http03);
    }

    #[test]
    fn other_patch_versions_fit() {
        let (front, back) = (guest::bytes(guest::AUTH_HTTP03), guest::bytes(guest::ECHO_HTTP03));
        let older = |bytes: &[u8]| {
            let mut bytes = bytes.to_owned();
            let starts: Vec<usize> = (6..bytes.len()).filter(|end| bytes[..*end].ends_with(b"@0.3.2")).collect();
            assert!(!starts.is_empty());
            starts.iter().for_each(|end| bytes[end - 1] = b'0');
            bytes
        };
        assert!(compose(&older(&front), &back).is_ok());
        assert!(compose(&front, &older(&back)).is_ok());
    }

    #[test]
    fn the_settings_are_those_of_the_app() {
        let (front, mut back) = (guest::bytes(guest::AUTH_HTTP03), guest::bytes(guest::ECHO_HTTP03));
        assert_eq!(inspect(&compose(&front, &back).unwrap()).unwrap().settings, None);
        let text = "[instances]\nreuse = 1000\n".repeat(9);
        append_custom_section(&mut back, SETTINGS_SECTION, text.as_bytes());
        let whole = compose(&front, &compose(&front, &back).unwrap()).unwrap();
        assert_eq!(inspect(&whole).unwrap().settings, Some(text.into_bytes()));
    }

    #[test]
    fn what_cannot_be_one_is_told_why() {
        let (front, back) = (guest::bytes(guest::AUTH_HTTP03), guest::bytes(guest::ECHO_HTTP03));
        assert_eq!(compose(&back, &back), Err(ComposeError::NotMiddleware));
        assert_eq!(compose(&front, &guest::bytes(guest::HELLO_HTTP)), Err(ComposeError::NotCalled));
        assert!(matches!(compose(&front[..front.len() - 9], &back), Err(ComposeError::Unfit(_))));
    }
}
