//! Apps that are worked on: one process of the tools stays, and makes after an edit what instances evaluate.

use anyhow::Context as _;
use anyhow::bail;
use tokio::sync::Mutex;
use tokio::sync::OnceCell;

use crate::cache::tools::Cache;
use crate::javascript::make::Answer;
use crate::javascript::make::Outcome;
use crate::javascript::make::Task;
use crate::javascript::tools::Engine;
use crate::javascript::tools::Tools;
use crate::javascript::tools::explain_missing;
use crate::resident::Resident;

/// The process for all apps in JavaScript, which begins with the first of them.
#[derive(Debug, Default)]
pub struct Scripts {
    ready: OnceCell<(Tools, Engine)>,
    /// Locked while it is asked. It ends by itself when nobody has asked for long.
    running: Mutex<Option<Resident>>,
}

impl Scripts {
    /// The engine that evaluates them. It and the tools are made if they are not there.
    pub async fn engine(&self, cache: &Cache) -> anyhow::Result<&Engine> {
        let (_, engine) = self.ready(cache).await?;
        Ok(engine)
    }

    /// Has the script made that `task` asks for. Dropping the future ends the process.
    pub async fn make(&self, cache: &Cache, task: &Task<'_>) -> anyhow::Result<Outcome> {
        let (tools, _) = self.ready(cache).await?;
        let mut running = self.running.lock().await;
        if let Some(known) = running.take()
            && let Some((known, outcome)) = asked(known, task).await?
        {
            *running = Some(known);
            return Ok(outcome);
        }
        let mut node = tools.node("live.mjs");
        let begun = Resident::start(&mut node).map_err(|error| explain_missing("node", error))?;
        let Some((begun, outcome)) = asked(begun, task).await? else {
            bail!("the tools ended without an answer");
        };
        *running = Some(begun);
        Ok(outcome)
    }

    async fn ready(&self, cache: &Cache) -> anyhow::Result<&(Tools, Engine)> {
        let make = async || {
            let tools = Tools::ready(cache).await?;
            let engine = tools.live_engine(cache).await?;
            Ok((tools, engine))
        };
        self.ready.get_or_try_init(make).await
    }
}

/// What the process answers, or nothing if it has ended.
async fn asked(mut tool: Resident, task: &Task<'_>) -> anyhow::Result<Option<(Resident, Outcome)>> {
    if tool.ask(&task.text()).await.is_err() {
        return Ok(None);
    }
    while let Some(line) = tool.says().await.context("cannot read what the tools say")? {
        match Answer::of(&line) {
            Some(Answer::Refused(refusal)) => return Ok(Some((tool, Outcome::Refused(refusal)))),
            Some(Answer::Done { done }) => return Ok(Some((tool, Outcome::Made(done)))),
            // Each edit would say how long it took, and packages may print something while they are bundled.
            Some(Answer::Phase { .. }) | None => {}
        }
    }
    Ok(None)
}
