//! Real servers of databases, on loopback, each with a folder of its own: what apps connect to in tests.
//!
//! Debian has them as `postgresql`, `mariadb-server` and `redis-server`. Where CI has installed them
//! (`GUESTHOUSE_REQUIRE_SERVERS`), their absence is a failure; elsewhere it is told by name.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::process::Stdio;

use guesthouse_tls::self_signed::SelfSigned;
use rustix::process::Pid;
use rustix::process::Signal;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::process::Child;
use tokio::process::Command;

use crate::harness::pebble::free_port;
use crate::harness::secure::write;
use crate::harness::serving::until;
use crate::harness::within;

/// The user and the password of every one of them.
pub const USER: &str = "guest";
pub const PASSWORD: &str = "let-me in/please";
/// The database that is theirs.
pub const DATABASE: &str = "shop";

/// A server that runs. It ends when it is dropped.
pub struct Server {
    pub port: u16,
    folder: TempDir,
    child: Child,
    name: &'static str,
    owner: Option<(u32, u32)>,
    arguments: Vec<String>,
    program: PathBuf,
}

impl Server {
    /// PostgreSQL that asks for SCRAM, and with a certificate takes nobody without TLS.
    pub async fn postgres(certificate: Option<&SelfSigned>) -> Option<Server> {
        let program = found("PostgreSQL", "postgres")?;
        let mut server = Server::new("postgres", program.clone());
        let data = server.folder.path().join("data");
        let [data_text, folder] = [data.as_path(), server.folder.path()].map(|path| path.display().to_string());
        server.write("password", PASSWORD);
        let password = server.folder.path().join("password").display().to_string();
        let initdb = program.with_file_name("initdb");
        let options = ["-D", &data_text, "-U", USER, "--pwfile", &password, "-A", "scram-sha-256", "-E", "UTF8", "-N"];
        server.run(&initdb, &options).await;
        let who = if certificate.is_some() { "hostssl" } else { "host" };
        server.write("data/pg_hba.conf", &format!("{who} all all all scram-sha-256\n"));
        let mut settings =
            format!("listen_addresses = '127.0.0.1'\nunix_socket_directories = '{folder}'\nfsync = off\n");
        if let Some(certificate) = certificate {
            server.certificate(certificate);
            settings += &format!("ssl = on\nssl_cert_file = '{folder}/own.pem'\nssl_key_file = '{folder}/own.key'\n");
        }
        server.write("data/postgresql.auto.conf", &settings);
        // `postgres` is the database that everybody has; ours is made by a server of its own that ends at once.
        server
            .feed(&program, &["--single", "-D", &data_text, "postgres"], &format!("CREATE DATABASE {DATABASE}\n"))
            .await;
        server.arguments = ["-D", &data_text, "-p", &server.port.to_string()].map(str::to_owned).to_vec();
        server.begin().await;
        Some(server)
    }

    /// MariaDB.
    pub async fn mariadb() -> Option<Server> {
        let program = found("MariaDB", "mariadbd")?;
        let mut server = Server::new("mysql", program);
        let folder = server.folder.path().display().to_string();
        let data = format!("--datadir={folder}/data");
        server.run(Path::new("mariadb-install-db"), &[&data, "--auth-root-authentication-method=normal"]).await;
        server.write(
            "init.sql",
            &format!(
                "CREATE DATABASE IF NOT EXISTS {DATABASE};\nCREATE USER IF NOT EXISTS '{USER}'@'%' IDENTIFIED BY '{PASSWORD}';\n\
                 GRANT ALL ON {DATABASE}.* TO '{USER}'@'%';\n"
            ),
        );
        server.arguments = vec![
            "--no-defaults".to_owned(),
            data,
            format!("--init-file={folder}/init.sql"),
            format!("--socket={folder}/socket"),
            format!("--pid-file={folder}/pid"),
            format!("--port={}", server.port),
            "--bind-address=127.0.0.1".to_owned(),
            "--skip-name-resolve".to_owned(),
        ];
        server.begin().await;
        Some(server)
    }

    /// Redis, with a certificate over TLS alone.
    pub async fn redis(certificate: Option<&SelfSigned>) -> Option<Server> {
        let program = found("Redis", "redis-server")?;
        let mut server = Server::new("redis", program);
        let folder = server.folder.path().display().to_string();
        let port = server.port.to_string();
        let mut arguments = vec!["--bind", "127.0.0.1", "--save", "", "--dir", &folder, "--requirepass", PASSWORD];
        let files = ["pem", "key"].map(|ending| format!("{folder}/own.{ending}"));
        match certificate {
            None => arguments.extend(["--port", &port]),
            Some(certificate) => {
                server.certificate(certificate);
                arguments.extend(["--port", "0", "--tls-port", &port, "--tls-auth-clients", "no"]);
                arguments.extend(["--tls-cert-file", &files[0], "--tls-key-file", &files[1]]);
            }
        }
        server.arguments = arguments.into_iter().map(str::to_owned).collect();
        server.begin().await;
        Some(server)
    }

    fn new(name: &'static str, program: PathBuf) -> Server {
        let folder = tempfile::tempdir().unwrap();
        // Some refuse to run as root.
        let owner = rustix::process::geteuid().is_root().then(|| user(name));
        if let Some((uid, gid)) = owner {
            std::os::unix::fs::chown(folder.path(), Some(uid), Some(gid)).unwrap();
        }
        let child = Command::new("true").spawn().unwrap();
        Server { port: free_port(), folder, child, name, owner, arguments: Vec::new(), program }
    }

    /// Ends it in the middle of whatever it does, and starts it anew. PostgreSQL takes this for an immediate shutdown: killed
    /// alone, its processes would live on for a moment, and none could be started in their place.
    pub async fn break_off_and_begin(&mut self) {
        let pid = Pid::from_raw(self.child.id().unwrap().try_into().unwrap()).unwrap();
        rustix::process::kill_process(pid, Signal::QUIT).unwrap();
        within("the server to end", self.child.wait()).await.unwrap();
        self.begin().await;
    }

    async fn begin(&mut self) {
        self.child = self.command(&self.program, &self.arguments).spawn().unwrap();
        let port = self.port;
        let is_there = async || TcpStream::connect(("127.0.0.1", port)).await.is_ok();
        until(self.name, is_there, |is_there| *is_there, |_| {}).await;
    }

    fn command(&self, program: &Path, arguments: &[impl AsRef<OsStr>]) -> Command {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.folder.path()).kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        if let Some((uid, gid)) = self.owner {
            command.uid(uid).gid(gid);
        }
        command
    }

    /// Runs a program to its end.
    async fn run(&self, program: &Path, arguments: &[&str]) {
        let output = self.command(program, arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).output().await;
        let output = output.unwrap_or_else(|error| panic!("{}: {error}", program.display()));
        assert!(output.status.success(), "{}: {output:?}", program.display());
    }

    /// The same, with something to read.
    async fn feed(&self, program: &Path, arguments: &[&str], text: &str) {
        self.write("fed", text);
        let fed = fs::File::open(self.folder.path().join("fed")).unwrap();
        let status = self.command(program, arguments).stdin(fed).status().await.unwrap();
        assert!(status.success(), "{}: {status}", program.display());
    }

    fn certificate(&self, certificate: &SelfSigned) {
        let files = write(certificate, self.folder.path(), "own");
        [files.chain, files.key].iter().for_each(|path| self.own(path));
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        self.own(&path);
    }

    /// A file that only the server reads.
    fn own(&self, path: &Path) {
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
        if let Some((uid, gid)) = self.owner {
            std::os::unix::fs::chown(path, Some(uid), Some(gid)).unwrap();
        }
    }
}

/// Where a server's program is, if it is installed.
fn found(what: &str, name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).chain(["/usr/sbin".into()]).collect();
    // Debian keeps each version of PostgreSQL by itself.
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    folders.extend(versions.map(|version| version.path().join("bin")));
    let program = folders.into_iter().map(|folder| folder.join(name)).find(|program| program.is_file());
    if program.is_none() {
        assert!(std::env::var_os("GUESTHOUSE_REQUIRE_SERVERS").is_none(), "{what} is not installed, and CI needs it");
        eprintln!("NOT TESTED WITH {what}: it is not installed");
    }
    program
}

/// Who a server runs as where tests run as root, by the name that its package gave them.
fn user(name: &str) -> (u32, u32) {
    let known = fs::read_to_string("/etc/passwd").unwrap();
    let line = known.lines().find(|line| line.split(':').next() == Some(name));
    let line = line.unwrap_or_else(|| panic!("there is no user `{name}`"));
    let number = |at| line.split(':').nth(at).and_then(|field| field.parse().ok()).unwrap();
    (number(2), number(3))
}
