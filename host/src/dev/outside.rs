//! What the apps of `dev` have called, said at its end, and written into their manifests for whoever wants that.

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use guesthouse_outbound::wanted::Places;
use toml_edit::Array;
use toml_edit::DocumentMut;
use toml_edit::Item;
use toml_edit::Table;

/// What follows on an app's name in a manifest: its table.
fn lines(places: &Places) -> String {
    places.iter().fold("[outbound]".to_owned(), |lines, (key, entries)| {
        let entries: Vec<String> = entries.iter().map(|entry| format!("\"{entry}\"")).collect();
        format!("{lines}\n{key} = [{}]", entries.join(", "))
    })
}

/// What is said of `app`, where nothing is written.
pub fn told(app: &str, places: &Places) -> String {
    let lines = lines(places).replace('\n', "\n    ");
    format!(
        "{app} has called the outside; deployed, its manifest `{app}.toml` has to ask for it (`--write` puts it there):\n\n    {lines}\n"
    )
}

/// Puts what is missing into the manifest of `app` in the folder `apps`, which may not be there yet. Says what was done.
pub fn write(app: &str, places: &Places, apps: &Path) -> anyhow::Result<String> {
    let path = apps.join(format!("{app}.toml"));
    let shown = path.display();
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error).with_context(|| format!("cannot read the manifest `{shown}`")),
    };
    let added = with(&text, places).map_err(|why| anyhow::anyhow!("{shown}: {why}"))?;
    let Some(added) = added else { return Ok(format!("{shown} asks for all that {app} has called")) };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot make the folder `{}`", folder.display()))?;
    }
    // A host that watches the folder never sees half of it.
    let new = path.with_extension("toml.new");
    fs::write(&new, added).and_then(|()| fs::rename(&new, &path)).with_context(|| format!("cannot write `{shown}`"))?;
    Ok(format!("{shown} asks for what {app} has called"))
}

/// The manifest with what it lacks; none if it lacks nothing.
fn with(text: &str, places: &Places) -> Result<Option<String>, String> {
    let mut manifest: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| error.to_string())?;
    let outbound = manifest.entry("outbound").or_insert(Item::Table(Table::new()));
    let outbound = outbound.as_table_like_mut().ok_or("`outbound` is no table")?;
    let mut is_changed = false;
    for (key, entries) in places {
        let listed = outbound.entry(key).or_insert(Item::Value(Array::new().into()));
        let listed = listed.as_array_mut().ok_or_else(|| format!("`outbound.{key}` is no list"))?;
        for entry in entries {
            if !listed.iter().any(|known| known.as_str() == Some(entry)) {
                listed.push(entry.as_str());
                is_changed = true;
            }
        }
    }
    Ok(is_changed.then(|| manifest.to_string()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn places() -> Places {
        let set = |entries: &[&str]| entries.iter().map(|entry| (*entry).to_owned()).collect();
        BTreeMap::from([("http", set(&["https://api.example.com"])), ("tcp", set(&["db.example.com:5432"]))])
    }

    #[test]
    fn what_is_missing_is_added_and_the_rest_stays_as_it_is_written() {
        let table = "[outbound]\nhttp = [\"https://api.example.com\"]\ntcp = [\"db.example.com:5432\"]\n";
        assert_eq!(with("", &places()).unwrap().as_deref(), Some(table));
        assert_eq!(with(table, &places()), Ok(None));
        let kept = "# by hand\n[limits]\ncpu = \"1s\" # enough\n\n[outbound]\nhttp = [\"https://*.example.org\"]\n";
        let added = with(kept, &places()).unwrap().unwrap();
        assert!(added.starts_with("# by hand\n[limits]\ncpu = \"1s\" # enough\n"), "{added}");
        assert!(added.contains("http = [\"https://*.example.org\", \"https://api.example.com\"]\n"), "{added}");
        assert!(with("outbound = 1", &places()).is_err() && with("[outbound", &places()).is_err());
    }

    #[test]
    fn a_manifest_is_made_where_there_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let apps = folder.path().join("apps");
        let said = write("api/shop", &places(), &apps).unwrap();
        assert!(said.ends_with("api/shop.toml asks for what api/shop has called"), "{said}");
        assert!(write("api/shop", &places(), &apps).unwrap().contains("asks for all that"));
        assert!(told("shop", &places()).contains("    tcp = [\"db.example.com:5432\"]\n"));
    }
}
