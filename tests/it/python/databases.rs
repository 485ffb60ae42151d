//! Apps in Python and real databases: clients as their authors made them, within a guest.

use http::Request;
use tokio::sync::OnceCell;

use crate::harness::client::Reply;
use crate::harness::host::Running;
use crate::harness::host::TestHost;
use crate::harness::secure::certificate;
use crate::harness::secure::write;
use crate::harness::servers::DATABASE;
use crate::harness::servers::PASSWORD;
use crate::harness::servers::Server;
use crate::harness::servers::USER;
use crate::harness::tools::has_python;
use crate::harness::within;
use crate::python::workshop::Workshop;

/// A shop whose database is named by its environment, and which remembers in Redis who was there.
const SHOP: &str = r#"
import os

import redis
from flask import Flask, request
from sqlalchemy import Integer, String, create_engine, select, text
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

app = Flask(__name__)
engine = None


class Base(DeclarativeBase):
    pass


class Item(Base):
    __tablename__ = "items"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(String(100))


def session():
    global engine
    if engine is None:
        engine = create_engine(os.environ["DATABASE_URL"], pool_pre_ping=True)
        Base.metadata.create_all(engine)
    return Session(engine)


@app.get("/")
def index():
    return "a shop"


@app.post("/items")
def add():
    with session() as work:
        work.add(Item(name=request.form["name"]))
        work.commit()
    return "added", 201


@app.get("/items")
def items():
    with session() as work:
        return ", ".join(work.scalars(select(Item.name).order_by(Item.id)))


@app.get("/pid")
def pid():
    with session() as work:
        return str(work.scalar(text("SELECT connection_id()" if "mysql" in os.environ["DATABASE_URL"] else "SELECT pg_backend_pid()")))


@app.get("/visits")
def visits():
    store = redis.Redis.from_url(os.environ["REDIS_URL"])
    with store.pipeline() as pipe:
        pipe.incr("visits")
        pipe.expire("visits", 60)
        return str(pipe.execute()[0])
"#;

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
    let policy = "outbound = [\"tcp://localhost:*\"]\nprivate_networks = [\"127.0.0.0/8\", \"::1/128\"]\n[instances]\nreuse = 100\n";
    let policy = toml::from_str(policy).unwrap();
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
    if !has_python().await {
        return None;
    }
    let workshop = Workshop::with(&[
        ("app.py", SHOP),
        ("requirements.txt", "flask==3.1.2\nsqlalchemy==2.0.54\npg8000==1.31.6\npymysql==1.2.1\nredis==8.1.0\n"),
        ("../apps/app.toml", "[outbound]\ntcp = [\"localhost:1\"]\n"),
    ]);
    let built = workshop.build().await;
    assert!(built.status.success(), "{}", built.stderr);
    Some(std::fs::read(workshop.component()).unwrap())
}

async fn add(host: &Running, name: &str) -> Reply {
    let form = Request::post("/app/items").header("content-type", "application/x-www-form-urlencoded");
    host.send(form.body(format!("name={name}").into()).unwrap()).await
}

async fn is_a_shop(host: &Running) {
    for name in ["chair", "table"] {
        let added = add(host, name).await;
        assert_eq!(added.text(), "added", "{added:?}");
    }
    assert_eq!(host.get("/app/items").await.text(), "chair, table");
    for visit in 1..=3 {
        let told = host.get("/app/visits").await;
        assert_eq!(told.text(), visit.to_string(), "{told:?}");
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
    // The pool is the instance's own, and stays with it.
    assert_eq!(host.get("/app/pid").await.text(), host.get("/app/pid").await.text());
    // A server that ends while connections are kept, and is looked after for a moment, is found again.
    postgres.kill_and_begin().await;
    within("the shop finds its database again", async {
        while host.get("/app/items").await.text() != "chair, table" {
            tokio::task::yield_now().await;
        }
    })
    .await;

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
    assert_eq!(other.get("/app/visits").await.status, 500);
}
