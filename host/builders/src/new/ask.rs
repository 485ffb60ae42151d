//! A short question at a terminal: which of these?

use std::io::BufRead;
use std::io::Write;

use anyhow::Context as _;
use anyhow::bail;
use guesthouse_types::escape::one_line;

use crate::new::template::Template;
use crate::new::template::listed;

/// Answers that are no answer, before it ends.
const TRIES_MAX: usize = 3;

/// Asks on `output` for a number or a name, and reads the answer from `input`.
pub fn ask(input: &mut impl BufRead, output: &mut impl Write, templates: &[Template]) -> anyhow::Result<Template> {
    let unasked = "cannot ask which template (say it with `--template NAME`)";
    writeln!(output, "Which template?\n{}", listed()).context(unasked)?;
    for _ in 0..TRIES_MAX {
        write!(output, "Number or name [1]: ").and_then(|()| output.flush()).context(unasked)?;
        let mut line = String::new();
        if input.read_line(&mut line).context(unasked)? == 0 {
            bail!("no template was chosen");
        }
        let answer = line.trim();
        let number = if answer.is_empty() { Ok(1) } else { answer.parse::<usize>() };
        let chosen = match number {
            Ok(number) => number.checked_sub(1).and_then(|at| templates.get(at).copied()),
            Err(_) => answer.parse::<Template>().ok(),
        };
        match chosen {
            Some(template) => return Ok(template),
            None => writeln!(output, "There is no template `{}`.", one_line(answer)).context(unasked)?,
        }
    }
    bail!("no template was chosen")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::new::template::TEMPLATES;

    fn check(typed: &str, expected: Result<&str, &str>) {
        let mut said = Vec::new();
        let chosen = ask(&mut typed.as_bytes(), &mut said, TEMPLATES);
        let chosen = chosen.map(|template| template.name).map_err(|error| error.to_string());
        assert_eq!(chosen.as_deref().map_err(String::as_str), expected, "{}", String::from_utf8_lossy(&said));
    }

    #[test]
    fn a_number_a_name_or_nothing_is_an_answer() {
        check("2\n", Ok("rust-http02"));
        check("rust-http03\n", Ok("rust-http03"));
        check("\n", Ok("rust-gateway"));
        check("0\n99\n 1 \n", Ok("rust-gateway"));
    }

    #[test]
    fn who_does_not_choose_is_not_asked_for_ever() {
        check("", Err("no template was chosen"));
        check("x\ny\nz\n1\n", Err("no template was chosen"));
    }
}
