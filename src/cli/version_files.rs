//! `flightdeck version-files`: puts a version into files, or looks whether it is there; the step of
//! the plan that raises the version. It is told every place and reads no configuration.

use super::End;
use super::context::Context;
use crate::conductor;
use crate::failure::{Failure, FailureKind, Result};
use crate::hotfix::version::{Place, Target};

/// Put a version into files, or look whether it is there; plans run this
///
/// Only the bytes of the version change. With --check it ends with 0 if every place holds the
/// version, with 1 if one does not, and with 6 where nobody can tell.
#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("what").required(true).args(["write", "check"])))]
pub(crate) struct Args {
    /// The version to put in place
    #[arg(long, value_name = "VERSION", requires = "from")]
    write: Option<String>,

    /// The version that is there now
    #[arg(long, value_name = "VERSION", requires = "write")]
    from: Option<String>,

    /// The version to look for
    #[arg(long, value_name = "VERSION")]
    check: Option<String>,

    /// Look in the commit that this reference leads to, not in the work tree
    #[arg(long, value_name = "REF", requires = "check")]
    at: Option<String>,

    /// A file that is known by its name: VERSION, Cargo.toml, package.json …
    #[arg(long, value_name = "PATH")]
    file: Vec<String>,

    /// A lock file, and whose entry in it is meant
    #[arg(long, num_args = 2, value_names = ["PATH", "NAME"], allow_hyphen_values = true)]
    entry: Vec<String>,

    /// A file, and the regular expression whose group is the version
    #[arg(long, num_args = 2, value_names = ["PATH", "REGEX"], allow_hyphen_values = true)]
    pattern: Vec<String>,
}

/// Carries the verb out.
pub(crate) fn run(args: &Args, cx: &Context) -> Result<End> {
    let targets = targets(args);
    if targets.is_empty() {
        let hint = "--file PATH, --entry PATH NAME, --pattern PATH REGEX";
        return Err(Failure::usage("looking for versions", "no file is named", hint));
    }
    let root = cx.root()?;
    if let Some(wanted) = &args.check {
        return match conductor::has_version(root, &targets, wanted, args.at.as_deref())? {
            Ok(()) => Ok(End::Done),
            Err(why) => {
                cx.out.tell(&why);
                Ok(End::Bad(FailureKind::Failed))
            }
        };
    }
    let (to, from) = (args.write.as_deref().unwrap_or_default(), args.from.as_deref().unwrap_or_default());
    let changed = conductor::put_version(root, &targets, from, to)?;
    for path in &changed {
        cx.out.line(&format!("{}: {from} → {to}", crate::text::visible(path)))?;
    }
    if changed.is_empty() {
        cx.out.line(&format!("every file holds {} already", crate::text::visible(to)))?;
    }
    Ok(End::Done)
}

fn targets(args: &Args) -> Vec<Target> {
    let own = args.file.iter().map(|path| Target { path: path.clone(), place: Place::Own });
    let pairs = |list: &[String], place: fn(String) -> Place| -> Vec<Target> {
        let pairs = list.chunks_exact(2).filter_map(|pair| <&[String; 2]>::try_from(pair).ok());
        pairs.map(|[path, word]| Target { path: path.clone(), place: place(word.clone()) }).collect()
    };
    own.chain(pairs(&args.entry, Place::Entry)).chain(pairs(&args.pattern, Place::Pattern)).collect()
}
