//! What a repository is deployed with, as far as its files tell: Kamal, Kubernetes manifests, a
//! Dockerfile, and what keeps an environment as it is described elsewhere.

use std::path::Path;

use super::{plain, text};

/// Folders in which manifests are kept.
const FOLDERS: [&str; 13] = [
    "",
    "k8s",
    "kubernetes",
    "kube",
    "manifests",
    "deploy",
    "deployment",
    "base",
    "argocd",
    "argo",
    "flux",
    "clusters",
    "ops",
];
/// Most manifests that are read.
const MOST: usize = 60;

/// A tool that deploys, and the file it was recognised by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Platform {
    /// Kamal: containers on hosts, over ssh.
    Kamal(String),
    /// Manifests put together by kustomize, in this folder.
    Kustomize(String),
    /// Plain Kubernetes manifests, in this folder.
    Kubernetes(String),
}

impl Platform {
    /// The file or folder it was recognised by.
    pub fn from(&self) -> &str {
        let (Self::Kamal(from) | Self::Kustomize(from) | Self::Kubernetes(from)) = self;
        from
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Kamal(_) => "Kamal",
            Self::Kustomize(_) => "kustomize",
            Self::Kubernetes(_) => "Kubernetes",
        }
    }

    /// How it is deployed with usually, as an example.
    pub fn deploy(&self) -> Vec<String> {
        let words: &[&str] = match self {
            Self::Kamal(_) => &["kamal", "deploy", "--destination", "{env}", "--version", "{commit}"],
            Self::Kustomize(folder) => &["kubectl", "--context", "{env}", "apply", "--kustomize", folder],
            Self::Kubernetes(folder) => &["kubectl", "--context", "{env}", "apply", "--filename", folder],
        };
        words.iter().map(|&word| word.to_owned()).collect()
    }

    /// The sample that shows more of it.
    pub fn sample(&self) -> &'static str {
        match self {
            Self::Kamal(_) => "kamal",
            Self::Kustomize(_) | Self::Kubernetes(_) => "kubectl",
        }
    }
}

/// Tells what deploys, what would undo changes made by hand (`argocd`, `flux`) and the file that
/// says so.
pub(super) fn look(root: &Path) -> (Option<Platform>, Option<(&'static str, String)>) {
    let (mut kustomize, mut kubernetes, mut gitops) = (None, None, None);
    for (folder, name, content) in manifests(root) {
        let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
        let shown = if folder.is_empty() { "." } else { folder };
        let keeper = [("argocd", "argoproj.io/"), ("flux", "toolkit.fluxcd.io/")];
        let keeper = keeper.into_iter().find(|(_, group)| api(&content).any(|api| api.contains(group)));
        if let Some((keeper, _)) = keeper {
            gitops.get_or_insert((keeper, path));
        } else if name.starts_with("kustomization.") {
            kustomize.get_or_insert(Platform::Kustomize(shown.to_owned()));
        } else if api(&content).any(|api| api.starts_with("apps/")) {
            kubernetes.get_or_insert(Platform::Kubernetes(shown.to_owned()));
        }
    }
    (kamal(root).or(kustomize).or(kubernetes), gitops)
}

/// The Dockerfile at the root.
pub(super) fn dockerfile(root: &Path) -> Option<String> {
    ["Dockerfile", "Containerfile"].into_iter().find(|name| root.join(name).is_file()).map(str::to_owned)
}

/// `config/deploy.yml` belongs to several tools; Kamal's names a service and servers.
fn kamal(root: &Path) -> Option<Platform> {
    const FILE: &str = "config/deploy.yml";
    let content = text(root, FILE)?;
    let has = |key: &str| content.lines().any(|line| line.starts_with(key));
    (has("service:") && has("servers:")).then(|| Platform::Kamal(FILE.to_owned()))
}

/// What stands behind each `apiVersion:` at the beginning of a line.
fn api(content: &str) -> impl Iterator<Item = &str> {
    content
        .lines()
        .filter_map(|line| line.strip_prefix("apiVersion:"))
        .map(|api| api.trim().trim_matches(['"', '\'']))
}

/// YAML files in the usual folders: folder, name, content.
fn manifests(root: &Path) -> Vec<(&'static str, String, String)> {
    let mut found = Vec::new();
    for folder in FOLDERS {
        let Ok(entries) = std::fs::read_dir(root.join(folder)) else { continue };
        let mut names: Vec<String> = entries
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter(|name| plain(name))
            .filter(|name| Path::new(name).extension().is_some_and(|end| end == "yml" || end == "yaml"))
            .collect();
        names.sort_unstable();
        names.truncate(MOST.saturating_sub(found.len()));
        found.extend(names.into_iter().filter_map(|name| {
            let content = text(&root.join(folder), &name)?;
            Some((folder, name, content))
        }));
    }
    found
}
