//! `[tool.poetry.dependencies]` as requirements of PEP 508.

use anyhow::bail;
use toml::Table;
use toml::Value;

/// The requirements in a table of Poetry's; those that are optional, and Python itself, are none.
pub fn requirements(table: &Table) -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    for (name, value) in table.iter().filter(|(name, _)| *name != "python") {
        match value {
            // One for each place where it holds.
            Value::Array(several) => {
                for one in several {
                    found.extend(requirement(name, one)?);
                }
            }
            one => found.extend(requirement(name, one)?),
        }
    }
    Ok(found)
}

fn requirement(name: &str, value: &Value) -> anyhow::Result<Option<String>> {
    let text = |key: &str| value.get(key).and_then(Value::as_str);
    if value.get("optional").and_then(Value::as_bool) == Some(true) {
        return Ok(None);
    }
    let extras: Vec<&str> =
        value.get("extras").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let extras = if extras.is_empty() { String::new() } else { format!("[{}]", extras.join(",")) };
    let written = value.as_str().or_else(|| text("version")).unwrap_or("*");
    let what = match (text("git"), text("url")) {
        (Some(git), _) => {
            let at = ["rev", "tag", "branch"].iter().find_map(|key| text(key)).map(|at| format!("@{at}"));
            format!("{name}{extras} @ git+{git}{}", at.unwrap_or_default())
        }
        (_, Some(url)) => format!("{name}{extras} @ {url}"),
        _ => match specifier(written) {
            Some(specifier) => format!("{name}{extras}{specifier}"),
            None => bail!(
                "pyproject.toml: `{name} = \"{written}\"` cannot be said in PEP 508: lock the packages (`poetry lock`)"
            ),
        },
    };
    let mut markers: Vec<String> = text("markers").map(|marker| format!("({marker})")).into_iter().collect();
    if let Some(python) = text("python") {
        let parts = specifier(python).unwrap_or_default();
        markers.extend(parts.split(',').filter(|part| !part.is_empty()).map(|part| {
            let end = part.find(|c: char| c.is_ascii_digit()).unwrap_or(part.len());
            format!("python_version {} '{}'", &part[..end], short(&part[end..]))
        }));
    }
    let markers = if markers.is_empty() { String::new() } else { format!(" ; {}", markers.join(" and ")) };
    Ok(Some(format!("{what}{markers}")))
}

/// `3.9.0` as `3.9`, which is all that `python_version` says.
fn short(version: &str) -> String {
    version.split('.').take(2).collect::<Vec<_>>().join(".")
}

/// A constraint of Poetry's (`^1.2`, `~1.2`, `1.*`, `>=1,<3`) as version specifiers of PEP 440.
fn specifier(text: &str) -> Option<String> {
    let text = text.trim();
    if text.contains('|') {
        return None;
    }
    let parts: Option<Vec<String>> = text.split(',').map(|part| one(part.trim())).collect();
    Some(parts?.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(","))
}

fn one(part: &str) -> Option<String> {
    if part.is_empty() || part == "*" {
        return Some(String::new());
    }
    if let Some(version) = part.strip_prefix('^') {
        let numbers = numbers(version)?;
        // The first number that is not zero may not change.
        let at = numbers.iter().position(|number| *number > 0).unwrap_or(numbers.len() - 1);
        return Some(format!(">={},<{}", version.trim(), next(&numbers, at)));
    }
    if let Some(version) = part.strip_prefix('~').filter(|rest| !rest.starts_with('=')) {
        let numbers = numbers(version)?;
        return Some(format!(">={},<{}", version.trim(), next(&numbers, numbers.len().min(2) - 1)));
    }
    if part.starts_with(['<', '>', '=', '!', '~']) {
        return Some(part.replace(' ', ""));
    }
    part.starts_with(|c: char| c.is_ascii_digit()).then(|| format!("=={part}"))
}

fn numbers(version: &str) -> Option<Vec<u64>> {
    let plain = version.trim().split(['a', 'b', 'r', '-', '+']).next()?;
    plain.split('.').map(|number| number.parse().ok()).collect()
}

/// The version after all that agree with `numbers` up to `at`.
fn next(numbers: &[u64], at: usize) -> String {
    let counted =
        numbers.iter().take(at + 1).enumerate().map(|(index, number)| if index == at { number + 1 } else { *number });
    counted.map(|number| number.to_string()).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constraints_are_version_specifiers() {
        for (poetry, expected) in [
            ("*", ""),
            ("^1.2.3", ">=1.2.3,<2"),
            ("^0.79.1", ">=0.79.1,<0.80"),
            ("^0.0.3", ">=0.0.3,<0.0.4"),
            ("^0", ">=0,<1"),
            ("~1.2.3", ">=1.2.3,<1.3"),
            ("~1", ">=1,<2"),
            ("~=1.2", "~=1.2"),
            ("1.2.*", "==1.2.*"),
            ("1.2.3", "==1.2.3"),
            (">= 1.2, <3", ">=1.2,<3"),
            ("^2.0a1", ">=2.0a1,<3"),
        ] {
            assert_eq!(specifier(poetry).as_deref(), Some(expected), "{poetry}");
        }
        assert_eq!(specifier("^1 || ^2"), None);
    }

    #[test]
    fn a_table_is_a_list_of_requirements() {
        let table: Table = "python = \"^3.9\"\nuvicorn = \"^0.18.2\"\npydantic = { version = \"^1.9\", extras = [\"email\", \"dotenv\"] }\n\
                            old = { version = \"1\", python = \"<3.9\" }\nmaybe = { version = \"1\", optional = true }\n\
                            till = { git = \"https://x/till\", tag = \"v1\" }\n"
            .parse()
            .unwrap();
        let expected = [
            "maybe",
            "old==1 ; python_version < '3.9'",
            "pydantic[email,dotenv]>=1.9,<2",
            "till @ git+https://x/till@v1",
            "uvicorn>=0.18.2,<0.19",
        ];
        let mut found = requirements(&table).unwrap();
        found.sort();
        assert_eq!(found, expected[1..]);
    }
}
