//! A tool that runs: with nothing but what it was given, and ended with all that it started when nobody waits any more.

use std::io;
use std::process::Output;
use std::process::Stdio;

use rustix::process::Pid;
use rustix::process::Signal;
use rustix::process::kill_process_group;
use tokio::io::AsyncRead;
use tokio::io::AsyncReadExt as _;
use tokio::process::Child;
use tokio::process::Command;

/// What is kept of what a tool prints, in each of its two streams; the rest is read and dropped.
const OUTPUT_BYTES_MAX: u64 = 16 << 20;

/// Runs `command` to its end, and gives what it printed. Dropping the future kills it and its children.
pub async fn output(command: &mut Command) -> io::Result<Output> {
    let mut running = Running::start(command.stdout(Stdio::piped()).stderr(Stdio::piped()))?;
    let (stdout, stderr) = (running.child.stdout.take(), running.child.stderr.take());
    let (stdout, stderr, status) = tokio::join!(gather(stdout), gather(stderr), running.child.wait());
    Ok(Output { status: status?, stdout: stdout?, stderr: stderr? })
}

/// Runs `command` to its end, with all that it prints on our stderr. Dropping the future kills it and its children.
pub async fn shown(command: &mut Command) -> io::Result<std::process::ExitStatus> {
    Running::start(command.stdout(io::stderr()).stderr(Stdio::inherit()))?.child.wait().await
}

/// A tool in a process group of its own.
struct Running {
    child: Child,
}

impl Running {
    fn start(command: &mut Command) -> io::Result<Running> {
        Ok(Running { child: command.stdin(Stdio::null()).process_group(0).kill_on_drop(true).spawn()? })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Once it was waited for, it has no number any more, and what it left behind is not ours to judge.
        if let Some(group) = self.child.id().and_then(|id| Pid::from_raw(id.cast_signed())) {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

async fn gather(stream: Option<impl AsyncRead + Unpin>) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(mut stream) = stream {
        (&mut stream).take(OUTPUT_BYTES_MAX).read_to_end(&mut bytes).await?;
        tokio::io::copy(&mut stream, &mut tokio::io::sink()).await?;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::io::BufRead as _;
    use std::time::Duration;

    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[tokio::test]
    async fn what_a_tool_prints_is_given_back() {
        let ended = output(&mut shell("echo out; echo err >&2; exit 3")).await.unwrap();
        assert_eq!(
            (ended.status.code(), &ended.stdout[..], &ended.stderr[..]),
            (Some(3), &b"out\n"[..], &b"err\n"[..])
        );
    }

    #[tokio::test]
    async fn a_tool_that_nobody_waits_for_ends_with_its_children() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("child");
        // The shell and its child hold the write end of a pipe: when it is closed, both are gone.
        let script = format!("mkfifo {0}; (echo begun; exec sleep 600) > {0} & wait", path.display());
        let mut tool = shell(&script);
        let mut running = Box::pin(output(&mut tool));
        let reading = async {
            while !path.exists() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            let opened = path.clone();
            tokio::task::spawn_blocking(move || std::fs::File::open(opened)).await.unwrap().unwrap()
        };
        let pipe = tokio::select! {
            ended = &mut running => panic!("it ended: {ended:?}"),
            pipe = reading => pipe,
        };
        let mut pipe = io::BufReader::new(pipe);
        let (begun, pipe) = tokio::task::spawn_blocking(move || {
            let mut line = String::new();
            pipe.read_line(&mut line).map(|_| (line, pipe))
        })
        .await
        .unwrap()
        .unwrap();
        assert_eq!(begun, "begun\n");
        drop(running);
        // Reads to the end, which comes only when nobody can write any more.
        let read = tokio::task::spawn_blocking(move || io::read_to_string(pipe));
        assert_eq!(read.await.unwrap().unwrap(), "");
    }
}
