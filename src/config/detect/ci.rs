//! How the repository is tested where it is tested already: the commands of its CI workflows, of GitHub
//! and of GitLab.

use std::path::Path;

use serde_json::Value;

use super::{Recognised, plain, yaml};

/// Most workflows that are read, and most commands that are taken from all of them.
const MOST: (usize, usize) = (20, 4);

/// The workflow of GitLab.
pub(super) const GITLAB: &str = ".gitlab-ci.yml";

/// Programs that test, and that nobody would call to do something else. What follows may be anything.
const TESTS: [&[&str]; 22] = [
    &["cargo", "test"],
    &["cargo", "nextest"],
    &["npm", "test"],
    &["npm", "run", "test"],
    &["yarn", "test"],
    &["pnpm", "test"],
    &["bun", "test"],
    &["pytest"],
    &["python", "-m", "pytest"],
    &["python3", "-m", "pytest"],
    &["uv", "run", "pytest"],
    &["poetry", "run", "pytest"],
    &["tox"],
    &["nox"],
    &["go", "test"],
    &["make", "test"],
    &["make", "check"],
    &["mvn"],
    &["./mvnw"],
    &["gradle"],
    &["./gradlew"],
    &["bundle", "exec", "rspec"],
];

/// The commands that CI runs as tests, in order, each once.
pub(super) fn look(root: &Path) -> Vec<Recognised> {
    let mut found: Vec<Recognised> = Vec::new();
    for (from, line, job) in lines(root) {
        let Some(argv) = test(&line) else { continue };
        let is_known = found.iter().any(|known| known.argv == argv);
        if !is_known && found.len() < MOST.1 {
            let name = format!("ci-{job}");
            if plain(&name) && !found.iter().any(|known| known.name == name) {
                found.push(Recognised { name, argv, from });
            }
        }
    }
    found
}

/// What each workflow runs: the file, the line, and the name of the job.
fn lines(root: &Path) -> Vec<(String, String, String)> {
    let mut found = Vec::new();
    for (from, workflow) in workflows(root) {
        for (job, steps) in workflow["jobs"].as_object().into_iter().flatten() {
            let steps = steps["steps"].as_array().into_iter().flatten();
            // In another directory, or another shell, the same words do something else.
            let plain = steps.filter(|step| step["working-directory"].is_null() && step["shell"].is_null());
            let runs = plain.filter_map(|step| step["run"].as_str());
            let all = runs.flat_map(str::lines).map(|line| (from.clone(), line.to_owned(), job.clone()));
            found.extend(all);
        }
    }
    let gitlab = yaml(root, GITLAB);
    for (job, steps) in gitlab.as_ref().and_then(Value::as_object).into_iter().flatten() {
        let script = steps.get("script").and_then(Value::as_array).into_iter().flatten();
        let all = script.filter_map(Value::as_str).flat_map(str::lines);
        found.extend(all.map(|line| (GITLAB.to_owned(), line.to_owned(), job.clone())));
    }
    found
}

pub(super) fn workflows(root: &Path) -> Vec<(String, Value)> {
    const FOLDER: &str = ".github/workflows";
    let Ok(entries) = std::fs::read_dir(root.join(FOLDER)) else { return Vec::new() };
    let is_workflow =
        |name: &String| Path::new(name).extension().is_some_and(|end| end == "yml" || end == "yaml");
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| plain(name) && is_workflow(name))
        .collect();
    names.sort_unstable();
    names.truncate(MOST.0);
    let read = |name: String| Some((format!("{FOLDER}/{name}"), yaml(&root.join(FOLDER), &name)?));
    names.into_iter().filter_map(read).collect()
}

/// The words of a line that only tests, and needs neither a shell nor what CI puts in.
fn test(line: &str) -> Option<Vec<String>> {
    let line = line.trim();
    if line.contains(|c: char| "|&;<>$`*?(){}\\#".contains(c) || c.is_control()) {
        return None;
    }
    let words = shell_words::split(line).ok()?;
    let begins =
        |known: &&[&str]| words.len() >= known.len() && known.iter().zip(&words).all(|(a, b)| a == b);
    let known = TESTS.iter().find(|known| begins(known))?;
    // Maven and Gradle do all kinds of things: only those whose goal says so.
    let of_all_kinds = ["mvn", "./mvnw", "gradle", "./gradlew"].contains(known.first()?);
    let tests = || words.iter().any(|word| ["test", "verify", "check"].contains(&word.as_str()));
    (!of_all_kinds || tests()).then_some(words)
}

#[cfg(test)]
mod tests {
    use super::super::tests::repository;
    use super::*;

    fn found(file: &str, content: &str) -> Vec<String> {
        let dir = repository(&[(file, content)]);
        look(dir.path()).iter().map(|found| format!("{}: {}", found.name, found.argv.join(" "))).collect()
    }

    #[test]
    fn what_workflows_run_as_tests_is_found() {
        let github = "on: push\njobs:\n  lint:\n    steps:\n      - uses: actions/checkout@v4\n      - run: ruff check .\n  unit:\n    steps:\n      - run: |\n          pip install -e .\n          pytest -x tests\n      - name: more\n        run: pytest -x tests\n";
        assert_eq!(found(".github/workflows/ci.yml", github), ["ci-unit: pytest -x tests"]);
        let gitlab = "stages: [test]\nunit:\n  script:\n    - bundle install\n    - bundle exec rspec\n";
        assert_eq!(found(".gitlab-ci.yml", gitlab), ["ci-unit: bundle exec rspec"]);
        let maven = "jobs:\n  b:\n    steps:\n      - run: mvn -B package\n      - run: mvn -B verify\n";
        assert_eq!(found(".github/workflows/b.yaml", maven), ["ci-b: mvn -B verify"]);
    }

    #[test]
    fn what_needs_a_shell_another_place_or_what_ci_puts_in_is_left_alone() {
        for step in [
            "run: pytest | tee log",
            "run: cd api && go test ./...",
            "run: pytest --junit=${{ env.OUT }}",
            "run: pytest $ARGS",
            "run: ./release.sh",
            "{ run: pytest, working-directory: api }",
            "{ run: pytest, shell: pwsh }",
            "run: [pytest]",
        ] {
            let workflow = format!("jobs:\n  a:\n    steps:\n      - {step}\n");
            assert_eq!(found(".github/workflows/ci.yml", &workflow), [""; 0], "{step}");
        }
        for hostile in ["jobs: [", "jobs: {a: {steps: 3}}", "\"a\\e\": {script: [pytest]}"] {
            assert_eq!(found(".gitlab-ci.yml", hostile), [""; 0], "{hostile}");
            assert_eq!(found(".github/workflows/ci.yml", hostile), [""; 0], "{hostile}");
        }
        let dir = repository(&[]);
        let folder = dir.path().join(".github/workflows");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("ci.yml"), b"jobs: {a: {steps: [{run: pytest \xff}]}}").unwrap();
        assert_eq!(look(dir.path()), []);
    }
}
