//! Where a merge deploys: the commit that the code host makes of a pull request is known only then, and it is what the
//! pipeline has to be of.

use super::super::pipelines::host::{Ci, TOKEN as CI_TOKEN};
use super::Team;

/// The commit that the hub merges as.
const MERGED: &str = "77b0d13000000000000000000000000000000000";

#[test]
fn the_pipeline_of_a_squash_merge_is_found_by_the_commit_that_it_became() {
    let ci = Ci::new();
    let more = format!(
        "[[environments]]\nname = \"production\"\n[environments.pipeline]\nkind = \"github-actions\"\n\
         workflow = \"deploy.yml\"\non = \"push\"\nwithin = \"10s\"\ninterval = \"1s\"\ntoken = \"CI_TOKEN\"\n\
         api = \"{}/api/v3\"\n[[secrets]]\nname = \"CI_TOKEN\"\n",
        ci.service.url
    );
    let mut team = Team::with("github", &more);
    team.shell = team.shell.clone().with("CI_TOKEN", CI_TOKEN);
    team.finish().succeeded();
    team.hub.approve();
    let head = team.head();
    MERGED.clone_into(&mut ci.kept().head);
    ci.pushed();
    ci.set("completed", Some("success"));
    let merged = team.finish().succeeded();
    let all = team.shell.flightdeck(&["export", "--format", "jsonl"]).succeeded().stdout;
    let released = all.lines().find(|line| line.contains("\"kind\":\"released\"")).unwrap();
    assert!(released.contains(MERGED) && !released.contains(&head), "{released}");
    assert_eq!(team.hub.counts(), (1, 1));
    team.keeps_its_secret(&[&merged]);
}
