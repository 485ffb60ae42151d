//! Apps in Python and real databases: clients as their authors made them, within a guest.

use std::path::Path;

use guesthouse_serve::listen::listener::BindAddress;
use http::Request;
use tokio::sync::OnceCell;

use crate::frameworks::hall::tools;
use crate::harness::client::Reply;
use crate::harness::client::post;
use crate::harness::host::Running;
use crate::harness::host::TestHost;
use crate::harness::process::command;
use crate::harness::secure::certificate;
use crate::harness::secure::write;
use crate::harness::servers::DATABASE;
use crate::harness::servers::PASSWORD;
use crate::harness::servers::Server;
use crate::harness::servers::USER;
use crate::harness::tools::assert_known;
use crate::harness::tools::has_python;
use crate::harness::webdriver::Browser;
use crate::harness::within;
use crate::python::workshop::run;

/// An operator who lets apps connect to this machine's own servers.
const POLICY: &str = "outbound = [\"tcp://localhost:*\"]\nprivate_networks = [\"127.0.0.0/8\", \"::1/128\"]\n\
                      instances.reuse = 100\n";

fn quoted() -> String {
    PASSWORD.replace(' ', "%20").replace('/', "%2F")
}

/// A host on which the shop has these servers.
async fn host(
    component: Vec<u8>,
    tcp: &[u16],
    database: &str,
    redis: &str,
    roots: Option<std::path::PathBuf>,
) -> Running {
    let places: Vec<String> = tcp.iter().map(|port| format!("\"localhost:{port}\"")).collect();
    let manifest = format!(
        "[outbound]\ntcp = [{}]\n[environment]\nDATABASE_URL = \"{database}\"\nREDIS_URL = \"{redis}\"\n[instances]\nreuse = 100\n",
        places.join(", ")
    );
    let policy = toml::from_str(POLICY).unwrap();
    let host = TestHost::new().config(move |config| {
        config.deploy.policy = policy;
        config.sandbox.capabilities.outbound.roots = roots;
    });
    host.app("app", component).manifest("app", &manifest).run().await
}

/// Built once for all tests.
async fn shop() -> Option<Vec<u8>> {
    static BUILT: OnceCell<Option<Vec<u8>>> = OnceCell::const_new();
    BUILT.get_or_init(build_shop).await.clone()
}

async fn build_shop() -> Option<Vec<u8>> {
    built("shop").await
}

/// The component of a sample whose manifest asks for databases.
async fn built(sample: &str) -> Option<Vec<u8>> {
    if !has_python().await {
        return None;
    }
    let apps = tempfile::tempdir().unwrap();
    std::fs::write(apps.path().join(format!("{sample}.toml")), "[outbound]\ntcp = [\"localhost:1\"]\n").unwrap();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("samples").join(sample);
    let arguments = ["build", source.to_str().unwrap(), "--apps", apps.path().to_str().unwrap()];
    let mut build = command(&arguments, apps.path());
    let ended = run(build.env("GUESTHOUSE_TOOLS", tools()).env_remove("SOURCE_DATE_EPOCH")).await;
    assert!(ended.status.success(), "{}", ended.stderr);
    let component = std::fs::read(apps.path().join(format!("{sample}.wasm"))).unwrap();
    // The world with TLS is a runtime of its own.
    assert_known(&component);
    Some(component)
}

async fn add(host: &Running, name: &str) -> Reply {
    let form = Request::post("/app/items").header("content-type", "application/x-www-form-urlencoded");
    host.send(form.body(format!("name={name}").into()).unwrap()).await
}

async fn is_a_shop(host: &Running) {
    let ready = host.send(post("/app/setup", "")).await;
    assert_eq!(ready.text(), "ready\n", "{ready:?}");
    for name in ["chair", "table"] {
        let added = add(host, name).await;
        assert_eq!(added.text(), "added\n", "{added:?}");
    }
    assert_eq!(host.get("/app/items").await.text(), "chair, table\n");
    let mut cart = String::new();
    for (name, has) in [("chair", "chair\n"), ("table", "chair, table\n")] {
        let request = Request::post("/app/cart").header("content-type", "application/x-www-form-urlencoded");
        let told = host.send(request.header("cookie", &cart).body(format!("name={name}").into()).unwrap()).await;
        assert_eq!(told.text(), has, "{told:?}");
        cart = told.header("set-cookie").split(';').next().unwrap().to_owned();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shop_works_on_postgresql_mariadb_and_redis() {
    let servers = (Server::postgres(None).await, Server::mariadb().await, Server::redis(None).await);
    let (Some(mut postgres), Some(maria), Some(redis)) = servers else { return };
    let Some(component) = shop().await else { return };
    let store = format!("redis://:{}@localhost:{}/0", quoted(), redis.port);

    let url = format!("postgresql+pg8000://{USER}:{}@localhost:{}/{DATABASE}", quoted(), postgres.port);
    let ports = [postgres.port, maria.port, redis.port];
    let host = host(component.clone(), &ports, &url, &store, None).await;
    is_a_shop(&host).await;
    // A server that ends while connections are kept, and is looked after for a moment, is found again.
    postgres.break_off_and_begin().await;
    within("the shop finds its database again", async {
        while host.get("/app/items").await.text() != "chair, table\n" {
            tokio::task::yield_now().await;
        }
    })
    .await;

    // psycopg takes the guest's own libpq, and SQLAlchemy asks for nothing else.
    let psycopg = url.replace("pg8000", "psycopg");
    let again = self::host(component.clone(), &ports, &psycopg, &store, None).await;
    assert_eq!(again.get("/app/items").await.text(), "chair, table\n");
    assert_eq!(add(&again, "lamp").await.text(), "added\n");

    let url = format!("mysql+pymysql://{USER}:{}@localhost:{}/{DATABASE}", quoted(), maria.port);
    let store = store.replace("/0", "/1");
    is_a_shop(&self::host(component, &ports, &url, &store, None).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_host_speaks_tls_with_databases_and_checks_their_certificates() {
    let folder = tempfile::tempdir().unwrap();
    let (good, bad) = (certificate(&["localhost"]), certificate(&["localhost"]));
    let roots = write(&good, folder.path(), "roots").chain;
    let servers =
        (Server::postgres(Some(&good)).await, Server::redis(Some(&good)).await, Server::redis(Some(&bad)).await);
    let (Some(postgres), Some(redis), Some(unknown)) = servers else { return };
    let Some(component) = shop().await else { return };
    let url = format!("postgresql+pg8000://{USER}:{}@localhost:{}/{DATABASE}", quoted(), postgres.port);
    let store = |port: u16| format!("rediss://:{}@localhost:{port}/0", quoted());
    let ports = [postgres.port, redis.port, unknown.port];
    let host = host(component.clone(), &ports, &url, &store(redis.port), Some(roots.clone())).await;
    is_a_shop(&host).await;
    let other = self::host(component, &ports, &url, &store(unknown.port), Some(roots)).await;
    assert_eq!(add(&other, "lamp").await.status, 201);
    let form = Request::post("/app/cart").header("content-type", "application/x-www-form-urlencoded");
    let refused = other.send(form.body("name=lamp".into()).unwrap()).await;
    assert_eq!(refused.status, 500, "{refused:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn django_keeps_its_tables_in_postgresql_and_its_admin_works_in_a_browser() {
    let folder = tempfile::tempdir().unwrap();
    let own = certificate(&["localhost"]);
    let roots = write(&own, folder.path(), "roots").chain;
    let Some(postgres) = Server::postgres(Some(&own)).await else { return };
    let Some(component) = built("library").await else { return };
    let socket = folder.path().join("admin.sock");
    let admin = BindAddress::Unix(socket.clone());
    let manifest = format!(
        "[outbound]\ntcp = [\"localhost:{port}\"]\n[environment]\nPOSTGRES_HOST = \"localhost\"\nPOSTGRES_PORT = \"{port}\"\n\
         POSTGRES_DB = \"{DATABASE}\"\nPOSTGRES_USER = \"{USER}\"\nPOSTGRES_PASSWORD = \"{PASSWORD}\"\n\
         DJANGO_SUPERUSER_PASSWORD = \"analytical\"\n[instances]\nreuse = 100\n",
        port = postgres.port
    );
    let policy = toml::from_str(POLICY).unwrap();
    let host = TestHost::new().config(move |config| {
        config.deploy.policy = policy;
        config.sandbox.capabilities.outbound.roots = Some(roots);
        config.health = Some(admin);
    });
    let host = host.app("library", component).manifest("library", &manifest).run().await;

    let at = format!("unix:{}", socket.display());
    for words in [
        &["manage.py", "migrate", "--noinput"][..],
        &["manage.py", "createsuperuser", "--noinput", "--username", "ada", "--email", "ada@example.org"],
    ] {
        let ended =
            run(&mut command(&[&["run", "library", "--admin-listen", &at, "--"], words].concat(), folder.path())).await;
        assert!(ended.status.success(), "{words:?}: {ended:?}");
    }

    let Some(mut browser) = Browser::open().await else { return };
    let site = format!("http://library.localhost:{}", host.address.port());
    browser.go(&format!("{site}/admin/")).await;
    browser.fill("input[name=username]", "ada").await;
    browser.fill("input[name=password]", "analytical").await;
    browser.click("input[type=submit]").await;
    browser.until_it_shows("Site administration").await;
    browser.go(&format!("{site}/admin/books/book/add/")).await;
    browser.fill("input[name=title]", "Middlemarch").await;
    browser.click("input[name=_save]").await;
    browser.until_it_shows("was added successfully").await;
    browser.go(&format!("{site}/admin/books/book/?q=middle")).await;
    browser.until_it_shows("Middlemarch").await;
}
