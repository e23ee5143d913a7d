//! What a command gets of the environment of this process, and what git gets besides: all that
//! decides how it reaches a remote, signs and asks, as the user has set it up. Where nobody is
//! there to answer, nothing asks.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use super::beside;
use crate::hotfix::git;
use crate::plan::Command;

/// What every command gets, where it is set at all, besides `LC_*`.
const BASIC: [&str; 8] = ["PATH", "HOME", "USER", "LOGNAME", "LANG", "TZ", "TMPDIR", "SSH_AUTH_SOCK"];

/// What git gets besides. Missing on purpose: what would point it at another repository, index or
/// date (`GIT_DIR`, `GIT_WORK_TREE`, `GIT_INDEX_FILE`, `GIT_*_DATE` …: left behind by a hook that
/// flightdeck was started from), and what would ask in a window (`GIT_ASKPASS`, `SSH_ASKPASS`,
/// `DISPLAY`): the window may be on a screen that nobody looks at, and the terminal is there.
const GIT: [&str; 47] = [
    // Configuration, programs, identity.
    "XDG_CONFIG_HOME",
    "XDG_CACHE_HOME",
    "XDG_DATA_HOME",
    "GIT_EXEC_PATH",
    "GIT_AUTHOR_NAME",
    "GIT_AUTHOR_EMAIL",
    "GIT_COMMITTER_NAME",
    "GIT_COMMITTER_EMAIL",
    "EMAIL",
    // Keys, agents, signing.
    "SSH_AGENT_PID",
    "SSH_SK_PROVIDER",
    "SSH_SK_HELPER",
    "SSH_PKCS11_HELPER",
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "GIT_SSH_VARIANT",
    "GNUPGHOME",
    "GPG_AGENT_INFO",
    "PINENTRY_USER_DATA",
    "XDG_RUNTIME_DIR",
    "DBUS_SESSION_BUS_ADDRESS",
    "KRB5CCNAME",
    "KRB5_CONFIG",
    // Credential helpers of forges.
    "GH_CONFIG_DIR",
    "GH_HOST",
    "GH_TOKEN",
    "GH_ENTERPRISE_TOKEN",
    "GITHUB_TOKEN",
    "GITHUB_ENTERPRISE_TOKEN",
    "GITLAB_TOKEN",
    "GLAB_CONFIG_DIR",
    // The way to the remote.
    "http_proxy",
    "HTTP_PROXY",
    "https_proxy",
    "HTTPS_PROXY",
    "all_proxy",
    "ALL_PROXY",
    "no_proxy",
    "NO_PROXY",
    "GIT_PROXY_COMMAND",
    "GIT_ALLOW_PROTOCOL",
    "GIT_PROTOCOL_FROM_USER",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "NIX_SSL_CERT_FILE",
    "CURL_CA_BUNDLE",
    "CURL_SSL_BACKEND",
];

/// Beginnings of names of which git gets all.
const GIT_ALL_OF: [&str; 6] = ["GIT_CONFIG_", "GIT_HTTP_", "GIT_SSL_", "GIT_PROXY_SSL_", "GIT_LFS_", "GCM_"];

/// Tells whether a command is git itself. A script that calls it names what it needs.
pub(super) fn is_git(command: &Command) -> bool {
    command.argv.first().is_some_and(|program| program == "git")
}

/// Names of variables that git gets though no command names them.
pub(super) fn of_git<'a>() -> impl Iterator<Item = &'a str> {
    GIT.into_iter()
}

/// The environment of a command: of this process what it was promised, and its secrets.
pub(super) fn environment(
    command: &Command,
    secrets: impl IntoIterator<Item = (OsString, OsString)>,
    here: impl IntoIterator<Item = (OsString, OsString)>,
) -> Vec<(OsString, OsString)> {
    let git = is_git(command);
    let given = |name: &OsString| {
        name.to_str().is_some_and(|name| {
            BASIC.contains(&name)
                || name.starts_with("LC_")
                || (git && (GIT.contains(&name) || GIT_ALL_OF.iter().any(|begin| name.starts_with(begin))))
                || command.env.iter().any(|env| env == name)
        })
    };
    let mut environment: Vec<_> = here.into_iter().filter(|(name, _)| given(name)).collect();
    environment.retain(|(name, _)| name != "TERM");
    environment.push(("TERM".into(), "xterm-256color".into()));
    if git && is_beside(command) {
        // A merge is made of pointers: nothing has to be brought for it.
        environment.push(("GIT_LFS_SKIP_SMUDGE".into(), "1".into()));
    }
    environment.extend(secrets);
    environment.extend(command.set.iter().map(|(name, value)| (name.into(), value.into())));
    environment
}

/// Tells whether git works in, or makes, a work tree of ours that nobody works in: one in the folder
/// `flightdeck` of a git directory.
fn is_beside(command: &Command) -> bool {
    let ours = |word: &String| beside::is_ours(Path::new(word));
    ours(&command.cwd) || command.argv.iter().any(ours)
}

/// What a command gets besides on a terminal of its own, whose name this is: git's helpers ask
/// there, and nothing waits for somebody to leave a pager.
pub(super) fn on_terminal(command: &Command, terminal: Option<&OsStr>) -> Vec<(OsString, OsString)> {
    if !is_git(command) {
        return Vec::new();
    }
    let mut more = vec![("GIT_PAGER".into(), "cat".into())];
    more.extend(terminal.map(|name| ("GPG_TTY".into(), name.to_owned())));
    more
}

/// What a command gets besides where nobody is there to answer: git, and the ssh and the helpers
/// that it starts, fail rather than ask on a terminal that is somebody's cockpit.
pub(super) fn unattended(
    command: &Command,
    environment: &[(OsString, OsString)],
) -> Vec<(OsString, OsString)> {
    let mut more: Vec<(OsString, OsString)> = [
        ("GIT_TERMINAL_PROMPT", "0"),
        // Empty: none, whatever the configuration names.
        ("GIT_ASKPASS", ""),
        // For ssh, which would go to the terminal: it is answered by nobody.
        ("SSH_ASKPASS_REQUIRE", "force"),
        ("SSH_ASKPASS", "false"),
        ("GCM_INTERACTIVE", "never"),
    ]
    .map(|(name, value)| (name.into(), value.into()))
    .into();
    if is_git(command) {
        // Looking must not keep anybody from working.
        more.push(("GIT_OPTIONAL_LOCKS".into(), "0".into()));
        let ssh = ssh_that_asks_nothing(environment, git::ssh(Path::new(&command.cwd)));
        more.extend(ssh.map(|line| ("GIT_SSH_COMMAND".into(), line.into())));
    }
    more
}

/// The user's ssh with the options that it asks nothing, and leaves no connection behind that would
/// keep our end of its output open; `None` where it is none that is known to have them.
fn ssh_that_asks_nothing(
    environment: &[(OsString, OsString)],
    (configured, variant): (Option<String>, Option<String>),
) -> Option<String> {
    let given = |name: &str| {
        let (_, value) = environment.iter().rfind(|(known, _)| known == name)?;
        value.to_str().filter(|value| !value.is_empty()).map(str::to_owned)
    };
    // A program by its path, which takes no words of ours.
    let program = || given("GIT_SSH").map(|program| shell_words::quote(&program).into_owned());
    let line = given("GIT_SSH_COMMAND").or(configured).or_else(program).unwrap_or_else(|| "ssh".to_owned());
    let known = given("GIT_SSH_VARIANT").or(variant).filter(|variant| variant != "auto");
    match known.or_else(|| variant_of(&line))?.as_str() {
        "ssh" => Some(format!("{line} -o BatchMode=yes -o ControlMaster=no")),
        "plink" | "putty" | "tortoiseplink" => Some(format!("{line} -batch")),
        _ => None,
    }
}

/// What git would take an ssh command for, by its name.
fn variant_of(line: &str) -> Option<String> {
    let program = shell_words::split(line).ok()?.into_iter().next()?;
    let name = Path::new(&program).file_name()?.to_str()?.to_ascii_lowercase();
    Some(name.strip_suffix(".exe").unwrap_or(&name).to_owned())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn command(argv: &[&str]) -> Command {
        Command {
            argv: argv.iter().map(|&word| word.to_owned()).collect(),
            cwd: "/".to_owned(),
            env: vec!["DEPLOY_TOKEN".to_owned()],
            set: BTreeMap::from([("FLIGHTDECK_ENV".to_owned(), "staging".to_owned())]),
        }
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
        pairs.iter().map(|(name, value)| (name.into(), value.into())).collect()
    }

    const HERE: [(&str, &str); 17] = [
        ("PATH", "/bin"),
        ("LC_ALL", "C"),
        ("AWS_SECRET_ACCESS_KEY", "s"),
        ("DEPLOY_TOKEN", "t"),
        ("TERM", "dumb"),
        ("FLIGHTDECK_STATE_DIR", "/s"),
        ("GIT_DIR", "/elsewhere/.git"),
        ("GIT_WORK_TREE", "/elsewhere"),
        ("GIT_INDEX_FILE", "/elsewhere/index"),
        ("GIT_COMMITTER_DATE", "0 +0000"),
        ("GIT_ASKPASS", "window"),
        ("SSH_ASKPASS", "window"),
        ("DISPLAY", ":0"),
        ("GIT_CONFIG_KEY_0", "user.name"),
        ("GNUPGHOME", "/keys"),
        ("GPG_TTY", "/dev/pts/0"),
        ("https_proxy", "http://proxy"),
    ];

    fn given(argv: &[&str]) -> Vec<(OsString, OsString)> {
        let mut given = environment(&command(argv), [], pairs(&HERE));
        given.sort();
        given
    }

    #[test]
    fn a_command_gets_what_it_was_promised_and_no_more() {
        let expected = [
            ("DEPLOY_TOKEN", "t"),
            ("FLIGHTDECK_ENV", "staging"),
            ("LC_ALL", "C"),
            ("PATH", "/bin"),
            ("TERM", "xterm-256color"),
        ];
        assert_eq!(given(&["x"]), pairs(&expected));
        assert_eq!(on_terminal(&command(&["x"]), Some(OsStr::new("/dev/pts/7"))), []);
    }

    #[test]
    fn git_gets_how_the_user_has_set_it_up_and_not_another_repository() {
        let expected = [
            ("DEPLOY_TOKEN", "t"),
            ("FLIGHTDECK_ENV", "staging"),
            ("GIT_CONFIG_KEY_0", "user.name"),
            ("GNUPGHOME", "/keys"),
            ("LC_ALL", "C"),
            ("PATH", "/bin"),
            ("TERM", "xterm-256color"),
            ("https_proxy", "http://proxy"),
        ];
        assert_eq!(given(&["git", "push"]), pairs(&expected));
        let more = on_terminal(&command(&["git"]), Some(OsStr::new("/dev/pts/7")));
        assert_eq!(more, pairs(&[("GIT_PAGER", "cat"), ("GPG_TTY", "/dev/pts/7")]));
    }

    #[test]
    fn where_nobody_answers_the_users_own_ssh_asks_nothing() {
        let told = |given: &[(&str, &str)], command: Option<&str>, variant: Option<&str>| {
            let set_up = (command.map(str::to_owned), variant.map(str::to_owned));
            ssh_that_asks_nothing(&pairs(given), set_up)
        };
        let batch = |line: &str| Some(format!("{line} -o BatchMode=yes -o ControlMaster=no"));
        assert_eq!(told(&[], None, None), batch("ssh"));
        assert_eq!(told(&[], Some("ssh -i ~/.ssh/work"), None), batch("ssh -i ~/.ssh/work"));
        assert_eq!(
            told(&[("GIT_SSH_COMMAND", "ssh -i 'a key'")], Some("ssh -6"), None),
            batch("ssh -i 'a key'")
        );
        assert_eq!(told(&[("GIT_SSH", "/my tools/ssh")], None, None), batch("'/my tools/ssh'"));
        let plink = Some("C:/putty/plink.exe -batch".to_owned());
        assert_eq!(told(&[], Some("C:/putty/plink.exe"), None), plink);
        assert_eq!(told(&[("GIT_SSH", "wrap"), ("GIT_SSH_VARIANT", "ssh")], None, None), batch("wrap"));
        assert_eq!(told(&[], Some("wrap"), Some("ssh")), batch("wrap"));
        assert_eq!(told(&[("GIT_SSH_COMMAND", "wrap")], None, None), None, "it may know no options");
        assert_eq!(told(&[], Some("ssh"), Some("simple")), None);
        assert_eq!(told(&[("GIT_SSH_COMMAND", "'ssh")], None, None), None);
    }

    #[test]
    fn where_nobody_answers_nothing_is_asked_on_a_terminal_or_in_a_window() {
        let has = |argv: &[&str], name: &str, value: &str| {
            let more = unattended(&command(argv), &[]);
            more.contains(&(name.into(), value.into()))
        };
        for argv in [&["git", "ls-remote"][..], &["./proof.sh"]] {
            assert!(has(argv, "GIT_TERMINAL_PROMPT", "0") && has(argv, "GIT_ASKPASS", ""));
            assert!(has(argv, "SSH_ASKPASS_REQUIRE", "force") && has(argv, "SSH_ASKPASS", "false"));
        }
        assert!(has(&["git"], "GIT_OPTIONAL_LOCKS", "0"));
        assert!(!has(&["./proof.sh"], "GIT_OPTIONAL_LOCKS", "0"));
    }
}
