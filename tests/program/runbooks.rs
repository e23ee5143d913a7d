//! Runbooks: read and searched without running anything, and their commands planned as they were shown.

use super::conductor::Yard;

const CONFIG: &str = r#"
[[environments]]
name = "production"
deploy = ["./deploy.sh"]
protected = true
"#;

const POOL: &str = "\
---
probes: [db]
---
# The pool is exhausted

Look how many connections are in use:

```sh reaches=nothing
./pool.sh {ref}
```

Then drain a node:

```sh
./drain.sh 1
```

```sh
./pool.sh | sort
```
";

fn yard() -> Yard {
    let yard = Yard::new(CONFIG, "true");
    std::fs::create_dir(yard.file("runbooks")).unwrap();
    std::fs::write(yard.file("runbooks/pool.md"), POOL).unwrap();
    std::fs::write(yard.file("runbooks/node.md"), "# Roll a node out\n\nCall the hoster.\n").unwrap();
    std::os::unix::fs::symlink("/etc/hostname", yard.file("runbooks/outside.md")).unwrap();
    yard.script("pool.sh", "echo \"97 of 100 in use on $1\"; touch pool-was-asked");
    yard.script("drain.sh", "touch drained");
    yard
}

#[test]
fn they_are_listed_searched_and_shown_and_a_block_is_planned_as_it_was_shown() {
    let yard = yard();
    let list = yard.shell.flightdeck(&["runbook", "list"]).succeeded();
    assert!(list.stdout.contains("runbooks/pool.md  The pool is exhausted"), "{}", list.stdout);
    assert!(list.stderr.contains("outside.md: it leads out of the repository"), "{}", list.stderr);
    let found = yard.shell.flightdeck(&["runbook", "search", "hoster"]).succeeded();
    assert_eq!(found.stdout, "runbooks/node.md:3: Call the hoster.\n");
    let shown = yard.shell.flightdeck(&["runbook", "show", "runbooks/pool.md"]).succeeded();
    assert!(shown.stderr.contains("block 3 cannot be run: `|` needs a shell"), "{}", shown.stderr);

    let run =
        |words: &[&str]| yard.shell.flightdeck(&[&["runbook", "run", "runbooks/pool.md"], words].concat());
    let plan = run(&["1", "--dry-run"]).succeeded();
    assert!(plan.stdout.contains("./pool.sh main"), "{}", plan.stdout);
    run(&["1"]).ended_with(2).said("this runbook is not trusted: type its name to confirm");
    assert!(!yard.file("pool-was-asked").exists(), "nobody confirmed it");
    run(&["1", "--confirm", "pool"]).succeeded();
    assert!(yard.file("pool-was-asked").exists());
    // What does not say what it reaches is taken to reach production.
    run(&["2", "--confirm", "production"]).ended_with(3);
    assert!(!yard.file("drained").exists());
    run(&["3", "--confirm", "pool"]).ended_with(2);
    // Nor does it get past the gates of what it names by saying that it reaches nothing.
    let sly = POOL.replace("./pool.sh {ref}", "./drain.sh --env=production");
    std::fs::write(yard.file("runbooks/pool.md"), sly).unwrap();
    run(&["1", "--confirm", "pool"]).ended_with(2);
    run(&["1", "--confirm", "production"]).ended_with(3);
    assert!(!yard.file("drained").exists());
    yard.shell.flightdeck(&["note", "--kind", "problem", "pool.md names a node that is gone"]).succeeded();
    let agenda = yard.shell.flightdeck(&["review", "agenda"]).succeeded();
    assert!(
        agenda.stdout.contains("was used; revise it: pool.md names a node that is gone"),
        "{}",
        agenda.stdout
    );
}

#[test]
fn in_the_cockpit_a_key_lists_them_and_a_block_goes_to_a_preview() {
    let yard = yard();
    let terminal = yard.cockpit();
    terminal.press("B");
    terminal.wait_text("The pool is exhausted");
    terminal.press("/exhausted<enter>");
    terminal.wait_gone("Roll a node out");
    terminal.press("<enter>");
    terminal.wait_text("Look how many connections are in use");
    terminal.press("<tab>");
    terminal.wait_text("commands 1 of 3: reaches nothing, as the runbook says");
    terminal.press("<enter>");
    terminal.wait_text("./pool.sh main");
    assert!(!yard.file("pool-was-asked").exists(), "a preview runs nothing");
}
