//! The tags that versions go out as here, and which files hold the version of what was tagged.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use git2::{Error, Oid};

use super::Reader;
use super::history::Cut;
use super::look::MAX_TAG_WALK;
use super::versions::Files;
use crate::config::types::{Hotfix, VersionFile};
use crate::failure::Failure;
use crate::hotfix::version::series::{Series, highest, of_series, split, usual};
use crate::hotfix::version::{self, RECOGNISED, Version};
use crate::text::visible;

/// So many of the newest tags say what they look like.
const RECENT: usize = 10;
/// In so many of those a file has to have held the version once.
const ASKED: usize = 3;
/// Time for one walk through the history, where something depends on it.
pub(super) const WALK: Duration = Duration::from_secs(3);

/// The tags of versions here, and where the newest of them are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Line {
    /// Which belong together.
    pub(super) series: Series,
    /// The newest of the series, newest first: name and commit.
    recent: Vec<(String, Oid)>,
}

/// What a line was found for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asked {
    from: Oid,
    prefix: Option<String>,
    tags: BTreeMap<String, Oid>,
}

/// The files that hold the version, and those that do not though their names say so.
pub(super) struct Own {
    /// The configuration with the latter left out.
    pub(super) hotfix: Hotfix,
    /// What is left out, and why, a line each.
    pub(super) others: Vec<String>,
}

/// How versions went out so far.
#[derive(Debug, Clone)]
pub struct Released {
    /// Their tags.
    pub series: Series,
    /// The configuration, with files left out that do not hold the version.
    pub hotfix: Hotfix,
    /// Which are left out and why, a line each.
    pub others: Vec<String>,
}

/// What tags begin with where nothing says anything else.
fn usual_prefix() -> String {
    "v".to_owned()
}

impl Line {
    /// The commit of a tag of the series.
    pub(super) fn commit_of(&self, tag: &str) -> Option<Oid> {
        self.recent.iter().find(|(name, _)| name == tag).map(|(_, commit)| *commit)
    }
}

/// A tag, its version, and what each file held when it was set.
type Tagged<'a> = (&'a str, Version, BTreeMap<String, Vec<String>>);

impl Reader {
    /// How versions went out so far, as the branch in production has it at a commit.
    ///
    /// # Errors
    /// There is no such commit, or the repository cannot be read.
    pub fn released(&mut self, hotfix: &Hotfix, base: Option<&str>) -> Result<Released, Failure> {
        let line = base.map(Oid::from_str).transpose().and_then(|base| match base {
            Some(base) => self.line(hotfix, base, &BTreeMap::new(), WALK),
            None => Ok(self.no_line(hotfix)),
        });
        let line = line.map_err(|error| {
            Failure::new(
                "looking for the last tag",
                visible(error.message()),
                "`git fsck` checks the repository",
            )
        })?;
        let Own { hotfix, others } = self.own_files(hotfix, &line);
        Ok(Released { series: line.series, hotfix, others })
    }

    /// Names of all tags here that lead to a commit.
    pub fn tag_names(&mut self) -> Vec<String> {
        self.tags().into_iter().map(|(name, _)| name).collect()
    }

    /// All tags here that lead to a commit, each with that.
    pub fn tags(&mut self) -> Vec<(String, String)> {
        let tags = self.cache.tags.read(&self.repo);
        let tags = tags.inspect_err(|error| tracing::warn!(%error, "reading tags")).unwrap_or_default();
        tags.into_iter().map(|tag| (tag.name, tag.commit.to_string())).collect()
    }

    /// The tags of versions that a commit reaches; `there` are those that only the remote has.
    pub(super) fn line(
        &mut self,
        hotfix: &Hotfix,
        from: Oid,
        there: &BTreeMap<String, Oid>,
        within: Duration,
    ) -> Result<Line, Error> {
        let mut tags = there.clone();
        tags.extend(self.cache.tags.read(&self.repo)?.into_iter().map(|tag| (tag.name, tag.commit)));
        let asked = Asked { from, prefix: self.prefix(hotfix), tags };
        if let Some((known, line)) = &self.compared.line
            && *known == asked
        {
            return Ok(line.clone());
        }
        let line = self.find_line(&asked, Instant::now() + within)?;
        if !line.series.late {
            self.compared.line = Some((asked, line.clone()));
        }
        Ok(line)
    }

    /// The line of a branch without a commit.
    pub(super) fn no_line(&self, hotfix: &Hotfix) -> Line {
        Line::of(self.prefix(hotfix).unwrap_or_else(usual_prefix), None, Vec::new())
    }

    fn find_line(&mut self, asked: &Asked, until: Instant) -> Result<Line, Error> {
        let any = |tag: &str| split(tag).is_some();
        let late = |prefix: Option<&String>| {
            let prefix = prefix.cloned().unwrap_or_else(usual_prefix);
            Line { series: Series { prefix, late: true, ..Series::default() }, recent: Vec::new() }
        };
        let Some(prefix) = &asked.prefix else {
            let Some(recent) = self.newest(asked, RECENT, until, any)? else { return Ok(late(None)) };
            let names: Vec<&str> = recent.iter().map(|(name, _)| name.as_str()).collect();
            let (prefix, other) = usual(&names)
                .map_or_else(|| (usual_prefix(), None), |(prefix, other)| (prefix.to_owned(), other));
            let other = other.map(str::to_owned);
            return Ok(Line::of(prefix, other, recent));
        };
        let own = |tag: &str| of_series(tag, prefix).is_some();
        let Some(recent) = self.newest(asked, RECENT, until, own)? else { return Ok(late(Some(prefix))) };
        if !recent.is_empty() {
            return Ok(Line::of(prefix.clone(), None, recent));
        }
        let Some(other) = self.newest(asked, 1, until, any)? else { return Ok(late(Some(prefix))) };
        let other = other.into_iter().next().map(|(name, _)| name);
        Ok(Line::of(prefix.clone(), other, recent))
    }

    /// The newest of certain tags that a commit reaches, newest first; `None`: none was found in time.
    fn newest(
        &mut self,
        asked: &Asked,
        most: usize,
        until: Instant,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<Option<Vec<(String, Oid)>>, Error> {
        let mut at: BTreeMap<Oid, Vec<&String>> = BTreeMap::new();
        for (name, commit) in asked.tags.iter().filter(|(name, _)| wanted(name)) {
            at.entry(*commit).or_default().push(name);
        }
        let mut found = Vec::new();
        if at.is_empty() {
            return Ok(Some(found));
        }
        let walked = self.history.find(&self.repo, asked.from, MAX_TAG_WALK, until, |id| {
            found.extend(at.get(id).into_iter().flatten().map(|name| ((*name).clone(), *id)));
            found.len() >= most
        });
        match walked {
            Err(Cut::Late) if found.is_empty() => Ok(None),
            Err(Cut::Git(error)) => Err(error),
            // What was found in time is the newest of them.
            Ok(_) | Err(Cut::Late) => Ok(Some(found)),
        }
    }

    /// What tags are said to begin with: by the configuration, else by what `git flow` was told.
    pub(super) fn prefix(&self, hotfix: &Hotfix) -> Option<String> {
        let told = || {
            let config = self.repo.config().ok()?.snapshot().ok()?;
            let read = |name| config.get_string(name).ok();
            read("gitflow.branch.hotfix.tagprefix").or_else(|| read("gitflow.prefix.versiontag"))
        };
        hotfix.tag_prefix.clone().or_else(told)
    }

    /// Which files hold the version. One that did not hold it when the newest versions were tagged is
    /// about something else, unless somebody has named it.
    pub(super) fn own_files(&self, hotfix: &Hotfix, line: &Line) -> Own {
        let asked: Vec<Tagged<'_>> = line
            .recent
            .iter()
            .filter_map(|(name, commit)| {
                let tagged = line.series.version(name)?;
                Some((name.as_str(), tagged, self.sources_at(*commit, hotfix)))
            })
            .take(ASKED)
            .collect();
        let (mut own, mut others) = (hotfix.clone(), Vec::new());
        let is_told = |path: &str| hotfix.versions.iter().any(|file| file.path == path);
        for path in RECOGNISED.into_iter().filter(|path| !is_told(path)) {
            let held =
                || asked.iter().filter_map(|(name, tagged, held)| Some((name, tagged, held.get(path)?)));
            let is_it = |tagged: &Version, version: &String| {
                Version::parse(version)
                    .map_or_else(|| version::bare(version) == tagged.text(), |it| it == *tagged)
            };
            if held().any(|(_, tagged, versions)| versions.iter().any(|version| is_it(tagged, version))) {
                continue;
            }
            if let Some((name, _, versions)) = held().next() {
                let held = versions.first().map(String::as_str).unwrap_or_default();
                others.push(format!(
                    "{path} does not hold the version: it held {} when {} was tagged",
                    visible(held),
                    visible(name)
                ));
                own.versions.push(VersionFile {
                    path: path.to_owned(),
                    pattern: String::new(),
                    ignore: true,
                });
            }
        }
        Own { hotfix: own, others }
    }

    /// The versions of recognised files of a commit.
    fn sources_at(&self, commit: Oid, hotfix: &Hotfix) -> BTreeMap<String, Vec<String>> {
        let Ok(files) = Files::of(&self.repo, commit) else { return BTreeMap::new() };
        let held = version::sources(&files, &hotfix.versions).held.into_iter();
        held.map(|held| (held.target.path, held.versions)).collect()
    }
}

impl Line {
    fn of(prefix: String, other: Option<String>, mut recent: Vec<(String, Oid)>) -> Self {
        recent.retain(|(name, _)| of_series(name, &prefix).is_some());
        let last = highest(recent.iter().map(|(name, _)| name.as_str()), &prefix).map(str::to_owned);
        Self { series: Series { prefix, last, other, late: false }, recent }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hotfix::testing::TestRepo;

    fn line(repo: &TestRepo, hotfix: &Hotfix) -> Line {
        let mut reader = Reader::open(repo.root()).unwrap();
        let from = Oid::from_str(&repo.git(&["rev-parse", "HEAD"])).unwrap();
        reader.line(hotfix, from, &BTreeMap::new(), Duration::from_secs(60)).unwrap()
    }

    fn series(repo: &TestRepo, prefix: Option<&str>) -> Series {
        line(repo, &Hotfix { tag_prefix: prefix.map(str::to_owned), ..Hotfix::default() }).series
    }

    fn tagged(tags: &[&str]) -> TestRepo {
        let repo = TestRepo::empty();
        for tag in tags {
            repo.commit(tag);
            repo.git(&["tag", "-a", "-m", "x", tag]);
        }
        repo
    }

    #[test]
    fn tags_of_the_series_count_and_no_others() {
        let repo = tagged(&["api-v1.3.9", "api-v1.4.0", "v9.0.0"]);
        let found = series(&repo, Some("api-v"));
        assert_eq!((found.last.as_deref(), found.other), (Some("api-v1.4.0"), None));
        let found = series(&repo, Some("web-"));
        assert_eq!((found.last, found.other.as_deref()), (None, Some("v9.0.0")));
        let found = series(&repo, None);
        assert_eq!((found.prefix.as_str(), found.other.as_deref()), ("api-v", Some("v9.0.0")));
        // What is not reached says nothing, and of what is the highest counts.
        repo.git(&["switch", "-q", "-c", "old", "api-v1.3.9"]);
        assert_eq!(series(&repo, None).last.as_deref(), Some("api-v1.3.9"));
        repo.git(&["switch", "-q", "main"]);
        repo.commit("a fix of an old line");
        repo.git(&["tag", "api-v1.3.10"]);
        assert_eq!(series(&repo, Some("api-v")).last.as_deref(), Some("api-v1.4.0"));
    }

    #[test]
    fn what_git_flow_was_told_comes_after_the_configuration_and_before_the_tags() {
        let repo = tagged(&["v1.2.2", "v1.2.3"]);
        repo.git(&["config", "gitflow.prefix.versiontag", ""]);
        let found = series(&repo, None);
        assert_eq!((found.prefix.as_str(), found.other.as_deref()), ("", Some("v1.2.3")));
        assert_eq!(series(&repo, Some("v")).last.as_deref(), Some("v1.2.3"));
        repo.git(&["config", "gitflow.branch.hotfix.tagprefix", "v"]);
        assert_eq!(series(&repo, None).last.as_deref(), Some("v1.2.3"), "as git-flow-next has it");
        repo.git(&["config", "--unset", "gitflow.branch.hotfix.tagprefix"]);
        repo.git(&["config", "--unset", "gitflow.prefix.versiontag"]);
        assert_eq!(series(&repo, None).last.as_deref(), Some("v1.2.3"));
        assert_eq!(series(&TestRepo::new(), None).last.as_deref(), Some("v1.2.2"));
        let none = TestRepo::empty();
        none.commit("untagged");
        assert_eq!(series(&none, None), Series { prefix: "v".into(), ..Series::default() });
    }

    #[test]
    fn a_file_that_never_held_what_was_tagged_does_not_hold_the_version() {
        let repo = TestRepo::empty();
        repo.write("VERSION", "2.54.0\n");
        repo.write("Cargo.toml", "[package]\nname = \"core\"\nversion = \"0.1.0\"\n");
        repo.commit("first");
        repo.git(&["tag", "v2.54.0"]);
        // Forgotten once: it is the version all the same.
        repo.commit("second");
        repo.git(&["tag", "v2.55.0"]);
        repo.write("package.json", "{\"version\": \"7.0.0\"}");
        repo.commit("a file that is younger than the last tag");
        let reader = Reader::open(repo.root()).unwrap();
        let hotfix = Hotfix::default();
        let own = reader.own_files(&hotfix, &line(&repo, &hotfix));
        assert_eq!(
            own.others,
            ["Cargo.toml does not hold the version: it held 0.1.0 when v2.55.0 was tagged"]
        );
        let paths: Vec<&str> = own.hotfix.versions.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(paths, ["Cargo.toml"]);
        let named = VersionFile { path: "Cargo.toml".into(), pattern: String::new(), ignore: false };
        let hotfix = Hotfix { versions: vec![named], ..hotfix };
        assert!(reader.own_files(&hotfix, &line(&repo, &hotfix)).others.is_empty(), "somebody has named it");
    }
}
