//! The `flightdeck.toml` that `flightdeck init` writes: what was recognised is in force,
//! every other part is there as an example to take the `#` from.
//!
//! An explanation begins with `# `, an example with `#` alone: taking that `#` away from
//! all examples leaves a file that is right too.

use std::fmt::Write as _;

use super::detect::{Forge, Found, Health, Platform, Recognised, Script, VERSION, Workflow};
use crate::incident::Policy;
use crate::plan::gates::Gate;
use crate::text::visible;

/// Column at which remarks behind a value begin.
const REMARK: usize = 46;

/// Writes the file for what was found.
pub fn write(found: &Found) -> String {
    let mut draft = Draft(String::new());
    draft.head();
    draft.service(found);
    draft.hotfix(found);
    draft.checks(found);
    draft.environments(found);
    draft.probes(found);
    draft.actions();
    draft.channels();
    draft.secrets();
    draft.people();
    draft.checklist();
    draft.policy();
    draft.0
}

/// Tells whether it is known how it is deployed: what its arguments mean, and that it is told the version.
fn is_sure(found: &Found) -> bool {
    found.deploy.as_ref().is_some_and(|deploy| deploy.arguments.is_some() && deploy.takes_version())
}

struct Draft(String);

impl Draft {
    fn head(&mut self) {
        self.prose("What flightdeck knows about this service. Every part is optional.");
        self.prose("Nothing here runs before `flightdeck trust`; `flightdeck config check` checks it.");
    }

    fn service(&mut self, found: &Found) {
        self.section("service");
        match found.names.as_slice() {
            [] => self.entry(false, "name", &text("payments-api"), "shown in the header"),
            [named] => self.entry(true, "name", &text(&named.name), &format!("from {}", named.from)),
            [first, ..] => {
                let says = found.names.iter().map(|named| format!("{} says {}", named.from, named.name));
                let says: Vec<String> = says.collect();
                self.entry(false, "name", &text(&first.name), &says.join(", "));
            }
        }
    }

    fn hotfix(&mut self, found: &Found) {
        self.section("hotfix");
        let why = if found.flow.is_some() { found.flow_from.as_str() } else { "or git-flow, trunk" };
        let flow = found.flow.unwrap_or_default().name();
        self.entry(found.flow.is_some(), "flow", &text(flow), why);
        let base = found.base.as_deref();
        self.entry(base.is_some(), "base", &text(base.unwrap_or("main")), "the branch that is in production");
        self.names(found);
        self.versions(&found.hotfix.versions);
        self.pull(found.forge);
    }

    /// Names as they are here; as an example where they are the usual ones.
    fn names(&mut self, found: &Found) {
        let habits = &found.hotfix;
        for (key, name, usual, why) in [
            ("prefix", &habits.prefix, "hotfix/", "how hotfix branches begin"),
            ("tag_prefix", &habits.tag_prefix, "v", "what tags of versions begin with"),
            ("develop", &habits.develop, "develop", "in git flow: the branch of the next release"),
            ("release_prefix", &habits.release_prefix, "release/", "in git flow: open ones get the fix too"),
        ] {
            self.entry(name.is_some(), key, &text(name.as_deref().unwrap_or(usual)), why);
        }
        self.entry(false, "remote", &text("origin"), "where there are several");
    }

    fn versions(&mut self, recognised: &[String]) {
        self.blank();
        let there = if recognised.is_empty() {
            "VERSION, Cargo.toml, package.json and pyproject.toml".to_owned()
        } else {
            recognised.join(", ")
        };
        self.prose(&format!("`flightdeck hotfix bump` raises the version in {there}. Others:"));
        self.example("[[hotfix.versions]]");
        self.entry(false, "path", &text("src/version.h"), "ignore = true leaves a file alone");
        self.entry(false, "pattern", "'VERSION \"(.*)\"'", "its one group is the version");
    }

    fn pull(&mut self, forge: Option<Forge>) {
        self.blank();
        let (kind, place, token) = match forge {
            Some(Forge::GitLab) => ("gitlab", "https://git.example.com/api/v4", "GITLAB_TOKEN"),
            _ => ("github", "https://git.example.com/api/v3", "GITHUB_TOKEN, GH_TOKEN or gh auth token"),
        };
        self.prose(&format!("Pull requests. The token comes from {token}."));
        self.example("[hotfix.pull]");
        self.entry(false, "labels", &list(&["hotfix".to_owned()]), "");
        self.entry(false, "reviewers", &list(&["maya".to_owned()]), "who is asked to review it");
        self.entry(false, "forge", &text(kind), "where the remote's address does not tell");
        self.entry(false, "api", &text(place), "of a server of your own");
    }

    fn checks(&mut self, found: &Found) {
        self.title("Checks: `flightdeck test` runs them at the root of the repository. No shell.");
        let several = found.checks.len() > 1;
        for check in &found.checks {
            self.check(true, if several { &check.name } else { "tests" }, check);
        }
        if let Some(make) = &found.make_test {
            self.prose(&format!("{} in {} may run the same tests again.", make.argv.join(" "), make.from));
            self.check(false, "make", make);
        }
        if !found.make_more.is_empty() || !found.ci.is_empty() {
            self.prose("Every check delays a hotfix, so these are left out. Uncomment what has to pass.");
        }
        for make in &found.make_more {
            self.check(false, &make.argv.join("-"), make);
        }
        for ci in &found.ci {
            self.check(false, &ci.name, ci);
        }
        for (n, audit) in found.audits.iter().enumerate() {
            let name = if n == 0 { "audit".to_owned() } else { format!("audit-{}", n + 1) };
            self.check(false, &name, audit);
        }
        if let Some(file) = &found.dockerfile {
            let argv = ["docker", "build", "--quiet", "."].map(str::to_owned).to_vec();
            self.check(false, "image", &Recognised { name: String::new(), argv, from: file.clone() });
        }
        if found.checks.is_empty() && found.make_test.is_none() {
            let argv = vec!["./run-tests.sh".to_owned()];
            self.example("[[checks]]");
            self.entry(false, "name", &text("tests"), "");
            self.entry(false, "command", &list(&argv), "how this repository is tested");
            self.entry(false, "timeout", &text("15m"), "after that it is stopped");
        }
    }

    fn check(&mut self, active: bool, name: &str, check: &Recognised) {
        self.put(active, "[[checks]]");
        self.entry(active, "name", &text(name), "");
        self.entry(active, "command", &list(&check.argv), &format!("from {}", check.from));
        self.entry(false, "timeout", &text("15m"), "after that it is stopped");
        self.blank();
    }

    fn environments(&mut self, found: &Found) {
        if let (None, Some(workflow)) = (&found.deploy, &found.workflow) {
            return self.workflow(found, workflow);
        }
        self.title("Where the service runs, in the order a release goes through. In commands,");
        self.prose("{ref} is the branch or tag, {commit} its commit, {env} the name of the environment.");
        let usual = vec!["./deploy.sh".to_owned()];
        let mut example =
            Script { program: usual, arguments: None, reads_version: false, from: String::new() };
        if let (None, Some(platform)) = (&found.deploy, &found.platform) {
            let mut argv = platform.deploy();
            let program = argv.remove(0);
            example = Script {
                program: vec![program],
                arguments: Some(argv),
                reads_version: false,
                from: platform.from().to_owned(),
            };
        }
        let deploy = found.deploy.as_ref().unwrap_or(&example);
        let active = is_sure(found);
        if let (Some(script), false) = (&found.deploy, active) {
            let from = &script.from;
            if script.arguments.is_none() {
                self.prose(&format!("{from} does not say what its arguments mean: correct them."));
            } else {
                self.prose(&format!(
                    "Nothing tells {from} which version to deploy, so a rollback with it would"
                ));
                self.prose(&format!("be none. Make it take one, or read {}.", VERSION.join(" or ")));
            }
        }
        let told = deploy.clone().told();
        let deploy = if found.deploy.is_some() && !deploy.takes_version() { &told } else { deploy };
        let sample = found.platform.as_ref().map_or("script", Platform::sample);
        self.prose(&format!(
            "Whole files to copy: flightdeck init --sample {sample} --print; --help names them all."
        ));
        if deploy.takes_environment() {
            self.environment("staging", active, deploy, found);
        }
        self.environment("production", active, deploy, found);
        self.workflows(found);
        self.canary();
        self.rollback(found);
    }

    /// Where a workflow of CI deploys, it is started and followed.
    fn workflow(&mut self, found: &Found, workflow: &Workflow) {
        self.title("Where the service runs, in the order a release goes through.");
        if workflow.pushed {
            self.prose(&format!("{} deploys what is pushed; see docs/pipelines.md.", workflow.from));
        } else {
            self.prose(&format!(
                "{} deploys it; see docs/pipelines.md. {{ref}} is the branch or tag,",
                workflow.from
            ));
            self.prose("{commit} its commit, {env} the name of the environment.");
        }
        let active = workflow.is_sure();
        if !active {
            self.prose("Nothing tells what some of its inputs mean: fill them in.");
        }
        let names: &[&str] =
            if workflow.takes_environment() { &["staging", "production"] } else { &["production"] };
        for name in names {
            self.put(active, "[[environments]]");
            self.entry(active, "name", &text(name), "");
            if *name == "production" {
                self.entry(active, "protected", "true", "you type its name to confirm");
            }
            let smoke = found.smoke.as_ref();
            let argv = smoke.map_or_else(
                || vec!["./smoke.sh".to_owned(), "{env}".to_owned()],
                |smoke| smoke.argv(&["{env}"]),
            );
            let smoke_live = active && smoke.is_some_and(|smoke| smoke.arguments.is_some());
            self.entry(smoke_live, "smoke", &list(&argv), "tries it after a deploy");
            let proof = ["./deployed.sh".to_owned(), "{env}".to_owned()];
            self.entry(false, "proof", &list(&proof), "prints the commit that runs there");
            self.pipeline(active, workflow);
            self.entry(false, "timeout", &text("45m"), "after that it is cancelled");
            self.blank();
        }
        self.workflows(found);
        self.rollback(found);
    }

    fn pipeline(&mut self, active: bool, workflow: &Workflow) {
        self.put(active, "[environments.pipeline]");
        if workflow.gitlab {
            self.entry(active, "kind", &text("gitlab"), "");
        } else {
            self.entry(active, "kind", &text("github-actions"), "");
            self.entry(active, "workflow", &text(&workflow.file), "");
        }
        if workflow.pushed {
            self.entry(active, "on", &text("push"), "a push of the commit starts it");
        }
        if !workflow.inputs.is_empty() {
            let input = |(key, value): &(String, String)| format!("{} = {}", key_of(key), text(value));
            let inputs: Vec<String> = workflow.inputs.iter().map(input).collect();
            self.entry(active, "inputs", &format!("{{ {} }}", inputs.join(", ")), "");
        }
    }

    /// Workflows that may deploy as well: a person knows which does.
    fn workflows(&mut self, found: &Found) {
        for workflow in &found.workflows {
            self.prose(&format!("{} may deploy, too. The pipeline would be:", workflow.from));
            self.prose(&format!("  kind = \"github-actions\"; workflow = {}", text(&workflow.file)));
            for (key, value) in &workflow.inputs {
                self.prose(&format!("  input {} = {}", key_of(key), text(value)));
            }
        }
        if !found.workflows.is_empty() {
            self.blank();
        }
    }

    /// Only what deploys by a command of its own can be a canary too.
    fn canary(&mut self) {
        self.prose("A small share first. Blue-green is in the sample aws-target-groups.");
        self.example("[environments.canary]");
        self.entry(false, "weights", "[5, 25, 100]", "percent of the traffic, one after the other");
        let set = ["./share.sh".to_owned(), "{weight}".to_owned()];
        self.entry(false, "set", &list(&set), "sets a share");
        self.entry(false, "weight", &list(&["./share.sh".to_owned()]), "prints the share in force");
        self.entry(false, "look", &text("5m"), "how long each is looked at");
        self.blank();
    }

    fn rollback(&mut self, found: &Found) {
        self.prose("Another rollback option, besides the last good release and git revert.");
        self.example("[[environments.rollbacks]]");
        let kubernetes = matches!(found.platform, Some(Platform::Kubernetes(_) | Platform::Kustomize(_)));
        let (name, argv): (_, &[&str]) = if kubernetes {
            ("rollout-undo", &["kubectl", "--context", "{env}", "rollout", "undo", "deployment/payments"])
        } else {
            ("previous", &["./previous.sh", "{env}"])
        };
        let argv: Vec<String> = argv.iter().map(|&word| word.to_owned()).collect();
        self.entry(false, "name", &text(name), "");
        self.entry(false, "command", &list(&argv), "");
        self.blank();
    }

    fn environment(&mut self, name: &str, active: bool, deploy: &Script, found: &Found) {
        let smoke = found.smoke.as_ref();
        self.put(active, "[[environments]]");
        self.entry(active, "name", &text(name), "");
        let from = if deploy.from.is_empty() { String::new() } else { format!("from {}", deploy.from) };
        self.entry(active, "deploy", &list(&deploy.argv(&["{ref}", "{env}"])), &from);
        let smoke_live = active && smoke.is_some_and(|smoke| smoke.arguments.is_some());
        let argv = smoke.map_or_else(
            || vec!["./smoke.sh".to_owned(), "{env}".to_owned()],
            |smoke| smoke.argv(&["{env}"]),
        );
        self.entry(smoke_live, "smoke", &list(&argv), "tries it after a deploy");
        if name == "production" {
            self.entry(active, "protected", "true", "you type its name to confirm");
        }
        let proof = ["./deployed.sh".to_owned(), "{env}".to_owned()];
        self.entry(false, "proof", &list(&proof), "prints the commit that runs there");
        self.entry(false, "env", &list(&["DEPLOY_TOKEN".to_owned()]), "variables and secrets it may see");
        self.entry(false, "timeout", &text("30m"), "after that a deploy is stopped");
        if name == "production" {
            self.entry(false, "watch", &text("30m"), "so long where there are probes; 0s: not at all");
            let gates: Vec<String> = Gate::IDS.map(str::to_owned).to_vec();
            self.entry(false, "gates", &list(&gates), "");
            let (keeper, from) = match &found.gitops {
                Some((keeper, from)) => (*keeper, format!("from {from}: it undoes changes by hand")),
                None => ("argocd", "or flux: undoes changes made by hand".to_owned()),
            };
            self.entry(false, "gitops", &text(keeper), &from);
        }
        self.blank();
    }

    fn probes(&mut self, found: &Found) {
        self.title("Probes: asked again and again to know how the service is doing.");
        let watched = if is_sure(found) { "the environment it watches" } else { "one of those above" };
        let usual = "http://localhost:8080/health";
        let (url, remark) = match &found.health {
            None => (usual, "or command = [\"program\", \"argument\"]".to_owned()),
            Some(health) => {
                let Health { service, from, .. } = health;
                self.prose(&format!(
                    "This is where {from} has {service} on this machine: put in the host of production."
                ));
                let checked = format!("the health check of {service} in {from}");
                let port = format!("the port is from {from}, the path a guess");
                (health.url.as_str(), if health.is_checked { checked } else { port })
            }
        };
        self.example("[[probes]]");
        self.entry(false, "name", &text("health"), "");
        self.entry(false, "url", &text(url), &remark);
        self.entry(false, "environment", &text("production"), watched);
        self.entry(false, "interval", &text("10s"), "how often");
        let conditions = ["status == 200".to_owned(), "latency < 800ms".to_owned()];
        self.entry(false, "expect", &list(&conditions), "all of them have to hold");
        self.entry(false, "value", &text("latency"), "what is drawn; or body.some.number");
        self.entry(false, "unit", &text("ms"), "");
        self.entry(false, "warn", &text("> 500"), "");
        self.entry(false, "fail", &text("> 800"), "");
        self.entry(
            false,
            "covers",
            &list(&["performance".to_owned()]),
            "what of the extended watch it looks at",
        );
        self.blank();
        self.example("[[probes]]");
        self.entry(false, "name", &text("errors"), "");
        let usual = "http://localhost:9090";
        self.entry(false, "prometheus", &text(usual), "or what speaks its protocol, with its path");
        let query = "sum(rate(http_requests_total{code=~'5..'}[5m]))";
        self.entry(false, "query", &text(query), "it has to give one number");
        self.entry(false, "unit", &text("/s"), "");
        self.entry(false, "fail", &text("> 5"), "");
    }

    fn actions(&mut self) {
        self.title("Commands of your own, with a plan shown first: in the menu !, or on a key.");
        self.example("[[actions]]");
        self.entry(false, "name", &text("pool"), "flightdeck action pool");
        self.entry(false, "title", &text("Show the connections in use"), "");
        self.entry(false, "run", &list(&["./pool.sh".to_owned(), "{ref}".to_owned()]), "no shell");
        self.entry(false, "reaches", &text("nothing"), "an environment, or others");
        self.entry(false, "key", &text("L"), "");
        self.entry(false, "scope", &text("everywhere"), "or a pane: health, runs");
        self.blank();
    }

    fn channels(&mut self) {
        self.title("Where messages go: flightdeck writes them, and sends them once somebody has read them.");
        self.example("[[channels]]");
        self.entry(false, "name", &text("chat"), "");
        self.entry(false, "kind", &text("webhook"), "or slack, teams, smtp, pagerduty, command");
        self.entry(false, "audiences", &list(&["stakeholders".to_owned()]), "those of the policy");
        self.entry(false, "url", &text("https://chat.example/hooks/1"), "or secret = its name");
        self.blank();
    }

    fn secrets(&mut self) {
        self.title("Secrets by name: from a file, a command, or the variable of that name.");
        self.example("[[secrets]]");
        self.entry(false, "name", &text("DEPLOY_TOKEN"), "");
        self.entry(
            false,
            "file",
            &text("~/.config/deploy-token"),
            "or command = [\"pass\", \"show\", \"deploy\"]",
        );
        self.title("Nothing is deployed in between.");
        self.example("[[freezes]]");
        self.entry(false, "from", &text("2026-12-23T18:00:00Z"), "");
        self.entry(false, "until", &text("2027-01-04T06:00:00Z"), "");
        self.entry(false, "why", &text("year-end closing"), "");
    }

    fn people(&mut self) {
        self.title("Who may be needed. Names complete from here; how to reach them is shown.");
        self.example("[[people]]");
        self.entry(false, "name", &text("maya"), "as she signs what she writes");
        self.entry(false, "roles", "[\"on-call\"]", "commander, lead, on-call, ...");
        self.entry(false, "reach", &text("pager 12"), "");
    }

    fn checklist(&mut self) {
        self.title("The manual checklist, in place of the eight items that are built in.");
        self.example("[[checklist]]");
        self.entry(false, "id", &text("payments"), "");
        self.entry(false, "title", &text("payment processing"), "");
        self.entry(false, "hint", &text("pay with the test card and refund it"), "what exactly to try");
    }

    fn policy(&mut self) {
        self.title("How long production is watched on after its watch has passed; 0s: not at all.");
        self.example("[policy]");
        self.entry(false, "extended_watch", &text("24h"), "");
        self.title("The team's own times for a severity (P0, P1, P2), from the start of the incident.");
        self.example("[policy.P0]");
        self.entry(false, "fix_within", &text("2h"), "");
        self.entry(false, "update_every", &text("15m"), "");
        self.title("What has to be true before a hotfix is finished, by development model.");
        self.example("[policy.finish_gates]");
        for (flow, gates) in Policy::built_in().finish_gates {
            self.entry(false, flow.name(), &list(&gates), "");
        }
    }

    fn section(&mut self, name: &str) {
        self.blank();
        self.put(true, &format!("[{name}]"));
    }

    /// Begins a part with one line of explanation.
    fn title(&mut self, line: &str) {
        self.blank();
        self.prose(line);
    }

    fn prose(&mut self, line: &str) {
        self.put(true, &format!("# {}", visible(line)));
    }

    fn example(&mut self, line: &str) {
        self.put(false, line);
    }

    fn entry(&mut self, active: bool, key: &str, value: &str, remark: &str) {
        let line = format!("{key} = {value}");
        if remark.is_empty() {
            self.put(active, &line);
        } else {
            let width = REMARK - usize::from(!active);
            self.put(active, &format!("{line:<width$}  # {}", visible(remark)));
        }
    }

    fn put(&mut self, active: bool, line: &str) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.0, "{}{line}", if active { "" } else { "#" });
    }

    /// An empty line, unless there is one.
    fn blank(&mut self) {
        if !self.0.ends_with("\n\n") {
            self.0.push('\n');
        }
    }
}

/// A text as TOML, on one line. What could not be seen is written as an escape.
fn text(value: &str) -> String {
    let mut out = String::from("\"");
    for c in value.chars() {
        let mut buffer = [0; 4];
        let shown: &str = c.encode_utf8(&mut buffer);
        if matches!(c, '"' | '\\') {
            out.push('\\');
            out.push(c);
        } else if visible(shown) == shown {
            out.push(c);
        } else {
            // Writing to a string cannot fail.
            let _ = write!(out, "\\U{:08X}", u32::from(c));
        }
    }
    out.push('"');
    out
}

/// A list of texts as TOML, on one line.
/// A key of a table, in quotes where it needs them.
fn key_of(name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    if !name.is_empty() && name.chars().all(bare) { name.to_owned() } else { text(name) }
}

fn list(words: &[String]) -> String {
    let words: Vec<String> = words.iter().map(|word| text(word)).collect();
    format!("[{}]", words.join(", "))
}

#[cfg(test)]
mod tests;
