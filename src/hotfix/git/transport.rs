//! How the configuration says that a remote is reached.

use std::path::Path;

use git2::{Config, Repository};

/// What the user has git reach other machines with, in the repository that a directory is in:
/// `core.sshCommand`, and `ssh.variant`. Read, not run.
pub fn ssh(place: &Path) -> (Option<String>, Option<String>) {
    let ceilings: [&Path; 0] = [];
    let path = Repository::discover_path(place, ceilings).ok();
    let own = path.and_then(|path| Repository::open(path).ok()).and_then(|repo| repo.config().ok());
    let local = own.as_ref().and_then(|config| config.open_level(git2::ConfigLevel::Local).ok());
    // libgit2 does not look at the variable that names another file for the user's own.
    let named = std::env::var_os("GIT_CONFIG_GLOBAL").filter(|path| !path.is_empty());
    let named = named.and_then(|path| Config::open(Path::new(&path)).ok());
    let mut levels: Vec<Config> =
        [local, named, own].into_iter().flatten().filter_map(|mut config| config.snapshot().ok()).collect();
    let mut read = |name: &str| {
        let lines = levels.iter_mut().filter_map(|config| config.get_string(name).ok());
        lines.into_iter().find(|line| !line.trim().is_empty())
    };
    (read("core.sshcommand"), read("ssh.variant"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ssh_of_the_repository_is_told_and_not_run() {
        let dir = tempfile::tempdir().unwrap();
        let repo = Repository::init(dir.path()).unwrap();
        let mut config = repo.config().unwrap().open_level(git2::ConfigLevel::Local).unwrap();
        config.set_str("core.sshCommand", "ssh -i deploy_key").unwrap();
        let deeper = dir.path().join("src");
        std::fs::create_dir(&deeper).unwrap();
        assert_eq!(ssh(&deeper).0.as_deref(), Some("ssh -i deploy_key"));
    }
}
