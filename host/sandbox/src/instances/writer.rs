//! The guest that writes a response, as the response sees it.

use std::fmt::Debug;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use std::task::Waker;
use std::time::Duration;

use http::Response;
use tokio::sync::oneshot;
use wasmtime_wasi_http::WasiBody;

use crate::bounds::compute::ComputePermit;
use crate::bounds::deadline::Run;
use crate::bounds::deadline::Work;
use crate::fault::Fault;
use crate::instances::call::Call;
use crate::instances::idle::PutBack;
use crate::instances::shared_call::SharedCall;

/// A response whose body is still being written.
pub(crate) type Begun = Response<WasiBody>;

/// The guest that writes a response. Dropping it ends the guest, or at least this request of it.
pub(crate) enum Writer {
    /// In an instance of its own, run by whoever polls this.
    Alone(Run<Option<PutBack>>),
    /// In an instance that answers others as well, on a task of its own.
    Among(SharedCall),
    /// It has ended; with an instance that may answer again, once the response is complete.
    Ended(Option<PutBack>),
}

impl Writer {
    pub(crate) fn alone(guest: Work<Option<PutBack>>, cpu: Duration, turn: Option<ComputePermit>) -> Writer {
        Writer::Alone(Run::new(guest, cpu, turn))
    }

    /// From now on the guest runs when its visitor has room for more.
    pub(crate) fn end_turn(&mut self) {
        if let Writer::Alone(guest) = self {
            guest.end_turn();
        }
    }

    /// Runs the guest until it has handed over a head.
    pub(crate) async fn head<E: Debug>(
        &mut self,
        mut head: oneshot::Receiver<Result<Begun, E>>,
    ) -> Result<Begun, Fault> {
        let handed = tokio::select! {
            biased;
            // The guest first: its sender is only ever used while it is polled.
            ended = &mut *self => {
                ended?;
                head.try_recv().map_err(|_| Fault::NoResponse)?
            }
            handed = &mut head => match handed {
                Ok(handed) => handed,
                // The guest dropped its outparam and goes on: it ends, or its deadline comes.
                Err(_) => {
                    self.await?;
                    return Err(Fault::NoResponse);
                }
            },
        };
        handed.map_err(|code| Fault::said(&format!("{code:?}")))
    }

    /// The guest let its deadline pass: whoever else is in its instance loses it too.
    pub(crate) fn stop(self, fault: &Fault) {
        if let Writer::Among(shared_call) = self {
            shared_call.stop(fault);
        }
    }

    /// The response is complete. What the guest still has to do goes on without its visitor, for no longer than it
    /// could have stood still before.
    pub(crate) fn finish(self, call: Call) {
        match self {
            Writer::Ended(None) => {}
            Writer::Ended(Some(keep)) => keep(),
            Writer::Among(shared_call) => shared_call.finish(),
            Writer::Alone(mut guest) => {
                // Most have nothing left to do but to notice it.
                match Pin::new(&mut guest).poll(&mut Context::from_waker(Waker::noop())) {
                    Poll::Ready(ended) => end(ended, &call),
                    Poll::Pending => {
                        let tasks = call.common.tasks.clone();
                        tasks.spawn(async move {
                            if let Ok(ended) = tokio::time::timeout(call.limits().body_idle, guest).await {
                                end(ended, &call);
                            }
                        });
                    }
                }
            }
        }
    }
}

fn end(ended: Result<Option<PutBack>, Fault>, call: &Call) {
    match ended {
        Ok(None) => {}
        Ok(Some(keep)) => keep(),
        Err(fault) => call.note(&format!("after its response was complete: {fault}")),
    }
}

impl Future for Writer {
    type Output = Result<(), Fault>;

    /// Ready when the guest has ended.
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        let ended = match &mut *self {
            Writer::Ended(_) => return Poll::Ready(Ok(())),
            Writer::Alone(guest) => std::task::ready!(Pin::new(guest).poll(context)),
            Writer::Among(shared_call) => Err(std::task::ready!(shared_call.poll_failed(context))),
        };
        let (keep, result) = match ended {
            Ok(keep) => (keep, Ok(())),
            Err(fault) => (None, Err(fault)),
        };
        *self = Writer::Ended(keep);
        Poll::Ready(result)
    }
}
