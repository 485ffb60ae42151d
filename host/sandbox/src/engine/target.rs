//! For which engine a component is compiled, and that engine's settings.

use std::fmt;
use std::str::FromStr;

use guesthouse_component::inspect::Class;
use wasmtime::Config;

/// For which engine an artefact is made. Travels to the compile child as one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// The class of engine.
    pub class: Class,
    /// Whether the host could reserve address space generously; without it bounds are checked in code.
    pub roomy: bool,
}

impl Target {
    /// The settings of an engine, but for where its instances live: the compile child and the host must agree on them.
    pub(crate) fn config(self) -> Config {
        let mut config = Config::new();
        config.epoch_interruption(true);
        // The machinery for several requests in one instance costs half of a request, so that those which are called
        // one at a time do without.
        config.concurrency_support(self.class.is_concurrent());
        config.wasm_component_model_async(self.class.is_concurrent());
        if self.class.is_large() {
            // An interpreter's image is mapped copy-on-write as a whole, rather than copied at every start.
            config.memory_guaranteed_dense_image_size(256 << 20);
        }
        if !self.roomy {
            config.memory_reservation(0);
            config.memory_reservation_for_growth(16 << 20);
            config.memory_guard_size(64 << 10);
        }
        config
    }
}

impl fmt::Display for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let class = self.class;
        write!(formatter, "{class}{}", if self.roomy { "" } else { "-tight" })
    }
}

impl FromStr for Target {
    type Err = String;

    fn from_str(word: &str) -> Result<Target, String> {
        let (class, roomy) = match word.strip_suffix("-tight") {
            Some(class) => (class, false),
            None => (word, true),
        };
        let class = Class::ALL.into_iter().find(|known| known.to_string() == class);
        let class = class.ok_or_else(|| {
            let known = Class::ALL.map(|class| class.to_string()).join(", ");
            format!("`{word}` is not an engine: {known}, or one of them with `-tight`")
        })?;
        Ok(Target { class, roomy })
    }
}
