//! Which world a component was made for, as far as its exports tell.

use crate::interface::Interface;

/// The world, as `package/world@version`. Exports beside those of the world are named behind it.
pub fn world(door: &str, exports: &[String], imports: &[String]) -> String {
    let Some(handler) = Interface::parse(door) else { return door.to_owned() };
    let has = |names: &[String], package: &str, name: &str| {
        names.iter().filter_map(|found| Interface::parse(found)).any(|found| found.is(package, name))
    };
    let name = match (handler.package, handler.name) {
        ("guesthouse:gateway", _) if has(exports, handler.package, "lifecycle") => "app-with-lifecycle",
        ("guesthouse:gateway", _) => "app",
        (_, "incoming-handler") => "proxy",
        // The middleware world hands requests on through the interface that it exports itself.
        _ if has(imports, handler.package, handler.name) => "middleware",
        _ => "service",
    };
    let version = handler.version.map(|version| format!("@{version}")).unwrap_or_default();
    let mut world = format!("{}/{name}{version}", handler.package);
    for other in exports {
        let belongs = Interface::parse(other).is_some_and(|other| other.package == handler.package);
        if other != door && !belongs {
            world.push_str(" + ");
            world.push_str(other);
        }
    }
    world
}
