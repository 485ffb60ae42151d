//! What the outside says through signals: stop, stop at once, look again.

use std::fmt;
use std::io;

use tokio::signal::unix::Signal;
use tokio::signal::unix::SignalKind;
use tokio::signal::unix::signal;

/// The signals that ask the host to end.
///
/// Made before anything slow begins: from then on a signal waits here rather than killing the process.
pub struct StopSignals {
    interrupt: Signal,
    terminate: Signal,
}

/// One wish to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopSignal {
    /// SIGINT, as Ctrl-C sends it.
    Interrupt,
    /// SIGTERM, as a service manager sends it.
    Terminate,
}

/// SIGHUP: the operator changed something.
pub struct Hangups(Signal);

impl StopSignals {
    /// Begins to listen.
    pub fn listen() -> io::Result<StopSignals> {
        Ok(StopSignals { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// The next one. Dropping the future loses none.
    pub async fn next(&mut self) -> StopSignal {
        tokio::select! {
            Some(()) = self.interrupt.recv() => StopSignal::Interrupt,
            Some(()) = self.terminate.recv() => StopSignal::Terminate,
            else => std::future::pending().await,
        }
    }
}

impl StopSignal {
    /// What a process says that was ended by this signal, by the shell's rule 128 + number.
    pub fn exit_code(self) -> u8 {
        match self {
            StopSignal::Interrupt => 130,
            StopSignal::Terminate => 143,
        }
    }
}

impl fmt::Display for StopSignal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            StopSignal::Interrupt => "SIGINT",
            StopSignal::Terminate => "SIGTERM",
        })
    }
}

impl Hangups {
    /// Begins to listen.
    pub fn listen() -> io::Result<Hangups> {
        signal(SignalKind::hangup()).map(Hangups)
    }

    /// The next one. Dropping the future loses none.
    pub async fn next(&mut self) {
        if self.0.recv().await.is_none() {
            std::future::pending().await
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_signal_that_came_early_is_not_lost() {
        let mut stop = StopSignals::listen().unwrap();
        let own = rustix::process::getpid();
        rustix::process::kill_process(own, rustix::process::Signal::TERM).unwrap();
        assert_eq!(stop.next().await, StopSignal::Terminate);
        rustix::process::kill_process(own, rustix::process::Signal::INT).unwrap();
        assert_eq!(stop.next().await, StopSignal::Interrupt);
    }
}
