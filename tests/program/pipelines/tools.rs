//! Tools that deploy, by the scripts of `docs/pipelines` and a stand-in for their programs that answers as they document.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;

use super::super::conductor::Yard;
use super::super::world::wait_until;
use super::{Team, host};

/// A tool, and its words for how a run stands.
struct Tool {
    script: &'static str,
    going: &'static str,
    done: &'static str,
    /// The word once it was cancelled, and what that is here.
    cancelled: (&'static str, &'static str),
    /// What it prints; empty: nothing of its own.
    says: &'static str,
}

const SAYS: &str = "deployed by the tool";

struct Shop {
    team: Team,
    bin: PathBuf,
}

impl Shop {
    fn with(tool: &Tool) -> Self {
        Self::with_more(tool, "")
    }

    /// The same, with more of the configuration.
    fn with_more(tool: &Tool, more: &str) -> Self {
        let argv = |verb: &str, more: &str| format!("{verb} = [\"./pipeline.sh\", \"{verb}\", {more}]\n");
        let begin = if more.contains("on = \"push\"") {
            String::new()
        } else {
            argv("start", "\"{ref}\", \"{commit}\"")
        };
        let config = format!(
            "[[environments]]\nname = \"staging\"\n\
             env = [\"BUILDKITE_API_TOKEN\", \"JENKINS_USER\", \"JENKINS_TOKEN\", \"CIRCLE_TOKEN\", \"SPINNAKER_TOKEN\"]\n\
             [environments.pipeline]\nkind = \"command\"\ninterval = \"1s\"\n{begin}{}{}{}{more}",
            argv("status", "\"{id}\""),
            argv("logs", "\"{id}\""),
            argv("cancel", "\"{id}\"")
        );
        let mut yard = Yard::new(&config, "true");
        yard.script("pipeline.sh", tool.script.trim_start_matches("#!/bin/sh\n"));
        let bin = yard.world.path("tools");
        std::fs::create_dir(&bin).unwrap();
        std::fs::write(bin.join("tool"), include_str!("stand_in.sh")).unwrap();
        std::fs::set_permissions(bin.join("tool"), std::fs::Permissions::from_mode(0o755)).unwrap();
        for name in ["argocd", "aws", "curl", "kubectl"] {
            symlink("tool", bin.join(name)).unwrap();
        }
        let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
        let mut shell = yard.shell.clone().with("PATH", &path).with("JENKINS_USER", "maya");
        for token in ["BUILDKITE_API_TOKEN", "JENKINS_TOKEN", "CIRCLE_TOKEN", "SPINNAKER_TOKEN"] {
            shell = shell.with(token, "s3cret");
        }
        yard.shell = shell;
        let shop = Self { team: Team { ci: host::Ci::new(), yard }, bin };
        shop.put("when_cancelled", tool.cancelled.0);
        shop.put("state", "none");
        shop
    }

    fn put(&self, file: &str, text: &str) {
        std::fs::write(self.bin.join(file), text).unwrap();
    }

    fn lines(&self, file: &str) -> usize {
        std::fs::read_to_string(self.bin.join(file)).unwrap_or_default().lines().count()
    }

    /// Waits until the run of that number was started.
    fn started(&self, number: usize) {
        wait_until("the start", || (self.lines("starts") == number).then_some(()));
    }
}

fn works(tool: &Tool) {
    let shop = Shop::with(tool);
    let (team, shell) = (&shop.team, &shop.team.yard.shell);
    let mut verb = team.yard.begin(&["deploy", "staging"]);
    shop.started(1);
    shop.put("state", tool.going);
    team.wait_state("running");
    shop.put("state", tool.done);
    assert!(verb.wait("the deploy").success(), "{}", team.log());
    let head = shell.run("git", &["rev-parse", "HEAD"]).succeeded().stdout;
    assert_eq!(std::fs::read_to_string(shop.bin.join("commit")).unwrap(), head.trim());
    assert!(team.log().contains(tool.says), "{}", team.log());
    // And once more, to be stopped.
    let mut verb = team.yard.begin(&["deploy", "staging"]);
    shop.started(2);
    shop.put("state", tool.going);
    wait_until("the second run", || (team.states().last().unwrap() == "running").then_some(()));
    shell.flightdeck(&["run", "stop", "deploy-staging-2.0"]).succeeded();
    verb.wait("the deploy");
    assert_eq!((shop.lines("cancels"), team.states().last().unwrap().as_str()), (1, tool.cancelled.1));
    assert_eq!(team.records("released").len(), 1);
}

/// What a push has started is found by its commit, once it is there, and followed.
fn follows_a_push(tool: &Tool) {
    let shop = Shop::with_more(tool, "on = \"push\"\nwithin = \"60s\"\n");
    let (team, shell) = (&shop.team, &shop.team.yard.shell);
    shop.put("commit", "77b0d13000000000000000000000000000000000");
    shop.put("state", tool.done);
    let mut verb = team.yard.begin(&["deploy", "staging"]);
    wait_until("the search", || (shop.lines("calls") > 1).then_some(()));
    assert!(team.states().is_empty(), "another commit is none of ours");
    shop.put("state", tool.going);
    shop.put("commit", shell.run("git", &["rev-parse", "HEAD"]).succeeded().stdout.trim());
    team.wait_state("running");
    shop.put("state", tool.done);
    assert!(verb.wait("the deploy").success(), "{}", team.log());
    assert_eq!((shop.lines("starts"), team.records("released").len()), (0, 1));
}

const ARGO_CD: Tool = Tool {
    script: include_str!("../../../docs/pipelines/argo-cd.sh"),
    going: "Progressing",
    done: "Succeeded",
    cancelled: ("Failed", "failed"),
    says: SAYS,
};

#[test]
fn argo_cd_is_followed_by_its_script() {
    works(&ARGO_CD);
    follows_a_push(&ARGO_CD);
}

#[test]
fn argo_cd_goes_back_by_its_own_rollback() {
    let docs = include_str!("../../../docs/pipelines.md");
    let sample = docs.split("[[environments.rollbacks]]").nth(1).unwrap().split("```").next().unwrap();
    let more = format!("[[environments.rollbacks]]{}", sample.replace("./ops/", "./"));
    let shop = Shop::with_more(&ARGO_CD, &more);
    let (team, shell) = (&shop.team, &shop.team.yard.shell);
    let script = include_str!("../../../docs/pipelines/argocd-previous.sh");
    team.yard.script("argocd-previous.sh", script.trim_start_matches("#!/bin/sh\n"));
    let git = |arguments: &[&str]| shell.run("git", arguments).succeeded().stdout.trim().to_owned();
    let deploy = |number: usize| {
        let mut verb = team.yard.begin(&["deploy", "staging"]);
        shop.started(number);
        shop.put("state", "Succeeded");
        assert!(verb.wait("the deploy").success(), "{}", team.log());
    };
    deploy(1);
    let good = git(&["rev-parse", "HEAD"]);
    git(&["commit", "-q", "--allow-empty", "-m", "Break it"]);
    deploy(2);
    let ways = shell.flightdeck(&["rollback", "--env", "staging", "--list"]).succeeded().stdout;
    assert!(ways.contains("argocd") && ways.contains(good.get(..7).unwrap()), "{ways}");
    shell.flightdeck(&["rollback", "argocd", "--env", "staging", "--confirm", "staging"]).succeeded();
    assert_eq!(std::fs::read_to_string(shop.bin.join("commit")).unwrap(), good);
    let released = team.records("released").pop().unwrap();
    assert_eq!((released["commit"].as_str(), released["rollback"].as_bool()), (Some(&*good), Some(true)));
}

#[test]
fn buildkite_is_followed_by_its_script() {
    let tool = Tool {
        script: include_str!("../../../docs/pipelines/buildkite.sh"),
        going: "running",
        done: "passed",
        cancelled: ("canceled", "cancelled"),
        says: SAYS,
    };
    works(&tool);
    follows_a_push(&tool);
}

#[test]
fn jenkins_is_followed_by_its_script() {
    let tool = Tool {
        script: include_str!("../../../docs/pipelines/jenkins.sh"),
        going: "building",
        done: "SUCCESS",
        cancelled: ("ABORTED", "cancelled"),
        says: SAYS,
    };
    works(&tool);
    follows_a_push(&tool);
}

#[test]
fn circleci_is_followed_by_its_script() {
    let tool = Tool {
        script: include_str!("../../../docs/pipelines/circleci.sh"),
        going: "running",
        done: "success",
        cancelled: ("canceled", "cancelled"),
        says: SAYS,
    };
    works(&tool);
    follows_a_push(&tool);
}

#[test]
fn codedeploy_is_followed_by_its_script() {
    works(&Tool {
        script: include_str!("../../../docs/pipelines/codedeploy.sh"),
        going: "InProgress",
        done: "Succeeded",
        cancelled: ("Stopped", "cancelled"),
        says: SAYS,
    });
}

#[test]
fn spinnaker_is_followed_by_its_script() {
    works(&Tool {
        script: include_str!("../../../docs/pipelines/spinnaker.sh"),
        going: "RUNNING",
        done: "SUCCEEDED",
        cancelled: ("CANCELED", "cancelled"),
        says: SAYS,
    });
}

#[test]
fn a_rollout_of_kubernetes_is_followed_by_its_script() {
    let tool = Tool {
        script: include_str!("../../../docs/pipelines/rollout.sh"),
        going: "waiting",
        done: "done",
        cancelled: ("done", "cancelled"),
        says: "",
    };
    works(&tool);
    follows_a_push(&tool);
}
