//! The line of what git prints that tells why it failed: neither the first nor the last, often.

/// Lines that say that it failed, and not why.
const HOLLOW: [&str; 6] = [
    "fatal: could not read from remote repository",
    "error: failed to push some refs",
    "fatal: the remote end hung up",
    "fatal: early eof",
    "please make sure you have the correct access rights",
    "and the repository exists",
];
/// What lines begin with that are no complaint.
const ASIDE: [&str; 5] = ["to ", "from ", "hint:", "warning:", "remote: warning"];

/// Finds in what git printed why it failed, in one line without `fatal:` and its like; `None`: it does not say.
pub fn why(said: &str) -> Option<String> {
    let lines = || said.lines().map(str::trim).filter(|line| says_something(line));
    if said.contains("REMOTE HOST IDENTIFICATION HAS CHANGED") {
        return Some("the host key has changed: ssh knows another one for this host".to_owned());
    }
    if let Some(rejected) = lines().find(|line| line.starts_with("! [")) {
        // `! [remote rejected] main -> main (pre-receive hook declined)`: what the host says besides says more.
        let reason = rejected.rsplit_once('(').map(|(_, reason)| reason.trim_end_matches(')'));
        let remote = lines().filter_map(|line| line.strip_prefix("remote:")).map(bare);
        let told = remote.filter(|line| says_something(line)).find(|line| !is_aside(line));
        return Some(match (told, reason) {
            (Some(told), Some(reason)) if rejected.starts_with("! [remote rejected]") => {
                format!("{told} ({reason})")
            }
            _ => rejected.to_owned(),
        });
    }
    if let Some(denied) = lines().find(|line| line.contains("Permission denied (")) {
        return Some(bare(denied).to_owned());
    }
    let is_complaint = |line: &&str| ["fatal: ", "error: "].iter().any(|begin| line.starts_with(begin));
    let complaint = lines().filter(|line| !is_hollow(line)).find(is_complaint);
    if let Some(line) = complaint {
        return Some(bare(line).to_owned());
    }
    // What ssh or the host says, where git itself only says that it heard nothing.
    lines().any(is_hollow).then(|| lines().find(|line| !is_hollow(line) && !is_aside(line)))?.map(|line| {
        let line = line.strip_prefix("remote:").unwrap_or(line);
        bare(line).to_owned()
    })
}

fn says_something(line: &str) -> bool {
    line.contains(char::is_alphanumeric)
}

fn is_hollow(line: &str) -> bool {
    let low = line.to_ascii_lowercase();
    HOLLOW.iter().any(|hollow| low.starts_with(hollow))
}

fn is_aside(line: &str) -> bool {
    let low = line.to_ascii_lowercase();
    ASIDE.iter().any(|aside| low.starts_with(aside))
}

/// A line without what it begins with that every complaint begins with.
fn bare(line: &str) -> &str {
    let line = line.trim();
    ["fatal: ", "error: ", "ERROR: "].iter().find_map(|begin| line.strip_prefix(begin)).unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_that_tells_why_is_found() {
        for (said, wanted) in [
            (
                "@@@@@@@@@@@\n@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\n@@@@@@@@@@@\n\
                 IT IS POSSIBLE THAT SOMEONE IS DOING SOMETHING NASTY!\nHost key verification failed.\n\
                 fatal: Could not read from remote repository.\n\nPlease make sure you have the correct access rights\n\
                 and the repository exists.\n",
                "the host key has changed: ssh knows another one for this host",
            ),
            (
                "Host key verification failed.\nfatal: Could not read from remote repository.\n",
                "Host key verification failed.",
            ),
            (
                "git@git.example.com: Permission denied (publickey).\nfatal: Could not read from remote repository.\n",
                "git@git.example.com: Permission denied (publickey).",
            ),
            (
                "ERROR: Repository not found.\nfatal: Could not read from remote repository.\n",
                "Repository not found.",
            ),
            (
                "ssh: connect to host git.example.com port 22: Connection refused\n\
                 fatal: Could not read from remote repository.\n",
                "ssh: connect to host git.example.com port 22: Connection refused",
            ),
            (
                "remote: Invalid username or password.\n\
                 fatal: Authentication failed for 'https://git.example.com/shop/api.git/'\n",
                "Authentication failed for 'https://git.example.com/shop/api.git/'",
            ),
            (
                "remote: \nremote: ========\nremote: error: GH006: Protected branch update failed for refs/heads/main.\n\
                 remote: error: 1 review is required.\nTo https://git.example.com/shop/api.git\n \
                 ! [remote rejected] main -> main (protected branch hook declined)\n\
                 error: failed to push some refs to 'https://git.example.com/shop/api.git'\n",
                "GH006: Protected branch update failed for refs/heads/main. (protected branch hook declined)",
            ),
            (
                "remote: only branches are taken here\nTo /srv/o.git\n ! [remote rejected] x -> refs/y (pre-receive hook declined)\n",
                "only branches are taken here (pre-receive hook declined)",
            ),
            (
                "To /srv/x.git\n ! [rejected]  main -> main (fetch first)\n\
                 error: failed to push some refs to '/srv/x.git'\nhint: Updates were rejected\n",
                "! [rejected]  main -> main (fetch first)",
            ),
            ("fatal: no such repository\nPlease make sure it is\n", "no such repository"),
            (
                "remote: fatal: pack exceeds maximum allowed size\nfatal: the remote end hung up unexpectedly\n",
                "pack exceeds maximum allowed size",
            ),
        ] {
            assert_eq!(why(said).as_deref(), Some(wanted));
        }
        for silent in ["", "compiling\n3 passed, 1 failed\n", "warning: redirecting\n"] {
            assert_eq!(why(silent), None, "{silent}");
        }
    }
}
