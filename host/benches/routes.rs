//! A look into the route table, as each request takes one: with 1, 100 and 10,000 apps, by an app's own host and by its
//! mount on a shared one.
//!
//! `cargo bench --bench routes`. The requests go round all apps in an order that is not the table's, so that a large table
//! pays for its cache misses. The apps wait to become live, since what answers is not looked at here.

use std::hint::black_box;

use criterion::BenchmarkId;
use criterion::Criterion;
use guesthouse_app::routes::Entry;
use guesthouse_app::routes::Found;
use guesthouse_app::routes::Origins;
use guesthouse_app::routes::RouteReader;
use guesthouse_app::routes::RouteTable;
use guesthouse_app::routes::Target;
use guesthouse_app::routes::routes;
use guesthouse_types::name::AppName;

const APPS: [usize; 3] = [1, 100, 10_000];

/// A prime that divides no number of apps: steps of this length meet every app before they meet one again.
const STEP: usize = 7919;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    look_up(&mut criterion, "routes/by mount", |app| ("localhost".to_owned(), format!("/{app}/some/page")));
    look_up(&mut criterion, "routes/by host", |app| (format!("{app}.localhost"), "/some/page".to_owned()));
    criterion.final_summary();
}

/// `asked` says with which host and path an app is asked for.
fn look_up(criterion: &mut Criterion, title: &str, asked: impl Fn(&AppName) -> (String, String)) {
    let mut group = criterion.benchmark_group(title);
    for apps in APPS {
        let names: Vec<AppName> = (0..apps).map(name).collect();
        let reader = table_of(&names);
        let asked: Vec<(String, String)> = (0..apps).map(|turn| asked(&names[turn * STEP % apps])).collect();
        let mut turns = asked.iter().cycle();
        group.bench_function(BenchmarkId::from_parameter(apps), |bencher| {
            bencher.iter(|| {
                let (host, path) = turns.next().expect("a cycle has no end");
                let table = reader.snapshot();
                match table.find(black_box(host), black_box(path)) {
                    Found::App { name, place, .. } => (name.as_str().len(), place.mount.len()),
                    _ => panic!("`{host}{path}` leads to no app"),
                }
            });
        });
    }
    group.finish();
}

fn table_of(names: &[AppName]) -> RouteReader {
    let origins = Origins { domain: "localhost".to_owned(), hosts: Vec::new(), path_routes: true };
    let (mut writer, reader) = routes(origins.clone());
    let entry = |name: &AppName| Entry {
        name: name.clone(),
        target: Target::Waiting("it is not looked at".to_owned()),
        declared: Vec::new(),
    };
    writer.publish(RouteTable::build(names.iter().map(entry).collect(), origins));
    reader
}

fn name(number: usize) -> AppName {
    AppName::parse(&format!("app-{number:05}")).expect("letters, digits and `-` are a name")
}
