//! What builds: it is found, built, served, and not built again; and nothing of the author's machine is in it.

use std::fs;
use std::os::unix::fs::MetadataExt;

use crate::harness::host::TestHost;
use crate::harness::tools::assert_known;
use crate::harness::tools::has_python;
use crate::python::workshop::Workshop;
use crate::python::workshop::run;

/// Tells all that it can see: its environment, every file, and where it is.
const APP: &str = r#"
import os


def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain; charset=utf-8")])
    yield b"at " + environ["SCRIPT_NAME"].encode() + b"\n"
    for name, value in os.environ.items():
        yield ("variable %s=%s\n" % (name, value)).encode()
    for root in ("/0", "/1", "/2", "/3"):
        for folder, folders, files in os.walk(root):
            for name in files:
                yield ("file %s/%s\n" % (folder, name)).encode()
"#;

const PLANTED: &str = "planted-4f1e9c0b7d";

/// Where people and tools leave secrets beside an app.
const DECOYS: &[&str] = &[
    ".env",
    ".env.local",
    "prod.env",
    ".envrc",
    ".git-credentials",
    ".pgpass",
    ".netrc",
    ".pypirc",
    ".npmrc",
    ".htpasswd",
    ".my.cnf",
    ".s3cfg",
    ".vault-token",
    ".aws/credentials",
    ".kube/config",
    ".docker/config.json",
    ".ssh/known_hosts",
    ".gnupg/trust",
    ".config/gcloud/access",
    ".terraform/state",
    "id_rsa",
    "id_dsa",
    "id_ecdsa",
    "id_ed25519",
    "ssh_host_ed25519_key",
    "tls/server.pem",
    "tls/server.key",
    "tls/server.p12",
    "tls/server.pfx",
    "static/release.jks",
    "templates/release.keystore",
    "putty.ppk",
    "vault.kdbx",
    "backup.gpg",
    "client.ovpn",
    "kubeconfig",
    "terraform.tfstate",
    "terraform.tfstate.backup",
    "prod.tfvars",
    "secrets.json",
    "config/secrets.yml",
    "credentials",
    "credentials.json",
    "client_secret_1.json",
    "my-service-account.json",
    "auth.json",
    "token.json",
    "passwords.txt",
    "shop.sqlite",
    "shop.sqlite3-wal",
    "shop.db",
    "shop.db-wal",
    "dump.sql",
    "settings.py.bak",
    "debug.log",
    ".psql_history",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plain_wsgi_app_is_found_built_served_and_not_built_again() {
    if !has_python().await {
        return;
    }
    let shop =
        Workshop::with(&[("app.py", APP), ("templates/page.html", "<p>"), (".env", PLANTED), ("db.sqlite3", PLANTED)]);
    DECOYS.iter().for_each(|decoy| shop.write(decoy, PLANTED));
    fs::create_dir_all(shop.path().join(".aws")).unwrap();
    fs::write(shop.path().join(".aws/credentials"), PLANTED).unwrap();
    let built = run(shop.command().env("SECRET_KEY", PLANTED).env("PYTHONPATH", shop.path().join(".aws"))).await;
    assert!(built.status.success(), "{}", built.stderr);
    for said in [
        "app: Python (`application` in app.py)",
        "staged 2 files, ",
        "without .aws/, .config/, .docker/, .env, .env.local, .envrc, ",
        " more\n",
        "warm-up GET / -> 200",
        "wasi:http 0.2",
    ] {
        assert!(built.stderr.contains(said), "no `{said}` in\n{}", built.stderr);
    }

    let component = fs::read(shop.component()).unwrap();
    assert!(!component.windows(PLANTED.len()).any(|bytes| bytes == PLANTED.as_bytes()), "a secret is in the component");
    let host = TestHost::new().app("app", &component).run().await;
    // The second one is answered by the same instance, which its section asks for.
    for _ in 0..2 {
        let seen = host.get("/app/").await.text();
        assert!(seen.starts_with("at /app\n"), "{seen}");
        let files: Vec<&str> = seen.lines().filter_map(|line| line.strip_prefix("file /0/")).collect();
        assert!(
            files.contains(&"templates/page.html") && !seen.contains(".env") && !seen.contains("sqlite3"),
            "{seen}"
        );
        assert!(!seen.contains("SECRET_KEY") && !seen.contains("PYTHONPATH"), "{seen}");
    }

    let inode = || fs::metadata(shop.component()).unwrap().ino();
    let before = inode();
    let again = shop.build().await;
    assert!(again.stderr.contains("app is unchanged"), "{}", again.stderr);
    assert_eq!(inode(), before);

    assert_known(&fs::read(shop.component()).unwrap());

    // Everything that is needed is there by now.
    shop.write("app.py", &APP.replace("at ", "now at "));
    let offline = run(shop.command().env("PIP_NO_INDEX", "1").env("HTTPS_PROXY", "http://127.0.0.1:9")).await;
    assert!(offline.status.success(), "{}", offline.stderr);
    assert!(!offline.stderr.contains("first use"), "{}", offline.stderr);
    host.drop_in("app", fs::read(shop.component()).unwrap()).await;
    assert!(host.get("/app/").await.text().starts_with("now at /app\n"));
}
