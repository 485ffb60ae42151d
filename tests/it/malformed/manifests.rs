//! Manifests that nobody wrote by hand.

use guesthouse_deploy::status::AppState;
use guesthouse_test_guests as guest;

use crate::harness::host::TestHost;
use crate::malformed::drops::Drops;
use crate::malformed::parts::Dice;

#[tokio::test]
async fn a_manifest_without_sense_is_refused_with_a_reason() {
    let mut drops = Drops::run(TestHost::new()).await;
    let mut dice = Dice(0x0070_6d6c);
    let cases: [(&str, Vec<u8>); 11] = [
        ("noise", dice.bytes(5_000)),
        ("deep", format!("x = {}", "[".repeat(100_000)).into_bytes()),
        ("tables", "[a]\n".repeat(50_000).into_bytes()),
        ("dotted", format!("{}x = 1", "a.".repeat(60_000)).into_bytes()),
        ("long", vec![b'#'; (256 << 10) + 1]),
        ("not-utf-8", b"routes = [\"\xff\xfe\"]".to_vec()),
        ("acting", b"\"\\u001b[2J\" = 1".to_vec()),
        ("huge", b"[limits]\nconcurrency = 99999999999999999999999\n".to_vec()),
        ("negative", b"[limits]\nconcurrency = -1\n".to_vec()),
        ("nul", b"\0\0\0\0".to_vec()),
        ("long-key", format!("{} = 1", "k".repeat(200_000)).into_bytes()),
    ];
    for (name, manifest) in cases {
        drops.host.apps.rename_in(&format!("{name}.toml"), manifest);
        let why = drops.refused(name, guest::bytes(guest::HELLO)).await;
        assert!(!why.contains('\u{1b}') && why.contains(&format!("{name}.toml")), "{name}: {why}");
    }
}

#[tokio::test]
async fn a_manifest_that_is_no_file_refuses_its_app_and_no_other() {
    let mut drops = Drops::run(TestHost::new()).await;
    std::fs::create_dir(drops.host.apps.file("shop.toml")).unwrap();
    let pipe = drops.host.apps.file("pipe.toml");
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RUSR).unwrap();
    for name in ["shop", "pipe"] {
        drops.host.apps.rename_in(&format!("{name}.wasm"), guest::bytes(guest::HELLO));
        let why = drops.host.until_state(name, AppState::Refused).await;
        assert!(why.starts_with("not a regular file but a "), "{name}: {why}");
    }
    drops.swap().await;
}
