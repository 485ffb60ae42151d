//! Apps as their authors have them: found by what their other tools read, with the project itself installed.

use std::fs;

use crate::harness::host::TestHost;
use crate::harness::tools::has_python;
use crate::python::workshop::Workshop;

/// An app that answers with the value of an expression.
fn answering(before: &str, expression: &str) -> String {
    format!(
        "{before}\n\ndef app(environ, start_response):\n    start_response('200 OK', [])\n    return [str({expression}).encode()]\n"
    )
}

async fn answer(shop: &Workshop) -> String {
    let host = TestHost::new().app("app", fs::read(shop.component()).unwrap()).run().await;
    host.get("/app/").await.text()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_is_found_by_what_its_authors_tools_read() {
    if !has_python().await {
        return;
    }
    let factory = "import settings\n\n\ndef create_app(name, *, mark='?'):\n    def app(environ, start_response):\n        \
                   start_response('200 OK', [])\n        return [(name + mark + settings.NAME).encode()]\n    return app\n";
    let shop = Workshop::with(&[
        ("Procfile", "release: ./migrate\nweb: gunicorn -w 3 --chdir web \"shop:create_app('shop', mark='!')\"\n"),
        ("web/shop.py", factory),
        ("web/settings.py", "NAME = 'web'\n"),
        ("app.py", &answering("", "'the other'")),
    ]);
    let built = shop.build().await;
    assert!(built.status.success(), "{}", built.stderr);
    assert!(built.stderr.contains("in Procfile)"), "{}", built.stderr);
    assert!(built.stderr.contains("found as well: `app:app` (`app` in app.py)"), "{}", built.stderr);
    assert_eq!(answer(&shop).await, "shop!web");
    // The command line has the last word.
    let mut command = shop.command();
    let built = crate::python::workshop::run(command.args(["--app", "app:app"])).await;
    assert!(built.status.success(), "{}", built.stderr);
    assert_eq!(answer(&shop).await, "the other");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_project_itself_is_installed_in_place() {
    if !has_python().await {
        return;
    }
    let project = "[project]\nname = \"shop\"\nversion = \"1.2.3\"\ndependencies = []\n\
                   [project.entry-points.\"shop.parts\"]\npart = \"shop.part:NAME\"\n";
    let before = "import importlib.metadata as metadata\nimport till\n\n\
                  PART = list(metadata.entry_points(group='shop.parts'))[0].load()";
    let app = answering(before, "[metadata.version('shop'), metadata.version('till'), PART, till.NAME]");
    let shop = Workshop::with(&[
        ("pyproject.toml", project),
        ("requirements.txt", "-e .\n-e ./lib  # beside it\n"),
        ("src/shop/__init__.py", &app),
        ("src/shop/part.py", "NAME = 'part'\n"),
        ("lib/pyproject.toml", "[project]\nname = \"till\"\nversion = \"4\"\n"),
        ("lib/till/__init__.py", "NAME = 'till'\n"),
    ]);
    let built = shop.build().await;
    assert!(built.status.success(), "{}", built.stderr);
    assert_eq!(answer(&shop).await, "['1.2.3', '4', 'part', 'till']");
}

#[tokio::test]
async fn what_has_no_app_is_told_in_one_sentence_with_the_line_to_type() {
    let project = ("pyproject.toml", "[project]\nname = \"shop\"\nversion = \"1\"\n");
    let package = ("shop/__init__.py", "NAME = 1\n");
    let example = ("examples/one/app.py", &*answering("", "1"));
    let dav = "class Dav:\n    def __init__(self, config): ...\n    def __call__(self, environ, start_response): ...\n";
    for (files, expected) in [
        (
            &[
                ("package.json", "{\"private\": true, \"devDependencies\": {\"prettier\": \"^3\"}}"),
                project,
                package,
                example,
            ][..],
            "error: `app` is a library, in which no app is made: `guesthouse build app/examples/one` takes the example in \
             examples/one\n",
        ),
        (
            &[project, package],
            "error: `app` is a project in Python, and nothing says where its app begins (pyproject.toml names no app; there is no \
             app.py, main.py, wsgi.py or application.py at its root; no app is made in the package `shop`): `guesthouse build app \
             --app module:callable` says where it is\n",
        ),
        (
            &[project, package, ("shop/dav.py", dav)],
            "error: `app` makes its app in shop/dav.py, and only you can say what to put for `config`: `guesthouse build app --app \
             \"shop.dav:Dav(config=…)\"` takes it\n",
        ),
    ] {
        let ended = Workshop::with(files).build().await;
        assert_eq!((ended.status.code(), ended.stderr.as_str()), (Some(1), expected));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_class_that_makes_an_app_is_found_and_its_writer_serves_a_queue() {
    if !has_python().await {
        return;
    }
    let class = "import queue\nimport threading\n\n\nclass Shop:\n    def __init__(self, files=None):\n        \
                 self.jobs, self.done, self.thread = queue.Queue(), [], None\n\n    def work(self):\n        while True:\n            \
                 self.done.append(self.jobs.get() * 2)\n\n    def app(self):\n        \
                 def app(environ, start_response):\n            \
                 if self.thread is None:\n                \
                 self.thread = threading.Thread(target=self.work, daemon=True)\n                self.thread.start()\n            \
                 self.jobs.put(21)\n            start_response('200 OK', [])\n            \
                 return [str(self.done[-1:]).encode()]\n        return app\n";
    let shop = Workshop::with(&[
        ("pyproject.toml", "[project]\nname = \"shop\"\nversion = \"1\"\n"),
        ("shop/__init__.py", ""),
        ("shop/app.py", class),
    ]);
    let built = shop.build().await;
    assert!(built.status.success(), "{}", built.stderr);
    assert!(built.stderr.contains("app: Python (`Shop().app()` in shop/app.py)"), "{}", built.stderr);
    assert_eq!(answer(&shop).await, "[42]");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_app_writes_beside_its_code_stays() {
    if !has_python().await {
        return;
    }
    let app = "import os\nimport sqlite3\n\nimport blog.posts\n\nHERE = os.path.dirname(os.path.abspath(__file__)) + '/instance'\n\
               os.makedirs(HERE, exist_ok=True)\n\n\n\
               def app(environ, start_response):\n    with sqlite3.connect(HERE + '/shop.db') as db:\n        \
               db.execute('CREATE TABLE IF NOT EXISTS visits (at)')\n        \
               db.execute('INSERT INTO visits VALUES (1)')\n        \
               (count,) = db.execute('SELECT count(*) FROM visits').fetchone()\n    \
               start_response('200 OK', [])\n    return [str(count + blog.posts.count()).encode()]\n";
    // In a package's folder, which the app has in memory.
    let posts = "import os\nimport sqlite3\n\n\ndef count():\n    \
                 if os.environ.get('POSTS') is None:\n        return 0\n    \
                 with sqlite3.connect(os.path.dirname(__file__) + '/posts.db') as db:\n        \
                 db.execute('CREATE TABLE IF NOT EXISTS posts (at)')\n        \
                 return db.execute('SELECT count(*) FROM posts').fetchone()[0]\n";
    let shop = Workshop::with(&[("app.py", app), ("blog/__init__.py", ""), ("blog/posts.py", posts)]);
    let built = shop.build().await;
    assert!(built.status.success(), "{}", built.stderr);
    let said = "it writes `instance` beside its code: it asks for a folder that stays there";
    assert!(built.stderr.contains(said), "{}", built.stderr);
    let host = TestHost::new().app("app", fs::read(shop.component()).unwrap());
    let host = host.manifest("app", "[environment]\nPOSTS = \"1\"\n");
    let host = host.config(|config| config.deploy.policy.rules.state = Some(true)).run().await;
    // What the warm-up wrote is not in the component.
    assert_eq!(host.get("/app/").await.text(), "1");
    assert_eq!(host.get("/app/").await.text(), "2");
    assert!(host.state().join("data/app/instance/shop.db").is_file());
    assert!(host.state().join("data/app/blog/posts.db").is_file());
}
