//! Fields of classes of settings (pydantic's), each of which is a variable of the environment: told from the source.

/// What tells such a class among its bases.
const BASE: &str = "BaseSettings";

/// The variables that the classes in a module's source declare, each with its line.
pub fn fields(source: &str) -> Vec<(String, usize)> {
    let lines: Vec<&str> = source.lines().collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some((_, bases)) = line.strip_prefix("class ").and_then(|head| head.split_once('(')) else { continue };
        if !bases.split([',', ')', '.', '[']).any(|base| base.trim() == BASE) {
            continue;
        }
        let is_body = |line: &&&str| line.trim().is_empty() || line.starts_with([' ', '\t', ')', '#']);
        let body: Vec<&str> = lines[at + 1..].iter().take_while(is_body).copied().collect();
        let prefix = body.iter().find_map(|line| prefix(line)).unwrap_or_default();
        let Some(indent) = body.iter().find(|line| !line.trim().is_empty()).map(|line| indent(line)) else { continue };
        let own = body.iter().enumerate().filter(|(_, line)| indent == self::indent(line));
        found.extend(own.filter_map(|(below, line)| {
            let (name, kind) = line.trim_start().split_once(':')?;
            let is_name =
                name.starts_with(char::is_alphabetic) && name.chars().all(|c| c.is_alphanumeric() || c == '_');
            let is_field = is_name && name != "model_config" && !kind.trim().is_empty() && !kind.contains("ClassVar");
            is_field.then(|| (format!("{prefix}{name}").to_uppercase(), at + below + 2))
        }));
    }
    found
}

/// The text of `env_prefix="SHOP_"`.
fn prefix(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once("env_prefix")?;
    rest.split(['"', '\'']).nth(1)
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_field_is_a_variable() {
        let source = "class Settings(BaseSettings):\n    model_config = SettingsConfigDict(env_prefix=\"shop_\")\n\n    name: str\n    \
                      size: int = 3\n    known: ClassVar[int] = 1\n    _own: int = 1\n\n    @property\n    def url(self) -> str:\n        \
                      x: int = 1\n        return x\n\nother: int = 1\n\nclass Plain:\n    field: str\n";
        assert_eq!(fields(source), [("SHOP_NAME".to_owned(), 4), ("SHOP_SIZE".to_owned(), 5)]);
        assert_eq!(fields("class S(pydantic_settings.BaseSettings):\n  A: str\n"), [("A".to_owned(), 2)]);
        assert_eq!(fields("class S(BaseSettings): ...\n"), []);
    }
}
