//! `guesthouse`: from what was typed to a running host.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::mpsc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Parser as _;
use guesthouse::cli::completions;
use guesthouse::cli::flags::BuildFlags;
use guesthouse::cli::flags::CheckFlags;
use guesthouse::cli::flags::Cli;
use guesthouse::cli::flags::Command;
use guesthouse::cli::flags::DevFlags;
use guesthouse::cli::flags::DoctorFlags;
use guesthouse::cli::flags::InitFlags;
use guesthouse::cli::flags::NewFlags;
use guesthouse::cli::flags::RunFlags;
use guesthouse::cli::flags::ServeFlags;
use guesthouse::cli::flags::WheelsAction;
use guesthouse::cli::man;
use guesthouse::commands::build::tell;
use guesthouse::commands::check;
use guesthouse::commands::check::walk::Calls;
use guesthouse::commands::compile;
use guesthouse::commands::doctor;
use guesthouse::commands::run::run as run_command;
use guesthouse::commands::run::wanted::Wanted;
use guesthouse::config::Config;
use guesthouse::config::surroundings::Surroundings;
use guesthouse::dev;
use guesthouse::foreground::announce::print;
use guesthouse::foreground::announce::told;
use guesthouse::foreground::attend;
use guesthouse::host::Host;
use guesthouse::host::arenas;
use guesthouse::shutdown::StopSignals;
use guesthouse::telemetry;
use guesthouse_builders::Project;
use guesthouse_builders::new;
use guesthouse_builders::progress::be_quiet;
use guesthouse_builders::python::wheels_command;
use guesthouse_serve::listen::inherited::Inherited;

fn main() -> ExitCode {
    arenas::limit();
    let ended = match Cli::parse().command {
        Command::New(flags) => new(&flags),
        Command::Init(flags) => init(&flags),
        Command::Serve(flags) => serve(&flags),
        Command::Dev(flags) => dev(&flags),
        Command::Build(flags) => build(&flags),
        Command::Check(flags) => check(&flags),
        Command::Doctor(flags) => look_around(&flags),
        Command::Run(flags) => run_in_app(flags),
        Command::Wheels(flags) => wheels(&flags.action),
        Command::Completions(flags) => completions::print(flags.shell).map(|()| ExitCode::SUCCESS),
        Command::Man(flags) => man::write(&flags.folder).map(|()| ExitCode::SUCCESS),
        Command::Compile(flags) => return compile::run(&flags),
    };
    ended.unwrap_or_else(|error| {
        complain(format!("error: {error:#}\n"));
        ExitCode::FAILURE
    })
}

/// For how long the end waits for somebody to read why.
const PARTING: Duration = Duration::from_millis(500);

/// Says on stderr why it ends, to whoever reads there.
fn complain(why: String) {
    let (alive, written) = mpsc::channel::<()>();
    std::thread::spawn(move || {
        // Nobody may be reading any more.
        let _ = std::io::stderr().write_all(why.as_bytes());
        drop(alive);
    });
    let _ = written.recv_timeout(PARTING);
}

fn new(flags: &NewFlags) -> anyhow::Result<ExitCode> {
    match &flags.folder {
        Some(folder) if !flags.list => new::make(folder, flags.template)?,
        _ => new::list(),
    }
    Ok(ExitCode::SUCCESS)
}

fn init(flags: &InitFlags) -> anyhow::Result<ExitCode> {
    let folder = flags.folder.clone().unwrap_or_else(|| PathBuf::from("."));
    run(None, async {
        let projects = guesthouse_builders::find(std::slice::from_ref(&folder), flags.app.as_deref()).await?;
        let names: Vec<String> = projects.iter().flat_map(Project::apps).map(|app| format!("`{app}`")).collect();
        let said = match &flags.app {
            Some(app) => {
                new::init::write(&folder, app)?;
                format!("wrote {}", folder.join("guesthouse.toml").display())
            }
            None => "nothing is missing".to_owned(),
        };
        let shown = folder.display();
        print(format!("{}: {said}\n  guesthouse dev {shown}   builds and serves it here", names.join(", "))).await;
        Ok(ExitCode::SUCCESS)
    })
}

fn serve(flags: &ServeFlags) -> anyhow::Result<ExitCode> {
    let surroundings = Surroundings::of_process();
    // While there is one thread: it changes the environment.
    let passed = Inherited::of_process();
    let config = Config::serve(flags, &surroundings)?;
    let _log = telemetry::install(&config.log)?;
    run(config.threads, async {
        let mut stop_signals = StopSignals::listen()?;
        let file = config.file.clone();
        let folders =
            format!("apps folder   {}\nstate folder  {}", config.deploy.apps.display(), config.deploy.state.display());
        let host = Host::bind_with(config, passed)?;
        let listening =
            host.endpoints().iter().map(|endpoint| format!("listening on {}\n", told(endpoint))).collect::<String>();
        let greeting = format!("{listening}{folders}");
        Ok(attend(host, greeting, file, &mut stop_signals).await)
    })
}

fn dev(flags: &DevFlags) -> anyhow::Result<ExitCode> {
    let folder = dev::Folder::here()?;
    let config = Config::dev(flags, &folder.apps, &folder.state)?;
    let _log = telemetry::install(&config.log)?;
    run(None, dev::run(flags, folder, config))
}

fn build(flags: &BuildFlags) -> anyhow::Result<ExitCode> {
    if flags.quiet {
        be_quiet();
    }
    run(None, async {
        let mut stop_signals = StopSignals::listen()?;
        let building = async {
            let sources = guesthouse_builders::find(&flags.sources, flags.app.as_deref()).await?;
            match flags.portable {
                true => guesthouse_builders::build_portable(&sources, &flags.apps).await,
                false => guesthouse_builders::build(&sources, &flags.apps).await,
            }
        };
        tokio::select! {
            built = building => tell(&built?, flags).await,
            signal = stop_signals.next() => Ok(ExitCode::from(signal.exit_code())),
        }
    })
}

fn wheels(action: &WheelsAction) -> anyhow::Result<ExitCode> {
    run(None, async {
        let mut stop_signals = StopSignals::listen()?;
        let working = async {
            match action {
                WheelsAction::Build { packages } => wheels_command::build(packages).await,
                WheelsAction::Export { folder } => wheels_command::export(folder).await,
                WheelsAction::Import { folder } => wheels_command::import(folder).await,
            }
        };
        tokio::select! {
            ended = working => ended.map(|()| ExitCode::SUCCESS),
            signal = stop_signals.next() => Ok(ExitCode::from(signal.exit_code())),
        }
    })
}

fn check(flags: &CheckFlags) -> anyhow::Result<ExitCode> {
    // It goes when the runtime is gone, and with that everything of ours that could still write into it.
    let state = check::temporary_state()?;
    let config = Config::check(flags, state.path(), &Surroundings::of_process())?;
    let _log = telemetry::install(&config.log)?;
    let calls = if flags.no_calls { Calls::LeftOut } else { Calls::Made };
    run(config.threads, async {
        let mut stop_signals = StopSignals::listen()?;
        tokio::select! {
            ended = check::run(&flags.files, flags.format.unwrap_or_default(), calls, config) => ended,
            signal = stop_signals.next() => Ok(ExitCode::from(signal.exit_code())),
        }
    })
}

fn look_around(flags: &DoctorFlags) -> anyhow::Result<ExitCode> {
    run(None, doctor::run(flags))
}

fn run_in_app(flags: RunFlags) -> anyhow::Result<ExitCode> {
    let config = match flags.dev {
        true => {
            let folder = dev::Folder::here()?;
            Config::dev(&DevFlags::default(), &folder.apps, &folder.state)?
        }
        false => Config::run(&flags, &Surroundings::of_process())?,
    };
    let _log = telemetry::install(&config.log)?;
    let wanted = Wanted { app: flags.app, arguments: flags.command, by_host: flags.dev };
    run(config.threads, async {
        let mut stop_signals = StopSignals::listen()?;
        tokio::select! {
            ended = run_command(wanted, config) => ended,
            signal = stop_signals.next() => Ok(ExitCode::from(signal.exit_code())),
        }
    })
}

fn run(threads: Option<usize>, story: impl Future<Output = anyhow::Result<ExitCode>>) -> anyhow::Result<ExitCode> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    if let Some(threads) = threads {
        builder.worker_threads(threads);
    }
    let runtime = builder.enable_all().thread_name("guesthouse").build().context("cannot start the runtime")?;
    let ended = runtime.block_on(story);
    // What still runs is a blocking call that nobody waits for (a terminal that does not read): it may not hold us.
    runtime.shutdown_timeout(Duration::from_millis(500));
    ended
}
