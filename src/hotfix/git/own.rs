//! What the repository's own configuration would have git run or reach: what stands in its `.git`
//! came with it, where it was unpacked or copied, and is nothing that the user has set up. Read, not
//! run.

mod behind;
mod file;

use std::path::{Path, PathBuf};

use git2::{ConfigLevel, Repository};

use super::Reader;
use crate::incident::Hash;

/// Something that the repository's own configuration names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The setting, `core.sshcommand`; or the hook, `hooks/pre-push` or `.husky/pre-push`.
    pub key: String,
    /// Its value, where that can be shown.
    pub value: String,
    /// Whether it has a say when a remote is asked.
    pub reaches: bool,
}

/// All that the repository's own configuration names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Own {
    /// What it names, in the order of the file; hooks last.
    pub named: Vec<Named>,
    /// The file, as trust knows it.
    pub path: PathBuf,
    /// The settings, what they include, and the hooks, to the byte: what is trusted.
    pub content: Vec<u8>,
}

impl Own {
    /// Keys of what has a say when a remote is asked.
    pub fn reaching(&self) -> Vec<&str> {
        self.named.iter().filter(|named| named.reaches).map(|named| named.key.as_str()).collect()
    }

    /// Takes in a setting that runs or reaches something.
    fn name(&mut self, key: String, value: &str) {
        let Some(reaches) = says(&key, value) else { return };
        for part in [key.as_bytes(), b"=", value.as_bytes(), b"\0"] {
            self.content.extend_from_slice(part);
        }
        let value = shown(&key, value).to_owned();
        self.named.push(Named { key, value, reaches });
    }

    /// Takes in a hook.
    fn hook(&mut self, path: &Path, ours: &Path, hash: Hash) {
        self.hash("hook", path, hash);
        let key = path.strip_prefix(ours).unwrap_or(path).to_string_lossy().into_owned();
        if self.named.iter().all(|named| named.key != key) {
            self.named.push(Named { key, value: String::new(), reaches: false });
        }
    }

    /// Takes in what a file holds.
    fn hash(&mut self, what: &str, path: &Path, hash: Hash) {
        let path = path.as_os_str().as_encoded_bytes();
        for part in [what.as_bytes(), b"\0", path, b"\0", hash.to_string().as_bytes(), b"\0"] {
            self.content.extend_from_slice(part);
        }
    }
}

impl Reader {
    /// What the repository's own configuration would have git run or reach.
    ///
    /// # Errors
    /// One line that says why it cannot be read.
    pub fn own(&self) -> Result<Own, String> {
        of(&self.repo)
    }
}

fn of(repo: &Repository) -> Result<Own, String> {
    let common = repo.commondir();
    let common = common.canonicalize().unwrap_or_else(|_| common.to_path_buf());
    let mut own = Own { path: common.join("config"), ..Own::default() };
    let said = |error: git2::Error| error.message().to_owned();
    let config = repo.config().and_then(|mut config| config.snapshot()).map_err(said)?;
    let mut places = Vec::new();
    let mut entries = config.entries(None).map_err(said)?;
    while let Some(entry) = entries.next() {
        let entry = entry.map_err(said)?;
        if !is_own(entry.level()) {
            continue;
        }
        if entry.name_bytes() == HOOKS_PATH.as_bytes() && entry.has_value() {
            places.push(entry.value_bytes().to_vec());
        }
        let key = String::from_utf8_lossy(entry.name_bytes()).into_owned();
        let value = if entry.has_value() {
            String::from_utf8_lossy(entry.value_bytes()).into_owned()
        } else {
            String::new()
        };
        own.name(key, &value);
    }
    for part in behind::included(&[common.join("config"), repo.path().join("config.worktree")])? {
        own.hash("included", &part.path, part.hash);
        for (key, value) in part.settings {
            if key == HOOKS_PATH {
                places.push(value.clone());
            }
            let value = String::from_utf8_lossy(&value).into_owned();
            // Where the condition holds it is there already.
            if !own.named.iter().any(|named| named.key == key && named.value == shown(&key, &value)) {
                own.name(key, &value);
            }
        }
    }
    let root = repo.workdir().unwrap_or_else(|| repo.path());
    let root = root.canonicalize().unwrap_or_else(|_| root.to_path_buf());
    // Git runs those of one place. One that the user has set up is the user's, unless it is in here.
    let mut is_usual = true;
    if let Ok(entry) = config.get_entry(HOOKS_PATH)
        && entry.has_value()
    {
        is_usual = !is_own(entry.level());
        if let Some(place) = behind::resolved(&root, entry.value_bytes())?
            && is_usual
            && [&root, &common].iter().any(|ours| place.starts_with(ours))
        {
            places.push(entry.value_bytes().to_vec());
        }
    }
    if is_usual {
        for (path, hash) in behind::hooks(&common.join("hooks"), false)? {
            own.hook(&path, &common, hash);
        }
    }
    places.sort();
    places.dedup();
    for value in &places {
        let Some(place) = behind::resolved(&root, value)? else { continue };
        for (path, hash) in behind::hooks(&place, true)? {
            own.hook(&path, &root, hash);
        }
    }
    Ok(own)
}

/// Where the hooks are.
const HOOKS_PATH: &str = "core.hookspath";

fn is_own(level: ConfigLevel) -> bool {
    matches!(level, ConfigLevel::Local | ConfigLevel::Worktree | ConfigLevel::App)
}

/// A value as it can be shown.
fn shown<'a>(key: &str, value: &'a str) -> &'a str {
    if is_secret(key) { "…" } else { value }
}

/// Whether a setting runs something or changes whom git talks to, and if so, whether it does when a
/// remote is asked. Git takes names of sections and keys in any case of letters; libgit2 has them in
/// small ones.
fn says(key: &str, value: &str) -> Option<bool> {
    let (section, rest) = key.split_once('.')?;
    let (middle, last) = rest.rsplit_once('.').map_or(("", rest), |(middle, last)| (middle, last));
    let reaches = match (section, last) {
        // Whatever else is in there: libgit2 does not know all conditions that git knows.
        (
            "include" | "includeif" | "credential" | "http" | "url" | "protocol" | "ssh" | "hook" | "bundle"
            | "uploadpack" | "receive",
            _,
        )
        | ("core", "sshcommand" | "gitproxy" | "askpass" | "alternaterefscommand")
        | ("remote", "uploadpack" | "receivepack" | "vcs" | "proxy" | "proxyauthmethod")
        | ("fetch", "bundleuri") => true,
        ("remote", "url" | "pushurl" | "pushdefault") | ("branch", "remote" | "pushremote") => {
            return needs_helper(value).then_some(true);
        }
        ("core", "fsmonitor" | "hookspath" | "editor" | "pager" | "attributesfile" | "worktree")
        | ("sequence", "editor")
        | ("gpg" | "pager" | "trailer" | "tar", _)
        | ("filter", "clean" | "smudge" | "process")
        | ("merge", "driver")
        | ("diff", "external" | "command" | "textconv")
        | ("commit" | "tag" | "push", "gpgsign")
        | ("user", "signingkey")
        | ("interactive", "difffilter")
        | ("lfs", "path" | "args" | "clean" | "smudge")
        | ("gc", "recentobjectshook")
        | ("init", "templatedir") => false,
        _ if value.starts_with('!') => false,
        _ => return None,
    };
    // Switched off, or what git does by itself.
    let is_harmless = match (section, last) {
        ("core", "fsmonitor") => ["", "false", "true"].contains(&value),
        ("commit" | "tag" | "push", "gpgsign") => value.eq_ignore_ascii_case("false"),
        // A submodule has its work tree elsewhere.
        ("core", "worktree") => middle.is_empty(),
        _ => false,
    };
    (!is_harmless).then_some(reaches)
}

/// Tells whether git asks an address by a program that it finds by the name of the transport: `ext::…` runs
/// what follows, `evil://…` runs `git-remote-evil`. Those that come with git are no trap.
fn needs_helper(address: &str) -> bool {
    const OWN: [&str; 9] = ["http", "https", "ftp", "ftps", "git", "ssh", "git+ssh", "ssh+git", "file"];
    let scheme = address.split_once("://").map(|(scheme, _)| scheme);
    address.contains("::") || scheme.is_some_and(|scheme| !scheme.contains('/') && !OWN.contains(&scheme))
}

/// Tells whether the value of a setting may hold a password or a token.
fn is_secret(key: &str) -> bool {
    ["http", "url", "credential", "remote"]
        .iter()
        .any(|section| key.strip_prefix(section).is_some_and(|rest| rest.starts_with('.')))
        && !key.ends_with(".uploadpack")
        && !key.ends_with(".receivepack")
        && !key.ends_with(".helper")
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::hotfix::testing::TestRepo;

    fn own(repo: &TestRepo) -> Own {
        Reader::open(repo.root()).unwrap().own().unwrap()
    }

    #[test]
    fn every_setting_that_runs_or_redirects_is_named_and_what_git_needs_is_not() {
        for (key, reaches) in [
            ("core.sshCommand", true),
            ("core.gitProxy", true),
            ("core.askPass", true),
            ("core.alternateRefsCommand", true),
            ("credential.helper", true),
            ("credential.https://git.test.helper", true),
            ("url.https://evil.test/.insteadOf", true),
            ("url.https://evil.test/.pushInsteadOf", true),
            ("http.proxy", true),
            ("http.cookieFile", true),
            ("http.https://git.test/.sslVerify", true),
            ("protocol.ext.allow", true),
            ("ssh.variant", true),
            ("remote.origin.uploadpack", true),
            ("remote.origin.receivepack", true),
            ("remote.origin.vcs", true),
            ("remote.origin.proxy", true),
            ("uploadpack.packObjectsHook", true),
            ("include.path", true),
            ("includeIf.hasconfig:remote.*.url:**.path", true),
            ("hook.x.command", true),
            ("core.fsmonitor", false),
            ("core.hooksPath", false),
            ("core.editor", false),
            ("core.pager", false),
            ("sequence.editor", false),
            ("filter.x.clean", false),
            ("filter.x.smudge", false),
            ("filter.x.process", false),
            ("merge.x.driver", false),
            ("diff.external", false),
            ("diff.x.command", false),
            ("diff.x.textconv", false),
            ("gpg.program", false),
            ("gpg.ssh.program", false),
            ("gpg.ssh.defaultKeyCommand", false),
            ("tag.gpgSign", false),
            ("gc.recentObjectsHook", false),
            ("submodule.x.update", false),
        ] {
            let repo = TestRepo::new();
            assert!(own(&repo).named.is_empty(), "a new one names nothing");
            repo.git(&["config", key, "!x"]);
            let found = own(&repo).named;
            assert_eq!(found.len(), 1, "{key}");
            assert_eq!(found[0].reaches, reaches, "{key}");
        }
        let repo = TestRepo::new();
        repo.with_origin();
        for (key, value) in [
            ("user.name", "Maya"),
            ("push.followTags", "true"),
            ("gitflow.prefix.versiontag", "v"),
            ("branch.main.rebase", "true"),
            ("core.fsmonitor", "true"),
            ("core.autocrlf", "input"),
            ("tag.gpgSign", "false"),
            ("remote.origin.prune", "true"),
        ] {
            repo.git(&["config", key, value]);
        }
        assert_eq!(own(&repo).named, []);
        for address in ["ext::sh -c x", "evil://x/y", "HTTPS://git.test/x"] {
            repo.git(&["config", "remote.origin.url", address]);
            assert_eq!(own(&repo).reaching(), ["remote.origin.url"], "{address}");
        }
        repo.git(&["config", "remote.origin.url", "git+ssh://git.test/x"]);
        assert_eq!(own(&repo).named, []);
        repo.git(&["config", "branch.main.pushRemote", "evil://x/y"]);
        assert_eq!(own(&repo).reaching(), ["branch.main.pushremote"]);
    }

    #[test]
    fn the_settings_of_a_work_tree_and_hooks_count_and_change_what_is_trusted() {
        let repo = TestRepo::new();
        repo.git(&["config", "extensions.worktreeConfig", "true"]);
        repo.git(&["config", "--worktree", "core.sshCommand", "evil"]);
        let first = own(&repo);
        assert_eq!(first.reaching(), ["core.sshcommand"]);
        let hook = repo.root().join(".git/hooks/post-checkout");
        fs::create_dir_all(hook.parent().unwrap()).unwrap();
        fs::write(&hook, "#!/bin/sh\n").unwrap();
        assert_eq!(own(&repo), first, "it cannot be run");
        fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
        let second = own(&repo);
        assert_eq!(second.named.last().unwrap().key, "hooks/post-checkout");
        assert_ne!(second.content, first.content);
        fs::write(&hook, "#!/bin/sh\nevil\n").unwrap();
        assert_ne!(own(&repo).content, second.content);
    }

    /// What is trusted changes with each of these files.
    #[track_caller]
    fn counts(repo: &TestRepo, paths: &[&str]) {
        for path in paths {
            let before = own(repo);
            let path = repo.root().join(path);
            let text = fs::read_to_string(&path).unwrap_or_default();
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, format!("{text}# more\n")).unwrap();
            assert_ne!(own(repo).content, before.content, "{}", path.display());
        }
    }

    fn keys(repo: &TestRepo) -> Vec<String> {
        own(repo).named.into_iter().map(|named| named.key).collect()
    }

    #[test]
    fn the_hooks_are_those_of_the_place_that_git_takes_them_from() {
        let repo = TestRepo::new();
        let write = |path: &str| {
            let path = repo.root().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "#!/bin/sh\n").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        };
        for path in
            [".git/hooks/pre-push", ".husky/pre-push", ".husky/_/pre-push", ".husky/_/h", ".other/update"]
        {
            write(path);
        }
        let elsewhere = repo.root().join(".other");
        for (place, wanted) in [
            (".husky", [".husky/pre-push"].as_slice()),
            (".husky/_", &[".husky/_/pre-push", ".husky/_/h", ".husky/pre-push"]),
            (elsewhere.to_str().unwrap(), &[".other/update"]),
            (".git/hooks", &[".git/hooks/pre-push"]),
        ] {
            repo.git(&["config", "core.hooksPath", place]);
            let mut found = keys(&repo);
            assert_eq!(found.remove(0), HOOKS_PATH);
            assert_eq!(found, wanted, "{place}");
            counts(&repo, wanted);
        }
        // The same said by a file that only git reads.
        repo.git(&["config", "--unset", "core.hooksPath"]);
        repo.git(&["config", "includeIf.hasconfig:remote.*.url:**.path", "../more.inc"]);
        fs::write(repo.root().join("more.inc"), "[core]\nhooksPath = .husky\n").unwrap();
        assert_eq!(keys(&repo)[1..], [HOOKS_PATH, "hooks/pre-push", ".husky/pre-push"]);
        counts(&repo, &[".husky/pre-push", ".git/hooks/pre-push", "more.inc"]);
    }

    #[test]
    fn what_is_included_counts_whether_or_not_its_condition_holds() {
        let repo = TestRepo::new();
        fs::create_dir(repo.root().join("sub")).unwrap();
        repo.git(&["config", "includeIf.hasconfig:remote.*.url:ssh://**.path", "../sub/a.inc"]);
        repo.git(&["config", "includeIf.onbranch:other.path", "../b.inc"]);
        assert_eq!(keys(&repo).len(), 2);
        let write = |path: &str, text: &str| fs::write(repo.root().join(path), text).unwrap();
        write("sub/a.inc", "[include] path = c.inc\n[user] name = Maya\n");
        write("sub/c.inc", "[includeIf \"gitdir:/nowhere/\"]\npath = \"../d.inc\" ; x\n");
        write("d.inc", "[core]\n\tsshCommand = evil\n[include]\npath = d.inc\n");
        assert!(own(&repo).reaching().contains(&"core.sshcommand"), "{:?}", keys(&repo));
        counts(&repo, &["sub/a.inc", "sub/c.inc", "d.inc", "b.inc"]);
        // What nobody can follow is not trusted.
        for bad in ["~nobody/x", "%(prefix)/x", "/dev/zero"] {
            write("b.inc", &format!("[include]\npath = {bad}\n"));
            let refused = Reader::open(repo.root()).unwrap().own().unwrap_err();
            assert!(refused.contains(bad), "{refused}");
        }
    }
}
