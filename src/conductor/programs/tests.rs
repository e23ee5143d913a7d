//! What is frozen of the scripts that a plan names, and how a change of them is noticed.

use jiff::SignedDuration;

use super::*;
use crate::plan::{Action, Command, Purpose, Step, Subject};

struct Yard {
    dir: tempfile::TempDir,
}

impl Yard {
    fn new() -> Self {
        let yard = Self { dir: tempfile::tempdir().unwrap() };
        yard.git(&["init", "-q", "-b", "main"]);
        yard.write("deploy.sh", "#!/bin/sh\necho one\n", 0o755);
        yard.write("more.sh", "echo two\n", 0o644);
        yard.write("values.yaml", "replicas: 2\n", 0o644);
        yard.write("Makefile", "deploy:\n\ttrue\n", 0o644);
        yard.git(&["add", "."]);
        yard.git(&["commit", "-q", "-m", "one"]);
        yard.write("state.txt", "v1\n", 0o644);
        yard.write(".git/info/exclude", "build/\nignored.*\n", 0o644);
        yard.write("ignored.txt", "v1\n", 0o644);
        yard
    }

    fn root(&self) -> PathBuf {
        self.dir.path().canonicalize().unwrap()
    }

    fn git(&self, arguments: &[&str]) {
        let identity = ["-c", "user.name=M", "-c", "user.email=m@test.invalid"];
        let mut command = std::process::Command::new("git");
        let status = command.args(identity).args(arguments).current_dir(self.root()).status();
        assert!(status.unwrap().success(), "git {arguments:?}");
    }

    fn write(&self, name: &str, text: &str, mode: u32) {
        let path = self.root().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    fn reader(&self) -> Reader {
        Reader::open(&self.root()).unwrap()
    }

    fn plan(&self, line: &str, proof: &str) -> Plan {
        let command = |line: &str| Command {
            argv: shell_words::split(line).unwrap(),
            cwd: self.root().to_str().unwrap().to_owned(),
            env: Vec::new(),
            set: [].into(),
        };
        let action = Action::Command(command(line));
        let mut step = Step::new("deploy", action, SignedDuration::from_mins(1));
        step.proof = (!proof.is_empty()).then(|| crate::plan::Probe::command(command(proof), None));
        let mut plan = Plan::new("x", "x", Purpose::Deploy, "staging");
        plan.subject = Some(Subject {
            reference: "main".to_owned(),
            commit: self.reader().resolve("main").unwrap(),
            dirty: false,
        });
        plan.steps = vec![step];
        freeze(plan, &self.reader())
    }

    fn frozen(&self, line: &str, proof: &str) -> Vec<String> {
        let root = self.root();
        let plan = self.plan(line, proof);
        plan.programs.iter().map(|it| it.seen_from(root.to_str().unwrap()).to_owned()).collect()
    }
}

fn as_approved(plan: &Plan) -> Result<(), String> {
    Approved::of(plan).check(lines(plan))
}

#[test]
fn what_is_run_is_frozen_and_what_is_only_read_is_not() {
    let yard = Yard::new();
    for (line, proof, wanted) in [
        ("./deploy.sh prod", "", &["deploy.sh"][..]),
        ("sh more.sh", "", &["more.sh"]),
        ("env A=b timeout 9 bash more.sh", "", &["more.sh"]),
        ("nice ./deploy.sh", "", &["deploy.sh"]),
        ("sh -c './deploy.sh && sh more.sh'", "", &["deploy.sh", "more.sh"]),
        ("make deploy", "", &["Makefile"]),
        ("kubectl apply -f values.yaml", "", &["values.yaml"]),
        ("true", "./deploy.sh --which", &["deploy.sh"]),
        ("true", "sh more.sh", &["more.sh"]),
        // The state of the world, by which it is told whether the deploy is done.
        ("true", "cat state.txt", &[]),
        ("true", "cat values.yaml", &[]),
        ("cp state.txt /dev/null", "", &[]),
        ("git add deploy.sh", "", &[]),
        // In a text for a shell a word more is looked at; what is written or ignored is no program.
        ("sh -c 'cat state.txt | sh'", "", &["state.txt"]),
        ("sh -c 'cat ignored.txt | sh'", "", &[]),
        ("sh -c './deploy.sh > state.txt'", "", &["deploy.sh"]),
        ("sh -c './deploy.sh | tee state.txt'", "", &["deploy.sh"]),
        ("sh -c 'sh ignored.txt'", "", &["ignored.txt"]),
        ("true", "sh -c 'cat state.txt'", &[]),
        ("true", "sh -c 'cat more.sh | sh'", &["more.sh"]),
        ("./none.sh", "", &[]),
    ] {
        assert_eq!(yard.frozen(line, proof), wanted, "{line} {proof}");
    }
}

#[test]
fn a_file_that_changed_in_any_way_is_noticed() {
    type Change = fn(&Yard);
    let changes: [(&str, Change, &str); 6] = [
        ("content", |yard| yard.write("deploy.sh", "#!/bin/sh\necho two\n", 0o755), "changed since"),
        ("mode", |yard| yard.write("deploy.sh", "#!/bin/sh\necho one\n", 0o644), "got another mode"),
        ("gone", |yard| std::fs::remove_file(yard.root().join("deploy.sh")).unwrap(), "is gone"),
        (
            "a link to the same",
            |yard| {
                let root = yard.root();
                std::fs::rename(root.join("deploy.sh"), root.join("other.sh")).unwrap();
                std::os::unix::fs::symlink("other.sh", root.join("deploy.sh")).unwrap();
            },
            "leads elsewhere",
        ),
        (
            "a directory",
            |yard| {
                std::fs::remove_file(yard.root().join("deploy.sh")).unwrap();
                std::fs::create_dir(yard.root().join("deploy.sh")).unwrap();
            },
            "cannot be read",
        ),
        ("touched", |yard| yard.write("deploy.sh", "#!/bin/sh\necho one\n", 0o755), ""),
    ];
    for (name, change, wanted) in changes {
        let yard = Yard::new();
        let plan = yard.plan("./deploy.sh", "");
        assert_eq!(as_approved(&plan), Ok(()), "{name}");
        change(&yard);
        match as_approved(&plan) {
            Ok(()) => assert!(wanted.is_empty(), "{name} was not noticed"),
            Err(why) => {
                assert!(!wanted.is_empty() && why.starts_with("deploy.sh ") && why.contains(wanted), "{why}");
            }
        }
    }
}

/// What was absent when the plan was made, and is there when its step begins.
#[test]
fn a_file_that_appears_is_noticed_unless_git_ignored_it_before() {
    let dirs = |yard: &Yard| std::fs::create_dir_all(yard.root().join("build/x")).unwrap();
    for (line, appears, may) in [
        ("sh second.sh", "second.sh", false),
        ("sh second", "second", false),
        ("sh -c 'cat second | sh'", "second", false),
        ("sh -c 'for x in *.sh; do . ./$x; done'", "second.sh", false),
        ("make deploy", "GNUmakefile", false),
        ("make deploy", "makefile", false),
        ("make -C build", "build/Makefile", true),
        ("./build/deploy", "build/deploy", true),
        ("sh -c 'cd build/x && ./deploy'", "build/x/deploy", true),
        ("sh -c './build/app-$V'", "build/app-1", true),
        ("sh -c './deploy.sh -o report.txt > log'", "log", true),
        ("sh -c './deploy.sh -o ignored.out && sh more.sh'", "ignored.out", true),
        ("sh -c './deploy.sh -o report.txt'", "report.txt", true),
        ("sh -c './deploy.sh | tee log'", "log", true),
        ("true log", "log", true),
        ("true", "unnamed.sh", true),
    ] {
        let yard = Yard::new();
        let plan = yard.plan(line, "");
        assert_eq!(as_approved(&plan), Ok(()), "{line}");
        dirs(&yard);
        yard.write(appears, "echo second\n", 0o644);
        let now = as_approved(&plan);
        let new = format!("{appears} is new since the plan was approved: remove it, or make the plan again");
        assert_eq!(now, if may { Ok(()) } else { Err(new) }, "{line}");
        assert_eq!(changed(&plan), if may { vec![] } else { vec![appears.to_owned()] }, "{line}");
        // Who can write a file here can have it ignored as well.
        yard.write(".gitignore", "second*\n*akefile\n", 0o644);
        assert_eq!(as_approved(&plan).is_ok(), may, "{line}: ignored since");
        // A plan from before everything was looked for is held to what it knows.
        let older = Plan { searched: None, ..plan };
        assert_eq!(as_approved(&older), Ok(()), "{line}");
    }
}

#[test]
fn what_an_earlier_step_may_make_is_part_of_the_plan() {
    let yard = Yard::new();
    let plan = yard.plan("./build/deploy", "");
    assert_eq!(plan.to_come, [yard.root().join("build/deploy").to_str().unwrap()]);
    let said = crate::plan::words::details(&plan, &plan.steps[0]);
    let said: Vec<_> =
        said.iter().filter(|said| said.label == "script").map(|said| said.text.as_str()).collect();
    assert_eq!(said, ["build/deploy may be made by an earlier step: git ignores it"]);
    yard.write(".git/info/exclude", "", 0o644);
    let other = yard.plan("./build/deploy", "");
    assert!(other.to_come.is_empty());
    assert_ne!(plan.hash(), other.hash());
}

#[test]
fn what_cannot_be_looked_at_is_said() {
    let yard = Yard::new();
    File::create(yard.root().join("long.sh")).unwrap().set_len(LONGEST_ARGUMENT + 1).unwrap();
    let plan = yard.plan("nice long.sh", "");
    assert_eq!(plan.warnings, ["long.sh is too large to be looked at: a change to it goes unnoticed"]);
    assert_eq!(as_approved(&plan), Ok(()));
    let plan = yard.plan(&format!("sh -c '{}'", "./deploy.sh ".repeat(5000)), "");
    assert_eq!(plan.warnings, ["sh names more files than are looked at: changes to the rest go unnoticed"]);
    assert_eq!(as_approved(&plan), Ok(()));
    yard.write("deploy.sh", "#!/bin/sh\necho two\n", 0o755);
    assert!(as_approved(&plan).is_err());
}

/// `cd` goes where the link says, `..` to where it leads.
#[test]
fn what_lies_behind_a_link_to_a_directory_is_found() {
    let yard = Yard::new();
    std::fs::create_dir_all(yard.root().join("ops/eu")).unwrap();
    std::os::unix::fs::symlink("ops/eu", yard.root().join("eu")).unwrap();
    yard.write("ops/run.sh", "true\n", 0o755);
    assert_eq!(yard.frozen("sh -c 'cd eu && ../run.sh'", ""), ["ops/run.sh"]);
    assert_eq!(yard.frozen("eu/../run.sh", ""), ["ops/run.sh"]);
}

#[test]
fn a_link_is_followed() {
    let yard = Yard::new();
    std::os::unix::fs::symlink("deploy.sh", yard.root().join("current")).unwrap();
    let plan = yard.plan("./current", "");
    assert!(plan.programs[0].leads_to.as_ref().unwrap().ends_with("/deploy.sh"));
    yard.write("deploy.sh", "#!/bin/sh\necho two\n", 0o755);
    assert!(as_approved(&plan).unwrap_err().starts_with("current changed since the plan was approved"));
}

#[test]
fn what_is_not_what_the_commit_holds_is_said() {
    let yard = Yard::new();
    assert_eq!(yard.plan("./deploy.sh", "").warnings, [""; 0]);
    yard.write("deploy.sh", "#!/bin/sh\necho two\n", 0o755);
    assert_eq!(yard.plan("./deploy.sh", "").warnings, ["deploy.sh has uncommitted changes"]);
    yard.git(&["add", "."]);
    assert_eq!(yard.plan("./deploy.sh", "").warnings, ["deploy.sh has uncommitted changes"], "staged");
    yard.git(&["branch", "other"]);
    yard.git(&["commit", "-q", "-m", "two"]);
    assert_eq!(yard.plan("./deploy.sh", "").warnings, [""; 0]);
    yard.write("new.sh", "#!/bin/sh\n", 0o755);
    assert_eq!(yard.plan("./new.sh", "").warnings, ["new.sh is not committed"]);
    yard.write("more.sh", "echo two\n", 0o755);
    assert_eq!(yard.plan("sh more.sh", "").warnings, ["more.sh has uncommitted changes"], "its mode");
    // Another commit is deployed than the one that is checked out.
    yard.git(&["checkout", "-q", "-f", "other"]);
    let warnings = yard.plan("./deploy.sh", "").warnings;
    assert!(warnings[0].starts_with("deploy.sh is the one in the work tree, not the one in main ("));
}

#[test]
fn another_content_is_another_plan() {
    let yard = Yard::new();
    let before = yard.plan("./deploy.sh", "").hash();
    assert_eq!(before, yard.plan("./deploy.sh", "").hash());
    yard.write("deploy.sh", "#!/bin/sh\necho two\n", 0o755);
    assert_ne!(before, yard.plan("./deploy.sh", "").hash());
}
