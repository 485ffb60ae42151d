//! A tool that stays: asked by a line, it answers with lines, and the next question finds it warm.

use std::io;
use std::process::Stdio;

use rustix::process::Pid;
use rustix::process::Signal;
use rustix::process::kill_process_group;
use tokio::io::AsyncBufReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::io::BufReader;
use tokio::io::Lines;
use tokio::process::Child;
use tokio::process::ChildStdin;
use tokio::process::ChildStdout;
use tokio::process::Command;

/// The tool, in a process group of its own. It ends with all that it started when it is dropped, and by itself when its
/// standard input does.
#[derive(Debug)]
pub struct Resident {
    child: Child,
    asked: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Resident {
    /// Starts `command`. What it complains about goes to our stderr.
    pub fn start(command: &mut Command) -> io::Result<Resident> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = command.process_group(0).kill_on_drop(true).spawn()?;
        let (Some(asked), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::Error::other("it has no pipes"));
        };
        Ok(Resident { child, asked, answers: BufReader::new(answers).lines() })
    }

    /// Asks `question`, which is one line.
    pub async fn ask(&mut self, question: &str) -> io::Result<()> {
        self.asked.write_all(format!("{question}\n").as_bytes()).await?;
        self.asked.flush().await
    }

    /// The next line of what it says, or nothing if it has ended.
    pub async fn says(&mut self) -> io::Result<Option<String>> {
        self.answers.next_line().await
    }
}

impl Drop for Resident {
    fn drop(&mut self) {
        if let Some(group) = self.child.id().and_then(|id| Pid::from_raw(id.cast_signed())) {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_tool_answers_several_times_until_it_ends() {
        let mut shell = Command::new("sh");
        let script = "count=0; while read line; do count=$((count + 1)); echo \"$line $count\"; test $line != end || exit 3; done";
        let mut tool = Resident::start(shell.args(["-c", script])).unwrap();
        for (question, answer) in [("one", "one 1"), ("two", "two 2"), ("end", "end 3")] {
            tool.ask(question).await.unwrap();
            assert_eq!(tool.says().await.unwrap().as_deref(), Some(answer));
        }
        assert_eq!(tool.says().await.unwrap(), None);
    }
}
