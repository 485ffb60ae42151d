//! What an app asks for in its component's section: the tables of `guesthouse.toml`, over what else is known.

use guesthouse_manifest::section::Section;
use toml::Table;
use toml::Value;

/// The tables that go into the section `guesthouse`, as they are written.
///
/// They come from up to three places. The nearer a place is to whoever runs the app, the more it counts, key by key: what
/// the builder knows of the language, then what the code says (an SDK may write the section itself), then
/// `guesthouse.toml`. The manifest beside the component, which is the operator's, counts more than all of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EmbeddedConfig(Table);

impl EmbeddedConfig {
    /// Of `tables`, which are called `names`; an empty one is as good as none.
    pub fn of<const COUNT: usize>(names: [&str; COUNT], tables: [Table; COUNT]) -> EmbeddedConfig {
        let filled = names.into_iter().zip(tables).filter(|(_, table)| !table.is_empty());
        EmbeddedConfig(filled.map(|(name, table)| (name.to_owned(), Value::Table(table))).collect())
    }

    /// As they stand in a section; nothing if that is no TOML, which the host will say.
    pub fn read(section: &[u8]) -> EmbeddedConfig {
        EmbeddedConfig(std::str::from_utf8(section).ok().and_then(|text| text.parse().ok()).unwrap_or_default())
    }

    /// These, with what `over` names taken from there.
    pub fn overlaid(mut self, over: &EmbeddedConfig) -> EmbeddedConfig {
        for (name, keys) in &over.0 {
            match (self.0.get_mut(name), keys) {
                (Some(Value::Table(known)), Value::Table(keys)) => known.extend(keys.clone()),
                _ => drop(self.0.insert(name.clone(), keys.clone())),
            }
        }
        self
    }

    /// Whether there is a table of this name.
    pub fn names(&self, table: &str) -> bool {
        self.0.contains_key(table)
    }

    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As the section has them: the same for the same wishes.
    pub fn text(&self) -> String {
        self.0.to_string()
    }
}

/// Whether the host would take `text` as a section. What is wrong begins with its place: `:2: unknown key …`.
pub fn check(text: &str) -> Result<(), String> {
    Section::parse("", text.as_bytes()).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asks(text: &str) -> EmbeddedConfig {
        EmbeddedConfig::read(text.as_bytes())
    }

    #[test]
    fn the_nearer_counts_key_by_key() {
        let of_the_builder = asks("[instances]\nreuse = 1000\nidle = \"5m\"\n[limits]\nmemory = \"256MiB\"");
        let of_the_author = asks("[instances]\nreuse = 1\n[state]\nshare = true");
        let expected =
            asks("[instances]\nreuse = 1\nidle = \"5m\"\n[limits]\nmemory = \"256MiB\"\n[state]\nshare = true");
        let both = of_the_builder.clone().overlaid(&of_the_author);
        assert_eq!(both, expected);
        assert_eq!(asks(&both.text()), both);
        assert_eq!(of_the_builder.clone().overlaid(&EmbeddedConfig::default()), of_the_builder);
        assert!(asks("not toml").is_empty());
    }

    #[test]
    fn it_is_checked_by_the_host_itself() {
        assert_eq!(check("[instances]\nreuse = 3"), Ok(()));
        let wrong = check("[instances]\nreus = 3").unwrap_err();
        assert_eq!(wrong, ":2: unknown key `reus` in [instances] (did you mean `reuse`?)");
    }
}
