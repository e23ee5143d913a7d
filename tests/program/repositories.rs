//! Repositories of every kind: what is read of them, and a hotfix from its start to its finish.

use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::world::{Ended, Shell, World};

const CONFIG: &str = "[hotfix]\nflow = \"git-flow\"\n";

/// A repository with a remote, `main` and `develop`, and an open incident.
struct Shop {
    world: World,
    shell: Shell,
}

impl Shop {
    fn new() -> Self {
        Self::of_kind(&[])
    }

    fn of_kind(init: &[&str]) -> Self {
        let world = World::new();
        let (root, origin) = (world.path("service"), world.path("origin.git"));
        std::fs::create_dir(&root).unwrap();
        let shell = world.shell(&root);
        let shop = Self { world, shell };
        shop.git(&[&["init", "-q", "--bare"], init, &[origin.to_str().unwrap()]].concat());
        shop.git(&[&["init", "-q"], init].concat());
        shop.write("VERSION", "1.2.3\n");
        shop.write("app", "broken\n");
        shop.git(&["add", "."]);
        shop.git(&["commit", "-q", "-m", "Begin"]);
        shop.git(&["branch", "develop"]);
        shop.git(&["remote", "add", "origin", origin.to_str().unwrap()]);
        shop.git(&["push", "-q", "-u", "origin", "main", "develop"]);
        shop.configure();
        shop.shell.flightdeck(&["declare", "Down", "--severity", "P0"]).succeeded();
        shop
    }

    /// The same in another work tree or clone.
    fn at(self, directory: &Path) -> Self {
        let shell = Shell { directory: directory.to_owned(), ..self.shell };
        let shop = Self { shell, ..self };
        shop.configure();
        shop
    }

    fn configure(&self) {
        self.write("flightdeck.toml", CONFIG);
        let exclude = self.git(&["rev-parse", "--git-path", "info/exclude"]);
        let exclude = self.shell.directory.join(exclude);
        std::fs::create_dir_all(exclude.parent().unwrap()).unwrap();
        std::fs::write(exclude, "/flightdeck.toml\n/.husky\n").unwrap();
        self.shell.run(super::world::PROGRAM, &["trust"]);
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.shell.directory.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn git(&self, arguments: &[&str]) -> String {
        self.shell.run("git", arguments).succeeded().stdout.trim_end().to_owned()
    }

    fn commit(&self, file: &str, text: &str) -> String {
        self.write(file, text);
        self.git(&["add", file]);
        self.git(&["commit", "-q", "-m", file]);
        self.git(&["rev-parse", "HEAD"])
    }

    fn fd(&self, arguments: &[&str]) -> Ended {
        self.shell.flightdeck(arguments)
    }

    fn seen(&self) -> Value {
        self.shell.json(&["hotfix", "status", "--json"])
    }

    /// Starts a hotfix, fixes, and pushes it.
    fn fix(&self) -> String {
        self.fd(&["hotfix", "start", "pool"]).succeeded();
        self.write("VERSION", "1.2.4\n");
        self.write("app", "fixed\n");
        self.git(&["commit", "-q", "-am", "fix the pool"]);
        self.fd(&["hotfix", "push"]).succeeded();
        self.git(&["rev-parse", "HEAD"])
    }

    fn finish(&self) -> Ended {
        self.fd(&["hotfix", "finish", "--confirm", "main"])
    }

    /// A hotfix from start to finish; what it leaves at the remote is looked at.
    fn all_of_it(&self) {
        let fix = self.fix();
        self.finish().succeeded();
        self.is_finished(&fix);
    }

    fn is_finished(&self, fix: &str) {
        let remote = self.git(&["ls-remote", "origin"]);
        let names: Vec<&str> = remote.lines().filter_map(|line| line.split('\t').nth(1)).collect();
        assert!(
            names.contains(&"refs/tags/v1.2.4^{}") && !names.contains(&"refs/heads/hotfix/pool"),
            "{remote}"
        );
        self.git(&["fetch", "-q", "--no-recurse-submodules", "origin"]);
        for branch in ["origin/main", "origin/develop"] {
            self.git(&["merge-base", "--is-ancestor", fix, branch]);
        }
        assert_eq!(self.git(&["show", "origin/main:app"]), "fixed");
        let scratch: Vec<_> = std::fs::read_dir(self.git_path("flightdeck")).into_iter().flatten().collect();
        assert!(scratch.is_empty(), "nothing is left of the merging: {scratch:?}");
    }

    fn git_path(&self, name: &str) -> PathBuf {
        let path = self.git(&["rev-parse", "--git-common-dir"]);
        self.shell.directory.join(path).join(name)
    }
}

fn script(path: &Path, text: &str) {
    std::fs::write(path, format!("#!/bin/sh\n{text}\n")).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn in_a_linked_work_tree_the_main_one_is_left_alone() {
    let shop = Shop::new();
    shop.git(&["switch", "-q", "develop"]);
    shop.write("app", "somebody is at it\n");
    let main = shop.shell.clone();
    let before = main.run("git", &["status", "--porcelain", "--branch"]).succeeded().stdout;
    let linked = shop.world.path("linked");
    shop.git(&["worktree", "add", "-q", linked.to_str().unwrap(), "main"]);
    let shop = shop.at(&linked);
    shop.all_of_it();
    let after = main.run("git", &["status", "--porcelain", "--branch"]).succeeded().stdout;
    assert_eq!(after.lines().skip(1).collect::<Vec<_>>(), before.lines().skip(1).collect::<Vec<_>>());
    assert_eq!(main.run("git", &["symbolic-ref", "HEAD"]).stdout.trim(), "refs/heads/develop");
}

#[test]
fn a_submodule_is_shown_and_left_alone() {
    let shop = Shop::new();
    let library = shop.world.path("library");
    shop.git(&["init", "-q", library.to_str().unwrap()]);
    let inside = shop.world.shell(&library);
    inside.run("git", &["commit", "-q", "--allow-empty", "-m", "Begin"]).succeeded();
    std::fs::write(library.join("code"), "one\n").unwrap();
    inside.run("git", &["add", "."]).succeeded();
    inside.run("git", &["commit", "-q", "-m", "code"]).succeeded();
    let address = library.to_str().unwrap();
    shop.git(&["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", address, "library"]);
    shop.git(&["commit", "-q", "-m", "use the library"]);
    shop.git(&["push", "-q", "origin", "main"]);
    shop.git(&["config", "submodule.recurse", "true"]);
    assert_eq!(shop.seen()["clean"], true);
    shop.write("library/code", "two\n");
    let text = shop.fd(&["hotfix", "status"]).succeeded().stdout;
    assert!(text.contains(" M library"), "{text}");
    // Not to be reached any more: nothing wants it.
    std::fs::rename(&library, shop.world.path("away")).unwrap();
    shop.git(&["-C", "library", "checkout", "-q", "."]);
    shop.all_of_it();
}

#[test]
fn where_history_is_cut_off_nothing_is_begun_that_could_not_be_finished() {
    let shop = Shop::new();
    shop.commit("more", "1\n");
    shop.git(&["push", "-q", "origin", "main"]);
    let (clone, origin) = (shop.world.path("shallow"), shop.world.path("origin.git"));
    let address = format!("file://{}", origin.display());
    shop.git(&["clone", "-q", "--depth", "1", "--no-single-branch", &address, clone.to_str().unwrap()]);
    let shop = shop.at(&clone);
    let fix = shop.fix();
    let before = shop.git(&["for-each-ref"]);
    shop.finish().ended_with(3).said("history is cut off").said("git fetch --unshallow");
    assert_eq!(shop.git(&["for-each-ref"]), before);
    shop.git(&["fetch", "-q", "--unshallow"]);
    shop.finish().succeeded();
    shop.is_finished(&fix);
}

#[test]
fn where_the_branch_cannot_be_read_the_incident_can_be_run() {
    for (kind, why) in [("--object-format=sha256", "SHA-256"), ("--ref-format=reftable", "reftable")] {
        let shop = Shop::of_kind(&[kind]);
        shop.fd(&["note", "what we saw"]).succeeded();
        let status = shop.fd(&["status", "--json"]).succeeded();
        let status: Value = serde_json::from_str(&status.stdout).unwrap();
        assert_eq!(status["timeline"][1]["text"], "what we saw");
        assert!(status["hotfix"].is_null());
        shop.fd(&["hotfix", "status"]).ended_with(1).said(why).said("work here anyway");
        shop.fd(&["hotfix", "start", "pool"]).ended_with(1).said(why);
        assert_eq!(shop.git(&["branch", "--list", "hotfix/*"]), "");
    }
}

#[test]
fn what_belongs_to_somebody_else_is_not_read_and_the_way_out_is_said() {
    let shop = Shop::new();
    let give = |owner: &str| shop.shell.run("chown", &["-R", owner, "."]);
    if give("12345").code() != Some(0) {
        // Only root can give files away.
        return;
    }
    let place = shop.shell.directory.canonicalize().unwrap();
    let way = format!("git config --global --add safe.directory {}", place.display());
    shop.fd(&["hotfix", "status"]).ended_with(1).said("belongs to another user").said(&way);
    shop.fd(&["note", "what we saw"]).succeeded();
    shop.shell
        .run("git", &["config", "--global", "--add", "safe.directory", place.to_str().unwrap()])
        .succeeded();
    assert_eq!(shop.seen()["base"], "main");
}

/// A filter as that of Git LFS: what is big is a pointer in the repository.
const FILTER: &str = r#"echo "$1 ${GIT_LFS_SKIP_SMUDGE:-}" >> "$HOME/filtered"
case $1 in
clean) text=$(cat); case $text in pointer*) echo "$text" ;; *) echo "pointer to $text" ;; esac ;;
smudge) if [ -n "$GIT_LFS_SKIP_SMUDGE" ]; then cat; else sed 's/^pointer to //'; fi ;;
esac"#;

#[test]
fn with_large_files_reading_runs_nothing_and_merging_brings_none() {
    let shop = Shop::new();
    let filter = shop.world.path("filter");
    script(&filter, FILTER);
    for what in ["clean", "smudge"] {
        let line = format!("{} {what}", filter.display());
        shop.git(&["config", &format!("filter.lfs.{what}"), &line]);
    }
    shop.git(&["config", "filter.lfs.required", "true"]);
    shop.write(".gitattributes", "*.bin filter=lfs\n");
    shop.write("big.bin", "big\n");
    shop.git(&["add", "."]);
    shop.git(&["commit", "-q", "-m", "large files"]);
    shop.git(&["push", "-q", "origin", "main"]);
    shop.git(&["push", "-q", "origin", "main:develop"]);
    let filtered = shop.world.path("home/filtered");
    std::fs::write(&filtered, "").unwrap();
    shop.fd(&["hotfix", "status"]).succeeded();
    shop.fd(&["status"]).succeeded();
    assert_eq!(std::fs::read_to_string(&filtered).unwrap(), "", "reading runs nothing");
    shop.all_of_it();
    let ran = std::fs::read_to_string(&filtered).unwrap();
    assert!(ran.lines().filter(|line| line.starts_with("smudge")).all(|line| line == "smudge 1"), "{ran}");
    assert_eq!(shop.git(&["show", "origin/main:big.bin"]), "pointer to big");
    assert_eq!(std::fs::read_to_string(shop.shell.directory.join("big.bin")).unwrap(), "big\n");
}

#[test]
fn what_a_sparse_checkout_leaves_out_is_not_missing() {
    for sparse in [
        &["--no-cone", "/app", "/VERSION", "/here"][..],
        &["--cone", "here"],
        &["--cone", "--sparse-index", "here"],
    ] {
        let shop = Shop::new();
        shop.commit("here/x", "1\n");
        shop.commit("there/x", "1\n");
        shop.git(&["push", "-q", "origin", "main"]);
        shop.git(&[&["sparse-checkout", "set"], sparse].concat());
        assert!(!shop.shell.directory.join("there/x").exists());
        assert_eq!(shop.seen()["clean"], true, "{sparse:?}");
        shop.write("here/x", "2\n");
        let text = shop.fd(&["hotfix", "status"]).succeeded().stdout;
        assert!(text.contains(" M here/x") && !text.contains("there"), "{text}");
        shop.git(&["checkout", "-q", "here/x"]);
        shop.all_of_it();
        assert_eq!(shop.git(&["show", "origin/main:there/x"]), "1", "and is still in what was merged");
    }
}

#[test]
fn of_a_partial_clone_nothing_is_fetched_by_looking() {
    let shop = Shop::new();
    let (clone, origin) = (shop.world.path("partial"), shop.world.path("origin.git"));
    for key in ["uploadpack.allowFilter", "uploadpack.allowAnySHA1InWant"] {
        shop.git(&["-C", origin.to_str().unwrap(), "config", key, "true"]);
    }
    let address = format!("file://{}", origin.display());
    shop.git(&["clone", "-q", "--filter=blob:none", "--sparse", &address, clone.to_str().unwrap()]);
    let shop = shop.at(&clone);
    let objects = || shop.git(&["count-objects", "-v"]);
    let before = objects();
    assert_eq!(shop.seen()["clean"], true);
    shop.fd(&["status"]).succeeded();
    assert_eq!(objects(), before);
    shop.all_of_it();
}

#[test]
fn on_no_branch_or_in_the_middle_of_something_it_says_so() {
    let shop = Shop::new();
    shop.git(&["checkout", "-q", "--detach"]);
    assert!(shop.seen()["branch"].is_null() || shop.seen()["branch"] == "");
    shop.all_of_it();

    let shop = Shop::new();
    shop.git(&["switch", "-q", "-c", "other"]);
    shop.commit("app", "one\n");
    shop.git(&["switch", "-q", "main"]);
    shop.commit("app", "two\n");
    shop.shell.run("git", &["merge", "-q", "other"]).ended_with(1);
    let refs = shop.git(&["for-each-ref"]);
    shop.fd(&["hotfix", "start", "pool"])
        .ended_with(3)
        .said("a merge is under way")
        .said("git merge --abort");
    shop.git(&["merge", "--abort"]);
    shop.shell.run("git", &["rebase", "-q", "other"]).ended_with(1);
    shop.fd(&["hotfix", "start", "pool"]).ended_with(3).said("a rebase is under way");
    shop.git(&["rebase", "--abort"]);
    shop.git(&["bisect", "start"]);
    shop.fd(&["hotfix", "start", "pool"]).ended_with(3).said("a bisect is under way");
    assert_eq!(shop.git(&["for-each-ref"]), refs);
}

#[test]
fn borrowed_objects_replaced_commits_and_names_that_are_no_text_are_no_hindrance() {
    let shop = Shop::new();
    let origin = shop.world.path("origin.git");
    let odd = std::ffi::OsStr::from_bytes(b"odd-\xff");
    std::fs::write(shop.shell.directory.join(odd), "x").unwrap();
    shop.git(&["add", "."]);
    shop.git(&["commit", "-q", "-m", "odd names"]);
    shop.git(&["push", "-q", "origin", "main"]);
    let line = "git update-ref \"$(printf 'refs/heads/odd-\\377')\" HEAD; git tag \"$(printf 'odd-\\377')\"";
    shop.shell.run("sh", &["-c", line]).succeeded();
    let clone = shop.world.path("borrowing");
    shop.git(&["clone", "-q", "--shared", origin.to_str().unwrap(), clone.to_str().unwrap()]);
    shop.git(&["replace", "HEAD", "HEAD^"]);
    assert_eq!(shop.seen()["base"], "main");
    shop.git(&["replace", "-d", "HEAD"]);
    shop.all_of_it();
    let shop = shop.at(&clone);
    assert_eq!(shop.seen()["clean"], true);
}

#[test]
fn a_hook_that_refuses_fails_its_step_with_its_words() {
    let shop = Shop::new();
    let hooks = shop.world.path("hooks");
    std::fs::create_dir(&hooks).unwrap();
    shop.git(&["config", "core.hooksPath", hooks.to_str().unwrap()]);
    let fix = shop.fix();
    let before = shop.git(&["ls-remote", "origin"]);
    for (hook, why) in
        [("pre-merge-commit", "not on a Friday"), ("commit-msg", "no ticket"), ("pre-push", "ask omar first")]
    {
        // Whatever it wants to read: there is a terminal, and nobody hangs.
        script(&hooks.join(hook), &format!("echo '{why}' >&2; exit 1"));
        let ended = shop.finish().ended_with(1);
        assert!(ended.stderr.contains(why), "{hook}: {}", ended.stderr);
        assert_eq!(shop.git(&["ls-remote", "origin"]), before, "{hook}");
        std::fs::remove_file(hooks.join(hook)).unwrap();
    }
    shop.finish().succeeded();
    shop.is_finished(&fix);
}

#[test]
fn what_is_signed_is_signed_as_the_user_has_it_set_up() {
    let shop = Shop::new();
    let gpg = shop.world.path("gpg");
    let sign = r"cat > /dev/null
printf '\n[GNUPG:] SIG_CREATED D 1 8 00 0 0\n' >&2
printf -- '-----BEGIN PGP SIGNATURE-----\n\nbWFkZSB1cA==\n-----END PGP SIGNATURE-----\n'";
    script(&gpg, sign);
    shop.git(&["config", "gpg.program", gpg.to_str().unwrap()]);
    for key in ["commit.gpgSign", "tag.gpgSign"] {
        shop.git(&["config", key, "true"]);
    }
    shop.all_of_it();
    for object in ["origin/main", "origin/develop", "v1.2.4"] {
        let text = shop.git(&["cat-file", "-p", object]);
        assert!(text.contains("BEGIN PGP SIGNATURE"), "{object}: {text}");
    }
    script(&gpg, "echo 'no secret key' >&2; exit 2");
    shop.git(&["switch", "-q", "main"]);
    shop.git(&["pull", "-q", "--ff-only"]);
    shop.fd(&["hotfix", "start", "again"]).succeeded();
    shop.write("VERSION", "1.2.5\n");
    shop.git(&["-c", "commit.gpgSign=false", "commit", "-q", "-am", "again"]);
    let before = shop.git(&["ls-remote", "origin"]);
    let ended = shop.finish().ended_with(1);
    assert!(
        ended.stderr.contains("no secret key") || ended.stderr.contains("failed to sign"),
        "{}",
        ended.stderr
    );
    assert_eq!(shop.git(&["ls-remote", "origin"]), before);
}

#[test]
fn what_a_repository_names_runs_neither_by_looking_nor_by_a_forecast() {
    let shop = Shop::new();
    shop.fix();
    let ran = shop.world.path("ran");
    let tool = shop.world.path("tool");
    script(&tool, &format!("echo \"$0 $*\" >> '{}'; exit 1", ran.display()));
    let tool = tool.to_str().unwrap();
    for key in [
        "core.fsmonitor",
        "core.sshCommand",
        "core.pager",
        "core.editor",
        "core.askPass",
        "diff.external",
        "diff.odd.textconv",
        "diff.odd.command",
        "merge.odd.driver",
        "filter.odd.clean",
        "filter.odd.smudge",
        "filter.odd.process",
        "credential.helper",
        "gpg.program",
        "interactive.diffFilter",
        "remote.origin.uploadpack",
        "remote.origin.receivepack",
        "uploadpack.packObjectsHook",
    ] {
        shop.git(&["config", key, tool]);
    }
    let hooks = shop.git_path("hooks");
    std::fs::create_dir_all(&hooks).unwrap();
    for hook in
        ["post-checkout", "post-index-change", "reference-transaction", "pre-auto-gc", "fsmonitor-watchman"]
    {
        std::fs::copy(tool, hooks.join(hook)).unwrap();
    }
    std::fs::write(shop.git_path("info/attributes"), "* filter=odd diff=odd merge=odd\n").unwrap();
    shop.write("app", "changed, so that it has to be compared\n");
    for verb in [&["hotfix", "status"][..], &["status"], &["status", "--json"], &["suspects"], &["doctor"]] {
        shop.fd(verb);
    }
    let terminal = super::terminal::Terminal::open(&shop.shell, 40, 140, &[]);
    terminal.wait_text("hotfix/pool");
    terminal.wait_text("into");
    terminal.press("3z");
    terminal.wait_text("develop");
    assert!(!ran.exists(), "{}", std::fs::read_to_string(&ran).unwrap_or_default());
}

#[test]
fn names_that_would_be_options_or_orders_to_a_shell_stay_names() {
    let shop = Shop::new();
    let touched = shop.world.path("tmp/touched");
    let hostile =
        ["$(touch${IFS}touched)", "a;touch${IFS}touched", "it's-\"quoted\"", "\u{202e}gnp", "x`id`"];
    for name in hostile {
        shop.git(&["branch", &format!("hotfix/{name}")]);
        shop.git(&["tag", name]);
    }
    shop.git(&["update-ref", "refs/heads/--upload-pack=touch", "HEAD"]);
    let text = shop.fd(&["hotfix", "status"]).succeeded().stdout;
    assert!(text.contains("$(touch${IFS}touched)") && !text.contains('\u{202e}'), "{text}");
    for name in ["--upload-pack=touch", "-f", "$(id)", "a\nb", "a b", "\u{202e}x", "it's"] {
        shop.fd(&["hotfix", "start", "--", name]).ended_with(2);
    }
    // One of them is the branch that is finished.
    let name = "hotfix/$(touch${IFS}touched)";
    shop.git(&["switch", "-q", name]);
    shop.write("VERSION", "1.2.4\n");
    shop.git(&["-c", "user.name=$(id) <x> \u{202e}", "commit", "-q", "-am", "it's \"$(id)\" `id`"]);
    let ended = shop.finish();
    assert!(!ended.stdout.contains('\u{202e}') && !ended.stderr.contains('\u{202e}'), "{ended:?}");
    assert!(!touched.exists() && !shop.shell.directory.join("touched").exists());
    if ended.code() == Some(0) {
        shop.git(&["fetch", "-q", "origin"]);
        assert_eq!(shop.git(&["show", "origin/main:VERSION"]), "1.2.4");
    } else {
        assert!(!ended.stderr.is_empty());
    }
}

#[test]
fn a_remote_that_is_an_order_is_not_carried_out() {
    let shop = Shop::new();
    shop.fix();
    let touched = shop.world.path("touched");
    let order = format!("ext::sh -c touch% {}", touched.display());
    let option = format!("--upload-pack=touch {}", touched.display());
    for address in [order.as_str(), option.as_str(), "-oProxyCommand=touch touched"] {
        shop.git(&["config", "remote.origin.url", address]);
        let ended = shop.finish();
        assert_ne!(ended.code(), Some(0), "{address}");
        assert!(!touched.exists() && !shop.shell.directory.join("touched").exists(), "{address}");
        shop.fd(&["hotfix", "status"]).succeeded();
    }
    // insteadOf is the user's own: it leads where it says, also to something that is refused.
    shop.git(&["config", "remote.origin.url", "https://git.invalid/x"]);
    shop.git(&["config", &format!("url.{order}.insteadOf"), "https://git.invalid/x"]);
    assert_ne!(shop.finish().code(), Some(0));
    assert!(!touched.exists());
}
