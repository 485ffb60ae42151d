//! What is to be run, as it was typed.

use std::io::IsTerminal as _;

/// What is run, in which app.
pub struct Wanted {
    /// The app's name.
    pub app: String,
    /// The words of its command.
    pub arguments: Vec<String>,
    /// Whether only a running host will do: the one of `dev`, which has the source.
    pub by_host: bool,
}

/// Whether a person sits at both ends.
pub fn is_terminal() -> bool {
    std::io::stdin().is_terminal() && std::io::stdout().is_terminal()
}
