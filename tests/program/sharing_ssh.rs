//! Sharing over ssh, with a real server on the loopback: keys, and a host key that changes in the middle.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::clones::{bare, clone_elsewhere, declare};
use super::terminal::Terminal;
use super::world::{PATIENCE, Running, Shell, World};

const WITHOUT: &str = "FLIGHTDECK_TESTS_WITHOUT_SSHD";

fn server() -> PathBuf {
    let usual = ["/usr/sbin/sshd", "/usr/bin/sshd", "/usr/local/sbin/sshd"].map(PathBuf::from);
    usual.into_iter().find(|path| path.exists()).expect("openssh-server, which tests/run installs")
}

fn key(world: &World, name: &str) -> PathBuf {
    let path = world.path(name);
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-C", "test", "-f"])
        .arg(&path)
        .stdin(Stdio::null())
        .status()
        .unwrap();
    assert!(made.success());
    path
}

/// Starts a server that lets one key in, on a port that is free.
fn serve(world: &World, host_key: &Path, port: u16) -> Running {
    let config = format!(
        "ListenAddress 127.0.0.1:{port}\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\n\
         StrictModes no\nUsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n\
         PermitRootLogin prohibit-password\nLogLevel QUIET\n",
        host_key.display(),
        world.path("user.pub").display(),
    );
    let file = world.path("sshd_config");
    std::fs::write(&file, config).unwrap();
    // It wants this directory where it separates privileges; elsewhere it does without.
    let _ = std::fs::create_dir_all("/run/sshd");
    let server = Command::new(server())
        .args(["-D", "-e", "-f"])
        .arg(&file)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let running = Running(server);
    let until = std::time::Instant::now() + PATIENCE;
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(std::time::Instant::now() < until, "sshd does not listen");
        std::thread::yield_now();
    }
    running
}

#[test]
fn an_incident_goes_over_ssh_and_nothing_is_sent_to_a_host_with_another_key() {
    if std::env::var_os(WITHOUT).is_some() {
        eprintln!("LEFT OUT because {WITHOUT} is set: sharing over an ssh server");
        return;
    }
    let world = World::new();
    let origin = bare(&world);
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (user, first, other) = (key(&world, "user"), key(&world, "host"), key(&world, "other"));
    let ssh_dir = world.path("home/.ssh");
    std::fs::create_dir(&ssh_dir).unwrap();
    std::fs::set_permissions(&ssh_dir, std::fs::Permissions::from_mode(0o700)).unwrap();
    let public = std::fs::read_to_string(first.with_extension("pub")).unwrap();
    let known = world.path("home/.ssh/known_hosts");
    std::fs::write(&known, format!("[127.0.0.1]:{port} {public}")).unwrap();
    let [maya, omar] = ["maya", "omar"].map(|name| {
        let shell = clone_elsewhere(&world, &origin, name, name);
        let address = format!("ssh://127.0.0.1:{port}{}", origin.display());
        shell.run("git", &["remote", "set-url", "origin", &address]).succeeded();
        shell
    });
    // ssh finds its home by the account, not by the environment.
    let line = format!(
        "ssh -F none -i {} -o IdentitiesOnly=yes -o UserKnownHostsFile={} -o StrictHostKeyChecking=yes",
        user.display(),
        known.display()
    );
    maya.run("git", &["config", "--global", "core.sshCommand", &line]).succeeded();
    let synced = |shell: &Shell| shell.json(&["share", "sync", "--json"]);
    let running = serve(&world, &first, port);
    declare(&maya, "Checkout answers 500");
    let here = Terminal::open(&maya, 36, 120, &[]);
    here.wait_text("shared ");
    omar.flightdeck(&["join"]).succeeded();
    here.wait_text("joined from another machine");
    drop(running);
    here.wait_text("not shared since");
    // Somebody else answers at that address.
    let running = serve(&world, &other, port);
    omar.flightdeck(&["note", "only orders without a card fail"]).succeeded();
    let refused = omar.flightdeck(&["share", "sync"]).ended_with(1);
    assert!(refused.stderr.contains("host key") || refused.stderr.contains("Host key"), "{}", refused.stderr);
    drop(running);
    let _running = serve(&world, &first, port);
    assert_eq!(synced(&omar)["unsent"], 0);
    here.wait_text("only orders without a card fail");
}
