//! For which engine a component is compiled, and that engine's settings.

use std::fmt;
use std::str::FromStr;

use wasmtime::Config;

use crate::inspect::Class;

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
        // one at a time do without. Beside what an interpreter takes to start it is nothing.
        config.concurrency_support(self.class != Class::Plain);
        config.wasm_component_model_async(self.class != Class::Plain);
        if self.class == Class::Large {
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
        let class = match self.class {
            Class::Plain => "plain",
            Class::Concurrent => "concurrent",
            Class::Large => "large",
        };
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
        let class = match class {
            "plain" => Class::Plain,
            "concurrent" => Class::Concurrent,
            "large" => Class::Large,
            _ => {
                return Err(format!(
                    "`{word}` is not an engine: plain, concurrent, large, or one of them with `-tight`"
                ));
            }
        };
        Ok(Target { class, roomy })
    }
}
