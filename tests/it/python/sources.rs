//! Where packages come from: from where the author says, and no other file than the one that he pinned.

use std::fs;

use tokio::process::Command;

use crate::harness::host::TestHost;
use crate::harness::tools::has_python;
use crate::python::index::Index;
use crate::python::index::Pages;
use crate::python::index::Wheel;
use crate::python::workshop::Workshop;
use crate::python::workshop::run;

/// Says of each package where it comes from.
fn app(packages: &[&str]) -> String {
    let imports: String = packages.iter().map(|name| format!("import {name}\n")).collect();
    let places: Vec<String> = packages.iter().map(|name| format!("\"{name} \" + {name}.PLACE")).collect();
    format!(
        "{imports}\n\ndef app(environ, start_response):\n    start_response('200 OK', [])\n    return ['\\n'.join([{}]).encode()]\n",
        places.join(", ")
    )
}

/// `guesthouse build`, on a machine that has an index of its own.
fn build(shop: &Workshop, machine: &Index) -> Command {
    let mut command = shop.command();
    for name in ["PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL", "PIP_NO_INDEX", "PIP_CONFIG_FILE"] {
        command.env_remove(name);
    }
    command.env("PIP_INDEX_URL", machine.url()).env("NO_PROXY", "127.0.0.1").env("no_proxy", "127.0.0.1");
    command
}

/// Has the tools installed, which come from elsewhere.
async fn tools() {
    let shop = Workshop::with(&[("app.py", &app(&[]).replace("'\\n'.join([])", "'x'"))]);
    let built = shop.build().await;
    assert!(built.status.success(), "{}", built.stderr);
}

async fn places(shop: &Workshop) -> String {
    let host = TestHost::new().app("app", fs::read(shop.component()).unwrap()).run().await;
    host.get("/app/").await.text()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn packages_come_from_where_the_author_says() {
    if !has_python().await {
        return;
    }
    tools().await;
    let names = ["chosen", "nested", "held", "addressed", "extra"];
    // The machine's index has all of them too, newer or with a build number that pip prefers.
    let mut strangers: Vec<Wheel> = names.iter().map(|name| Wheel::built(name, "1.0", "7", "stranger")).collect();
    strangers.push(Wheel::of("held", "3.0", "stranger"));
    let machine = Index::serve(Pages::Html, &strangers).await;
    let named: Vec<Wheel> = [("chosen", "1.0"), ("nested", "1.0"), ("held", "1.0"), ("held", "2.0")]
        .map(|(name, version)| Wheel::of(name, version, &format!("named {version}")))
        .to_vec();
    let named = Index::serve(Pages::Json, &named).await;
    let extra = Index::serve(Pages::Html, &[Wheel::of("extra", "1.0", "extra")]).await;
    let addressed = Wheel::of("addressed", "1.0", "address");
    let elsewhere = Index::serve(Pages::Html, std::slice::from_ref(&addressed)).await;

    let shop = Workshop::with(&[
        ("app.py", &app(&names)),
        (
            "requirements.txt",
            &format!(
                "--index-url {}\n--extra-index-url \\\n  {}\n-r more/nested.txt\n-c pins.txt\nheld\nextra\n\
                 addressed @ {}\n",
                named.url(),
                extra.url(),
                elsewhere.file(&addressed)
            ),
        ),
        ("more/nested.txt", "nested==1.0\n-r ../last.txt\n"),
        ("last.txt", "chosen==1.0\n"),
        ("pins.txt", "held<2\n"),
    ]);
    let built = run(&mut build(&shop, &machine)).await;
    assert!(built.status.success(), "{}", built.stderr);
    let expected = "chosen named 1.0\nnested named 1.0\nheld named 1.0\naddressed address\nextra extra";
    assert_eq!(places(&shop).await, expected);
    assert_eq!(machine.asked(), Vec::<String>::new());

    // Another index on the machine is another set, although no line was edited; what the author names counts as before.
    shop.write("requirements.txt", "chosen==1.0\n");
    shop.write("app.py", &app(&["chosen"]));
    let other = Index::serve(Pages::Json, &[Wheel::of("chosen", "1.0", "other")]).await;
    for (index, expected) in [(&machine, "chosen stranger"), (&other, "chosen other")] {
        let built = run(&mut build(&shop, index)).await;
        assert!(built.status.success(), "{}", built.stderr);
        assert_eq!(places(&shop).await, expected);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pinned_hash_is_that_of_the_file_that_is_installed() {
    if !has_python().await {
        return;
    }
    tools().await;
    let (good, swapped) = (Wheel::of("pinned", "1.0", "good"), Wheel::built("pinned", "1.0", "9", "swapped"));
    for pages in [Pages::Html, Pages::Json] {
        let index = Index::serve(pages, &[swapped.clone(), good.clone()]).await;
        let only_swapped = Index::serve(pages, std::slice::from_ref(&swapped)).await;
        let pinned = format!("pinned==1.0 --hash=sha256:{}\n", good.sha256());
        let shop = Workshop::with(&[("app.py", &app(&["pinned"])), ("requirements.txt", &pinned)]);
        let built = run(&mut build(&shop, &only_swapped)).await;
        assert_eq!(built.status.code(), Some(1), "{}", built.stderr);
        assert!(built.stderr.contains("DO NOT MATCH THE HASHES"), "{}", built.stderr);
        assert!(!shop.component().exists());
        if pages == Pages::Json {
            let built = run(&mut build(&shop, &index)).await;
            assert!(built.status.success(), "{}", built.stderr);
            assert_eq!(places(&shop).await, "pinned good");
        }
        // A hash in a constraint counts as well, and so does one in an address.
        shop.write("pins.txt", &pinned);
        shop.write("requirements.txt", "-c pins.txt\npinned\n");
        let built = run(&mut build(&shop, &only_swapped)).await;
        assert_eq!(built.status.code(), Some(1), "{}", built.stderr);
        let address = format!("pinned @ {}#sha256={}\n", only_swapped.file(&swapped), good.sha256());
        shop.write("requirements.txt", &address);
        let built = run(&mut build(&shop, &only_swapped)).await;
        assert_eq!(built.status.code(), Some(1), "{}", built.stderr);
        assert!(built.stderr.contains("DO NOT MATCH THE HASHES"), "{}", built.stderr);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_says_what_is_installed() {
    if !has_python().await {
        return;
    }
    tools().await;
    let locked = Wheel::of("locked", "1.0", "locked 1.0");
    let newer = Wheel::of("locked", "2.0", "newer");
    let swapped = Wheel::of("locked", "1.0", "swapped");
    let lock = format!(
        "version = 1\n[[package]]\nname = \"shop\"\nversion = \"0.1\"\nsource = {{ virtual = \".\" }}\n\
         [[package]]\nname = \"locked\"\nversion = \"1.0\"\nsource = {{ registry = \"https://index.example/simple\" }}\n\
         wheels = [{{ url = \"https://index.example/{}\", hash = \"sha256:{}\" }}]\n",
        locked.file,
        locked.sha256()
    );
    let shop = Workshop::with(&[
        ("app.py", &app(&["locked"])),
        ("pyproject.toml", "[project]\nname = \"shop\"\nversion = \"0.1\"\ndependencies = [\"locked>=1\"]\n"),
        ("uv.lock", &lock),
    ]);
    for pages in [Pages::Html, Pages::Json] {
        let bad = Index::serve(pages, &[swapped.clone(), newer.clone()]).await;
        let built = run(&mut build(&shop, &bad)).await;
        assert_eq!(built.status.code(), Some(1), "{}", built.stderr);
        let expected = format!("has the SHA-256 {}, and uv.lock has others", swapped.sha256());
        assert!(built.stderr.contains(&expected), "{}", built.stderr);
    }
    let good = Index::serve(Pages::Json, &[newer, locked]).await;
    let built = run(&mut build(&shop, &good)).await;
    assert!(built.status.success(), "{}", built.stderr);
    assert_eq!(places(&shop).await, "locked locked 1.0");
    // A file of requirements counts before it, which is said.
    shop.write("requirements.txt", "locked\n");
    let built = run(&mut build(&shop, &good)).await;
    assert!(built.status.success(), "{}", built.stderr);
    let expected = "warning: uv.lock is not read: requirements.txt says which packages the app needs";
    assert!(built.stderr.contains(expected), "{}", built.stderr);
    assert_eq!(places(&shop).await, "locked newer");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_index_that_does_not_answer_is_told_apart_from_one_that_has_no_such_package() {
    if !has_python().await {
        return;
    }
    tools().await;
    let index = Index::serve(Pages::Html, &[Wheel::of("there", "1.0", "x")]).await;
    let shop = Workshop::with(&[("app.py", &app(&["there"])), ("requirements.txt", "missing\n")]);
    let built = run(&mut build(&shop, &index)).await;
    let told = built.stderr.lines().find(|line| line.contains("cannot be resolved")).unwrap_or_default().to_owned();
    assert!(
        told.contains("No matching distribution found for missing") && !told.contains("network"),
        "{}",
        built.stderr
    );
    // Nobody listens there any more.
    let gone = Index::serve(Pages::Html, &[]).await.url();
    let built = run(build(&shop, &index).env("PIP_INDEX_URL", &gone).env("PIP_RETRIES", "0")).await;
    let told = built.stderr.lines().find(|line| line.contains("cannot be resolved")).unwrap_or_default().to_owned();
    let expected = format!("no network, or an index that fails: `{gone}missing/` did not answer (Connection refused)");
    assert!(told.contains(&expected), "{}", built.stderr);
    assert!(!told.contains("No matching distribution"), "{told}");
}
