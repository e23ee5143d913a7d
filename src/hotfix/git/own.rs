//! What the repository's own configuration would have git run or reach: what stands in its `.git`
//! came with it, where it was unpacked or copied, and is nothing that the user has set up. Read, not
//! run.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use git2::{ConfigLevel, Repository};

use super::Reader;

/// Hooks longer than this are known by their length and beginning.
const MAX_HOOK: u64 = 1 << 20;

/// Something that the repository's own configuration names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The setting, `core.sshCommand`; or the hook, `hooks/pre-push`.
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
    /// The settings and the hooks to the byte: what is trusted.
    pub content: Vec<u8>,
}

impl Own {
    /// Keys of what has a say when a remote is asked.
    pub fn reaching(&self) -> Vec<&str> {
        self.named.iter().filter(|named| named.reaches).map(|named| named.key.as_str()).collect()
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
    let mut entries = config.entries(None).map_err(said)?;
    while let Some(entry) = entries.next() {
        let entry = entry.map_err(said)?;
        if !matches!(entry.level(), ConfigLevel::Local | ConfigLevel::Worktree | ConfigLevel::App) {
            continue;
        }
        let key = String::from_utf8_lossy(entry.name_bytes()).into_owned();
        let value = if entry.has_value() {
            String::from_utf8_lossy(entry.value_bytes()).into_owned()
        } else {
            String::new()
        };
        let Some(reaches) = says(&key, &value) else { continue };
        for part in [key.as_bytes(), b"=", value.as_bytes(), b"\0"] {
            own.content.extend_from_slice(part);
        }
        let value = if is_secret(&key) { "…".to_owned() } else { value };
        own.named.push(Named { key, value, reaches });
    }
    for (name, content) in hooks(&common.join("hooks")) {
        for part in [name.as_bytes(), b"\0", &content, b"\0"] {
            own.content.extend_from_slice(part);
        }
        own.named.push(Named { key: format!("hooks/{name}"), value: String::new(), reaches: false });
    }
    Ok(own)
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
        // The helper of a transport: `ext::…` runs what follows.
        ("remote", "url" | "pushurl") => return value.contains("::").then_some(true),
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

/// Tells whether the value of a setting may hold a password or a token.
fn is_secret(key: &str) -> bool {
    ["http", "url", "credential", "remote"]
        .iter()
        .any(|section| key.strip_prefix(section).is_some_and(|rest| rest.starts_with('.')))
        && !key.ends_with(".uploadpack")
        && !key.ends_with(".receivepack")
        && !key.ends_with(".helper")
}

/// The hooks in a directory that git would run, in order of name, with what they hold.
fn hooks(place: &Path) -> Vec<(String, Vec<u8>)> {
    let Ok(entries) = fs::read_dir(place) else { return Vec::new() };
    let mut found = Vec::new();
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Ok(meta) = fs::metadata(entry.path()) else { continue };
        if name.ends_with(".sample") || !meta.is_file() || meta.permissions().mode() & 0o111 == 0 {
            continue;
        }
        let content = if meta.len() > MAX_HOOK {
            meta.len().to_string().into_bytes()
        } else {
            fs::read(entry.path()).unwrap_or_default()
        };
        found.push((name, content));
    }
    found.sort();
    found
}

#[cfg(test)]
mod tests {
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
        repo.git(&["config", "remote.origin.url", "ext::sh -c x"]);
        assert_eq!(own(&repo).reaching(), ["remote.origin.url"]);
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
}
