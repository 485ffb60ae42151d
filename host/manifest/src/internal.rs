//! The table `[internal]` as it is written down: which apps of the same host may call this one.

use serde::Deserialize;

/// More would be a list that nobody reads.
const CALLERS_MAX: usize = 64;

/// Who may call an app from within the host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct InternalTable {
    /// Names of apps, with `*` for any text. Nobody by default.
    pub callers: Vec<String>,
}

impl InternalTable {
    /// Everybody, as under `dev`.
    pub fn everybody() -> InternalTable {
        InternalTable { callers: vec!["*".to_owned()] }
    }

    /// What is wrong with it, if something is.
    pub fn check(&self) -> Result<(), String> {
        if self.callers.len() > CALLERS_MAX {
            return Err(format!("`internal`: {} callers; at most {CALLERS_MAX} are taken", self.callers.len()));
        }
        let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-/*".contains(&byte);
        match self.callers.iter().find(|caller| caller.is_empty() || !caller.bytes().all(is_name)) {
            Some(caller) => Err(format!(
                "`internal`: `{caller}` is not the name of an app: `callers` has names as of their files, with `*` for any text"
            )),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callers_are_named() {
        let table: InternalTable = toml::from_str("callers = [\"shop\", \"web-*\", \"api/users\"]").unwrap();
        assert_eq!((table.check(), InternalTable::everybody().check()), (Ok(()), Ok(())));
        let wrong = InternalTable { callers: vec!["Shop.wasm".to_owned()] };
        assert!(wrong.check().unwrap_err().contains("`Shop.wasm` is not the name of an app"));
    }
}
