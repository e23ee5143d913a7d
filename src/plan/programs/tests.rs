//! How commands name files, in the spellings that people use.

use super::find::to_come;
use super::*;

const CWD: &str = "/r";

/// A work tree of these files.
struct Yard {
    files: Vec<String>,
    ignored: &'static [&'static str],
    places: Vec<String>,
    /// Git keeps all of it.
    kept: bool,
}

impl Yard {
    fn of(files: &[&str]) -> Self {
        let files = files.iter().map(|file| format!("/r/{file}")).collect();
        Self { files, ignored: &[], places: Vec::new(), kept: false }
    }
}

impl Tree for Yard {
    fn root(&self) -> Option<&str> {
        Some("/r")
    }

    fn is_directory(&self, path: &str) -> bool {
        path == "/r" || self.files.iter().any(|file| file.starts_with(&format!("{path}/")))
    }

    fn is_file(&self, path: &str) -> bool {
        self.files.iter().any(|file| file == path)
    }

    fn names(&self, directory: &str) -> (Vec<String>, bool) {
        let below = |file: &String| file.strip_prefix(&format!("{directory}/")).map(str::to_owned);
        let names = self.files.iter().filter_map(below);
        (names.map(|name| name.split('/').next().unwrap().to_owned()).collect(), true)
    }

    fn kept_below(&self, directory: &str, most: usize) -> Vec<String> {
        let below = |file: &&String| self.kept && file.starts_with(&format!("{directory}/"));
        self.files.iter().filter(below).take(most).cloned().collect()
    }

    fn places(&self) -> &[String] {
        &self.places
    }

    fn is_ignored(&self, path: &str) -> bool {
        self.ignored.iter().any(|ignored| path.starts_with(&format!("/r/{ignored}")))
    }
}

fn found(argv: &[&str], tree: &Yard) -> Vec<(String, How)> {
    let argv: Vec<String> = argv.iter().map(|&word| word.to_owned()).collect();
    let mut files = find(Line { argv: &argv, cwd: CWD, asks: false }, tree).files;
    for (path, _) in &mut files {
        *path = path.replace("/r/", "");
    }
    files.sort();
    files
}

fn words(line: &str) -> Vec<String> {
    shell_words::split(line).unwrap()
}

/// Every line names the files behind it, and no others of the yard.
fn name(yard: &Yard, table: &[(&[&str], &[&str])]) {
    for (argv, wanted) in table {
        let files: Vec<String> = found(argv, yard).into_iter().map(|(path, _)| path).collect();
        assert_eq!(files, *wanted, "{argv:?}");
    }
}

#[test]
fn a_program_is_found_however_it_is_named() {
    let yard =
        Yard::of(&["deploy.sh", "more.sh", "ops/deploy", "ops/deploy.sh", "tee", "x/none", "ops/deploy.py"]);
    for (line, wanted) in [
        ("./deploy.sh prod", "deploy.sh"),
        ("ops/deploy", "ops/deploy"),
        ("sh ops/deploy.sh prod", "ops/deploy.sh"),
        ("bash -eux ./deploy.sh", "deploy.sh"),
        ("/usr/bin/python3.12 -u ops/deploy.py", "ops/deploy.py"),
        ("python -m ops.deploy", "ops/deploy.py"),
        ("python -mops.deploy", "ops/deploy.py"),
        ("node ops/deploy", "ops/deploy"),
        ("env A=b bash deploy.sh", "deploy.sh"),
        ("sudo -u ops timeout 60 python ops/deploy.py", "ops/deploy.py"),
        ("sh -c 'cd x && ./deploy.sh prod; bash more.sh | ./tee'", "more.sh"),
        ("bash -lc \"sh -c 'ops/deploy'\"", "ops/deploy"),
        ("sh -c '. more.sh'", "more.sh"),
        ("dash -c 'source more.sh'", "more.sh"),
    ] {
        let argv = words(line);
        let argv: Vec<&str> = argv.iter().map(String::as_str).collect();
        assert!(
            found(&argv, &yard).contains(&(wanted.to_owned(), How::Runs)),
            "{line}: {:?}",
            found(&argv, &yard)
        );
    }
}

#[test]
fn what_an_interpreter_brings_in_by_name_is_found() {
    let yard = Yard::of(&[
        "deploy.py",
        "ops/__init__.py",
        "ops/roll.py",
        "ops/Roll.pm",
        "lib/Ops/Deploy.pm",
        "lib/roll.rb",
        "tools/hook.js",
        "notes",
    ]);
    let (py, roll): (&[&str], &[&str]) = (&["deploy.py"], &["ops/__init__.py", "ops/roll.py"]);
    name(
        &yard,
        &[
            (&["python3", "-m", "deploy"], py),
            (&["python3", "-Bum", "deploy", "notes"], &["deploy.py", "notes"]),
            (&["python3", "-c", "import deploy; deploy.main()"], py),
            (&["python3", "-c", "import os, deploy as it"], py),
            (&["python3", "-c", "from ops import roll"], roll),
            (&["python3", "-c", "import ops.roll"], roll),
            (&["sh", "-c", "python3 -c 'import deploy'"], py),
            (&["python3", "-c", "print('deploy')"], &[]),
            (&["python3", "-m", "ops.roll"], roll),
            (&["perl", "-Ilib", "-MOps::Deploy", "-e1"], &["lib/Ops/Deploy.pm"]),
            (&["perl", "-I", "lib", "-e", "use Ops::Deploy; Ops::Deploy::run()"], &["lib/Ops/Deploy.pm"]),
            (&["perl", "-Iops", "-wMRoll=all", "-e1"], &["ops/Roll.pm"]),
            (&["ruby", "-Ilib", "-rroll", "-e1"], &["lib/roll.rb"]),
            (&["ruby", "-e", "require './lib/roll'"], &["lib/roll.rb"]),
            (&["node", "--require", "./tools/hook", "-e", "1"], &["tools/hook.js"]),
            (&["node", "-e", "require('./tools/hook')"], &["tools/hook.js"]),
        ],
    );
}

/// One script at the root and one of the same name below, so that the wrong one would be seen.
#[test]
fn no_ordinary_spelling_hides_a_script() {
    let yard =
        Yard::of(&["deploy.sh", "other.sh", "ops/two.sh", "ops/deploy-prod.sh", "my files/a b.sh", "notes"]);
    let one: &[&str] = &["deploy.sh"];
    let two: &[&str] = &["ops/two.sh"];
    name(
        &yard,
        &[
            (&["sh", "-c", "./deploy.sh \"$(git rev-parse HEAD)\""], one),
            (&["bash", "-ceu", "./deploy.sh prod; echo done"], one),
            (&["bash", "-o", "pipefail", "-c", "./deploy.sh|cat"], one),
            (&["zsh", "-lc", "exec ./deploy.sh"], one),
            (&["fish", "--command=./deploy.sh"], one),
            (&["busybox", "sh", "-c", "./deploy.sh"], one),
            (&["sh", "-c", "./deploy.sh>out"], one),
            (&["sh", "-c", "out=`./deploy.sh`"], one),
            (&["sh", "-c", "out=$(./deploy.sh)&&echo \"$out\""], one),
            (&["sh", "-c", "cat <deploy.sh | sh"], one),
            (&["sh", "-c", "./deploy.sh 'a; \"b\"'"], one),
            (&["sh", "-c", "it's; ./deploy.sh"], one),
            (&["sh", "-c", "$PWD/deploy.sh"], one),
            (&["sh", "-c", "\"$PWD\"/deploy.sh"], one),
            (&["sh", "-c", "${PWD}/deploy.sh"], one),
            (&["sh", "-c", "${DEPLOY:-./deploy.sh} prod"], one),
            (&["sh", "-c", "\"$(git rev-parse --show-toplevel)/deploy.sh\""], one),
            (&["sh", "-c", "`pwd`/deploy.sh"], one),
            (&["sh", "-c", "~/src/r/deploy.sh"], one),
            (&["bash", "-c", "$'.\\x2fdeploy.sh' prod"], one),
            (&["bash", "-c", "./dep$'\\154\\u006fy'.sh"], one),
            (&["bash", "-c", "bash -c $'cd ops\\n./tw\\x6f.sh'"], two),
            (&["bash", "-c", "my\\ files/$'a\\x20b.sh'"], &["my files/a b.sh"]),
            (&["bash", "-c", "echo $'it\\'s'; ./deploy.sh"], one),
            (&["sh", "-c", "if true; then\n./deploy.sh\nfi"], one),
            (&["sh", "-c", "{ ./deploy.sh; }"], one),
            (&["sh", "-c", "(./deploy.sh)"], one),
            (&["sh", "-c", "./dep\"loy\".sh"], one),
            (&["sh", "-c", "\\./deploy.sh"], one),
            (&["sh", "-c", "sh -c \"sh -c \\\"./deploy.sh\\\"\""], one),
            (&["sh", "-c", "eval './deploy.sh prod'"], one),
            (&["sh", "-c", "trap ./deploy.sh EXIT"], one),
            (&["sh", "-c", "./deploy.*"], one),
            (&["sh", "-c", "for x in d*y.sh; do sh $x; done"], one),
            (&["xargs", "-a", "list", "./deploy.sh"], one),
            (&["timeout", "5", "nice", "-n", "5", "./deploy.sh"], one),
            (&["watch", "./deploy.sh prod"], one),
            (&["su", "ops", "-c", "./deploy.sh"], one),
            (&["git", "-c", "alias.x=!./deploy.sh", "x"], one),
            (&["git", "submodule", "foreach", "./deploy.sh"], one),
            (&["git", "-c", "core.pager=./deploy.sh", "log", "other.sh"], one),
            (&["git", "push", "--receive-pack=./deploy.sh", "x"], one),
            (&["git", "rebase", "--exec", "./deploy.sh", "x"], one),
            (&["run-parts", "--verbose", "ops"], &["ops/deploy-prod.sh", "ops/two.sh"]),
            (&["sh", "-c", "run-parts ./ops; cat notes"], &["notes", "ops/deploy-prod.sh", "ops/two.sh"]),
            (&["sh", "-c", "./dep\\\nloy.sh \\\n prod"], one),
            (&["x/../deploy.sh"], one),
            (&["sh", "-c", "cd ops && ./two.sh"], two),
            (&["sh", "-c", "cd ops\nsh two.sh"], two),
            (&["sh", "-c", "cd \"$PWD/ops\" && ./two.sh"], two),
            (&["sh", "-c", "D=ops; $D/two.sh"], two),
            (&["sh", "-c", "D=ops/; ${D}two.sh"], two),
            (&["sh", "-c", "PATH=./ops:$PATH two.sh"], two),
            (&["sh", "-c", "pushd ops; ./two.sh; popd"], two),
            (&["sh", "-c", "ops/$NAME.sh"], &["ops/deploy-prod.sh", "ops/two.sh"]),
            (&["sh", "-c", "for x in ops/*; do $x; done"], &["ops/deploy-prod.sh", "ops/two.sh"]),
            (&["sh", "-c", "ops/deploy-$ENV.sh"], &["ops/deploy-prod.sh"]),
            (&["sh", "-c", "ops/deploy-\"${ENV}\".sh"], &["ops/deploy-prod.sh"]),
            (&["sh", "-c", "ops/{two,three}"], &[]),
            (&["sh", "-c", "ops/{two,three}.sh"], &["ops/deploy-prod.sh", "ops/two.sh"]),
            (&["sh", "-c", "cd ops && ../other.sh"], &["other.sh"]),
            (&["sh", "-c", "'my files/a b.sh'"], &["my files/a b.sh"]),
            (&["sh", "-c", "my\\ files/a\\ b.sh"], &["my files/a b.sh"]),
            (&["my files/a b.sh"], &["my files/a b.sh"]),
            (&["env", "-C", "ops", "./two.sh"], two),
            (&["env", "--chdir=ops", "./two.sh"], two),
            (&["env", "-Cops", "./two.sh"], two),
            // Nothing of it is known, or it is not a name.
            (&["sh", "-c", "{ops,dev}/two.sh"], two),
            (&["sh", "-c", "if [ -n \"$X\" ] && [[ $Y == ? ]]; then { true; }; fi"], &[]),
            (&["curl", "-d", "{\"text\": [\"x\"], \"a\": {\"b\":\"c\"}}"], &[]),
            (&["sh", "-c", "$CMD"], &[]),
            (&["sh", "-c", "echo *"], &[]),
            (&["git", "add", "deploy.sh"], &[]),
            (&["flightdeck", "version-files", "--write", "1.2.4", "--file", "deploy.sh"], &[]),
            (&["true"], &[]),
        ],
    );
}

#[test]
fn a_script_elsewhere_counts_beside_the_one_at_the_root() {
    let yard = Yard::of(&["deploy.sh", "ops/deploy.sh", "ops/eu/deploy.sh"]);
    for argv in [&["sh", "-c", "cd ops && ./deploy.sh"][..], &["env", "-C", "ops", "./deploy.sh"]] {
        let files: Vec<String> = found(argv, &yard).into_iter().map(|(path, _)| path).collect();
        assert_eq!(files, ["deploy.sh", "ops/deploy.sh"], "{argv:?}");
    }
    let deep = found(&["sh", "-c", "cd ops && cd eu && ./deploy.sh"], &yard);
    assert_eq!(deep.len(), 3, "{deep:?}");
}

#[test]
fn what_reads_files_by_itself_reads_them_in_every_directory_that_is_named() {
    let yard = Yard::of(&[
        "Makefile",
        "package.json",
        "justfile",
        "ops/Makefile",
        "ops/package.json",
        "ops/Taskfile.yml",
    ]);
    let both: &[&str] = &["Makefile", "ops/Makefile"];
    let node: &[&str] = &["ops/package.json", "package.json"];
    name(
        &yard,
        &[
            (&["make", "deploy"], &["Makefile"]),
            (&["make", "-C", "ops", "deploy"], both),
            (&["make", "-Cops", "deploy"], both),
            (&["make", "-sCops", "deploy"], both),
            (&["make", "--directory=ops"], both),
            (&["make", "--directory", "ops"], both),
            (&["sh", "-c", "cd ops; make deploy"], both),
            (&["bash", "-c", "cd ops;make deploy"], both),
            (&["sudo", "-u", "x", "make", "-C", "./ops/", "deploy"], both),
            (&["env", "-C", "ops", "make"], both),
            (&["npm", "run", "deploy"], &["package.json"]),
            (&["npm", "--prefix", "ops", "run", "deploy"], node),
            (&["npm", "--prefix=ops", "run", "deploy"], node),
            (&["just", "-d", "ops", "deploy"], &["justfile"]),
            (&["task", "-d", "ops", "deploy"], &["ops/Taskfile.yml"]),
        ],
    );
    // Of several the first is read.
    let yard = Yard::of(&["Makefile", "GNUmakefile"]);
    assert_eq!(found(&["make"], &yard), [("GNUmakefile".to_owned(), How::ByItself)]);
}

#[test]
fn an_argument_may_be_one_too() {
    let yard = Yard::of(&["k8s/prod.yaml", "prod.yaml", "deploy.sh", "out", "in.txt"]);
    for (line, wanted, how) in [
        ("kubectl apply -f k8s/prod.yaml", "k8s/prod.yaml", How::Argument),
        ("kubectl apply -fk8s/prod.yaml", "k8s/prod.yaml", How::Argument),
        ("helm upgrade --values=prod.yaml shop", "prod.yaml", How::Argument),
        ("curl -d @prod.yaml https://x.invalid", "prod.yaml", How::Argument),
        ("nice ./deploy.sh", "deploy.sh", How::Argument),
        ("sh -c 'cat in.txt | sh'", "in.txt", How::Text),
        // Written, not run.
        ("sh -c 'true > out'", "out", How::Argument),
        ("sh -c 'true 2>&1 >>out'", "out", How::Argument),
        ("sh -c 'true | tee -a out'", "out", How::Argument),
        ("sh -c 'true >(cat out) | sh'", "out", How::Text),
        ("sh -c 'true | tee x; cat out | sh'", "out", How::Text),
        ("sh -c 'eval \"$(cat out)\"'", "out", How::Text),
        // Nothing there could run it.
        ("sh -c 'touch out; cat out'", "out", How::Argument),
    ] {
        let argv = words(line);
        let argv: Vec<&str> = argv.iter().map(String::as_str).collect();
        assert_eq!(found(&argv, &yard), [(wanted.to_owned(), how)], "{line}");
    }
}

#[test]
fn a_program_that_the_system_finds_in_the_work_tree_counts() {
    let yard = Yard { places: vec!["/r/bin".to_owned()], ..Yard::of(&["bin/deploy", "other/deploy"]) };
    for argv in [&["deploy", "prod"][..], &["nice", "deploy"], &["sh", "-c", "A=b deploy prod"]] {
        assert_eq!(found(argv, &yard).len(), 1, "{argv:?}");
        assert_eq!(found(argv, &yard)[0].0, "bin/deploy", "{argv:?}");
    }
}

#[test]
fn what_git_ignores_may_be_made_by_an_earlier_step() {
    let yard = Yard { ignored: &["target/", "plan.out", "server"], ..Yard::of(&["Makefile", "target/old"]) };
    for (argv, wanted) in [
        (&["./target/deploy"][..], &["target/deploy"][..]),
        (&["sh", "target/deploy.sh"], &["target/deploy.sh"]),
        (&["sh", "-c", "cd target && ./deploy"], &["target/deploy"]),
        (&["sh", "-c", "cd target/x && ./deploy"], &["target/x", "target/x/deploy"]),
        (&["sh", "-c", "./target/app-$VERSION/run prod"], &["target/app-*/run"]),
        (&["sh", "-c", "terraform apply plan.out"], &["plan.out"]),
        // There is one, and none may come before it.
        (&["make", "deploy"], &[]),
        (&["./target/old"], &[]),
        (&["./deploy.sh"], &[]),
        (&["true", "elsewhere"], &[]),
        (&["scp", "server", "host:/srv"], &["server"]),
    ] {
        let argv: Vec<String> = argv.iter().map(|&word| word.to_owned()).collect();
        let found = to_come(Line { argv: &argv, cwd: CWD, asks: false }, &yard);
        let mut found: Vec<String> = found.iter().map(|path| path.replace("/r/", "")).collect();
        found.sort();
        assert!(wanted.iter().all(|path| found.iter().any(|found| found == path)), "{argv:?}: {found:?}");
        assert!(!wanted.is_empty() || found.is_empty(), "{argv:?}: {found:?}");
    }
    let kept = ["/r/target/app-*/run".to_owned(), "/r/x".to_owned()];
    for (path, is_one) in
        [("/r/target/app-1.2/run", true), ("/r/target/app-1/x/run", false), ("/r/x", true), ("/r/y", false)]
    {
        assert_eq!(find::is_one_of(&kept, path), is_one, "{path}");
    }
}

/// However much there is, it takes no time, and what is left out is known to be.
#[test]
fn a_long_text_is_looked_at_in_part_and_that_is_said() {
    let yard = Yard::of(&["deploy.sh"]);
    let looked = |text: String| {
        let argv = ["sh".to_owned(), "-c".to_owned(), text];
        find(Line { argv: &argv, cwd: CWD, asks: false }, &yard)
    };
    assert!(looked("./deploy.sh ".repeat(500)).all);
    for text in ["a ".repeat(100_000), "${".repeat(100_000), "'a b\" ".repeat(20_000), "$(".repeat(100_000)] {
        let found = looked(format!("./deploy.sh {text}"));
        assert_eq!(found.files.len(), 1);
    }
    assert!(!looked("./deploy.sh ".repeat(5000)).all);
    let many: Vec<String> = (0..100).map(|n| format!("d{n}/x")).collect();
    let yard = Yard::of(&many.iter().map(String::as_str).collect::<Vec<_>>());
    let argv: Vec<String> = (0..100).map(|n| format!("d{n}")).collect();
    assert!(!find(Line { argv: &argv, cwd: CWD, asks: false }, &yard).all);
}

/// Of a plan on record it is known without looking which command names what.
#[test]
fn the_files_of_a_plan_are_told_by_their_names() {
    let program = |path: &str| Program {
        path: path.to_owned(),
        leads_to: None,
        sha256: String::new(),
        executable: true,
    };
    for (line, path) in [
        ("sh -c 'cd ops && ./deploy.sh'", "/r/ops/deploy.sh"),
        ("sh -c 'cd ops && ../deploy.sh'", "/r/deploy.sh"),
        ("sh -c './deploy-$ENV.sh'", "/r/deploy-prod.sh"),
        ("make -Cops", "/r/ops/GNUmakefile"),
        ("../r/deploy.sh", "/r/../r/deploy.sh"),
        ("deploy prod", "/r/bin/deploy"),
    ] {
        let programs = [program(path)];
        let argv = words(line);
        let line_of = Line { argv: &argv, cwd: CWD, asks: false };
        assert_eq!(named(&Frozen { programs: &programs, root: None }, line_of).len(), 1, "{line}");
        let others = [program("/r/elsewhere/else.sh")];
        assert!(named(&Frozen { programs: &others, root: None }, line_of).is_empty(), "{line}");
    }
}

#[test]
fn all_that_git_keeps_in_a_directory_that_is_named_counts() {
    let mut yard = Yard::of(&[
        "chart/templates/d.yaml",
        "cmd/main.go",
        "infra/main.tf",
        "k/kustomization.yaml",
        "pkg/__main__.py",
    ]);
    yard.kept = true;
    name(
        &yard,
        &[
            (&["python3", "pkg"], &["pkg/__main__.py"]),
            (&["go", "run", "./cmd"], &["cmd/main.go"]),
            (&["kubectl", "apply", "-f", "k/"], &["k/kustomization.yaml"]),
            (&["helm", "upgrade", "x", "./chart"], &["chart/templates/d.yaml"]),
            (&["terraform", "-chdir=infra", "apply"], &["infra/main.tf"]),
            (&["sh", "-c", "kubectl apply -k k"], &["k/kustomization.yaml"]),
            // Not all there is.
            (&["docker", "build", "."], &[]),
        ],
    );
    let many: Vec<String> = (0..600).map(|at| format!("big/{at}")).collect();
    let mut yard = Yard::of(&many.iter().map(String::as_str).collect::<Vec<_>>());
    yard.kept = true;
    let argv = ["rsync".to_owned(), "big".to_owned()];
    let found = find(Line { argv: &argv, cwd: CWD, asks: false }, &yard);
    assert_eq!((found.files.len(), found.all), (500, false), "the preview says so");
}

#[test]
fn what_programs_read_by_themselves_may_have_many_names() {
    let files = [
        ".kamal/hooks/pre-deploy",
        ".kamal/secrets",
        "Dockerfile",
        "config/database.yml",
        "config/deploy.production.yml",
        "config/deploy.yml",
        "main.tf",
        "prod.tfvars",
    ];
    name(
        &Yard::of(&files),
        &[
            (
                &["kamal", "deploy", "-d", "production"],
                &[
                    ".kamal/hooks/pre-deploy",
                    ".kamal/secrets",
                    "config/deploy.production.yml",
                    "config/deploy.yml",
                ],
            ),
            (&["docker", "build", "."], &["Dockerfile"]),
            (&["terraform", "apply"], &["main.tf", "prod.tfvars"]),
        ],
    );
}

#[test]
fn one_of_several_names_of_a_shell_is_any_of_them() {
    let yard = Yard::of(&["deploy.sh", "ops/deploy.sh", "ops/other.txt"]);
    for line in
        ["./ops/@(deploy).sh", "./ops/+(deploy|test).sh", "ops/!(x|(y)).sh", "(cd ops; ./?(deploy).sh)"]
    {
        let files = found(&["bash", "-O", "extglob", "-c", line], &yard);
        assert!(files.iter().any(|(path, _)| path == "ops/deploy.sh"), "{line}: {files:?}");
    }
    let files = found(&["bash", "-c", "ssh me@$(./deploy.sh)"], &yard);
    assert!(files.iter().any(|(path, _)| path == "deploy.sh"), "{files:?}");
}
